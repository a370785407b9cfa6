"""Hands values back under names."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext


class OutputValuesOutput(Output):
    """What OutputValues hands back."""

    values: dict[str, Any] = Field(description="The values, rendered.")


class OutputValues(RunnableTask):
    """Hand back a map of values, which later tasks read as `outputs.<task id>.values.<name>`.

    Texts at any depth are rendered; numbers, booleans and lists keep their type.
    """

    type_name = "io.kestra.plugin.core.output.OutputValues"
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: report
type: io.kestra.plugin.core.output.OutputValues
values:
  title: "Report of {{ flow.id }}"
  rows: 42
  tags: [weekly, sales]
""",
    )

    values: Dynamic[dict[str, Any]] = Field(default_factory=dict, description="Name -> value.")

    def run(self, ctx: RunContext) -> OutputValuesOutput:
        """Return the rendered values."""
        return OutputValuesOutput(values=self.values)
