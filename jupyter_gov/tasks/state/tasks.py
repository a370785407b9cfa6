"""Sets, reads and deletes a state; states lie among the values of the namespace of the flow."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.plugins.outputs import jsonable

_DEPRECATED = "version 2.0 of Kestra has no state store; use the tasks io.kestra.plugin.core.kv.Set, Get and Delete"


class StateTask(RunnableTask):
    """Which state a task is about."""

    deprecated = _DEPRECATED
    repeatable = True

    name: Dynamic[str] = Field(default="default", description="Name of the state.")
    namespace: Dynamic[bool] = Field(
        default=False, description="Share the state among all flows of the namespace, instead of one per flow."
    )
    taskrun_value: Dynamic[bool] = Field(
        default=True, description="Inside a loop keep one state per value, instead of one for all."
    )

    def key(self, ctx: RunContext) -> str:
        """Return the key under which the state lies among the values of the namespace."""
        value = ctx.task_run.value if self.taskrun_value else None
        parts = [
            *([] if self.namespace else [ctx.execution.flow_id]),
            "states",
            self.name,
            # A value may be of any length and hold anything; a key may not.
            *([] if value is None else [hashlib.sha256(value.encode()).hexdigest()[:16]]),
        ]
        return "_".join(parts)


class _Missing(StateTask):
    error_on_missing: Dynamic[bool] = Field(default=False, description="Fail if there is no such state.")

    def _refuse(self) -> None:
        if self.error_on_missing:
            raise TaskError(
                f"There is no state '{self.name}', and `errorOnMissing` is set to true.",
                code="GOV864",
                hint="Set it before by a task of type io.kestra.plugin.core.state.Set.",
            )


class SetOutput(Output):
    """What Set hands back."""

    count: int = Field(description="Number of names in the state now.")
    key: str = Field(description="Under which key it lies among the values of the namespace.")


class Set(StateTask):
    """Add names and values to a state, or replace those that it has.

    What expressions give is kept as text.
    """

    type_name = "io.kestra.plugin.core.state.Set"
    aliases = ("io.kestra.core.tasks.states.Set",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: remember
type: io.kestra.plugin.core.state.Set
name: import
data:
  last: "{{ execution.startDate }}"
""",
    )

    data: Dynamic[dict[str, Any]] | None = Field(default=None, description="Name -> value.")

    def run(self, ctx: RunContext) -> SetOutput:
        """Add to the state.

        Raises
        ------
        TaskError
            ``GOV871``: a secret in it.
        """
        key = self.key(ctx)
        stored = ctx.kv.merge(key, jsonable(self.data or {}))
        return SetOutput(count=len(stored.value), key=key)


class GetOutput(Output):
    """What Get hands back."""

    count: int = Field(description="Number of names in the state.")
    data: dict[str, Any] = Field(description="Name -> value; empty if there is no such state.")


class Get(_Missing):
    """Read a state that an execution before this one, or a task before this one, has set."""

    type_name = "io.kestra.plugin.core.state.Get"
    aliases = ("io.kestra.core.tasks.states.Get",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: last
type: io.kestra.plugin.core.state.Get
name: import
""",
    )

    def run(self, ctx: RunContext) -> GetOutput:
        """Return the state.

        Raises
        ------
        TaskError
            ``GOV864``: there is none, and `errorOnMissing` is set.
        """
        found = ctx.kv.get(self.key(ctx))
        if found is None:
            self._refuse()
        data = found.value if found is not None else {}
        return GetOutput(count=len(data), data=data)


class DeleteOutput(Output):
    """What Delete hands back."""

    deleted: bool = Field(description="Whether there was such a state.")


class Delete(_Missing):
    """Delete a state."""

    type_name = "io.kestra.plugin.core.state.Delete"
    aliases = ("io.kestra.core.tasks.states.Delete",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: forget
type: io.kestra.plugin.core.state.Delete
name: import
""",
    )

    def run(self, ctx: RunContext) -> DeleteOutput:
        """Delete the state.

        Raises
        ------
        TaskError
            ``GOV864``: there is none, and `errorOnMissing` is set.
        """
        deleted = ctx.kv.delete(self.key(ctx))
        if not deleted:
            self._refuse()
        return DeleteOutput(deleted=deleted)
