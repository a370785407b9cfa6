"""``step``: what is true after an event. The whole behaviour of an execution, without I/O, clock or threads.

It follows the split of Kestra's executor (runnable tasks work, flowable tasks decide), as a pure function: the
execution before, an event, and the time give the execution after, what to store, and what to do next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import FreeSlot, RunTask, Step
from jupyter_gov.domain.events import (
    ApprovalDecided,
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    BatchesDue,
    Event,
    GoOn,
    Kill,
    Pause,
    Restart,
    Resume,
    Start,
    SubflowEnded,
    SubflowStarted,
    TimerFired,
)
from jupyter_gov.domain.execution import Attempt, Execution, Failure, Label, TaskRun
from jupyter_gov.domain.states import State, begin
from jupyter_gov.engine import (
    added,
    batches,
    children,
    early,
    ending,
    errands,
    gates,
    hold,
    kill,
    places,
    recovery,
    replay,
    restart,
    retries,
    rounds,
    slas,
    subflows,
)
from jupyter_gov.engine.context import VARIABLES, variables_of
from jupyter_gov.engine.flowables.base import Child, next_enabled
from jupyter_gov.engine.hiding import Hider
from jupyter_gov.engine.start import storable_labels
from jupyter_gov.engine.work import Work
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.ports import ExpressionHost


def step(
    flow: Flow,
    execution: Execution,
    event: Event,
    *,
    now: datetime,
    host: ExpressionHost | None,
    worker: str,
    envs: Mapping[str, Any] | None = None,
    globals_: Mapping[str, Any] | None = None,
    masks: Hider | None = None,
) -> Step:
    """Return what follows from an event.

    An event that has come too late (its task run has moved on, the execution has ended) changes nothing and gives an
    empty step; that makes every delivery safe to repeat.

    Parameters
    ----------
    worker
        Who runs the inline tasks that this step starts; recorded with the attempt.
    masks
        Learns the secrets that ``host`` hands out; what the step renders to be stored and shown holds none of them.
    """
    work = Work(flow, execution, now=now, host=host, worker=worker, envs=envs, globals_=globals_, masks=masks)
    _HANDLERS[type(event)](work, event)
    if work.execution is not work.before:
        slas.arm(work)
        slas.look(work)
    children.drain(work)
    if work.execution is not work.before:
        slas.look(work)
        ending.settle(work)
        children.drain(work)
    subject, body = _record(execution, event)
    actor = getattr(event, "by", None) or worker
    return work.finish(event.kind, subject, actor, "os", body)


def _record(execution: Execution, event: Event) -> tuple[str, dict[str, Any]]:
    run_id = getattr(event, "task_run_id", None)
    body = {
        name: value
        for name in ("task_run_id", "attempt", "timer_kind", "approval_id", "status", "reason", "child_id")
        if (value := getattr(event, name, None)) is not None
    }
    return run_id or execution.id, body


# --- beginning and attempts -----------------------------------------------------------------------------------


def _start(work: Work, event: Start | TimerFired) -> None:
    if work.execution.state not in {State.CREATED, State.QUEUED}:
        return
    limit = work.flow.concurrency
    if limit is not None and isinstance(event, TimerFired) and event.timer_kind == "scheduled":
        # Whether there is room for it was not asked before: it joins the queue, and leaves it at once if there is.
        work.set_state(State.QUEUED)
        work.commands.append(FreeSlot(work.execution.namespace, work.execution.flow_id, limit.limit))
        return
    work.set_state(State.RUNNING)
    index = next_enabled(work.flow.tasks, 0)
    if index is None:
        work.set_frame(None, replace(work.execution.frame, phase="over"))
    else:
        children.start_children(work, None, (Child("tasks", index),))


def _attempt_started(work: Work, event: AttemptStarted) -> None:
    run = work.execution.task_runs.get(event.task_run_id)
    if run is not None and places.errand_of(run) is not None:
        errands.started(work, run, event)
        return
    if run is None or run.state not in {State.CREATED, State.RESTARTED} or work.execution.state is State.KILLING:
        return
    if hold.is_held(work.execution):
        return  # it begins when the execution is resumed
    attempt = Attempt(len(run.attempts) + 1, begin(State.RUNNING, work.now), worker=event.worker)
    work.advance(run, State.RUNNING, attempts=(*run.attempts, attempt))


def _attempt_finished(work: Work, event: AttemptFinished) -> None:
    run = work.execution.task_runs.get(event.task_run_id)
    if run is None or len(run.attempts) != event.attempt or run.state not in {State.RUNNING, State.KILLING}:
        return
    state = event.state
    if run.state is State.KILLING or work.execution.state is State.KILLING:
        state = State.KILLED
    elif places.errand_of(run) is not None:
        errands.finished(work, run, event)
        return
    run = replace(
        run,
        outputs=event.outputs,
        outputs_digest=None if event.outputs is None else digest(event.outputs),
        attempts=children.close_attempt(work, run, state, event.failure, event.log_file),
    )
    added.report(work, run, event.added)
    if state is State.KILLED and work.execution.state is State.KILLING:
        work.advance(run, State.KILLED, failure=event.failure)
        return
    _take(work, event)
    if state is State.FAILED and not early.is_leaving(work.execution) and retries.try_again(work, run, event.failure):
        return
    children.end(work, run, state, failure=event.failure if state is not State.SUCCESS else None)
    if event.exits is not None:
        early.leave(work, event.exits)


def _take(work: Work, event: AttemptFinished) -> None:
    """Take over what a task changes on its execution."""
    if event.variables or event.removed:
        kept = {**variables_of(work.flow, work.execution), **work.hide(dict(event.variables))}
        kept = {name: value for name, value in kept.items() if name not in event.removed}
        frame = work.execution.frame
        frame = replace(frame, data={**frame.data, VARIABLES: 1})
        work.execution = replace(work.execution, variables=kept, frame=frame)
    if event.labels:
        merged = {label.key: label.value for label in work.execution.labels} | work.hide(storable_labels(event.labels))
        labels = tuple(Label(key, value) for key, value in merged.items())
        work.execution = replace(work.execution, labels=labels)


def _attempt_lost(work: Work, event: AttemptLost) -> None:
    run = work.execution.task_runs.get(event.task_run_id)
    if run is None or len(run.attempts) != event.attempt or run.state not in {State.RUNNING, State.KILLING}:
        return
    what = "was stopped" if event.in_order else "is gone"
    message = f"the worker of this attempt {what}; what it did until then may have had effects"
    failure = Failure(recovery.STOPPED if event.in_order else "GOV372", message)
    run = replace(run, attempts=children.close_attempt(work, run, State.LOST, failure))
    lost = recovery.lost_in_a_row(run)
    if work.execution.state is State.KILLING:
        work.advance(run, State.KILLED, failure=failure)
    elif places.holds_place(run):
        errands.lost(work, run)
    elif lost >= recovery.MOST_LOST:
        # Whoever takes it over would be the next to die of it.
        message = f"{lost} attempts in a row were lost with their worker: the task may be what ends its process"
        children.end(work, run, State.FAILED, failure=Failure("GOV374", message))
    elif event.repeatable:
        work.put(run)
        run = run if work.task(run).inline else work.advance(run, State.CREATED)
        _again(work, run)
    elif not retries.try_again(work, run, failure):
        children.end(work, run, State.FAILED, failure=failure)


def _again(work: Work, run: TaskRun) -> None:
    # An inline task run is RUNNING already: only the attempt is new.
    if run.state is State.RUNNING:
        number = len(run.attempts) + 1
        attempt = Attempt(number, begin(State.RUNNING, work.now), worker=work.worker)
        work.put(replace(run, attempts=(*run.attempts, attempt)))
        work.commands.append(RunTask(run.id, number, inline=True))
    else:
        children.begin_attempt(work, run)


def _timer_fired(work: Work, event: TimerFired) -> None:
    if event.timer_kind == "after":
        ending.look_again(work)
    elif event.timer_kind in {"start", "scheduled"} and event.state_version == work.execution.history.version:
        _start(work, event)
    elif event.timer_kind == "sla":
        slas.overdue(work, event)
    run = work.execution.task_runs.get(event.task_run_id or "")
    if run is None:
        return
    if event.timer_kind == "again":
        rounds.begin_next(work, run, event.state_version)
        return
    # A timer acts only on the very state that it was set for.
    if run.version != event.state_version:
        return
    if event.timer_kind == "pause" and run.state is State.PAUSED:
        gates.deadline_reached(work, run)
    elif event.timer_kind == "retry" and run.state is State.RETRYING:
        run = work.advance(run, State.CREATED, failure=None)
        if hold.is_held(work.execution):
            return
        begin_again = children.begin_flowable if work.task(run).kind == "flowable" else children.begin_attempt
        begin_again(work, run)


_HANDLERS: Mapping[type[Event], Callable[[Work, Any], None]] = {
    Start: _start,
    AttemptStarted: _attempt_started,
    AttemptFinished: _attempt_finished,
    AttemptLost: _attempt_lost,
    TimerFired: _timer_fired,
    ApprovalDecided: gates.decided,
    SubflowStarted: subflows.started,
    SubflowEnded: subflows.ended,
    Kill: kill.kill,
    Restart: restart.restart,
    GoOn: replay.go_on,
    BatchesDue: batches.due,
    Pause: hold.pause,
    Resume: hold.resume,
}
