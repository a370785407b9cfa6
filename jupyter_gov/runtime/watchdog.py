"""Kills the children of a worker that died or was stopped: one small helper process per worker.

The helper holds the other end of a pipe. It kills all registered process groups, and everything that carries the
worker's marker, when the pipe closes (the worker is gone, by whatever signal) or when the time passes up to which
the worker last said that it is trusted (it is stopped, and its lease is about to lapse). It starts with the first
child.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import subprocess
import threading
import uuid
import weakref
from collections.abc import Callable
from typing import IO, Any

from jupyter_gov.runtime import proctree
from jupyter_gov.runtime.process import start_helper


class Watchdog:
    """Registers what must not outlive this worker.

    Parameters
    ----------
    trusted_until
        Asked at each ``register`` and ``beat``: up to which time (``clock.steady``) the worker may run children if
        nothing more is heard of it. None is for as long as it lives.

    Examples
    --------
    >>> watchdog = Watchdog()
    >>> env = {**os.environ, **watchdog.environment()}
    """

    def __init__(self, trusted_until: Callable[[], float | None] = lambda: None) -> None:
        self._trusted_until = trusted_until
        self._token = uuid.uuid4().hex
        self._numbers = itertools.count(1)
        self._groups: dict[int, int] = {}
        self._lock = threading.Lock()
        self._helper: subprocess.Popen[bytes] | None = None
        _LIVING.add(self)

    @property
    def pid(self) -> int | None:
        """Process id of the helper, None before the first child."""
        return self._helper.pid if self._helper else None

    def marker(self) -> str:
        """Return the value of a new marker; a child that carries it is found wherever it went."""
        return f"{self._token}.{next(self._numbers)}"

    def environment(self) -> dict[str, str]:
        """Return what a child's environment needs in addition, a new marker each time."""
        return {proctree.MARKER: self.marker()}

    def register(self, pgid: int) -> None:
        """Watch over a process group; begins no new time of trust, as a lease does not get longer by it."""
        leader = proctree.read_process(pgid)
        with self._lock:
            self._groups[pgid] = leader.start if leader else 0
            self._send(f"{self._trust()}+{pgid} {self._groups[pgid]}\n", restart=True)

    def release(self, pgid: int) -> None:
        """Forget a process group: it ended."""
        with self._lock:
            if self._groups.pop(pgid, None) is not None:
                self._send(f"-{pgid}\n", restart=False)

    def beat(self) -> None:
        """Tell that this worker lives, and how long it may be relied on now."""
        with self._lock:
            if self._groups:
                self._send(self._trust(), restart=True)

    def kill(self, pgid: int, marker: str | None = None) -> bool:
        """Kill a registered tree now and release it; return whether nothing is left of it."""
        gone = proctree.kill(frozenset({pgid}), f"{proctree.MARKER}={marker}" if marker else None)
        self.release(pgid)
        return gone

    def close(self) -> None:
        """End the helper; whatever is still registered is killed."""
        _LIVING.discard(self)
        with self._lock:
            if not self._groups:
                self._write("q\n")
            elif self._helper is not None and self._helper.poll() is not None:
                self._restart()
            helper, self._helper = self._helper, None
            self._groups.clear()
        if helper is not None:
            _close(helper.stdin)
            helper.wait()

    def _trust(self) -> str:
        return f"b{self._trusted_until() or 0}\n"

    def _send(self, line: str, *, restart: bool) -> None:
        if self._helper is None or self._helper.poll() is not None:
            if not restart:
                return
            self._restart()
        elif not self._write(line) and restart:
            self._restart()

    def _write(self, line: str) -> bool:
        stdin = self._helper.stdin if self._helper else None
        if stdin is None:
            return False
        try:
            os.write(stdin.fileno(), line.encode())
        except BlockingIOError:
            return True  # It is stopped and its pipe is full: waiting here would stop the worker too.
        except OSError:
            return False
        return True

    def _restart(self) -> None:
        # Somebody killed the helper, or there was none: a new one learns everything that is registered.
        if self._helper is not None:
            _close(self._helper.stdin)
            self._helper.wait()
        helper = start_helper([f"{proctree.MARKER}={self._token}.", str(os.getpid())])
        self._helper = helper
        if helper.stdin is not None:
            os.set_blocking(helper.stdin.fileno(), False)
        self._write(self._trust())
        for pgid, start in self._groups.items():
            self._write(f"+{pgid} {start}\n")

    def _forget(self) -> None:
        # In a fork of the worker: the pipe must close when the worker dies, not when its last fork does.
        helper, self._helper = self._helper, None
        self._lock = threading.Lock()
        self._groups = {}
        if helper is not None:
            _close(helper.stdin)
            helper.returncode = 0


def _close(stream: IO[Any] | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.close()


_LIVING: weakref.WeakSet[Watchdog] = weakref.WeakSet()


def _after_fork() -> None:
    for watchdog in list(_LIVING):
        watchdog._forget()


def _at_exit() -> None:
    for watchdog in list(_LIVING):
        watchdog.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
