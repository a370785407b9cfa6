"""Kernels for notebooks: started ahead, connected, used once, then replaced in the background.

Everything of the pool lives on one event loop in one thread (the sockets of a kernel belong to the loop that made
them), so no state needs a lock; callers on other threads hand in coroutines. The first notebook starts its kernel
itself; only then is the pool filled for the next one.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import zmq
import zmq.asyncio

from jupyter_gov.errors import TaskError
from jupyter_gov.runtime.kernel import Kernel, Place, start_kernel
from jupyter_gov.runtime.kernelspecs import KernelKey, KernelWant, at_start

if TYPE_CHECKING:
    from jupyter_gov.runtime.watchdog import Watchdog

T = TypeVar("T")


class Taking:
    """A kernel on its way; the caller may stop waiting for it, and then it is not lost."""

    future: Future[Kernel]

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._given_up = False

    async def follow(self, work: Coroutine[Any, Any, Kernel]) -> Kernel:
        """Do the work, unless it was given up."""
        self._task, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        if self._given_up:
            work.close()
            raise asyncio.CancelledError
        return await work

    def give_up(self) -> None:
        """Let ``result`` raise CancelledError, unless the kernel is there already."""
        # Cancelling the future instead could drop a kernel that is there, and nobody would end it.
        self._given_up = True
        if self._task is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def result(self) -> Kernel:
        """Wait for the kernel.

        Raises
        ------
        TaskError
            ``GOV845``: it cannot start.
        """
        return self.future.result()


class KernelPool:
    """Hands out kernels that nobody used before.

    Parameters
    ----------
    watchdog
        Kills kernels in use when this process dies or is stopped; waiting ones carry its marker.
    per_key, total
        How many kernels wait at most, for one key and in all.
    idle_seconds
        After which a waiting kernel ends.
    refill_delay
        Seconds after a kernel was taken before its replacement starts, so that a short notebook has the machine
        for itself.
    """

    def __init__(
        self,
        *,
        watchdog: Watchdog | None = None,
        per_key: int = 2,
        total: int = 4,
        idle_seconds: float = 300.0,
        start_timeout: float = 60.0,
        refill_delay: float = 0.2,
    ) -> None:
        self._watchdog = watchdog
        self._per_key = per_key
        self._total = total
        self._idle_seconds = idle_seconds
        self._start_timeout = start_timeout
        self._refill_delay = refill_delay
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._place: Place | None = None
        self._idle: dict[KernelKey, deque[Kernel]] = {}
        self._starting: dict[KernelKey, list[asyncio.Task[Kernel]]] = {}
        self._target: dict[KernelKey, int] = {}
        self._living: set[Kernel] = set()
        self._background: set[asyncio.Task[Any]] = set()
        self._closed = False

    # -- called from any thread -------------------------------------------------------------------------------

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the pool's loop."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._running_loop())
        except TaskError:
            work.close()
            raise

    def take(self, wanted: KernelWant, own_environment: Mapping[str, str]) -> Taking:
        """Ask for a kernel with ``own_environment`` that nobody used; it is the caller's from then on."""
        self._running_loop()
        taking = Taking()
        taking.future = self.submit(taking.follow(self._take(wanted, own_environment)))
        return taking

    def finish(self, kernel: Kernel) -> None:
        """End a kernel that was used, with everything that it started, in the background."""
        with contextlib.suppress(TaskError):  # A pool that is closed has killed it already.
            self.submit(self._finish(kernel))

    def waiting(self) -> int:
        """Return how many connected kernels wait."""
        return sum(len(kernels) for kernels in list(self._idle.values()))

    def warm(self, wanted: KernelWant) -> Future[None]:
        """Start a kernel ahead and wait for it."""
        return self.submit(self._warm(wanted))

    def close(self) -> None:
        """Kill all kernels and end the thread."""
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
        if loop is None or self._thread is None or self._place is None:
            return
        self._place.closing.set()
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._close(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(timeout=5)
        self._place.context.destroy(linger=0)
        shutil.rmtree(self._place.folder, ignore_errors=True)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise TaskError("This worker is stopping and starts no more kernels.", code="GOV845")
            if self._loop is None:
                context = zmq.asyncio.Context()
                context.setsockopt(zmq.RECONNECT_IVL, 10)
                # The prefix is short, since the path of a socket may have little more than a hundred characters.
                folder = Path(tempfile.mkdtemp(prefix="jgov-"))
                self._place = Place(context, folder, self._watchdog, self._start_timeout, threading.Event())
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run_loop, args=(self._loop,), name="jupyter_gov-kernels", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)
            return self._loop

    # -- on the loop ------------------------------------------------------------------------------------------

    async def _take(self, wanted: KernelWant, own_environment: Mapping[str, str]) -> Kernel:
        if not wanted.poolable:
            return await self._fresh(wanted, own_environment)
        early = at_start(own_environment)
        if early:
            return await self._prepared(await self._fresh(wanted, early), own_environment)
        kernel = self._pop(wanted.key)
        try:
            kernel = await self._prepared(kernel or await self._missed(wanted), own_environment)
        except TaskError:
            if kernel is None:
                raise
            # It died while it waited; that is not the fault of this run.
            kernel = await self._prepared(await self._missed(wanted), own_environment)
        asyncio.get_running_loop().call_later(self._refill_delay, self._refill, wanted)
        return kernel

    async def _fresh(self, wanted: KernelWant, environment: Mapping[str, str]) -> Kernel:
        """Start a kernel with an environment of its own, which can serve this run only."""
        own = KernelWant(wanted.key, wanted.spec, {**wanted.environment, **environment})
        task = self._spawn(self._start(own))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._drop)
            raise

    def _drop(self, task: asyncio.Task[Kernel]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._retire(task.result())

    async def _missed(self, wanted: KernelWant) -> Kernel:
        # Whoever finds nothing may come again as fast: have more ready next time.
        self._target[wanted.key] = min(self._per_key, self._target.get(wanted.key, 0) + 1)
        return await self._claim(wanted)

    async def _prepared(self, kernel: Kernel, own_environment: Mapping[str, str]) -> Kernel:
        if self._watchdog is not None:
            self._watchdog.register(kernel.pid)
        try:
            await kernel.prepare(own_environment)
        except BaseException:
            self._retire(kernel)
            raise
        return kernel

    def _pop(self, key: KernelKey) -> Kernel | None:
        kernels = self._idle.get(key, deque())
        while kernels:
            kernel = kernels.pop()
            kernel.cancel_expiry()
            if kernel.is_alive():
                kernel.pooled = True
                return kernel
            self._retire(kernel)
        return None

    async def _claim(self, wanted: KernelWant) -> Kernel:
        starting = self._starting.setdefault(wanted.key, [])
        task = starting.pop(0) if starting else self._launch(wanted)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # The run was cancelled while its kernel started: it is unused, so let it wait for the next one.
            starting.append(task)
            if task.done():
                self._arrived(wanted.key, task)
            raise

    def _launch(self, wanted: KernelWant) -> asyncio.Task[Kernel]:
        task = self._spawn(self._start(wanted))
        task.add_done_callback(lambda task: self._arrived(wanted.key, task))
        return task

    def _arrived(self, key: KernelKey, task: asyncio.Task[Kernel]) -> None:
        starting = self._starting.get(key, [])
        if task not in starting:
            return  # Somebody claimed it.
        starting.remove(task)
        # Why a kernel does not start is told by the next run, which starts its own.
        if not task.cancelled() and task.exception() is None:
            self._keep(key, task.result())

    async def _start(self, wanted: KernelWant) -> Kernel:
        if self._place is None or self._closed:
            raise TaskError("This worker is stopping and starts no more kernels.", code="GOV845")
        kernel = await start_kernel(wanted, self._place)
        self._living.add(kernel)
        return kernel

    async def _finish(self, kernel: Kernel) -> None:
        self._spawn(self._end(kernel))

    async def _end(self, kernel: Kernel, *, grace: bool = True) -> None:
        if kernel not in self._living:
            return
        self._living.discard(kernel)
        kernel.cancel_expiry()
        await (kernel.stop() if grace else kernel.kill())
        if self._watchdog is not None:
            self._watchdog.release(kernel.pid)

    async def _warm(self, wanted: KernelWant) -> None:
        self._target.setdefault(wanted.key, 1)
        self._refill(wanted)
        starting = list(self._starting.get(wanted.key, ()))
        if starting:
            await asyncio.wait(starting)

    def _refill(self, wanted: KernelWant) -> None:
        key = wanted.key
        starting = self._starting.setdefault(key, [])
        while not self._closed and len(self._idle.get(key, ())) + len(starting) < self._target.get(key, 0):
            self._make_room()
            starting.append(self._launch(wanted))

    def _make_room(self) -> None:
        while self.waiting() >= self._total:
            key = min((key for key in self._idle if self._idle[key]), key=lambda key: self._idle[key][0].ready_at)
            self._retire(self._idle[key].popleft())

    def _keep(self, key: KernelKey, kernel: Kernel) -> None:
        if self._closed:
            self._retire(kernel)
            return
        if self._watchdog is not None:
            # Nobody beats for a kernel that waits; it carries the marker, and looks itself whether we live.
            self._watchdog.release(kernel.pid)
        self._idle.setdefault(key, deque()).append(kernel)
        kernel.expire_after(self._idle_seconds, lambda: self._expire(key, kernel))

    def _expire(self, key: KernelKey, kernel: Kernel) -> None:
        kernels = self._idle.get(key, deque())
        with contextlib.suppress(ValueError):
            kernels.remove(kernel)
        if not kernels:
            self._idle.pop(key, None)
        self._target.pop(key, None)
        self._retire(kernel)

    def _retire(self, kernel: Kernel) -> None:
        self._spawn(self._end(kernel, grace=False))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _close(self) -> None:
        # Kernels that are starting see that the pool is closing and end themselves: cut short, one could be missed.
        self._idle.clear()
        for kernel in tuple(self._living):
            self._retire(kernel)
        while self._background:
            await asyncio.wait(self._background)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
