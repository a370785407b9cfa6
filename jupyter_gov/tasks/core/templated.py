"""A task that is itself the result of an expression."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.nodes import MapNode, plain_data
from jupyter_gov.lang.source import load
from jupyter_gov.plugins.api import Dynamic, RunnableTask
from jupyter_gov.plugins.binding import bind, outputs_of
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.plugins.registry import Registry

_SHARED = frozenset({"id", "type", "description"})


class TemplatedTask(RunnableTask):
    """Run the task that `spec` becomes when it is rendered: the YAML of one task that does work.

    It runs in the place of this one: its outputs are this task's outputs, and retry, timeout and the like are written
    here. It may be no task that only decides which others run, and not a TemplatedTask again.
    """

    type_name = "io.kestra.plugin.core.templating.TemplatedTask"
    aliases = ("io.kestra.core.tasks.templating.TemplatedTask",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: chosen
type: io.kestra.plugin.core.templating.TemplatedTask
spec: |
  type: io.kestra.plugin.core.debug.Return
  format: "{{ flow.id }} says hello"
""",
    )

    spec: Dynamic[str] = Field(description="YAML of a task, with expressions anywhere in it.")

    def run(self, ctx: RunContext) -> Mapping[str, Any] | None:
        """Run what the text has become.

        Raises
        ------
        TaskError
            ``GOV887``: it is no task that can run here.
        """
        written = _written(self.spec)
        kind = _registry().load(str(written["type"]))
        if not issubclass(kind, RunnableTask) or issubclass(kind, TemplatedTask):
            raise _wrong(f"a task of type {written['type']} cannot stand in a spec: only tasks that do work can")
        props = {name: value for name, value in written.items() if name not in _SHARED}
        return outputs_of(bind(kind, props, ctx.render, _registry()).run(ctx))


@cache
def _registry() -> Registry:
    return Registry()


def _written(spec: str) -> Mapping[str, Any]:
    tree = load(spec)
    if tree.problems:
        raise _wrong(f"it is no YAML: {tree.problems[0].message}")
    if not isinstance(tree.root, MapNode):
        raise _wrong("it must be a map with the properties of a task")
    found: Mapping[str, Any] = plain_data(tree.root)
    if not found.get("type"):
        raise _wrong('it needs the key "type"')
    return found


def _wrong(reason: str) -> TaskError:
    return TaskError(
        f"The spec is no task that can run: {reason}.",
        code="GOV887",
        hint="Log the rendered spec by a task before this one.",
    )
