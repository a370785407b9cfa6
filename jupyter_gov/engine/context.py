"""What expressions see: lazy views over an execution, so that a step costs the same in a large one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.sealed import is_sealed
from jupyter_gov.domain.states import State
from jupyter_gov.engine import faults, places
from jupyter_gov.engine.flowables.base import ITERATION
from jupyter_gov.engine.flowables.loop import STORE, item_at, lines_of
from jupyter_gov.engine.memo import Memo
from jupyter_gov.engine.types import FLOWABLES
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.lang.ports import ExpressionHost


class LazyContext(Mapping[str, Any]):
    """A mapping whose values are made when first asked for."""

    __slots__ = ("_makers", "_values")

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = makers
        self._values: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._values:
            self._values[key] = self._makers[key]()
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class _RunsByTask(Mapping[str, Any]):
    """``outputs`` or ``tasks``: by task id, then one level per enclosing loop value, outermost first.

    What is inside of an iteration is seen from there alone, as if nothing were around it.
    """

    __slots__ = ("_depths", "_execution", "_leaf", "_run")

    def __init__(
        self, execution: Execution, depths: Mapping[str, Depth], leaf: Callable[[TaskRun], Any], run: TaskRun | None
    ) -> None:
        self._execution = execution
        self._depths = depths
        self._leaf = leaf
        self._run = run

    def __getitem__(self, task_id: str) -> Any:
        depth = self._depths.get(task_id)
        if depth is None or not self._is_seen(depth):
            raise KeyError(task_id)
        inside = self._run.path[: depth.isolated] if self._run is not None else ()
        return self._level(task_id, inside, depth.loops)

    def _is_seen(self, depth: Depth) -> bool:
        if not depth.isolated:
            return True
        if self._run is None:
            return False
        own = self._depths[self._run.task_id]
        loops = (*own.around, self._run.task_id) if self._run.branch == ITERATION else own.around
        return loops[: depth.isolated] == depth.around[: depth.isolated]

    def _level(self, task_id: str, path: tuple[str, ...], depth: int) -> Any:
        if len(path) < depth:
            level = _LoopLevel(self, task_id, path, depth)
            # Not by its length, which walks all task runs: in a loop's own tasks that would be once per iteration.
            if not path and not any(key[0] == task_id for key in self._execution.latest):
                raise KeyError(task_id)
            return level
        run = self._execution.find(task_id, path)
        value = None if run is None else self._leaf(run)
        if value is None:
            raise KeyError(task_id if not path else path[-1])
        return value

    def __iter__(self) -> Iterator[str]:
        seen = {key[0] for key in self._execution.latest}
        return (task_id for task_id in self._depths if task_id in seen and task_id in self)

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]  # any object may be asked for
        except KeyError:
            return False
        return True

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _LoopLevel(Mapping[str, Any]):
    """The runs of one task below some loop values, by the next value."""

    __slots__ = ("_depth", "_path", "_root", "_task_id")

    def __init__(self, root: _RunsByTask, task_id: str, path: tuple[str, ...], depth: int) -> None:
        self._root, self._task_id, self._path, self._depth = root, task_id, path, depth

    def __getitem__(self, value: str) -> Any:
        return self._root._level(self._task_id, (*self._path, str(value)), self._depth)

    def __iter__(self) -> Iterator[str]:
        length = len(self._path)
        found: dict[str, int] = {}
        for key, run_id in self._root._execution.latest.items():
            if key[0] == self._task_id and key[1 : 1 + length] == self._path and len(key) > length + 1:
                run = self._root._execution.task_runs[run_id]
                found.setdefault(key[1 + length], run.seq)
        # A run that has left nothing (skipped, failed, still on its way) is not there to be asked for either.
        return (value for value in sorted(found, key=found.__getitem__) if value in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class Depth:
    """Where a task stands among loops.

    Attributes
    ----------
    around
        Ids of the loops that enclose it, outermost first.
    isolated
        How many of these there are up to the innermost one whose iterations are isolated.
    """

    around: tuple[str, ...] = ()
    isolated: int = 0

    @property
    def loops(self) -> int:
        """How many loops enclose it."""
        return len(self.around)

    def below(self, task: TaskDef, slot: str) -> Depth:
        """Return where the tasks in a slot of a task of this depth stand."""
        kind = FLOWABLES.get(task.type)
        if kind is None or not kind.loops or not (kind.isolated or slot == "tasks"):
            return self
        around = (*self.around, task.id)
        return Depth(around, len(around) if kind.isolated else self.isolated)


SCHEDULES = frozenset(f"io.kestra.plugin.core.trigger.{name}" for name in ("Schedule", "ScheduleOnDates"))
"""Triggers whose variables expressions also read as ``schedule``."""


def _loop_depths(flow: Flow) -> Mapping[str, Depth]:
    depths: dict[str, Depth] = {}
    stack = [(task, Depth()) for task in (*flow.tasks, *flow.errors, *flow.finally_, *flow.after_execution)]
    while stack:
        task, depth = stack.pop()
        depths[task.id] = depth
        for slot, children in task.slots.items():
            inside = depth.below(task, slot)
            stack.extend((child, inside) for child in children)
    return depths


loop_depths: Memo[Flow, Mapping[str, Depth]] = Memo(_loop_depths)
"""Which loops enclose each task of a flow."""


def build(
    flow: Flow,
    execution: Execution,
    run: TaskRun | None = None,
    *,
    envs: Mapping[str, Any] | None = None,
    globals_: Mapping[str, Any] | None = None,
    host: ExpressionHost | None = None,
) -> Mapping[str, Any]:
    """Return the variables that expressions of this task run (or of the flow) see; see KESTRA.md §10."""
    depths = loop_depths(flow)
    makers: dict[str, Callable[[], Any]] = {
        "flow": lambda: {"id": flow.id, "namespace": flow.namespace, "revision": execution.flow_revision},
        "execution": lambda: _execution(execution),
        "outputs": lambda: _RunsByTask(execution, depths, lambda found: _outputs(flow, found, host), run),
        "tasks": lambda: _RunsByTask(execution, depths, lambda found: {"state": str(found.state)}, run),
        "labels": lambda: _nested({label.key: label.value for label in execution.labels}),
        "vars": lambda: variables_of(flow, execution),
        "envs": lambda: envs or {},
        "globals": lambda: globals_ or {},
    }
    if execution.inputs or flow.dialect == "2.0":
        makers["inputs"] = lambda: _opened(execution.inputs, host, _groups(one.id for one in flow.inputs))
    if execution.trigger is not None:
        trigger = execution.trigger
        makers["trigger"] = lambda: trigger.variables
        if trigger.type in SCHEDULES:
            makers["schedule"] = lambda: trigger.variables
    if host is not None and (place := host.place()):
        makers["kestra"] = lambda: place
    if run is not None:
        makers.update(_task_makers(flow, execution, run, host))
    return LazyContext(makers)


VARIABLES = "vars"
"""Key of the flow's frame once a task has changed the variables: from then on the execution has all of them."""


