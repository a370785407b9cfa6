"""Tasks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.engine.flowables.base import Child, Flowable, Plan, Scope, next_enabled


class Parallel(Flowable):
    """Runs its tasks side by side, at most ``concurrent`` at a time; when one fails, no further one begins."""

    type_name = "io.kestra.plugin.core.flow.Parallel"
    aliases = ("io.kestra.core.tasks.flows.Parallel",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: both
type: io.kestra.plugin.core.flow.Parallel
concurrent: 2
tasks:
  - id: left
    type: io.kestra.plugin.core.log.Log
    message: left
  - id: right
    type: io.kestra.plugin.core.log.Log
    message: right
""",
    )

    concurrent: int = Field(default=0, ge=0, description="How many tasks may run at once; 0 means all.")

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Start as many tasks as may run at once."""
        return cls._fill(scope)

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Start the next task in the place of the one that ended."""
        return cls._fill(scope)

    @classmethod
    def reopen(cls, scope: Scope, children: Sequence[TaskRun]) -> Plan:
        """Start what had no place any more when a task failed."""
        return cls._fill(scope)

    @staticmethod
    def _fill(scope: Scope) -> Plan:
        tasks, cursor = scope.tasks("tasks"), scope.frame.cursor
        places = int(scope.task.props.get("concurrent") or 0) or len(tasks)
        children: list[Child] = []
        while scope.frame.open + len(children) < places:
            index = next_enabled(tasks, cursor)
            if index is None:
                cursor = len(tasks)
                break
            children.append(Child("tasks", index))
            cursor = index + 1
        return Plan(children, cursor=cursor)
