"""Holds the service for the server: opened once, off the event loop, and called on a few threads of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from jupyter_gov.errors import GovError
from jupyter_gov.service.api import Gov

T = TypeVar("T")
_log = logging.getLogger(__name__)
_THREADS = 4


class ServiceHost:
    """Runs calls of the service without blocking the server.

    A service that cannot be opened (locked or foreign database) does not stop the server: each call tries again and
    fails with the reason, and ``problem`` keeps it for the health route.
    """

    def __init__(self, open_service: Callable[[], Gov]) -> None:
        self._open_service = open_service
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="jupyter-gov-server")
        self._opening = asyncio.Lock()
        self._gov: Gov | None = None
        self.problem: GovError | None = None

    async def start(self) -> None:
        """Open the service before the first request needs it."""
        try:
            await self.call(lambda _gov: None)
        except GovError as error:
            _log.warning("jupyter_gov cannot open its database: %s", error)

    async def call(self, function: Callable[[Gov], T]) -> T:
        """Return ``function(service)``, computed on a thread.

        Raises
        ------
        GovError
            Whatever the service refuses.
        """
        gov = await self._service()
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, gov)

    async def _service(self) -> Gov:
        async with self._opening:
            if self._gov is None:
                try:
                    self._gov = await asyncio.get_running_loop().run_in_executor(self._pool, self._open_service)
                except GovError as error:
                    self.problem = error
                    raise
                self.problem = None
            return self._gov

    async def close(self) -> None:
        """Close the service and end the threads."""
        async with self._opening:
            gov, self._gov = self._gov, None
            if gov is not None:
                await asyncio.get_running_loop().run_in_executor(self._pool, gov.close)
            self._pool.shutdown(wait=False)
