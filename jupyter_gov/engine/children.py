"""How task runs begin and end, and how flowables count their children: the part that all flowables share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import ClearTimers, RunTask
from jupyter_gov.domain.execution import Attempt, Execution, Failure, Frame, TaskRun
from jupyter_gov.domain.states import History, Moment, State, begin
from jupyter_gov.engine import context, gates, kill, retry, subflows
from jupyter_gov.engine.flowables.base import Call, Child, Flowable, Gate, Plan, next_enabled
from jupyter_gov.engine.types import flowable_of
from jupyter_gov.engine.work import Work, failure_of
from jupyter_gov.errors import GovError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.lang.models.flow import Retry, TaskDef

FAILED_STATES = frozenset({State.FAILED, State.KILLED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class RunScope:
    """``flowables.base.Scope`` over a step in the making."""

    work: Work
    run_id: str

    @property
    def run(self) -> TaskRun:
        """The flowable's own task run."""
        return self.work.run(self.run_id)

    @property
    def task(self) -> TaskDef:
        """The flowable's task."""
        return self.work.task(self.run)

    @property
    def frame(self) -> Frame:
        """Where it stands."""
        return self.work.frame(self.run_id)

    @property
    def execution(self) -> Execution:
        """The execution as it is now."""
        return self.work.execution

    def render(self, value: Any) -> Any:
        """Render texts at any depth."""
        return self.work.render(value, self.run)

    def hide(self, value: Any) -> Any:
        """Replace secrets in texts at any depth."""
        return self.work.hide(value)

    def finds_secret(self, value: Any) -> bool:
        """Return whether there is a secret in texts at any depth."""
        return self.work.finds_secret(value)

    def tasks(self, branch: str) -> tuple[TaskDef, ...]:
        """Return the tasks of a slot."""
        return self.task.slots.get(branch, ())


def drain(work: Work) -> None:
    """Let task runs begin and parents see the ends of their children until nothing is left to decide."""
    while work.agenda:
        what, run_id = work.agenda.popleft()
        if work.execution.state is State.KILLING or work.execution.state.is_terminal:
            continue
        if what == "begin":
            _begin(work, run_id)
        elif what == "over":
            _main_over(work, run_id)
        else:
            _child_ended(work, work.run(run_id))


# --- beginning ------------------------------------------------------------------------------------------------


def _begin(work: Work, run_id: str) -> None:
    run = work.run(run_id)
    task = work.task(run)
    try:
        if task.run_if is not None and not is_truthy(work.render(task.run_if, run)):
            end(work, run, State.SKIPPED)
            return
    except GovError as error:
        end(work, run, State.FAILED, failure=failure_of(error))
        return
    if task.kind == "flowable":
        _begin_flowable(work, run)
    elif task.kind == "unknown":
        message = f"task {task.id!r} has the type {task.type!r}, which no installed plugin offers"
        end(work, run, State.FAILED, failure=Failure("GOV901", message))
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


def _begin_flowable(work: Work, run: TaskRun) -> None:
    kind = flowable_of(work.task(run))
    run = work.advance(run, State.RUNNING, frame=Frame())
    try:
        plan = kind.begin(RunScope(work, run.id))
    except GovError as error:
        _main_over(work, run.id, failure=failure_of(error))
        return
    _apply(work, run.id, plan)


def _apply(work: Work, run_id: str, plan: Plan) -> None:
    run, frame = work.run(run_id), work.frame(run_id)
    frame = replace(
        frame,
        branch=plan.branch if plan.branch is not None else frame.branch,
        cursor=plan.cursor if plan.cursor is not None else frame.cursor,
        data=plan.data if plan.data is not None else frame.data,
    )
    fields: dict[str, Any] = {"frame": frame}
    if plan.items is not None:
        fields["items"] = plan.items
    if plan.outputs is not None:
        outputs = work.hide(plan.outputs)
        fields.update(outputs=outputs, outputs_digest=digest(outputs))
    work.put(replace(run, **fields))
    match plan.wait:
        case Gate() as gate:
            gates.open_gate(work, work.run(run_id), gate)
            return
        case Call() as call:
            subflows.ask(work, work.run(run_id), call)
            return
    start_children(work, run_id, plan.children)
    if work.frame(run_id).open == 0:
        _main_over(work, run_id)


def start_children(work: Work, parent_id: str | None, children: Any) -> None:
    """Create task runs for these children of a flowable, or of the flow."""
    parent = None if parent_id is None else work.run(parent_id)
    for child in children:
        work.create(parent, _slot(work, parent_id, child.branch)[child.index], child)
    if children:
        frame = work.frame(parent_id)
        work.set_frame(parent_id, replace(frame, open=frame.open + len(children)))


def _slot(work: Work, parent_id: str | None, branch: str) -> tuple[TaskDef, ...]:
    if parent_id is not None:
        return work.task(work.run(parent_id)).slots.get(branch, ())
    flow = work.flow
    return {"tasks": flow.tasks, "errors": flow.errors, "finally": flow.finally_}[branch]


