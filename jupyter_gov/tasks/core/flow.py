"""Tasks that only take time."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from jupyter_gov.lang.models.scalars import IsoDuration, format_duration
from jupyter_gov.plugins.api import Dynamic, RunnableTask
from jupyter_gov.plugins.context import RunContext

_LONGEST_WAIT = timedelta(days=1)


class Sleep(RunnableTask):
    """Wait for a while.

    A worker is busy during the wait. To wait for hours use a Pause with `pauseDuration`, which holds nothing.
    """

    type_name = "io.kestra.plugin.core.flow.Sleep"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: wait
type: io.kestra.plugin.core.flow.Sleep
duration: PT0.1S
""",
    )

    duration: Dynamic[IsoDuration] = Field(description="How long to wait, such as PT5S.")

    def run(self, ctx: RunContext) -> None:
        """Wait, or stop at once when the task is killed."""
        ctx.logger.info(f"Waiting for {format_duration(self.duration)}.")
        left = self.duration
        while left > timedelta(0):
            # The system's wait takes no arbitrarily long times.
            part = min(left, _LONGEST_WAIT)
            if ctx.cancellation.wait(part.total_seconds()):
                ctx.cancellation.raise_if_requested()
            left -= part
