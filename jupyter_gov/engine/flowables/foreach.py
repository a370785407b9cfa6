"""The same tasks for each of several values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.engine.flowables.base import Child, Flowable, Plan, Scope, following, next_enabled
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.ports import Rename


def loop_values(rendered: Any) -> tuple[str, ...]:
    """Return the distinct values of a loop as texts, in order; ``rendered`` is a list or JSON text of one.

    Raises
    ------
    ExecutionError
        ``GOV321``: not a list, or a value is null.
    """
    values = _parsed(rendered)
    nulls = sum(1 for value in values if value is None)
    if nulls:
        raise ExecutionError(f"Found '{nulls}' null values on Each, with values={_java(values)}", code="GOV321")
    texts = (value if isinstance(value, str) else json.dumps(value, separators=(",", ":")) for value in values)
    return tuple(dict.fromkeys(texts))


def _parsed(rendered: Any) -> list[Any]:
    if isinstance(rendered, str):
        try:
            rendered = json.loads(rendered)
        except ValueError as error:
            raise ExecutionError(
                f"the values of a loop must be a list, or text of a JSON list; got {rendered[:80]!r}",
                code="GOV321",
                hint="Use a YAML list, or an expression with the filter `toJson`.",
            ) from error
    if isinstance(rendered, dict):
        return [{"key": key, "value": value} for key, value in rendered.items()]
    if not isinstance(rendered, list | tuple):
        raise ExecutionError(f"the values of a loop must be a list; got {type(rendered).__name__}", code="GOV321")
    return list(rendered)


def _java(value: Any) -> str:
    # The published wording prints values as Java does.
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_java(item) for item in value) + "]"
    return str(value)


class Loop(Flowable):
    """What loops over given values share. It is no type of its own.

    Attributes
    ----------
    values_key
        Property that holds the values.
    """

    loops: ClassVar[bool] = True
    values_key: ClassVar[str] = "values"

    @classmethod
    def _values(cls, scope: Scope) -> tuple[str, ...]:
        written = scope.task.props.get(cls.values_key)
        rendered = scope.render(written)
        # Before any error text can quote one; what the flow's own text says is no secret, whatever it looks like.
        if rendered != written and scope.finds_secret(rendered):
            raise ExecutionError(
                "the values of a loop are stored and shown, and there is a secret among them",
                code="GOV321",
                hint="Loop over names, and read the secret inside: {{ secret(taskrun.value) }}.",
            )
        return loop_values(rendered)

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Resolve the values and start the first iterations.

        Raises
        ------
        ExecutionError
            ``GOV321``: no list, a null, or a secret among the values.
        """
        values = cls._values(scope)
        first = next_enabled(scope.tasks("tasks"), 0)
        if first is None:
            return Plan(items=values)
        limit = cls._limit(scope) or len(values)
        children = [Child("tasks", first, value, n) for n, value in enumerate(values[:limit])]
        return Plan(children, cursor=len(children), items=values)

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Go on with the iteration of the child that ended, or start the next iteration."""
        children = following(scope, ended)
        return Plan(children) if children else cls._next_iterations(scope, 1)

    @classmethod
    def reopen(cls, scope: Scope, children: Sequence[TaskRun]) -> Plan:
        """Go on with the iterations that another one's failure has stopped, and start further ones."""
        last = {child.iteration: child for child in children}
        stopped = [child for run in last.values() if run.state.is_terminal for child in following(scope, run)]
        limit = cls._limit(scope) or len(scope.run.items or ())
        more = cls._next_iterations(scope, limit - scope.frame.open - len(stopped))
        return replace(more, children=[*stopped, *more.children])

    @staticmethod
    def _next_iterations(scope: Scope, places: int) -> Plan:
        items, start = scope.run.items or (), scope.frame.cursor
        first = next_enabled(scope.tasks("tasks"), 0)
        end = min(len(items), start + max(0, places))
        if first is None or end == start:
            return Plan()
        return Plan([Child("tasks", first, items[n], n) for n in range(start, end)], cursor=end)

    @classmethod
    def _limit(cls, scope: Scope) -> int:
        return 1


