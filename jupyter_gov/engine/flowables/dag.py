"""Tasks in the order of what they depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.engine.flowables.base import Child, Flowable, Plan, Scope
from jupyter_gov.engine.memo import Memo
from jupyter_gov.lang.models.flow import TaskDef
from jupyter_gov.lang.ports import DEPENDS_ON, SlotKind


class Dag(Flowable):
    """Runs each task once all tasks that it depends on have ended, at most ``concurrent`` at a time.

    Tasks that depend on nothing begin at once. When one fails, no further one begins. A disabled task is as if it were
    not there: who depends on it depends on what it depended on.
    """

    type_name = "io.kestra.plugin.core.flow.Dag"
    aliases = ("io.kestra.core.tasks.flows.Dag",)
    slots: ClassVar[Mapping[str, SlotKind]] = {"tasks": "dag", "errors": "list", "finally": "list"}
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: prepare
type: io.kestra.plugin.core.flow.Dag
tasks:
  - task:
      id: load
      type: io.kestra.plugin.core.log.Log
      message: load
  - task:
      id: profile
      type: io.kestra.plugin.core.log.Log
      message: profile
    dependsOn: [load]
  - task:
      id: train
      type: io.kestra.plugin.core.log.Log
      message: train
    dependsOn: [load, profile]
""",
    )

    concurrent: int = Field(default=0, ge=0, description="How many tasks may run at once; 0 means all that are ready.")

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Start the tasks that depend on nothing."""
        return Plan(cls._ready(scope))

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Start what waited for the child that ended, or for its place."""
        return Plan(cls._ready(scope))

    @classmethod
    def reopen(cls, scope: Scope, children: Sequence[TaskRun]) -> Plan:
        """Start what was ready when another task failed."""
        return Plan(cls._ready(scope))

    @classmethod
    def _ready(cls, scope: Scope) -> Sequence[Child]:
        tasks, limit = scope.tasks("tasks"), int(scope.task.props.get("concurrent") or 0)
        places = (limit or len(tasks)) - scope.frame.open
        if places <= 0:
            return ()
        needed = dependencies(scope.task)
        runs = {task.id: cls._run_of(scope, task) for task in tasks if not task.disabled}
        over = {name for name, run in runs.items() if run is not None and run.state.is_terminal}
        ready = (
            Child("tasks", index)
            for index, task in enumerate(tasks)
            if not task.disabled and runs[task.id] is None and needed[task.id] <= over
        )
        return tuple(child for child, _ in zip(ready, range(places), strict=False))

    @staticmethod
    def _run_of(scope: Scope, task: TaskDef) -> TaskRun | None:
        found = scope.execution.find(task.id, scope.run.path)
        return found if found is not None and found.parent_id == scope.run.id else None


def _dependencies(dag: TaskDef) -> Mapping[str, frozenset[str]]:
    written: Mapping[str, Sequence[str]] = dag.props.get(DEPENDS_ON) or {}
    disabled = {task.id for task in dag.slots.get("tasks", ()) if task.disabled}
    return {task.id: _through(written, disabled, task.id) for task in dag.slots.get("tasks", ())}


def _through(written: Mapping[str, Sequence[str]], disabled: set[str], name: str) -> frozenset[str]:
    """Return what a task waits for: a disabled task is replaced by what it depends on."""
    found: set[str] = set()
    seen: set[str] = set()
    stack = list(written.get(name, ()))
    while stack:
        one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in disabled:
            stack += written.get(one, ())
        else:
            found.add(one)
    return frozenset(found)


dependencies: Memo[TaskDef, Mapping[str, frozenset[str]]] = Memo(_dependencies)
"""The enabled tasks that each task of a Dag waits for."""
