"""jq in processes of its own, so that no program can take the worker with it.

A helper process starts with the first program that is more than a path, and is kept for the next one. Each is used by
one thread at a time; when several render at once, several helpers run, and two are kept. A helper ends with the
worker, and whatever ends a helper in the middle of a program becomes an answer in words.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import selectors
import signal
import subprocess
import threading
import time
from typing import IO, Final, Literal

from jupyter_gov.errors import InstallationError
from jupyter_gov.lang.ports import JqAnswer
from jupyter_gov.runtime import jq_child
from jupyter_gov.runtime.process import start_helper

_KEPT: Final = 2
_CHUNK: Final = 2**20
_WALL = 5.0
"""Seconds beyond three times the CPU time: on a busy machine that passes slowly, and this is for what is stuck."""
_STARTUP: Final = 10.0
_KINDS: Final[dict[bytes, Literal["results", "program", "failure", "limit"]]] = {
    jq_child.RESULTS: "results",
    jq_child.PROGRAM: "program",
    jq_child.FAILURE: "failure",
    jq_child.LIMIT: "limit",
}
_TIME: Final = frozenset({-signal.SIGPROF, -signal.SIGXCPU, -signal.SIGKILL})


class _EndedError(Exception):
    """The helper ended, or had to be ended, before it answered."""


class _Helper:
    """One process; not for several threads at once."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("jq")
        if spec is None or spec.origin is None:
            raise InstallationError("The filter `jq` needs the package jq.", code="GOV157", hint="pip install jq")
        self.zone = _zone()
        self.fresh = True
        self.process = start_helper([spec.origin, str(os.getpid()), self.zone], script=jq_child.__file__, answers=True)
        for pipe in self._pipes():
            os.set_blocking(pipe.fileno(), False)

    def ask(self, request: bytes, wall: float, most: int) -> tuple[JqAnswer, bool]:
        """Return the answer, and whether the process ends now.

        Raises
        ------
        _EndedError
            There is none.
        """
        stdin, stdout = self._pipes()
        deadline = time.monotonic() + wall + (_STARTUP if self.fresh else 0)
        self.fresh = False
        rest, answer, size = memoryview(request), bytearray(), jq_child.REPLY.size
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            selector.register(stdin, selectors.EVENT_WRITE)
            while len(answer) < size:
                for key, _ in _ready(selector, deadline):
                    if key.fileobj is stdout:
                        answer += _read(stdout)
                    else:
                        rest = rest[_write(stdin, rest) :]
                        if not rest:
                            selector.unregister(stdin)
                if size == jq_child.REPLY.size <= len(answer):
                    size += _length(answer, most)
        kind, last, used, _ = jq_child.REPLY.unpack_from(answer)
        return JqAnswer(_KINDS[kind], answer[jq_child.REPLY.size :].decode("utf-8", "replace"), used), last

    def end(self) -> int:
        """Kill the process and return how it ended."""
        self.forget()
        with contextlib.suppress(subprocess.TimeoutExpired):
            # It may be dying of what it did: that is what its end shall say.
            return self.process.wait(0.05)
        self.process.kill()
        return self.process.wait()

    def forget(self) -> None:
        """Close our ends of the pipes."""
        for pipe in self._pipes():
            with contextlib.suppress(OSError):
                pipe.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise _EndedError
        return stdin, stdout


def _ready(selector: selectors.BaseSelector, deadline: float) -> list[tuple[selectors.SelectorKey, int]]:
    left = deadline - time.monotonic()
    found = selector.select(left) if left > 0 else []
    if not found:
        raise _EndedError
    return found


def _read(stdout: IO[bytes]) -> bytes:
    data = os.read(stdout.fileno(), _CHUNK)
    if not data:
        raise _EndedError
    return data


def _write(stdin: IO[bytes], data: memoryview) -> int:
    try:
        return os.write(stdin.fileno(), data[:_CHUNK])
    except OSError:
        raise _EndedError from None


def _length(answer: bytearray, most: int) -> int:
    length: int = jq_child.REPLY.unpack_from(answer)[3]
    if length > most:
        raise _EndedError
    return length


def _zone() -> str:
    return os.environ.get("TZ", "")


class _Helpers:
    """Those that nobody uses now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Helper] = []

    def take(self) -> _Helper:
        while True:
            with self._lock:
                helper = self._idle.pop() if self._idle else None
            if helper is None:
                return _Helper()
            if helper.process.poll() is None and helper.zone == _zone():
                return helper
            helper.end()

    def give_back(self, helper: _Helper) -> None:
        with self._lock:
            if len(self._idle) < _KEPT:
                self._idle.append(helper)
                return
        helper.end()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for helper in idle:
            helper.end()

    def after_fork(self) -> None:
        # They are the worker's and not its fork's; two who write to one pipe would mix their programs.
        self._lock = threading.Lock()
        idle, self._idle = self._idle, []
        for helper in idle:
            helper.forget()
            helper.process.returncode = 0


_HELPERS: Final = _Helpers()


def ask(program: str, source: str, *, seconds: float, characters: int) -> JqAnswer:
    """Run a jq program on a JSON text in a helper process.

    Parameters
    ----------
    seconds
        CPU time that it may take.
    characters
        Length of all its results together.

    Raises
    ------
    InstallationError
        ``GOV157``: jq is not installed.
    """
    texts = program.encode(), source.encode()
    request = jq_child.REQUEST.pack(seconds, characters, len(texts[0]), len(texts[1])) + b"".join(texts)
    helper = _HELPERS.take()
    wall = 3 * seconds + _WALL
    try:
        answer, last = helper.ask(request, wall, 4 * characters + 4096)
    except _EndedError:
        return JqAnswer("limit", _reason(helper.end(), seconds), seconds=0)
    except BaseException:
        # Interrupted: its answer would be taken for that to the next program.
        helper.end()
        raise
    if last:
        helper.end()
    else:
        _HELPERS.give_back(helper)
    return answer


def _reason(code: int, seconds: float) -> str:
    if code in _TIME:
        return f"it takes longer than {seconds:.1f} s"
    if code < 0:
        return f"it needs more than {jq_child.MEMORY >> 20} MB of memory, or nests too deeply"
    return "its process ended without an answer"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_HELPERS.after_fork)
atexit.register(_HELPERS.close)
