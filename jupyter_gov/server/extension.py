"""The map of the server: which address is answered by which handler, and what runs behind them."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join

from jupyter_gov.config import ENV_PREFIX, JupyterGov
from jupyter_gov.server.base import HOST, MissingHandler
from jupyter_gov.server.host import ServiceHost
from jupyter_gov.server.identity import SERVER_NAME
from jupyter_gov.server.routes import approvals, executions, health, webhooks

if TYPE_CHECKING:
    from jupyter_gov.service.api import Gov

API = "/jupyter-gov/api/v1"
ROUTES = [*health.ROUTES, *approvals.ROUTES, *executions.ROUTES, *webhooks.ROUTES, (r".*", MissingHandler)]


class GovExtension(ExtensionApp):
    """Serves governance to the front-end, and carries on what kernels of the same user left behind."""

    name = "jupyter_gov"

    def _config_file_name_default(self) -> str:
        # The general rule would make it jupyter_jupyter_gov_config.
        return "jupyter_gov_config"

    def initialize_settings(self) -> None:
        """Settle the database before any kernel starts, so that kernels use the same one."""
        settings = JupyterGov(config=self.config)
        self._shared = _share_with_kernels(settings)
        self.settings[SERVER_NAME] = settings.server_name
        self.settings[HOST] = ServiceHost(self._open_service)
        self.settings[webhooks.LIMITER] = webhooks.Limiter(settings.webhook_calls_per_minute)

    def initialize_handlers(self) -> None:
        """Register the route table."""
        self.handlers.extend((url_path_join(API, pattern), handler) for pattern, handler in ROUTES)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        # A slow or locked database must not hold up the server: the first requests wait for it instead.
        self._starting = asyncio.create_task(self.settings[HOST].start())

    async def stop_extension(self) -> None:
        """Stop the loop and close the database."""
        await self.settings[HOST].close()
        for name in self._shared:
            os.environ.pop(name, None)

    def _open_service(self) -> Gov:
        from jupyter_gov.service import open_gov  # noqa: PLC0415 - SQL costs a second that the server need not wait

        gov = open_gov(config=self.config)
        if JupyterGov(config=self.config).background_loop:
            gov.start_loop(background=True)
        return gov


def _share_with_kernels(settings: JupyterGov) -> list[str]:
    """Put where things are kept into the environment that kernels inherit; return the names that were added."""
    resolved = {
        "DB_URL": settings.resolved_db_url(),
        "FILES_ROOT": str(settings.resolved_files_root()),
        "RUN_AS": settings.resolved_run_as(),
    }
    added = {ENV_PREFIX + name: value for name, value in resolved.items() if ENV_PREFIX + name not in os.environ}
    os.environ.update(added)
    return list(added)
