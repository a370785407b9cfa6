"""Ends the execution as failed if what should hold does not."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext


class AssertOutput(Output):
    """What Assert hands back."""

    success: int = Field(description="How many conditions hold.")
    failed: int = Field(description="How many do not.")


class Assert(RunnableTask):
    """Fail unless all conditions hold; the log says which do not."""

    type_name = "io.kestra.plugin.core.execution.Assert"
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: plausible
type: io.kestra.plugin.core.execution.Assert
conditions:
  - "{{ 10 > 5 }}"
  - "{{ flow.namespace is defined }}"
errorMessage: The data is not plausible.
""",
    )

    conditions: list[str] = Field(
        description="Conditions; everything but an empty text, `false` and `0` holds.", min_length=1
    )
    error_message: Dynamic[str] | None = Field(default=None, description="Why it failed, for people who read it.")

    def run(self, ctx: RunContext) -> AssertOutput:
        """Check the conditions.

        Raises
        ------
        TaskError
            ``GOV808``: one does not hold.
        """
        broken = [condition for condition in self.conditions if not is_truthy(ctx.render(condition))]
        for condition in broken:
            ctx.logger.error(f"Does not hold: {condition}")
        output = AssertOutput(success=len(self.conditions) - len(broken), failed=len(broken))
        if broken:
            message = self.error_message or f"{len(broken)} of {len(self.conditions)} conditions do not hold."
            raise TaskError(message, code="GOV808", outputs=output.model_dump(by_alias=True))
        return output
