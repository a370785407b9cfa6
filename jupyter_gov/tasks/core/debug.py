"""Gives a rendered text back, to look at what an expression gives or to name a value."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.core.log import Level


class ReturnOutput(Output):
    """What Return hands back."""

    value: str | None = Field(description="The rendered text.")


class Return(RunnableTask):
    """Render a text and hand it back as the output `value`.

    Useful to see what an expression gives, and to name a value that several later tasks need.
    """

    type_name = "io.kestra.plugin.core.debug.Return"
    aliases = ("io.kestra.core.tasks.debugs.Return",)
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: name-it
type: io.kestra.plugin.core.debug.Return
format: "{{ flow.id }} started at {{ execution.startDate }}"
""",
    )

    format: Dynamic[str] | None = Field(default=None, description="The text; without it the value is null.")

    def run(self, ctx: RunContext) -> ReturnOutput:
        """Return the rendered text."""
        ctx.logger.debug(self.format or "")
        return ReturnOutput(value=self.format)


class Echo(RunnableTask):
    """Write a line to the log of the execution."""

    type_name = "io.kestra.plugin.core.debug.Echo"
    aliases = ("io.kestra.core.tasks.debugs.Echo",)
    deprecated = "use a task of type io.kestra.plugin.core.log.Log"
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: say
type: io.kestra.plugin.core.debug.Echo
format: "Hello from {{ flow.id }}"
""",
    )

    format: Dynamic[str] = Field(description="The line.")
    level: Dynamic[Level] = Field(default="INFO", description="Level of the line: TRACE, DEBUG, INFO, WARN or ERROR.")

    def run(self, ctx: RunContext) -> None:
        """Log the line."""
        ctx.logger.log(self.level, self.format)
