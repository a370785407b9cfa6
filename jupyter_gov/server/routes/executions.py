"""Where an execution stands; stop it, or let it go on."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from jupyter_gov.domain.actor import Actor
from jupyter_gov.server.base import GovHandler, permitted
from jupyter_gov.server.models import ExecutionOut, Wire
from jupyter_gov.service.api import Gov

RESOURCE = "gov:executions"


class ExecutionQuery(Wire):
    """How many task runs to show, newest first to be kept."""

    task_runs: int = Field(default=500, ge=1, le=2000)


class KillIn(Wire):
    """Why an execution is stopped; goes on record."""

    reason: str | None = Field(default=None, max_length=10_000)


class RestartIn(Wire):
    """Nothing; a body all the same, so that no form of another page can send it."""


class ExecutionHandler(GovHandler):
    """``GET executions/{id}``: states of the execution, its task runs and its gates."""

    @permitted("read", RESOURCE)
    async def get(self, execution_id: str) -> None:
        """Show the execution if the reader may see it."""
        query, actor = self.read_query(ExecutionQuery), self.actor
        self.reply(await self.call(lambda gov: _shown(gov, execution_id, actor, query.task_runs)))


class KillHandler(GovHandler):
    """``POST executions/{id}/kill``: the server's word for who asks, as for decisions."""

    @permitted("execute", RESOURCE)
    async def post(self, execution_id: str) -> None:
        """Ask the execution to stop and show where it then stands."""
        asked, actor = self.read_body(KillIn), self.actor

        def kill(gov: Gov) -> ExecutionOut:
            gov.executions.kill(execution_id, actor, asked.reason)
            return _shown(gov, execution_id, actor)

        self.reply(await self.call(kill))


class RestartHandler(GovHandler):
    """``POST executions/{id}/restart``: continue an ended execution from its failed tasks."""

    @permitted("execute", RESOURCE)
    async def post(self, execution_id: str) -> None:
        """Ask the execution to go on and show where it then stands."""
        self.read_body(RestartIn)
        actor = self.actor

        def restart(gov: Gov) -> ExecutionOut:
            gov.executions.restart(execution_id, actor)
            return _shown(gov, execution_id, actor)

        self.reply(await self.call(restart))


def _shown(gov: Gov, execution_id: str, actor: Actor, newest: int = 500) -> ExecutionOut:
    execution = gov.executions.get(execution_id, actor)
    gates = gov.approvals.list(actor, status=None, execution_id=execution_id)
    return ExecutionOut.of(execution, list(gates), now=datetime.now(UTC), newest=newest)


ROUTES = [
    (r"executions/([\w-]+)", ExecutionHandler),
    (r"executions/([\w-]+)/kill", KillHandler),
    (r"executions/([\w-]+)/restart", RestartHandler),
]