# --- ending ---------------------------------------------------------------------------------------------------


def end(work: Work, run: TaskRun, state: State, *, failure: Failure | None = None, **fields: Any) -> None:
    """End a task run in ``state`` (softened by allowFailure and allowWarning) and let its parent know."""
    task = work.task(run)
    state = retry.retried_state(policy_of(work, run)[0], run, state) if task.kind == "runnable" else state
    if state is State.FAILED and task.allow_failure:
        state = State.WARNING
    if state is State.WARNING and task.allow_warning:
        state = State.SUCCESS
    work.advance(run, state, failure=failure, **fields)
    work.agenda.append(("ended", run.id))


def _child_ended(work: Work, child: TaskRun) -> None:
    parent_id = child.parent_id
    frame = work.frame(parent_id)
    tally = frame.tally
    if frame.phase != "errors":
        tally = {**tally, str(child.state): tally.get(str(child.state), 0) + 1}
    frame = replace(frame, open=frame.open - 1, tally=tally)
    work.set_frame(parent_id, frame)
    find = _next_in_main if frame.phase == "main" else _next_in_list
    children = find(work, parent_id, child)
    if isinstance(children, GovError):
        _main_over(work, parent_id, failure=failure_of(children))
        return
    start_children(work, parent_id, children)
    if work.frame(parent_id).open == 0:
        if frame.phase == "main":
            _main_over(work, parent_id)
        elif frame.phase == "errors":
            _errors_over(work, parent_id)
        else:
            _all_over(work, parent_id)


def _next_in_list(work: Work, parent_id: str | None, child: TaskRun) -> tuple[Child, ...]:
    if child.state in FAILED_STATES:
        return ()
    index = next_enabled(_slot(work, parent_id, child.branch), child.index + 1)
    return () if index is None else (Child(child.branch, index),)


def _next_in_main(work: Work, parent_id: str | None, child: TaskRun) -> Any:
    failed = _failed(work.frame(parent_id))
    if parent_id is None:
        return () if failed else _next_in_list(work, None, child)
    kind = flowable_of(work.task(work.run(parent_id)))
    if failed and (kind.stops_on_failure or _has(work, parent_id, "errors")):
        return ()
    try:
        plan = kind.proceed(RunScope(work, parent_id), child)
    except GovError as error:
        return error
    if plan.cursor is not None or plan.data is not None:
        frame = work.frame(parent_id)
        work.set_frame(
            parent_id,
            replace(
                frame,
                cursor=plan.cursor if plan.cursor is not None else frame.cursor,
                data=plan.data if plan.data is not None else frame.data,
            ),
        )
    return plan.children


def _failed(frame: Frame) -> bool:
    return any(frame.tally.get(str(state)) for state in FAILED_STATES)


def _has(work: Work, parent_id: str | None, branch: str) -> bool:
    return next_enabled(_slot(work, parent_id, branch), 0) is not None


def _main_over(work: Work, parent_id: str | None, failure: Failure | None = None) -> None:
    if failure is not None and parent_id is not None:
        frame = work.frame(parent_id)
        tally: Mapping[str, int] = {**frame.tally, "FAILED": frame.tally.get("FAILED", 0) + 1}
        work.put(replace(work.run(parent_id), failure=failure, frame=replace(frame, tally=tally)))
        if frame.open:
            return
    if _failed(work.frame(parent_id)) and _start_phase(work, parent_id, "errors"):
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
    for state in (State.KILLED, State.FAILED, State.CANCELLED, State.WARNING):
        if frame.tally.get(str(state)):
            return State.FAILED if state is State.CANCELLED else state
    return State.SUCCESS


def _all_over(work: Work, parent_id: str | None) -> None:
    state = summed(work.frame(parent_id))
    if parent_id is None:
        work.set_frame(None, replace(work.execution.frame, phase="over"))
        return
    run = work.run(parent_id)
    kind: type[Flowable] = flowable_of(work.task(run))
    end(work, run, kind.end_state(RunScope(work, parent_id), state), failure=run.failure)


# --- retries --------------------------------------------------------------------------------------------------


def policy_of(work: Work, run: TaskRun) -> tuple[Retry | None, str]:
    """Return the retry policy of a runnable task: its own, else the nearest flowable's, else the flow's."""
    task = work.task(run)
    if task.retry is not None:
        return task.retry, task.id
    parent_id = run.parent_id
    while parent_id is not None:
        parent = work.run(parent_id)
        policy = work.task(parent).retry
        if policy is not None:
            return policy, parent.task_id
        parent_id = parent.parent_id
    return work.flow.retry, work.flow.id


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


def variables(work: Work, run: TaskRun | None = None) -> Mapping[str, Any]:
    """Return the expression variables of the flow, or of a task run."""
    return context.build(work.flow, work.execution, run, envs=work.envs, globals_=work.globals, host=work.host)
