"""Calls of other flows as the engine sees them: asked for, started, ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import StartSubflow
from jupyter_gov.domain.events import SubflowEnded, SubflowStarted
from jupyter_gov.domain.execution import Attempt, Execution, Failure, TaskRun
from jupyter_gov.domain.ids import child_execution_id
from jupyter_gov.domain.states import State, begin
from jupyter_gov.engine import batches, children, retries
from jupyter_gov.engine.flowables.base import Call
from jupyter_gov.engine.work import Work
from jupyter_gov.lang.models.flow import Flow


def ask(work: Work, run: TaskRun, call: Call) -> None:
    """Ask the runtime to create the called execution; one attempt is recorded."""
    number = len(run.attempts) + 1
    attempt = Attempt(number, begin(State.RUNNING, work.now), worker=work.worker)
    frame = run.frame
    if frame is not None:
        frame = replace(frame, data={**frame.data, "wait": call.wait})
    run = work.put(replace(run, attempts=(*run.attempts, attempt), frame=frame))
    work.commands.append(
        StartSubflow(
            task_run_id=run.id,
            child_id=child_execution_id(run.id, number),
            namespace=call.namespace,
            flow_id=call.flow_id,
            revision=call.revision,
            inputs=call.inputs,
            labels=call.labels,
            wait=call.wait,
            due=call.due,
        )
    )


def started(work: Work, event: SubflowStarted) -> None:
    """Remember the called execution; without ``wait`` the task ends at once."""
    run = work.execution.task_runs.get(event.task_run_id)
    if run is not None and event.iteration is not None:
        batches.started(work, run, event)
        return
    if run is None or run.state is not State.RUNNING:
        return
    if event.child_id is None:
        failure = event.failure or Failure("GOV370", "the called flow could not be started")
        end(work, run, State.FAILED, failure)
        return
    run = _with_outputs(work, run, {"executionId": event.child_id})
    if run.frame is not None and not run.frame.data.get("wait", True):
        end(work, run, State.SUCCESS, None)


def ended(work: Work, event: SubflowEnded) -> None:
    """Take over the called execution's state and outputs."""
    run = work.execution.task_runs.get(event.task_run_id)
    if run is not None and event.iteration is not None:
        batches.ended(work, run, event)
        return
    if run is None or run.state is not State.RUNNING:
        return
    if event.failure is not None:
        end(work, run, State.FAILED, event.failure)
        return
    outputs: dict[str, object] = {
        "executionId": event.child_id,
        "state": str(event.state),
        "outputs": dict(event.outputs or {}),
    }
    run = _with_outputs(work, run, outputs)
    transmit = work.task(run).props.get("transmitFailed", True)
    state = event.state if transmit and event.state is not State.SUCCESS else State.SUCCESS
    failure = None
    if state in {State.FAILED, State.KILLED, State.CANCELLED}:
        failure = Failure("GOV371", f"the called execution {event.child_id} ended {event.state}")
        state = State.FAILED if state is State.CANCELLED else state
    end(work, run, state, failure)


def asked_for(flow: Flow, execution: Execution, event: SubflowEnded) -> Mapping[str, object]:
    """Return the older ``outputs`` map of a call that still waits: expressions over the ended execution."""
    run = execution.task_runs.get(event.task_run_id)
    if run is None or run.state is not State.RUNNING:
        return {}
    asked = flow.index[run.task_id].props.get("outputs")
    return asked if isinstance(asked, Mapping) else {}


def _with_outputs(work: Work, run: TaskRun, outputs: dict[str, object]) -> TaskRun:
    return work.put(replace(run, outputs=outputs, outputs_digest=digest(outputs)))


def end(work: Work, run: TaskRun, state: State, failure: Failure | None) -> None:
    """End the task run of a call, unless it is tried again."""
    if failure is not None:
        children.told(work, run.id, failure)
    run = work.put(replace(run, attempts=children.close_attempt(work, run, state, failure)))
    if state is not State.FAILED or not retries.try_again(work, run, failure):
        children.end_flowable(work, run, state, failure)
