"""The end of a step: the state that an execution has now, and everything that its end means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from jupyter_gov.domain.commands import ClearTimers, FreeSlot, Notify, SetTimer, StartAgain
from jupyter_gov.domain.events import SubflowEnded, SubflowStarted
from jupyter_gov.domain.execution import Failure
from jupyter_gov.domain.states import State
from jupyter_gov.engine import children, early, hold, kill, retries
from jupyter_gov.engine.flowables.base import next_enabled
from jupyter_gov.engine.outputs import resolve_outputs
from jupyter_gov.engine.work import Work, failure_of
from jupyter_gov.errors import GovError

WATCH = timedelta(minutes=1)
_NOT_BEGUN = frozenset({State.CREATED, State.QUEUED})


def settle(work: Work) -> None:
    """Give the execution the state that its task runs add up to."""
    if work.execution.state.is_terminal:
        return
    if work.execution.state is State.KILLING:
        kill.settle(work)
        if work.execution.state.is_terminal:
            leave(work)
        return
    if early.is_leaving(work.execution):
        if early.settle(work):
            _finish(work, early.state_of(work.execution))
        return
    if work.execution.frame.phase == "over":
        _finish(work, children.summed(work.execution.frame))
        return
    waiting = work.execution.frame.data
    wanted = State.RUNNING
    if waiting.get("paused"):
        wanted = State.PAUSED
    elif waiting.get("retrying"):
        wanted = State.RETRYING
    if work.execution.state is State.PAUSED and wanted is not State.PAUSED:
        work.set_state(State.RESTARTED)
        work.set_state(State.RUNNING)
    if work.execution.state is not wanted and work.execution.state not in _NOT_BEGUN:
        work.set_state(wanted)


def _finish(work: Work, state: State) -> None:
    if work.execution.state is State.PAUSED:
        work.set_state(State.RESTARTED)
    if work.execution.state in {State.RESTARTED, State.RETRYING}:
        work.set_state(State.RUNNING)
    failure = _first_failure(work, state) if state in {State.FAILED, State.RETRIED} else None
    if state is State.FAILED and failure is None:
        failure = Failure("GOV362", "a task has ended the execution FAILED")
    if work.flow.outputs and state is not State.RETRIED:
        try:
            outputs = resolve_outputs(work.flow.outputs, work.variables(), work.host, work.finds_secret)
            work.execution = replace(work.execution, outputs=outputs)
        except GovError as error:
            # A failed task is the cause, also of outputs that cannot be rendered without its own.
            state, failure = State.FAILED, failure or failure_of(error)
    work.execution = replace(work.execution, failure=failure)
    work.set_state(state)
    leave(work)


def _first_failure(work: Work, state: State) -> Failure | None:
    # The newest top-level failure is the one that ended the flow; look at few task runs, not at all.
    failed = [run for run in work.execution.task_runs.values() if run.state is state and run.failure]
    if not failed:
        return None
    first = min(failed, key=lambda run: run.history.moments[-1].at)
    if first.failure is None:
        return None
    details = {"taskId": first.task_id, "taskRunId": first.id}
    return Failure(first.failure.code, first.failure.message, details)


def leave(work: Work) -> None:
    """Do what the end of an execution means: to its timers, its parent, the queue of its flow, what runs after it."""
    work.commands.append(ClearTimers(None))
    # Nobody can resume what has ended; what runs after the end must not wait for that.
    hold.lift(work)
    passed = {moment.state for moment in work.execution.history.moments}
    if work.execution.state is State.RETRIED:
        _try_again(work)
    else:
        _tell(work, passed)
    if State.RUNNING in passed and next_enabled(work.flow.after_execution, 0) is not None:
        children.begin_after(work)
        watch(work)


def _tell(work: Work, passed: set[State]) -> None:
    execution = work.execution
    if execution.parent_id is not None and execution.parent_task_run_id is not None:
        ended = SubflowEnded(execution.parent_task_run_id, execution.id, execution.state, execution.outputs)
        ended = replace(ended, iteration=execution.batch)
        work.commands.append(Notify(execution.parent_id, ended))
    # One that was stopped while it waited in the queue never held a slot.
    if work.flow.concurrency is not None and (State.RUNNING in passed or State.QUEUED not in passed):
        work.commands.append(FreeSlot(execution.namespace, execution.flow_id, work.flow.concurrency.limit))


def _try_again(work: Work) -> None:
    """Hand over to a new execution: the slot of this one, and the caller, who waits for the last of them."""
    execution = work.execution
    following, facts = retries.next_execution(execution, work.now)
    work.commands.append(StartAgain(following, facts, retries.due_of(execution) or work.now))
    if execution.parent_id is not None and execution.parent_task_run_id is not None:
        started = SubflowStarted(execution.parent_task_run_id, following.id, iteration=execution.batch)
        work.commands.append(Notify(execution.parent_id, started))


def watch(work: Work) -> None:
    """Let somebody look again while something runs after the end.

    An ended execution is nobody's open work: if whoever runs the rest is gone, only a timer leads others to it.
    """
    # The timer belongs to the step that sets it: one that fires late is nothing new.
    due = work.now + WATCH
    work.commands.append(SetTimer("after", "after", due, None, work.before.version + 1))


def look_again(work: Work) -> None:
    """Go on watching if the rest is not over yet."""
    execution = work.execution
    if execution.state.is_terminal and not execution.is_over:
        work.execution = replace(execution)
        watch(work)