def variables_of(flow: Flow, execution: Execution) -> Mapping[str, Any]:
    """Return ``vars``: those of the flow until a task changes them, then those of the execution."""
    if execution.frame.data.get(VARIABLES):
        return execution.variables
    return {**flow.variables, **execution.variables}


def _opened(
    inputs: Mapping[str, Any], host: ExpressionHost | None, groups: Collection[str], path: str = ""
) -> Mapping[str, Any]:
    """Return the inputs with the sealed ones readable, each only once an expression asks for it.

    Parameters
    ----------
    groups
        Ids of mappings that the dots of declared ids make; what looks sealed inside of other values is just data.
    """
    if host is None or not (groups or any(is_sealed(value) for value in inputs.values())):
        return inputs

    def maker(name: str, value: Any) -> Callable[[], Any]:
        if is_sealed(value):
            return lambda: host.open_sealed(value["value"])
        if path + name in groups and isinstance(value, Mapping):
            return lambda: _opened(value, host, groups, f"{path}{name}.")
        return lambda: value

    return LazyContext({name: maker(name, value) for name, value in inputs.items()})


def _groups(ids: Iterable[str]) -> frozenset[str]:
    parts = [name.split(".") for name in ids if "." in name]
    return frozenset(".".join(found[:length]) for found in parts for length in range(1, len(found)))


def _outputs(flow: Flow, run: TaskRun, host: ExpressionHost | None) -> Mapping[str, Any] | None:
    """Return the outputs of a task run; what people typed into a gate's form opens as inputs do."""
    outputs = run.outputs
    if outputs is None:
        return None
    if host is not None and run.frame is None and _holds_sealed(outputs):
        opened: Mapping[str, Any] = _unsealed(outputs, host)
        return opened
    if run.frame is None or "approval" not in run.frame.data or "onResume" not in outputs:
        return outputs
    form = flow.index[run.task_id].props.get("onResume") or ()
    groups = _groups(str(one.get("id") or one.get("name")) for one in form)
    return {**outputs, "onResume": _opened(outputs["onResume"], host, groups)}


def _holds_sealed(value: Any) -> bool:
    if isinstance(value, Mapping):
        return is_sealed(value) or any(map(_holds_sealed, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_sealed, value))


