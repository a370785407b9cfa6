"""Which tasks and branches of a flow executions have reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine.flowables.base import Flowable
from jupyter_gov.engine.flowables.branch import If, Switch
from jupyter_gov.engine.flowables.until import LoopUntil
from jupyter_gov.engine.types import FLOWABLES
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.lang.ports import ADDED

Place = tuple[str, str]
"""Task id and branch of it; the branch is empty for the task itself, the task id for a branch of the flow."""
_NOT_BEGUN = frozenset({State.CREATED, State.SKIPPED})
NO_ROUND, ROUNDS, ONE_ROUND, MORE_ROUNDS = "no round", "rounds", "one round", "more rounds"


@dataclass(frozen=True, slots=True)
class Point:
    """Something that tests should reach: a task, or a branch of a task or of the flow (``task`` is empty then)."""

    task: str
    branch: str
    line: int | None
    reached: bool

    @property
    def name(self) -> str:
        """How people are told of it."""
        if not self.branch:
            return self.task
        return f"{self.task}: {self.branch}" if self.task else f"{self.branch} of the flow"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was reached over all cases."""

    tasks: tuple[Point, ...] = ()
    branches: tuple[Point, ...] = ()

    @property
    def missed(self) -> tuple[Point, ...]:
        """What no case has reached."""
        return tuple(point for point in (*self.tasks, *self.branches) if not point.reached)

    def joined(self, other: Coverage) -> Coverage:
        """Return what this and ``other``, of the same flow, have reached together."""
        found = {(one.task, one.branch) for one in (*other.tasks, *other.branches) if one.reached}
        found |= {(one.task, one.branch) for one in (*self.tasks, *self.branches) if one.reached}
        return Coverage(*(tuple(_again(one, found) for one in part) for part in (self.tasks, self.branches)))


def _again(point: Point, found: set[Place]) -> Point:
    return Point(point.task, point.branch, point.line, (point.task, point.branch) in found)


def coverage(flow: Flow, found: Iterable[Place]) -> Coverage:
    """Return the coverage of a flow, given every place that ``reached`` gave for its executions."""
    known = frozenset(found)
    tasks, branches = [], []
    for task in _enabled(flow):
        line = task.location.line if task.location else None
        tasks.append(Point(task.id, "", line, (task.id, "") in known))
        branches += [Point(task.id, name, line, (task.id, name) in known) for name in _branches(task)]
    branches += [Point("", name, None, ("", name) in known) for name, children in _lists(flow) if _any(children)]
    return Coverage(tuple(tasks), tuple(branches))


def reached(flow: Flow, execution: Execution, begun: Iterable[str] = ()) -> frozenset[Place]:
    """Return the places of a flow that an execution has reached.

    Parameters
    ----------
    begun
        Ids of further tasks that are known to have begun: task runs of rounds that are over may be gone.
    """
    ids = {run.task_id for run in execution.task_runs.values() if has_begun(run)} | set(begun)
    found: set[Place] = {(task_id, "") for task_id in ids}
    for task in flow.walk():
        for slot, children in task.slots.items():
            if any(child.id in ids for child in children):
                found.add((task.id, slot.removeprefix("cases:")))
    for run in execution.task_runs.values():
        if run.task_id in flow.index and has_begun(run):
            found.update((run.task_id, name) for name in _taken(flow.index[run.task_id], run))
    found.update(("", name) for name, children in _lists(flow) if any(child.id in ids for child in children))
    return frozenset(found)


def has_begun(run: TaskRun) -> bool:
    """Return whether a task run has done anything."""
    return any(moment.state not in _NOT_BEGUN for moment in run.history.moments)


def _taken(task: TaskDef, run: TaskRun) -> Iterator[str]:
    kind = FLOWABLES.get(task.type) or task.model
    if not isinstance(kind, type) or run.frame is None:
        return
    if issubclass(kind, If | Switch) and run.outputs is not None:
        # An `else` that is not written is taken, too, when the condition does not hold.
        yield run.frame.branch.removeprefix("cases:")
    elif issubclass(kind, Flowable) and kind.loops and run.items is not None:
        yield ROUNDS if run.items else NO_ROUND
    elif issubclass(kind, LoopUntil):
        count = int((run.outputs or {}).get("iterationCount") or 0)
        if count:
            yield ONE_ROUND if count == 1 else MORE_ROUNDS


def _branches(task: TaskDef) -> Iterator[str]:
    kind = FLOWABLES.get(task.type) or task.model
    if isinstance(kind, type) and issubclass(kind, If):
        yield from ("then", "else")
    elif isinstance(kind, type) and issubclass(kind, Switch):
        yield from (slot.removeprefix("cases:") for slot in task.slots if slot not in ("errors", "finally"))
    elif isinstance(kind, type) and issubclass(kind, Flowable) and kind.loops:
        yield from (NO_ROUND, ROUNDS)
    elif isinstance(kind, type) and issubclass(kind, LoopUntil):
        yield from (ONE_ROUND, MORE_ROUNDS)
    yield from (slot for slot in ("errors", "finally") if _any(task.slots.get(slot, ())))


def _lists(flow: Flow) -> tuple[tuple[str, tuple[TaskDef, ...]], ...]:
    return ("errors", flow.errors), ("finally", flow.finally_), ("afterExecution", flow.after_execution)


def _any(tasks: Iterable[TaskDef]) -> bool:
    return any(not task.disabled for task in tasks)


def _enabled(flow: Flow) -> Iterator[TaskDef]:
    stack = [*reversed((*flow.tasks, *flow.errors, *flow.finally_, *flow.after_execution))]
    while stack:
        task = stack.pop()
        if not task.disabled:
            yield task
            written = [children for slot, children in task.slots.items() if not slot.startswith(ADDED)]
            # A part of another type is nothing that its author wrote.
            stack.extend(reversed([child for tasks in written for child in tasks if "$" not in child.type]))
