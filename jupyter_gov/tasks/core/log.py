"""Writes to the log of the execution."""

from __future__ import annotations

from typing import Annotated, ClassVar, get_args

from pydantic import BeforeValidator, Field

from jupyter_gov.plugins.api import Dynamic, RunnableTask
from jupyter_gov.plugins.context import LogLevel, RunContext

LEVELS: tuple[str, ...] = get_args(LogLevel)


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


Level = Annotated[LogLevel, BeforeValidator(_upper)]
"""A log level in any case."""


class Log(RunnableTask):
    """Write one or more lines to the log of the execution.

    A list of messages gives one line each, in order.
    """

    type_name = "io.kestra.plugin.core.log.Log"
    aliases = ("io.kestra.core.tasks.log.Log",)
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: hello
type: io.kestra.plugin.core.log.Log
message: "Hello from {{ flow.namespace }}"
""",
        """\
id: several-lines
type: io.kestra.plugin.core.log.Log
level: WARN
message:
  - The model is old.
  - Train it again.
""",
    )

    message: Dynamic[str | list[str]] = Field(description="Text, or a list of texts, to log.")
    level: Dynamic[Level] = Field(default="INFO", description="Level of the lines: TRACE, DEBUG, INFO, WARN or ERROR.")

    def run(self, ctx: RunContext) -> None:
        """Log each message."""
        for line in [self.message] if isinstance(self.message, str) else self.message:
            ctx.logger.log(self.level, line)
