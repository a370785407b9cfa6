"""Executes notebooks with papermill in pooled kernels; implements ``plugins.context.Notebooks``.

papermill takes more than a second to import, a kernel a third of one to start: nothing of it happens before the
first notebook, and then both at the same time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import InstallationError, TaskError
from jupyter_gov.plugins.context import Cancellation, NotebookEvents, NotebookRequest, NotebookResult
from jupyter_gov.runtime.limits import OUTPUT_BYTES

if TYPE_CHECKING:
    from jupyter_gov.runtime.kernels import KernelPool, Taking
    from jupyter_gov.runtime.kernelspecs import KernelWant
    from jupyter_gov.runtime.notebook_run import NotebookRun
    from jupyter_gov.runtime.watchdog import Watchdog

DEFAULT_KERNEL = "python3"


class NotebookRunner:
    """Executes notebooks for one worker, several at a time; made once, closed with the worker.

    Parameters
    ----------
    identity
        ``run_as`` of the worker; a kernel never serves two identities.
    watchdog
        Kills the kernels when this process dies or is stopped.
    output_limit
        Bytes that one notebook may write and display.
    pool_options
        Of ``KernelPool``: per_key, total, idle_seconds, start_timeout, refill_delay.
    """

    def __init__(
        self,
        *,
        identity: str,
        watchdog: Watchdog | None = None,
        output_limit: int = OUTPUT_BYTES,
        **pool_options: Any,
    ) -> None:
        self._identity = identity
        self._watchdog = watchdog
        self._output_limit = output_limit
        self._pool_options = pool_options
        self._lock = threading.Lock()
        self._pool: KernelPool | None = None

    @property
    def pool(self) -> KernelPool:
        """The kernels; made when first asked for."""
        from jupyter_gov.runtime.kernels import KernelPool  # noqa: PLC0415 - brings sockets and jupyter_client

        with self._lock:
            if self._pool is None:
                self._pool = KernelPool(watchdog=self._watchdog, **self._pool_options)
            return self._pool

    def run(
        self,
        request: NotebookRequest,
        *,
        target: Path,
        cancellation: Cancellation,
        redact: Callable[[str], str],
        events: NotebookEvents,
    ) -> NotebookResult:
        """Execute a notebook and write the result to ``target``, also when a cell fails or the run is cancelled.

        Raises
        ------
        TaskError
            ``GOV840`` no notebook, ``GOV841`` unknown parameter, ``GOV842`` parameter of the wrong type, ``GOV844``
            no such kernel, ``GOV845`` the kernel does not start, ``GOV847`` a parameter holds a secret; or why it
            was cancelled before it began.
        InstallationError
            ``GOV940``: papermill cannot be imported.
        """
        cancellation.raise_if_requested()
        wanted = self.want(request)
        taking = self.pool.take(wanted, request.own_environment)
        try:
            run = self._prepared(request, wanted, redact, events)
        except BaseException:
            self._drop(taking)
            raise
        cancellation.on_request(lambda: self._cancel(taking, run, cancellation.reason))
        try:
            kernel = taking.result()
        except CancelledError:
            cancellation.raise_if_requested()
            raise
        try:
            return run.execute(kernel, target)
        finally:
            self.pool.finish(kernel)

    def want(self, request: NotebookRequest) -> KernelWant:
        """Return which kernel a notebook needs.

        Raises
        ------
        TaskError
            ``GOV840``, ``GOV844``, ``GOV845``.
        """
        from jupyter_gov.runtime.kernelspecs import want  # noqa: PLC0415 - brings jupyter_client

        name = request.kernel_name or _own_kernel(request) or DEFAULT_KERNEL
        return want(self._identity, name, request.cwd, request.environment)

    def close(self) -> None:
        """Kill all kernels; what runs fails."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _prepared(
        self, request: NotebookRequest, wanted: KernelWant, redact: Callable[[str], str], events: NotebookEvents
    ) -> NotebookRun:
        try:
            from jupyter_gov.runtime.notebook_run import NotebookRun  # noqa: PLC0415 - brings papermill
        except Exception as error:
            raise InstallationError(
                f"papermill cannot be imported: {type(error).__name__}: {error}.",
                code="GOV940",
                hint="It imports every package that offers a papermill engine: repair or remove the broken one.",
            ) from error
        return NotebookRun(request, wanted, self.pool, redact=redact, events=events, output_limit=self._output_limit)

    def _drop(self, taking: Taking) -> None:
        def finish(_: Any) -> None:
            if not taking.future.cancelled() and taking.future.exception() is None:
                self.pool.finish(taking.future.result())

        taking.give_up()
        taking.future.add_done_callback(finish)

    @staticmethod
    def _cancel(taking: Taking, run: NotebookRun, reason: str | None) -> None:
        taking.give_up()
        run.stop(reason or "killed")


def _own_kernel(request: NotebookRequest) -> str | None:
    """Return the kernel that the notebook names; without nbformat, whose import takes a second."""
    try:
        document = json.loads(request.path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(request.name, error) from error
    name = None
    if isinstance(document, dict) and isinstance(document.get("metadata"), dict):
        spec = document["metadata"].get("kernelspec")
        name = spec.get("name") if isinstance(spec, dict) else None
    return name if isinstance(name, str) else None


def unreadable(name: str, error: Exception) -> TaskError:
    """Say that a file is no notebook."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return TaskError(
        f"{name!r} is not a readable notebook: {reason.splitlines()[0] if reason else type(error).__name__}.",
        code="GOV840",
        hint="A notebook is a JSON file of format 4, as JupyterLab saves it.",
    )