def _unsealed(value: Any, host: ExpressionHost) -> Any:
    """Return the outputs of a task with what it sealed readable, each only once an expression asks for it."""
    if is_sealed(value):
        return host.open_output(value["value"])
    if isinstance(value, Mapping):
        return LazyContext({key: partial(_unsealed, item, host) for key, item in value.items()})
    return [_unsealed(item, host) for item in value] if isinstance(value, list | tuple) else value


def _task_makers(
    flow: Flow, execution: Execution, run: TaskRun, host: ExpressionHost | None
) -> dict[str, Callable[[], Any]]:
    task = flow.index[run.task_id]
    makers: dict[str, Callable[[], Any]] = {
        "task": lambda: {"id": task.id, "type": task.type},
        "taskrun": lambda: _task_run(run),
    }
    if run.branch == STORE:
        makers["iterations"] = lambda: lines_of(execution, execution.task_runs[str(run.parent_id)])
    items = items_of(execution, run)
    if items:
        makers["item"] = lambda: _item(items)
    parent = None if run.parent_id is None else execution.task_runs[run.parent_id]
    if parent is not None and places.holds_place(parent):
        # The tasks of a shared folder are one unit of work: they know the loop value of the whole.
        makers["taskrun"] = lambda: {**_loop_place(parent), **_task_run(run)}
        makers["workerTaskrun"] = lambda: _task_run(parent)
    branch = faults.branch_of(execution, run)
    if branch is not None:
        makers["error"] = lambda: faults.error_of(execution, branch)
    parents = parents_of(flow, execution, run, host)
    if parents:
        makers["parent"] = lambda: parents[0]
        makers["parents"] = lambda: parents
    return makers


def _instant(at: datetime | None) -> datetime | None:
    # Templates show milliseconds, as flows that cut or compare the text expect.
    return None if at is None else at.replace(microsecond=at.microsecond // 1000 * 1000)


def _execution(execution: Execution) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": execution.id,
        "startDate": _instant(execution.created),
        "state": str(execution.state),
        "originalId": execution.original_id or execution.id,
    }
    return shown


def _task_run(run: TaskRun) -> dict[str, Any]:
    finished = sum(1 for attempt in run.attempts if attempt.state.is_terminal or attempt.state is State.LOST)
    shown: dict[str, Any] = {"id": run.id, "startDate": _instant(run.history.started), "attemptsCount": finished}
    if run.parent_id is not None:
        shown["parentId"] = run.parent_id
    return {**shown, **_loop_place(run)}


def _loop_place(run: TaskRun) -> dict[str, Any]:
    place = {"value": run.value, "iteration": run.iteration}
    return {name: value for name, value in place.items() if value is not None}


def parents_of(flow: Flow, execution: Execution, run: TaskRun, host: ExpressionHost | None) -> list[dict[str, Any]]:
    """Return the enclosing task runs that have a loop value or outputs, nearest first."""
    parents: list[dict[str, Any]] = []
    parent_id = run.parent_id
    while parent_id is not None:
        parent = execution.task_runs[parent_id]
        shown: dict[str, Any] = {}
        has_value = parent.value is not None and parent.branch != ITERATION
        if has_value:
            shown["taskrun"] = {"value": parent.value}
        if parent.outputs is not None:
            shown["outputs"] = _outputs(flow, parent, host)
        if has_value:
            parents.append(shown)
        parent_id = parent.parent_id
    return parents


def items_of(execution: Execution, run: TaskRun) -> list[tuple[TaskRun, int]]:
    """Return the iterations of Loops around a task run as (task run of the loop, number), innermost first."""
    found: list[tuple[TaskRun, int]] = []
    here: TaskRun | None = run
    while here is not None:
        parent = None if here.parent_id is None else execution.task_runs[here.parent_id]
        if here.branch == ITERATION and parent is not None:
            found.append((parent, here.iteration or 0))
        here = parent
    return found


def _item(items: Sequence[tuple[TaskRun, int]]) -> Mapping[str, Any]:
    (loop, number), *around = items
    shown = item_at(loop, number)
    if around:
        shown["parent"] = _item(around)
        shown["parents"] = [_item(around[start:]) for start in range(len(around))]
    return shown


def _nested(flat: Mapping[str, str]) -> dict[str, Any]:
    # `labels.system.correlationId` must work for the key `system.correlationId`.
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        level = nested
        for part in path:
            found = level.setdefault(part, {})
            if not isinstance(found, dict):
                break
            level = found
        else:
            level.setdefault(last, value)
        nested.setdefault(key, value)
    return nested
