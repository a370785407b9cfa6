"""The small task types that the corpus names ``test-plugin:…``, offered as any third party offers its own.

What each does follows from the cases and flows that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine.flowables.base import Plan, Scope
from jupyter_gov.engine.flowables.sequential import Sequential
from jupyter_gov.engine.flowables.subflow import Subflow
from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, RunnableTask
from jupyter_gov.plugins.context import RunContext

_TASKS = "io.kestra.core.tasks.test."
_RUNNERS = "io.kestra.core.runners."
_DEFAULTS = _RUNNERS + "PluginDefaultsCaseTest$"


class TaskThatFail(RunnableTask):
    """Fails, and hands back its message all the same."""

    type_name = _RUNNERS + "test.TaskThatFail"
    message: Dynamic[str]

    def run(self, ctx: RunContext) -> Mapping[str, Any]:
        raise TaskError(self.message, outputs={"message": self.message})


class TaskWithAlias(RunnableTask):
    """Logs its message; known by two names."""

    type_name = _RUNNERS + "test.TaskWithAlias"
    aliases = (_RUNNERS + "test.task.Alias",)
    message: Dynamic[str]

    def run(self, ctx: RunContext) -> None:
        ctx.logger.info(self.message)


class NullOutputTask(RunnableTask):
    """Hands back an output that is null."""

    type_name = _TASKS + "NullOutputTask"

    def run(self, ctx: RunContext) -> Mapping[str, Any]:
        return {"value": None}


class Read(RunnableTask):
    """Hands back the content of a file of its working directory."""

    type_name = _TASKS + "Read"
    path: Dynamic[str]

    def run(self, ctx: RunContext) -> Mapping[str, Any]:
        file = ctx.working_dir / self.path.lstrip("/")
        if not file.is_file():
            raise TaskError(f"There is no file {self.path}.")
        return {"value": file.read_text(encoding="utf-8")}


class Encrypted(RunnableTask):
    """Hands its text back sealed."""

    type_name = _TASKS + "Encrypted"
    format: Dynamic[str]

    def run(self, ctx: RunContext) -> Mapping[str, Any]:
        seal = getattr(ctx, "seal", None)
        if seal is None:
            raise TaskError("not built yet: RunContext.seal, by which a task hands back a sealed output")
        return {"value": seal(self.format)}


class DynamicTask(RunnableTask):
    """Adds a task run of its own to the execution, or fails."""

    type_name = _TASKS + "DynamicTask"
    fail: bool = False

    def run(self, ctx: RunContext) -> None:
        if self.fail:
            raise TaskError("It was told to fail.")
        add = getattr(ctx, "add_task_run", None)
        if add is None:
            raise TaskError("not built yet: RunContext.add_task_run, by which a task adds task runs")
        add(f"{ctx.task_run.task_id}-child", State.SUCCESS, {})


class BadSequential(Sequential):
    """A flowable whose state cannot be resolved."""

    type_name = _TASKS + "BadSequential"
    aliases: ClassVar[tuple[str, ...]] = ()  # type: ignore[assignment]  # it stands under its own name only
    examples: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        raise RuntimeError("It cannot say in which state it is.")


class BadExecutable(Subflow):
    """A call whose result cannot be made."""

    type_name = _TASKS + "BadExecutable"
    aliases: ClassVar[tuple[str, ...]] = ()  # type: ignore[assignment]  # it stands under its own name only
    examples: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def end_state(cls, scope: Scope, state: State) -> State:
        raise RuntimeError("It cannot make a result.")


class _DefaultSequential(Sequential):
    """Tasks one after the other, and a text that comes from the plugin defaults, handed back."""

    aliases: ClassVar[tuple[str, ...]] = ()  # type: ignore[assignment]  # it stands under its own name only
    examples: ClassVar[tuple[str, ...]] = ()
    def_: Dynamic[str] | None = Field(default=None, alias="def")

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        plan = super().begin(scope)
        return Plan(plan.children, outputs={"def": scope.render(scope.task.props.get("def"))})


class DefaultSequential1(_DefaultSequential):
    """One of three, so that each has defaults of its own."""

    type_name = _DEFAULTS + "DefaultSequential1"


class DefaultSequential2(_DefaultSequential):
    """One of three, so that each has defaults of its own."""

    type_name = _DEFAULTS + "DefaultSequential2"


class DefaultSequential3(_DefaultSequential):
    """One of three, so that each has defaults of its own."""

    type_name = _DEFAULTS + "DefaultSequential3"


CATALOGUE: Mapping[str, str] = {
    name: f"{__name__}:{kind.__name__}"
    for kind in (
        TaskThatFail,
        TaskWithAlias,
        NullOutputTask,
        Read,
        Encrypted,
        DynamicTask,
        BadSequential,
        BadExecutable,
        DefaultSequential1,
        DefaultSequential2,
        DefaultSequential3,
    )
    for name in (kind.type_name, *kind.aliases)
}
