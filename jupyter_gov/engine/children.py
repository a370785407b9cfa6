"""How task runs begin and end, and how flowables count their children: the part that all flowables share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from jupyter_gov.domain.commands import ClearTimers, RunTask, WriteLog
from jupyter_gov.domain.execution import Attempt, Failure, Frame, TaskRun
from jupyter_gov.domain.states import History, Moment, State, begin
from jupyter_gov.engine import batches, early, errands, gates, hold, kill, retries, retry, rounds, subflows
from jupyter_gov.engine.flowables.base import (
    ITERATION,
    NOTHING,
    Again,
    Call,
    CallEach,
    Child,
    Errand,
    Gate,
    Plan,
    anew,
    next_enabled,
)
from jupyter_gov.engine.scope import RunScope
from jupyter_gov.engine.types import flowable_of
from jupyter_gov.engine.work import Work, failure_of
from jupyter_gov.errors import ExecutionError, GovError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.lang.models.flow import TaskDef

Answer = TypeVar("Answer")
_OF_FRAME = ("branch", "cursor", "data")
FAILED_STATES = frozenset({State.FAILED, State.KILLED, State.CANCELLED, State.RETRIED})


def drain(work: Work) -> None:
    """Let task runs begin and parents see the ends of their children until nothing is left to decide."""
    while work.agenda:
        what, run_id = work.agenda.popleft()
        if work.execution.state is State.KILLING or work.execution.is_over:
            continue
        if early.is_leaving(work.execution) or (what == "begin" and hold.is_held(work.execution)):
            continue
        if what == "begin":
            _begin(work, run_id)
        elif what == "over":
            main_over(work, run_id)
        else:
            _child_ended(work, work.run(run_id))


# --- beginning ------------------------------------------------------------------------------------------------


def _begin(work: Work, run_id: str) -> None:
    run = work.run(run_id)
    task = work.task(run)
    try:
        if task.run_if is not None and run.branch != ITERATION and not is_truthy(work.render(task.run_if, run)):
            end(work, run, State.SKIPPED)
            return
    except GovError as error:
        end(work, run, State.FAILED, failure=told(work, run.id, failure_of(error)))
        return
    if task.kind == "flowable":
        begin_flowable(work, run)
    elif task.kind == "unknown":
        message = f"task {task.id!r} has the type {task.type!r}, which no installed plugin offers; install one, restart"
        end(work, run, State.FAILED, failure=told(work, run.id, Failure("GOV901", message)))
    else:
        begin_attempt(work, run)


def begin_attempt(work: Work, run: TaskRun) -> None:
    """Ask for the next attempt of a runnable task; an inline one is RUNNING at once."""
    task = work.task(run)
    number = len(run.attempts) + 1
    if task.inline:
        attempt = Attempt(number, begin(State.RUNNING, work.now), worker=work.worker)
        run = work.advance(run, State.RUNNING, attempts=(*run.attempts, attempt))
    work.commands.append(RunTask(run.id, number, inline=task.inline))


def begin_flowable(work: Work, run: TaskRun) -> None:
    """Let a flowable decide its first children."""
    run = work.advance(run, State.RUNNING, frame=anew(run.frame))
    try:
        kind = flowable_of(work.task(run))
        plan = _asked(work.task(run), lambda: kind.begin(RunScope(work, run.id)))
    except GovError as error:
        main_over(work, run.id, failure=failure_of(error))
        return
    apply(work, run.id, plan)


def _asked(task: TaskDef, question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    except GovError:
        raise
    except Exception as error:
        # The code of a third party: whatever it raises ends its own task, not the loop that carries all others.
        message = f"the flowable type {task.type} failed: {type(error).__name__}: {error}"
        raise ExecutionError(message, code="GOV311") from error


def apply(work: Work, run_id: str, plan: Plan) -> None:
    """Do what a flowable has answered."""
    if plan.outputs is not None:
        RunScope(work, run_id).publish(plan.outputs)
    fields: dict[str, Any] = {} if plan.items is None else {"items": plan.items}
    moved = {name: value for name in _OF_FRAME if (value := getattr(plan, name)) is not None}
    if moved:
        fields["frame"] = replace(work.frame(run_id), **moved)
    if fields:
        work.put(replace(work.run(run_id), **fields))
    match plan.wait:
        case Gate() as gate:
            gates.open_gate(work, work.run(run_id), gate)
            return
        case Call() as call:
            subflows.ask(work, work.run(run_id), call)
            return
        case Again() as again:
            rounds.wait(work, work.run(run_id), again)
            return
        case CallEach():
            batches.ask(work, work.run(run_id))
            return
        case Errand() as errand:
            errands.ask(work, work.run(run_id), errand)
            return
    start_children(work, run_id, plan.children)
    if work.frame(run_id).open == 0:
        main_over(work, run_id)


def start_children(work: Work, parent_id: str | None, children: Any) -> None:
    """Create task runs for these children of a flowable, or of the flow."""
    parent = None if parent_id is None else work.run(parent_id)
    if children and work.execution.frame.data.get("kept"):
        children = _not_yet(work, parent_id, children)
    for child in children:
        work.create(parent, _slot(work, parent_id, child.branch)[child.index], child)
    if children:
        frame = work.frame(parent_id)
        work.set_frame(parent_id, replace(frame, open=frame.open + len(children)))


def _not_yet(work: Work, parent_id: str | None, children: Any) -> list[Child]:
    """Return the children that have no task run; the others ended before what a person took back, and end again."""
    path = () if parent_id is None else work.run(parent_id).path
    missing = []
    for child in children:
        task = _slot(work, parent_id, child.branch)[child.index]
        run = work.execution.find(task.id, child.path(path))
        if run is None or run.parent_id != parent_id:
            missing.append(child)
        elif run.state.is_terminal:
            frame = work.frame(parent_id)
            tally = _tallied(work, parent_id, frame.tally, run.state, -1)
            work.set_frame(parent_id, replace(frame, open=frame.open + 1, tally=tally))
            work.agenda.append(("ended", run.id))
    return missing


def _slot(work: Work, parent_id: str | None, branch: str) -> tuple[TaskDef, ...]:
    if parent_id is not None:
        parent = work.run(parent_id)
        task = work.task(parent)
        return flowable_of(task).tasks_of(task, branch, is_iteration=parent.branch == ITERATION)
    flow = work.flow
    lists = {"tasks": flow.tasks, "errors": flow.errors, "finally": flow.finally_, "after": flow.after_execution}
    return lists[branch]


# --- ending ---------------------------------------------------------------------------------------------------


def end(work: Work, run: TaskRun, state: State, *, failure: Failure | None = None, **fields: Any) -> None:
    """End a task run in ``state`` (softened by allowFailure and allowWarning) and let its parent know."""
    task = work.task(run)
    if retries.applies_to(task):
        state = retry.retried_state(retries.policy_of(work, run), run, state)
    # What a Loop allows is said of it as a whole, not of each iteration.
    if state is State.FAILED and task.allow_failure and run.branch != ITERATION:
        state = State.WARNING
    if state is State.WARNING and task.allow_warning and run.branch != ITERATION:
        state = State.SUCCESS
    work.advance(run, state, failure=failure, **fields)
    work.agenda.append(("ended", run.id))


def told(work: Work, run_id: str, failure: Failure) -> Failure:
    """Return a failure that no worker has seen, and let the log of its task run tell of it as theirs do."""
    work.commands.append(WriteLog("ERROR", failure.message, run_id))
    return failure


def _child_ended(work: Work, child: TaskRun) -> None:
    parent_id = child.parent_id
    frame = work.frame(parent_id)
    tally = frame.tally
    if frame.phase != "errors":
        tally = _tallied(work, parent_id, tally, child.state, +1)
    work.set_frame(parent_id, replace(frame, open=frame.open - 1, tally=tally))
    if parent_id is not None and frame.phase == "main":
        _proceed(work, parent_id, child)
        return
    stops = parent_id is None and frame.phase == "main" and _failed(work.frame(None))
    start_children(work, parent_id, () if stops else _next_in_list(work, parent_id, child))
    if work.frame(parent_id).open == 0:
        _PHASE_OVER[frame.phase](work, parent_id)


def _tallied(
    work: Work, parent_id: str | None, tally: Mapping[str, int], state: State, difference: int
) -> Mapping[str, int]:
    name = counted(work, parent_id, state)
    return {**tally, name: tally.get(name, 0) + difference}


def counted(work: Work, parent_id: str | None, state: State) -> str:
    """Return under which state the end of a child is counted by a flowable, or by the flow."""
    if parent_id is None:
        return str(state)
    parent = work.run(parent_id)
    task = work.task(parent)
    return str(flowable_of(task).counted(task, state, is_iteration=parent.branch == ITERATION))


def _next_in_list(work: Work, parent_id: str | None, child: TaskRun) -> tuple[Child, ...]:
    if child.state in FAILED_STATES:
        return ()
    index = next_enabled(_slot(work, parent_id, child.branch), child.index + 1)
    return () if index is None else (Child(child.branch, index),)


def _proceed(work: Work, parent_id: str, child: TaskRun) -> None:
    task = work.task(work.run(parent_id))
    kind = flowable_of(task)
    plan = NOTHING
    if not _failed(work.frame(parent_id)):
        try:
            plan = _asked(task, lambda: kind.proceed(RunScope(work, parent_id), child))
        except GovError as error:
            main_over(work, parent_id, failure=failure_of(error))
            return
    apply(work, parent_id, plan)


def _failed(frame: Frame) -> bool:
    return any(frame.tally.get(str(state)) for state in FAILED_STATES)


def main_over(work: Work, parent_id: str | None, failure: Failure | None = None) -> None:
    """Go on behind the main phase of a flowable (or of the flow): to its errors branch, to ``finally``, to its end."""
    if failure is not None and parent_id is not None:
        frame = work.frame(parent_id)
        tally: Mapping[str, int] = {**frame.tally, "FAILED": frame.tally.get("FAILED", 0) + 1}
        told(work, parent_id, failure)
        work.put(replace(work.run(parent_id), failure=failure, frame=replace(frame, tally=tally)))
        if frame.open:
            return
    if parent_id is not None and errands.close(work, parent_id):
        return
    # While a new execution is going to try again, nothing has failed for good.
    final = _failed(work.frame(parent_id)) and not work.frame(parent_id).tally.get(str(State.RETRIED))
    if final and _start_phase(work, parent_id, "errors"):
        return
    _errors_over(work, parent_id)


def _errors_over(work: Work, parent_id: str | None) -> None:
    if not _start_phase(work, parent_id, "finally"):
        _all_over(work, parent_id)


def _start_phase(work: Work, parent_id: str | None, phase: str) -> bool:
    index = next_enabled(_slot(work, parent_id, phase), 0)
    if index is None:
        return False
    work.set_frame(parent_id, replace(work.frame(parent_id), phase=phase))
    start_children(work, parent_id, (Child(phase, index),))
    return True


def summed(frame: Frame) -> State:
    """Return the state that ended children add up to (KESTRA.md §2)."""
    for state in (State.KILLED, State.RETRIED, State.FAILED, State.CANCELLED, State.WARNING):
        if frame.tally.get(str(state)):
            return State.FAILED if state is State.CANCELLED else state
    return State.SUCCESS


def begin_after(work: Work) -> None:
    """Start what the flow does after its end, once that end is decided."""
    # What was killed is not counted any more.
    work.set_frame(None, replace(work.execution.frame, open=0))
    _start_phase(work, None, "after")


def _after_over(work: Work, parent_id: str | None) -> None:
    work.commands.append(ClearTimers(None))
    work.set_frame(parent_id, replace(work.frame(parent_id), phase="over"))


def _all_over(work: Work, parent_id: str | None) -> None:
    state = summed(work.frame(parent_id))
    if parent_id is None:
        work.set_frame(None, replace(work.execution.frame, phase="over"))
        return
    run = work.run(parent_id)
    end_flowable(work, run, state, run.failure)


def end_flowable(work: Work, run: TaskRun, state: State, failure: Failure | None) -> None:
    """End a flowable in the state that its type makes of the one that its children (or its call) add up to."""
    task = work.task(run)
    try:
        kind = flowable_of(task)
        state = _asked(task, lambda: kind.end_state(RunScope(work, run.id), state))
    except GovError as error:
        state, failure = State.FAILED, told(work, run.id, failure_of(error))
    # As it is now: the type may have published what comes of its children.
    end(work, work.run(run.id), state, failure=failure)


_PHASE_OVER: Mapping[str, Callable[[Work, str | None], None]] = {
    "main": main_over,
    "errors": _errors_over,
    "finally": _all_over,
    "after": _after_over,
}


# --- what others need ---------------------------------------------------------------------------------------------


def clear_timers(work: Work, run: TaskRun) -> None:
    """Forget the timers of a task run."""
    work.commands.append(ClearTimers(run.id))


def close_attempt(
    work: Work, run: TaskRun, state: State, failure: Failure | None, log_file: str | None = None
) -> tuple[Attempt, ...]:
    """Return the attempts of a task run with the last one ended."""
    if not run.attempts:
        return run.attempts
    *before, last = run.attempts
    moments = (*last.history.moments, Moment(state, work.now))
    ended = replace(last, history=History(moments), failure=failure, log_file=log_file)
    return (*before, ended)


def cancel(work: Work) -> None:
    """Stop the execution so that it ends CANCELLED (a gate's deadline with that behaviour)."""
    frame = work.execution.frame
    work.set_frame(None, replace(frame, data={**frame.data, "cancelled": 1}))
    kill.stop(work)
