"""One kernel process with its connected client: start, give it an environment, interrupt, kill as a tree."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from jupyter_gov.errors import TaskError
from jupyter_gov.runtime import proctree
from jupyter_gov.runtime.kernelspecs import KernelWant

if TYPE_CHECKING:
    from jupyter_gov.runtime.watchdog import Watchdog

_SOCKET_PATH_LIMIT = 100
_LAST_WORDS = 2000
_GRACE = 2.0
"""Seconds that a kernel has after an interrupt, or for its exit hooks at the end, before it is killed."""


class Kernel:
    """A kernel that runs one notebook; all methods belong to the loop that started it, but ``pid``.

    Attributes
    ----------
    language_info
        What the kernel says of its language; part of every notebook.
    pooled
        It was ready before somebody asked.
    """

    def __init__(self, manager: AsyncKernelManager, client: AsyncKernelClient, marker: str, log: Path) -> None:
        self.manager = manager
        self.client = client
        self.language_info: Mapping[str, Any] = {}
        self.pooled = False
        self.ready_at = 0.0
        self._marker = f"{proctree.MARKER}={marker}"
        self._log = log
        self._killing = asyncio.Lock()
        self._killed = False
        self._expiry: asyncio.TimerHandle | None = None
        provisioner: Any = manager.provisioner
        self._process: Any = provisioner.process
        self.pid: int = provisioner.pid

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    async def connect(self, place: Place) -> None:
        """Wait until the kernel answers on both channels.

        Raises
        ------
        TaskError
            ``GOV845``: it died, or does not answer in time.
        """
        deadline = time.monotonic() + place.start_timeout
        while True:
            self.client.kernel_info()
            try:
                reply = await self.client.shell_channel.get_msg(timeout=1)
                if reply["msg_type"] == "kernel_info_reply":
                    # A subscription takes effect late: until something arrives, outputs would be lost.
                    await self.client.iopub_channel.get_msg(timeout=0.1)
                    break
            except Empty:
                pass
            if not self.is_alive():
                raise self._cannot_start("ended while it started")
            if time.monotonic() > deadline:
                raise self._cannot_start(f"did not answer within {place.start_timeout:.0f} seconds")
            if place.closing.is_set():
                raise self._cannot_start("is not needed any more, since this worker is stopping")
        self.language_info = reply["content"].get("language_info", {})
        self.ready_at = time.monotonic()

    async def run_silently(self, code: str) -> None:
        """Run code that leaves no trace: not in the history, the prompt's number or any notebook.

        Raises
        ------
        TaskError
            ``GOV845``: the kernel died or refused.
        """
        message_id = self.client.execute(code, silent=True, store_history=False, allow_stdin=False)
        while True:
            try:
                reply = await self.client.shell_channel.get_msg(timeout=1)
            except Empty:
                if not self.is_alive():
                    raise self._cannot_start("ended before its first cell") from None
                continue
            if reply["parent_header"].get("msg_id") == message_id:
                break
        if reply["content"]["status"] != "ok":
            raise self._cannot_start(f"refused its environment: {reply['content'].get('evalue')}")

    async def prepare(self, environment: Mapping[str, str]) -> None:
        """Give an IPython kernel its own environment, and let it see modules that appeared since it started."""
        lines = ["__import__('importlib').invalidate_caches()"]
        if environment:
            # No name may stay behind in the notebook's namespace, and nothing in /proc/<pid>/environ.
            lines.append(f"__import__('os').environ.update({dict(environment)!r})")
        await self.run_silently("\n".join(lines))

    async def interrupt(self) -> None:
        """Stop the running cell as the button in a notebook does."""
        with contextlib.suppress(RuntimeError, ProcessLookupError):
            await self.manager.interrupt_kernel()

    async def stop(self) -> None:
        """End a used kernel: its exit hooks may run for a moment, then the whole tree is killed."""
        if self.is_alive():
            with contextlib.suppress(RuntimeError, OSError):
                await self.manager.request_shutdown()
            until = time.monotonic() + _GRACE
            while not self._has_ended() and time.monotonic() < until:
                await asyncio.sleep(0.02)
        await self.kill()

    async def kill(self) -> None:
        """Kill the kernel and everything that it started, wherever it went."""
        self.cancel_expiry()
        async with self._killing:
            if not self._killed:
                await self._kill()
                self._killed = True

    async def _kill(self) -> None:
        # A process that was waited for has given its number back: the number may be somebody else's by now.
        roots = frozenset() if self._process.returncode is not None else frozenset({self.pid})
        await asyncio.to_thread(proctree.kill, roots, self._marker)
        await asyncio.to_thread(self._process.wait)
        self.client.stop_channels()
        with contextlib.suppress(OSError, RuntimeError):
            await self.manager.cleanup_resources()
        self._log.unlink(missing_ok=True)

    def expire_after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` unless the kernel is taken before."""
        self._expiry = asyncio.get_running_loop().call_later(seconds, callback)

    def cancel_expiry(self) -> None:
        """Let the kernel wait no longer."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def last_words(self) -> str:
        """Return the end of what the process wrote to its own standard streams."""
        with contextlib.suppress(OSError):
            return self._log.read_text("utf-8", "replace")[-_LAST_WORDS:].strip()
        return ""

    def cause_of_death(self) -> str:
        """Return how the process ended, as the end of a sentence."""
        code = self._process.poll()
        if code is None:
            return ""
        if code >= 0:
            return f" with exit code {code}"
        try:
            return f" by signal {signal.Signals(-code).name}"
        except ValueError:
            return f" by signal {-code}"

    def _has_ended(self) -> bool:
        # Without reaping it: the number must stay ours until the rest of its group is killed.
        if self._process.returncode is not None or not hasattr(os, "waitid"):
            return self._process.poll() is not None
        with contextlib.suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        return True

    def _cannot_start(self, what: str) -> TaskError:
        words = self.last_words()
        return TaskError(
            f"The kernel {self.manager.kernel_name!r} {what}.{' It wrote: ' + words if words else ''}",
            code="GOV845",
            hint=f"Try it by hand: jupyter run --kernel={self.manager.kernel_name}.",
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What all kernels of a pool share: sockets, a folder for their files, and who kills them."""

    context: zmq.asyncio.Context
    folder: Path
    watchdog: Watchdog | None
    start_timeout: float
    closing: threading.Event


