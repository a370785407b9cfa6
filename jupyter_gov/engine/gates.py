"""Gates as the engine sees them: opened by a flowable, left by a decision, a timer or the end of the execution.

Who may decide, and whether enough people did, is the service's business; a gate leaves OPEN exactly once, by the
store's compare-and-set, and only then an ``ApprovalDecided`` arrives here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from jupyter_gov.domain.approval import Approval, ApprovalStatus
from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import ClearTimers, CloseApproval, SetTimer
from jupyter_gov.domain.events import ApprovalDecided
from jupyter_gov.domain.execution import Failure, TaskRun
from jupyter_gov.domain.ids import approval_id
from jupyter_gov.domain.states import State
from jupyter_gov.engine import children
from jupyter_gov.engine.flowables.base import Gate
from jupyter_gov.engine.flowables.pause import Pause
from jupyter_gov.engine.scope import RunScope
from jupyter_gov.engine.subject import artefacts_in, subject_digest, subject_of
from jupyter_gov.engine.work import Work, failure_of
from jupyter_gov.errors import GovError

_BY_BEHAVIOR = {"RESUME": State.SUCCESS, "WARN": State.WARNING, "FAIL": State.FAILED, "CANCEL": State.CANCELLED}


def open_gate(work: Work, run: TaskRun, gate: Gate) -> None:
    """Pause the task run and open its approval.

    The texts that people see are stored, and the digest is taken over them: they hold no secret from here on.
    """
    gate = replace(gate, title=work.hide(gate.title), description=work.hide(gate.description))
    run = work.advance(run, State.PAUSED)
    opening = sum(1 for moment in run.history.moments if moment.state is State.PAUSED)
    subject = subject_of(work.execution, run, gate)
    deadline = None if gate.deadline is None else work.now + gate.deadline
    approval = Approval(
        id=approval_id(run.id, opening),
        execution_id=work.execution.id,
        task_run_id=run.id,
        task_id=run.task_id,
        namespace=work.execution.namespace,
        flow_id=work.execution.flow_id,
        status=ApprovalStatus.OPEN,
        opened_at=work.now,
        subject=subject,
        subject_digest=subject_digest(subject),
        title=gate.title,
        description=gate.description,
        form=gate.form,
        artefacts=artefacts_in(gate.description),
        assignment=gate.assignment,
        deadline=deadline,
        behavior=gate.behavior,
    )
    work.approvals.append(approval)
    frame = run.frame
    if frame is not None:
        data = {**frame.data, "approval": approval.id, "behavior": gate.behavior}
        run = work.put(replace(run, frame=replace(frame, data=data)))
    if deadline is not None:
        work.commands.append(SetTimer(f"{run.id}-pause", "pause", deadline, run.id, run.version))


def decided(work: Work, event: ApprovalDecided) -> None:
    """Let the flow go on, or fail, as people decided."""
    run = work.execution.task_runs.get(event.task_run_id)
    if run is None or run.state is not State.PAUSED or _approval_of(run) != event.approval_id:
        return
    work.commands.append(ClearTimers(run.id))
    approved = event.status == ApprovalStatus.APPROVED
    to = State.RUNNING if approved else State.FAILED
    outputs = _outputs(event.inputs, event.by, event.on, to)
    if approved:
        go_on(work, run, outputs)
        return
    reason = f": {event.reason}" if event.reason else ""
    failure = Failure("GOV420", f"rejected by {event.by}{reason}")
    children.end(work, run, State.FAILED, failure=failure, outputs=outputs, outputs_digest=digest(outputs))


def deadline_reached(work: Work, run: TaskRun) -> None:
    """Do what the gate's ``behavior`` says."""
    behavior = run.frame.data.get("behavior", "FAIL") if run.frame else "FAIL"
    state = _BY_BEHAVIOR[behavior]
    _close(work, run, ApprovalStatus.EXPIRED, "timer", required=True)
    outputs = _outputs({}, "timer", _text(work.now), state)
    if state is State.SUCCESS:
        go_on(work, run, outputs)
        return
    failure = None
    if state in {State.FAILED, State.CANCELLED}:
        failure = Failure("GOV421", f"nobody decided {run.task_id!r} before its deadline")
    fields = {"outputs": outputs, "outputs_digest": digest(outputs)}
    if state is State.CANCELLED:
        work.advance(run, State.CANCELLED, failure=failure, **fields)
        children.cancel(work)
        return
    children.end(work, run, state, failure=failure, **fields)


def go_on(work: Work, run: TaskRun, outputs: Mapping[str, Any]) -> None:
    """Run what the old ``tasks`` property holds, or end the gate with SUCCESS."""
    run = work.advance(run, State.RUNNING, outputs=outputs, outputs_digest=digest(outputs))
    try:
        plan = Pause.resumed(RunScope(work, run.id))
    except GovError as error:
        children.end(work, run, State.FAILED, failure=failure_of(error))
        return
    if plan.children:
        children.start_children(work, run.id, plan.children)
    else:
        children.end(work, run, State.SUCCESS)


def withdraw(work: Work, run: TaskRun) -> None:
    """Close the gate of a task run that will not go on."""
    _close(work, run, ApprovalStatus.WITHDRAWN, "system", required=False)


def _close(work: Work, run: TaskRun, status: ApprovalStatus, by: str, *, required: bool) -> None:
    approval = _approval_of(run)
    if approval is not None:
        work.commands.append(CloseApproval(approval, status, by, required))


def _approval_of(run: TaskRun) -> str | None:
    return run.frame.data.get("approval") if run.frame else None


def _outputs(inputs: Mapping[str, Any], by: str, on: str, to: State) -> dict[str, Any]:
    return {"onResume": dict(inputs), "resumed": {"by": by, "on": on, "to": str(to)}}


def _text(moment: datetime) -> str:
    return moment.isoformat()
