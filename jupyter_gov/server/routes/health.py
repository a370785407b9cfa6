"""The handshake between front-end and server."""

from __future__ import annotations

from jupyter_gov import __version__
from jupyter_gov.errors import GovError
from jupyter_gov.server.base import HOST, GovHandler, permitted
from jupyter_gov.server.host import ServiceHost
from jupyter_gov.server.models import ActorOut, HealthOut


class HealthHandler(GovHandler):
    """``GET health``: version, API level, who the reader is, and what is broken."""

    @permitted("read", "gov:health")
    async def get(self) -> None:
        """Answer always, also when the database cannot be opened: then with the reason."""
        host: ServiceHost = self.settings[HOST]
        problem: GovError | None = None
        try:
            await host.call(lambda _gov: None)
        except GovError as error:
            problem = error
        self.reply(
            HealthOut(
                version=__version__,
                status="ok" if problem is None else "broken",
                problem=None if problem is None else problem.to_json(),
                actor=ActorOut.of(self.actor),
            )
        )


ROUTES = [(r"health", HealthHandler)]
