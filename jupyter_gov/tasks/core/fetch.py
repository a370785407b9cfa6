"""Reads the log of an execution into a file."""

from __future__ import annotations

import json
from typing import ClassVar

from pydantic import Field

from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.core.log import LEVELS, Level


class FetchOutput(Output):
    """What Fetch hands back."""

    size: int = Field(description="Number of lines.")
    uri: str = Field(description="URI of a file with one line of JSON for each.")


class Fetch(RunnableTask):
    """Store the log of this execution, or of another one of the same namespace, as a file.

    Each line of the file is a JSON object with `timestamp`, `level`, `taskId`, `taskRunId`, `attempt` and `message`.
    """

    type_name = "io.kestra.plugin.core.log.Fetch"
    aliases = ("io.kestra.core.tasks.log.Fetch",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: log
type: io.kestra.plugin.core.log.Fetch
level: WARN
""",
    )

    namespace: Dynamic[str] | None = Field(default=None, description="Accepted for an executionId, which says it.")
    flow_id: Dynamic[str] | None = Field(default=None, description="Accepted for an executionId, which says it.")
    execution_id: Dynamic[str] | None = Field(default=None, description="Whose log; this execution's if left out.")
    tasks_id: list[str] | None = Field(default=None, description="Only lines of these tasks.")
    level: Dynamic[Level] = Field(default="INFO", description="Only lines of this level and above.")

    def run(self, ctx: RunContext) -> FetchOutput:
        """Store the lines.

        Raises
        ------
        TaskError
            ``GOV873``: there is no such execution in the namespace of the flow.
        """
        lowest = LEVELS.index(self.level)
        path = ctx.working_dir / "log.jsonl"
        count = 0
        with path.open("w", encoding="utf-8") as file:
            for line in ctx.logs(self.execution_id):
                if LEVELS.index(line.level) < lowest or (self.tasks_id and line.task_id not in self.tasks_id):
                    continue
                count += 1
                record = {
                    "timestamp": line.at.isoformat(),
                    "level": line.level,
                    "taskId": line.task_id,
                    "taskRunId": line.task_run_id,
                    "attempt": line.attempt,
                    "message": line.message,
                }
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        return FetchOutput(size=count, uri=ctx.files.put(path, "log.jsonl"))
