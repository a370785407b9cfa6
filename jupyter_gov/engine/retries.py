"""What becomes of a failed attempt while tries are left: another attempt, or another execution."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import Fact, SetTimer
from jupyter_gov.domain.execution import Execution, Failure, Frame, TaskRun
from jupyter_gov.domain.ids import next_execution_id
from jupyter_gov.domain.states import State, begin
from jupyter_gov.engine import facts, retry
from jupyter_gov.engine.types import calls_flow
from jupyter_gov.engine.work import Work
from jupyter_gov.lang.models.flow import Retry, TaskDef

_NO_NEW_EXECUTION = frozenset({"errors", "after"})
"""Branches in which the execution has failed for good, or ended, already."""


def applies_to(task: TaskDef) -> bool:
    """Return whether a task can be tried again: it works, or it calls a flow."""
    return task.kind == "runnable" or calls_flow(task)


def policy_of(work: Work, run: TaskRun) -> Retry | None:
    """Return the retry policy of a task: its own, else the nearest flowable's, else the flow's."""
    task = work.task(run)
    if task.retry is not None:
        return task.retry
    parent_id = run.parent_id
    while parent_id is not None:
        parent = work.run(parent_id)
        policy = work.task(parent).retry
        if policy is not None:
            return policy
        parent_id = parent.parent_id
    return work.flow.retry


def try_again(work: Work, run: TaskRun, failure: Failure | None) -> bool:
    """Let a failed task run, or the whole flow, be tried again; return False if no try is left."""
    policy = policy_of(work, run)
    if policy is None:
        return False
    if policy.behavior == "CREATE_NEW_EXECUTION":
        return _in_new_execution(work, run, policy, failure)
    due = retry.next_attempt(policy, run, work.now)
    if due is None:
        return False
    run = work.advance(run, State.RETRYING, failure=failure)
    work.commands.append(SetTimer(f"{run.id}-retry", "retry", due, run.id, run.version))
    return True


def _in_new_execution(work: Work, run: TaskRun, policy: Retry, failure: Failure | None) -> bool:
    execution = work.execution
    due = retry.next_execution(policy, run.id, attempt_of(execution), _since(execution), work.now)
    if due is None or _stands_in(work, run, _NO_NEW_EXECUTION):
        return False
    frame = execution.frame
    work.set_frame(None, replace(frame, data={**frame.data, "again": due.isoformat()}))
    work.advance(run, State.RETRIED, failure=failure)
    work.agenda.append(("ended", run.id))
    return True


def _stands_in(work: Work, run: TaskRun, branches: frozenset[str]) -> bool:
    here: TaskRun | None = run
    while here is not None:
        if here.branch in branches:
            return True
        here = None if here.parent_id is None else work.run(here.parent_id)
    return False


def attempt_of(execution: Execution) -> int:
    """Return the number of an execution among those that try the same, from 1."""
    return int(execution.frame.data.get("attempt", 1))


def _since(execution: Execution) -> datetime:
    written = execution.frame.data.get("since")
    return execution.created if written is None else datetime.fromisoformat(written)


def due_of(execution: Execution) -> datetime | None:
    """Return when the execution that tries again shall begin, if there is to be one."""
    written = execution.frame.data.get("again")
    return None if written is None else datetime.fromisoformat(written)


def next_execution(old: Execution, now: datetime) -> tuple[Execution, tuple[Fact, ...]]:
    """Return the execution that tries again what ``old`` could not do, and the fact of its creation.

    It has the revision, inputs, labels and caller of the old one; ``original_id`` names the first of them all.
    """
    attempt, original = attempt_of(old) + 1, old.original_id or old.id
    execution = Execution(
        id=next_execution_id(old.id),
        namespace=old.namespace,
        flow_id=old.flow_id,
        flow_revision=old.flow_revision,
        flow_digest=old.flow_digest,
        history=begin(State.CREATED, now),
        run_as=old.run_as,
        starter=old.starter,
        inputs=old.inputs,
        labels=old.labels,
        trigger=old.trigger,
        parent_id=old.parent_id,
        parent_task_run_id=old.parent_task_run_id,
        original_id=original,
        workdir=old.workdir,
        frame=Frame(data={"attempt": attempt, "since": _since(old).isoformat()}),
    )
    body = {
        "flow": {
            "namespace": old.namespace,
            "id": old.flow_id,
            "revision": old.flow_revision,
            "digest": old.flow_digest,
        },
        "inputs": digest(old.inputs),
        "runAs": old.run_as,
        "parent": old.parent_id,
        "original": original,
        "retryOf": old.id,
        "attempt": attempt,
        "changes": facts.changes(execution),
    }
    return execution, (Fact("execution.created", execution.id, "system", "os", body),)