async def start_kernel(wanted: KernelWant, place: Place) -> Kernel:
    """Start a kernel process, connect to it and return it.

    Raises
    ------
    TaskError
        ``GOV845``: it does not start.
    """
    kernel = await _launch(wanted, place)
    if place.watchdog is not None:
        place.watchdog.register(kernel.pid)
    try:
        await kernel.connect(place)
        if wanted.poolable:
            # The first request is slow; nothing of it stays.
            await kernel.run_silently("pass")
    except BaseException:
        await kernel.kill()
        if place.watchdog is not None:
            place.watchdog.release(kernel.pid)
        raise
    return kernel


async def _launch(wanted: KernelWant, place: Place) -> Kernel:
    stem = place.folder / uuid.uuid4().hex[:12]
    log = stem.with_suffix(".log")
    marker = place.watchdog.marker() if place.watchdog is not None else f"{uuid.uuid4().hex}.1"
    # Sockets in a folder of ours: nobody else on this machine can connect, and no port is lost in a race.
    local = wanted.poolable and os.name == "posix" and len(str(stem)) < _SOCKET_PATH_LIMIT
    manager = AsyncKernelManager(
        kernel_name=wanted.key.kernel_name,
        context=place.context,
        connection_file=f"{stem}.json",
        transport="ipc" if local else "tcp",
    )
    # A shared history database would show one run what another did, and several kernels would lock it.
    arguments = ["--HistoryManager.hist_file=:memory:"] if wanted.poolable else []
    with log.open("wb") as file:
        try:
            await manager.start_kernel(
                extra_arguments=arguments,
                cwd=wanted.key.cwd,
                env={**wanted.environment, proctree.MARKER: marker},
                stdout=file,
                stderr=file,
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise TaskError(
                f"The kernel {wanted.key.kernel_name!r} cannot be started: {error}.",
                code="GOV845",
                hint="Check its kernel.json: jupyter kernelspec list.",
            ) from error
    client = manager.client(context=place.context)
    client.start_channels(stdin=False, hb=False, control=False)
    client.allow_stdin = False
    return Kernel(manager, client, marker, log)