class ForEach(Loop):
    """Runs its tasks, one after the other, for each value; ``concurrencyLimit`` values at a time.

    A value is stored, shown, and tells the iterations apart, so it cannot be secret: masked, two secrets would be one
    iteration, and after a change of the worker ``taskrun.value`` would be the mask. Such a loop fails. Loop over the
    names, and let the tasks read ``secret(taskrun.value)``.
    """

    type_name = "io.kestra.plugin.core.flow.ForEach"
    renames = {"value": Rename("values", "the property is called `values`")}  # noqa: RUF012 - ClassVar of the base
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: each
type: io.kestra.plugin.core.flow.ForEach
values: ["train", "test"]
concurrencyLimit: 2
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ taskrun.value }}"
""",
    )

    values: Any = Field(description="A list, or an expression that renders to the JSON text of one.")
    concurrency_limit: int = Field(default=1, ge=0, description="How many values at once; 0 means all.")

    @classmethod
    def _limit(cls, scope: Scope) -> int:
        limit = scope.task.props.get("concurrencyLimit")
        return 1 if limit is None else int(limit)


class EachSequential(Loop):
    """Runs its tasks, one after the other, for each value, one value after the other: the old form of ``ForEach``."""

    type_name = "io.kestra.plugin.core.flow.EachSequential"
    aliases = ("io.kestra.core.tasks.flows.EachSequential",)
    deprecated = "write io.kestra.plugin.core.flow.ForEach, and `values` for `value`"
    values_key: ClassVar[str] = "value"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: each
type: io.kestra.plugin.core.flow.EachSequential
value: '["train", "test"]'
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ taskrun.value }}"
""",
    )

    value: Any = Field(description="The JSON text of a list, or an expression that renders to one, or a list.")


class EachParallel(Loop):
    """Runs all its tasks for all values side by side, at most ``concurrent`` task runs at a time; old."""

    type_name = "io.kestra.plugin.core.flow.EachParallel"
    aliases = ("io.kestra.core.tasks.flows.EachParallel",)
    deprecated = "write io.kestra.plugin.core.flow.ForEach with `concurrencyLimit: 0`, and a Parallel inside"
    values_key: ClassVar[str] = "value"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: each
type: io.kestra.plugin.core.flow.EachParallel
value: ["train", "test"]
concurrent: 3
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ taskrun.value }}"
""",
    )

    value: Any = Field(description="The JSON text of a list, or an expression that renders to one, or a list.")
    concurrent: int = Field(default=0, ge=0, description="How many task runs may be open at once; 0 means all.")

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Resolve the values and start as many task runs as may be open at once.

        Raises
        ------
        ExecutionError
            ``GOV321``: no list, a null, or a secret among the values.
        """
        values = cls._values(scope)
        return replace(cls._fill(scope, values), items=values)

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Start the next task run in the place of the one that ended."""
        return cls._fill(scope, scope.run.items or ())

    @classmethod
    def reopen(cls, scope: Scope, children: Sequence[TaskRun]) -> Plan:
        """Start what had no place any more when a task run failed."""
        return cls._fill(scope, scope.run.items or ())

    @classmethod
    def _fill(cls, scope: Scope, values: Sequence[str]) -> Plan:
        # The cursor counts the task runs of all iterations: those of the first value, then those of the second …
        enabled = [index for index, task in enumerate(scope.tasks("tasks")) if not task.disabled]
        total, start = len(values) * len(enabled), scope.frame.cursor
        limit = int(scope.task.props.get("concurrent") or 0)
        end = min(total, start + max(0, limit - scope.frame.open)) if limit else total
        places = (divmod(number, len(enabled)) for number in range(start, end))
        return Plan([Child("tasks", enabled[task], values[n], n) for n, task in places], cursor=end)
