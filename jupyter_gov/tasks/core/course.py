"""Tasks that change the course of their own execution: its variables, its end."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from jupyter_gov.domain.states import State
from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.storable import fault
from jupyter_gov.plugins.api import Dynamic, RunnableTask
from jupyter_gov.plugins.context import RunContext


class SetVariables(RunnableTask):
    """Give `vars` new values for the tasks that follow; the flow itself stays as it is."""

    type_name = "io.kestra.plugin.core.execution.SetVariables"
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: remember
type: io.kestra.plugin.core.execution.SetVariables
variables:
  stage: prod
  checked: true
""",
    )

    variables: Dynamic[dict[str, Any]] = Field(description="Name -> value.")
    overwrite: bool = Field(default=True, description="Whether variables that exist may get another value.")

    def run(self, ctx: RunContext) -> None:
        """Set them.

        Raises
        ------
        TaskError
            ``GOV887``: one exists and may not be overwritten, or a value cannot be stored.
        """
        known = [name for name in self.variables if not self.overwrite and _exists(ctx, name)]
        if known:
            raise TaskError(
                f"These variables exist already, and `overwrite` is false: {', '.join(known)}.", code="GOV887"
            )
        for name, value in self.variables.items():
            if (reason := fault(value, finite=True)) is not None:
                raise TaskError(f"The value of the variable {name!r} cannot be stored: {reason}.", code="GOV887")
        ctx.set_variables(self.variables)


class UnsetVariables(RunnableTask):
    """Take variables away from `vars` for the tasks that follow."""

    type_name = "io.kestra.plugin.core.execution.UnsetVariables"
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: forget
type: io.kestra.plugin.core.execution.UnsetVariables
variables: [stage]
ignoreMissing: true
""",
    )

    variables: Dynamic[list[str]] = Field(description="Their names.")
    ignore_missing: bool = Field(default=False, description="Whether it is no mistake if there is no such variable.")

    def run(self, ctx: RunContext) -> None:
        """Take them away.

        Raises
        ------
        TaskError
            ``GOV887``: there is none of a name.
        """
        missing = [name for name in self.variables if not self.ignore_missing and not _exists(ctx, name)]
        if missing:
            raise TaskError(f"There are no such variables: {', '.join(missing)}.", code="GOV887")
        ctx.set_variables({}, remove=self.variables)


def _exists(ctx: RunContext, name: str) -> bool:
    return bool(ctx.render_typed("{{ (vars | keys) contains name }}", {"name": name}))


class Exit(RunnableTask):
    """End the execution here, in a state of its own.

    Nothing more of it begins. Tasks that run in other branches come to their end first; with KILLED they are stopped.
    """

    type_name = "io.kestra.plugin.core.execution.Exit"
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: enough
type: io.kestra.plugin.core.execution.Exit
state: WARNING
""",
    )

    state: Literal["SUCCESS", "WARNING", "KILLED", "FAILED", "CANCELED", "CANCELLED"] = Field(
        default="SUCCESS", description="The state in which the execution ends."
    )

    def run(self, ctx: RunContext) -> None:
        """Ask for the end."""
        ctx.exit(State("CANCELLED" if self.state == "CANCELED" else self.state))
