"""Reports numbers of one's own."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from jupyter_gov.lang.models.scalars import IsoDuration
from jupyter_gov.plugins.api import Dynamic, GovModel, RunnableTask
from jupyter_gov.plugins.context import Metric, RunContext


class Number(GovModel):
    """One number to report."""

    name: Dynamic[str] = Field(description="Its name.")
    type: Literal["counter", "timer"] = Field(default="counter", description="counter, or timer (a duration).")
    value: Dynamic[float] | Dynamic[IsoDuration] = Field(description="The number; of a timer seconds, or such as PT2S.")
    tags: Dynamic[dict[str, str]] = Field(default_factory=dict, description="Name -> value, to tell numbers apart.")


class Publish(RunnableTask):
    """Report numbers, which are kept beside those that tasks report by themselves."""

    type_name = "io.kestra.plugin.core.metric.Publish"
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: numbers
type: io.kestra.plugin.core.metric.Publish
metrics:
  - name: rows
    type: counter
    value: 1234
    tags:
      table: users
  - name: waited
    type: timer
    value: PT1.5S
""",
    )

    metrics: list[Number] = Field(description="The numbers.", min_length=1)

    def run(self, ctx: RunContext) -> None:
        """Report the numbers."""
        for found in self.metrics:
            value = found.value if isinstance(found.value, int | float) else found.value.total_seconds()
            ctx.metric(Metric(found.name, found.type, float(value), found.tags))
