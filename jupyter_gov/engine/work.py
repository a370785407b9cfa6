"""The bookkeeping of one step: the execution as it grows, and what changed on the way."""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from jupyter_gov.domain.approval import Approval
from jupyter_gov.domain.commands import CloseApproval, Command, Fact, Step
from jupyter_gov.domain.execution import Execution, Failure, Frame, TaskRun
from jupyter_gov.domain.ids import task_run_id
from jupyter_gov.domain.states import EXECUTION_TRANSITIONS, TASK_RUN_TRANSITIONS, State, advance, begin
from jupyter_gov.engine import context, facts
from jupyter_gov.engine.flowables.base import Child
from jupyter_gov.engine.hiding import Hider
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.lang.ports import ExpressionHost


class Work:
    """One step in the making; thrown away after ``finish``.

    Task runs that have to begin, and task runs whose end their parent has not seen yet, wait in ``agenda``; handlers
    put them there instead of calling each other, so that a thousand skipped tasks need no stack.
    """

    def __init__(
        self,
        flow: Flow,
        execution: Execution,
        *,
        now: datetime,
        host: ExpressionHost | None,
        worker: str,
        envs: Mapping[str, Any] | None = None,
        globals_: Mapping[str, Any] | None = None,
        masks: Hider | None = None,
    ) -> None:
        self.flow = flow
        self.before = execution
        self.execution = execution
        self.now = now
        self.host = host
        self.worker = worker
        self.envs = envs
        self.globals = globals_
        self.masks = masks
        self.agenda: deque[tuple[str, str]] = deque()
        self.commands: list[Command] = []
        self.approvals: list[Approval] = []
        self.notes: dict[str, Any] = {}
        self._changed: dict[str, None] = {}
        self._dropped: dict[str, None] = {}

    # --- the execution ----------------------------------------------------------------------------------------

    def set_state(self, state: State) -> None:
        """Advance the execution."""
        history = advance(self.execution.history, state, self.now, EXECUTION_TRANSITIONS)
        self.execution = replace(self.execution, history=history)

    def remember(self, **changed: int) -> None:
        """Add to the counters that the flow's own frame keeps (``paused``, ``retrying``)."""
        frame = self.execution.frame
        data = dict(frame.data)
        for name, difference in changed.items():
            data[name] = max(0, data.get(name, 0) + difference)
        self.execution = replace(self.execution, frame=replace(frame, data=data))

    # --- task runs --------------------------------------------------------------------------------------------

    def run(self, run_id: str) -> TaskRun:
        """Return a task run as it is now."""
        return self.execution.task_runs[run_id]

    def task(self, run: TaskRun) -> TaskDef:
        """Return the task of a task run."""
        return self.flow.index[run.task_id]

    def put(self, run: TaskRun) -> TaskRun:
        """Store a new value of a task run."""
        self.execution = self.execution.put(run)
        self._changed[run.id] = None
        return run

    def advance(self, run: TaskRun, state: State, **fields: Any) -> TaskRun:
        """Advance a task run and set further fields."""
        before = run.state
        run = replace(run, history=advance(run.history, state, self.now, TASK_RUN_TRANSITIONS), **fields)
        if before is not state:
            self._count(before, -1)
            self._count(state, +1)
        return self.put(run)

    def _count(self, state: State, difference: int) -> None:
        if state is State.PAUSED:
            self.remember(paused=difference)
        elif state is State.RETRYING:
            self.remember(retrying=difference)

    def create(self, parent: TaskRun | None, task: TaskDef, child: Child) -> TaskRun:
        """Create the task run of a child and put it on the agenda."""
        path = parent.path if parent else ()
        run = TaskRun(
            id=task_run_id(self.execution.id, self.execution.next_seq),
            execution_id=self.execution.id,
            task_id=task.id,
            seq=self.execution.next_seq,
            history=begin(State.CREATED, self.now),
            parent_id=parent.id if parent else None,
            value=child.value,
            iteration=child.iteration,
            path=child.path(path),
            branch=child.branch,
            index=child.index,
        )
        self.agenda.append(("begin", run.id))
        return self.put_new(run)

    def put_new(self, run: TaskRun) -> TaskRun:
        """Store a new task run, whose number is the next one."""
        self.execution = replace(self.execution, next_seq=self.execution.next_seq + 1)
        return self.put(run)

    def drop(self, run_id: str) -> None:
        """Remove a task run (restart)."""
        run = self.run(run_id)
        self._count(run.state, -1)
        self._changed.pop(run_id, None)
        self._dropped[run_id] = None
        self.execution = self.execution.drop([run_id])

    # --- frames -----------------------------------------------------------------------------------------------

    def frame(self, parent_id: str | None) -> Frame:
        """Return the frame of a flowable, or of the flow itself."""
        if parent_id is None:
            return self.execution.frame
        return self.run(parent_id).frame or Frame()

    def set_frame(self, parent_id: str | None, frame: Frame) -> None:
        """Store the frame of a flowable, or of the flow itself."""
        if parent_id is None:
            self.execution = replace(self.execution, frame=frame)
        else:
            self.put(replace(self.run(parent_id), frame=frame))

    # --- expressions ------------------------------------------------------------------------------------------

    def render(self, value: Any, run: TaskRun | None = None, extra: Mapping[str, Any] | None = None) -> Any:
        """Render texts at any depth of ``value`` as this task run (or the flow) sees the world.

        What ``extra`` says of a map such as ``taskrun`` is added to it.

        Raises
        ------
        ExpressionError
            A template cannot be parsed or rendered.
        """
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, str) and "{" not in value:
            return value
        variables = self.variables(run)
        if extra is not None:
            more = {name: {**variables.get(name, {}), **found} for name, found in extra.items()}
            variables = ChainMap(more, variables)  # type: ignore[arg-type]  # nobody writes here
        return expr.render_value(value, variables, self.host)

    def variables(self, run: TaskRun | None = None) -> Mapping[str, Any]:
        """Return the expression variables of the flow, or of a task run."""
        return context.build(self.flow, self.execution, run, envs=self.envs, globals_=self.globals, host=self.host)

    def hide(self, value: Any) -> Any:
        """Return ``value`` without the secrets that expressions have read: what is about to be stored and shown."""
        return value if self.masks is None else self.masks.apply_deep(value)

    def finds_secret(self, value: Any) -> bool:
        """Return whether there is a secret in ``value`` at any depth."""
        return self.masks is not None and self.masks.finds(value)

    def _hide_failures(self) -> None:
        # Every error text may quote what it could not use.
        if self.masks is None or self.masks.is_empty:
            return
        for run_id in self._changed:
            run = self.run(run_id)
            if run.failure is None and not any(item.failure for item in run.attempts):
                continue
            attempts = tuple(replace(item, failure=self._hidden(item.failure)) for item in run.attempts)
            hidden = replace(run, failure=self._hidden(run.failure), attempts=attempts)
            # Not by ``put``: which task run is the latest of its task must not change.
            self.execution = replace(self.execution, task_runs=self.execution.task_runs.insert(run_id, hidden))
        self.execution = replace(self.execution, failure=self._hidden(self.execution.failure))

    def _hidden(self, failure: Failure | None) -> Failure | None:
        if failure is None:
            return None
        return Failure(failure.code, self.hide(failure.message), self.hide(failure.details))

    # --- the end ----------------------------------------------------------------------------------------------

    def finish(self, action: str, subject: str, actor: str, assurance: str, body: Mapping[str, Any]) -> Step:
        """Return the step, or an empty one if nothing changed."""
        if self.execution is self.before:
            return Step(self.before)
        self._hide_failures()
        self.execution = replace(self.execution, version=self.before.version + 1)
        changed, dropped = tuple(self._changed), tuple(self._dropped)
        closed = [command for command in self.commands if isinstance(command, CloseApproval)]
        full = {
            **body,
            **self.notes,
            "changes": facts.changes(self.execution, changed, dropped, self.approvals, closed),
            **facts.failure_body(self.execution, changed),
        }
        fact = Fact(action=action, subject=subject, actor=actor, assurance=assurance, body=full)
        return Step(self.execution, changed, dropped, tuple(self.approvals), tuple(self.commands), (fact,))


def failure_of(error: Exception) -> Failure:
    """Return what is kept of an error."""
    code = getattr(error, "code", "GOV300")
    return Failure(code=code, message=getattr(error, "message", str(error)))
