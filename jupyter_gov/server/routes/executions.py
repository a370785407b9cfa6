"""Where an execution stands."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from jupyter_gov.server.base import GovHandler, permitted
from jupyter_gov.server.models import ExecutionOut, Wire
from jupyter_gov.service.api import Gov


class ExecutionQuery(Wire):
    """How many task runs to show, newest first to be kept."""

    task_runs: int = Field(default=500, ge=1, le=2000)


class ExecutionHandler(GovHandler):
    """``GET executions/{id}``: states of the execution, its task runs and its gates."""

    @permitted("read", "gov:executions")
    async def get(self, execution_id: str) -> None:
        """Show the execution if the reader may see it."""
        query, actor = self.read_query(ExecutionQuery), self.actor

        def read(gov: Gov) -> ExecutionOut:
            execution = gov.executions.get(execution_id, actor)
            gates = gov.approvals.list(actor, status=None, execution_id=execution_id)
            return ExecutionOut.of(execution, list(gates), now=datetime.now(UTC), newest=query.task_runs)

        self.reply(await self.call(read))


ROUTES = [(r"executions/([\w-]+)", ExecutionHandler)]
