"""Runs child processes: the only user of ``subprocess``.

A child gets its own session, no standard input, a marked environment, and is killed as a whole tree when its task is
cancelled, when it writes too much, and when its main process ends and leaves others behind. One selector loop in the
calling thread reads both streams, so that memory stays bounded and lines reach the callbacks in that thread.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import InstallationError, TaskError
from jupyter_gov.plugins.context import Cancellation, ProcessResult
from jupyter_gov.runtime import proctree
from jupyter_gov.runtime.limits import OUTPUT_BYTES, STOP_GRACE

if TYPE_CHECKING:
    from jupyter_gov.runtime.watchdog import Watchdog

_CHUNK = 65536
_POLL_WITHOUT_PIDFD = 0.05
_DRAIN = 1.0
"""Seconds that whatever outlives the main process may go on writing before it is killed."""

STOPPED = {
    "killed": ("GOV811", "The process was stopped since the task was killed."),
    "timeout": ("GOV812", "The process was stopped since the task's timeout has passed."),
    "lease": ("GOV814", "The process was stopped since this worker no longer owns the execution."),
}
"""Reason of a cancellation -> code and message."""


class LineSplitter:
    """Makes lines of bytes, and never holds more than ``limit`` of them.

    Bytes that are no UTF-8 and zero bytes (which PostgreSQL cannot store) become U+FFFD. Of a line that a progress
    bar rewrites by carriage returns only the last version is kept.
    """

    def __init__(self, sink: Callable[[str], None], limit: int) -> None:
        self._sink = sink
        self._limit = limit
        self._buffer = bytearray()
        self._cut = 0
        self.lines = 0

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._keep(data[start:end])
            self._emit()
            start = end + 1
        self._keep(data[start:])

    def close(self) -> None:
        """Hand over a last line without a line end."""
        if self._buffer or self._cut:
            self._emit()

    def _keep(self, piece: bytes) -> None:
        room = self._limit - len(self._buffer)
        if len(piece) > room:
            # A carriage return that something follows makes everything before it invisible.
            whole = bytes(self._buffer) + piece
            shown = whole[whole.rfind(b"\r", 0, len(whole) - 1) + 1 :]
            self._buffer = bytearray(shown[: self._limit])
            self._cut += len(shown) - len(self._buffer)
        else:
            self._buffer += piece

    def _emit(self) -> None:
        raw = bytes(self._buffer).rstrip(b"\r")
        raw = raw[raw.rfind(b"\r") + 1 :]
        text = raw.decode("utf-8", "replace").replace("\0", "\ufffd")
        if self._cut:
            text += f" … [{self._cut} bytes cut]"
        self._buffer.clear()
        self._cut = 0
        self.lines += 1
        self._sink(text)


class ProcessRunner:
    """Runs the child processes of one attempt; implements ``plugins.context.Processes``.

    Parameters
    ----------
    cancellation
        Tells when to stop; ``killed`` and ``timeout`` give the child ``grace`` seconds after SIGTERM, ``lease`` none.
    watchdog
        Kills the children when this process dies.
    output_limit, count_limit
        Bytes and lines that one command may write to both streams together.
    line_limit
        Bytes of one line; the rest of a longer line is dropped.
    """

    def __init__(
        self,
        cancellation: Cancellation,
        *,
        watchdog: Watchdog | None = None,
        output_limit: int = OUTPUT_BYTES,
        count_limit: int = 1_000_000,
        line_limit: int = 2**20,
        grace: float = STOP_GRACE,
    ) -> None:
        self._cancellation = cancellation
        self._watchdog = watchdog
        self._token = uuid.uuid4().hex
        self._count = 0
        self.output_limit = output_limit
        self.count_limit = count_limit
        self.line_limit = line_limit
        self.grace = grace

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        on_stdout: Callable[[str], None],
        on_stderr: Callable[[str], None],
    ) -> ProcessResult:
        """Run a command to its end; the exit code is negative if a signal ended it.

        Raises
        ------
        TaskError
            ``GOV810`` it could not be started; ``GOV811`` killed; ``GOV812`` timed out; ``GOV813`` wrote more than
            the limit; ``GOV814`` the worker lost the execution.
        InstallationError
            ``GOV910``: this system cannot kill a process group.
        """
        reason = self._cancellation.reason
        if reason is not None:
            raise _stopped(reason)
        marker = self._marker()
        process = _start(command, cwd, {**env, proctree.MARKER: marker})
        child = _Child(process, marker, self, on_stdout, on_stderr)
        if self._watchdog is not None:
            self._watchdog.register(process.pid)
        try:
            return child.follow(self._cancellation)
        finally:
            child.close()
            if self._watchdog is not None:
                self._watchdog.release(process.pid)

    def _marker(self) -> str:
        if self._watchdog is not None:
            return self._watchdog.marker()
        self._count += 1
        return f"{self._token}.{self._count}"


class _Child:
    """One running child: reads it, watches it, kills it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        marker: str,
        limits: ProcessRunner,
        on_stdout: Callable[[str], None],
        on_stderr: Callable[[str], None],
    ) -> None:
        self._process = process
        self._roots = frozenset({process.pid})
        self._marker = f"{proctree.MARKER}={marker}"
        self._limits = limits
        self._out = LineSplitter(on_stdout, limits.line_limit)
        self._err = LineSplitter(on_stderr, limits.line_limit)
        self._size = 0
        self._selector = selectors.DefaultSelector()
        self._wake = _Wake()
        self._pidfd = _pidfd(process.pid)
        self._open = 0
        for stream, splitter in ((process.stdout, self._out), (process.stderr, self._err)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self._selector.register(stream, selectors.EVENT_READ, splitter)
                self._open += 1
        self._selector.register(self._wake.reader, selectors.EVENT_READ, None)
        if self._pidfd is not None:
            self._selector.register(self._pidfd, selectors.EVENT_READ, None)

    def follow(self, cancellation: Cancellation) -> ProcessResult:
        """Read until the main process has ended and nothing of its tree is left."""
        cancellation.on_request(self._wake.ring)
        while self._process.poll() is None:
            reason = cancellation.reason
            if reason is not None:
                self._stop(reason)
                raise _stopped(reason)
            self._read(None if self._pidfd is not None else _POLL_WITHOUT_PIDFD)
        self._drain(time.monotonic() + _DRAIN, cancellation)
        self._out.close()
        self._err.close()
        return ProcessResult(self._process.returncode, self._out.lines, self._err.lines)

    def close(self) -> None:
        """Kill what is left, whatever happened, and give back the descriptors."""
        proctree.kill(self._roots, self._marker)
        self._process.wait()
        self._wake.close()
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        if self._pidfd is not None:
            os.close(self._pidfd)

    def _drain(self, until: float, cancellation: Cancellation | None) -> None:
        if self._pidfd is not None:
            # It stays readable after the end and would keep the selector from waiting.
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._pidfd)
        while self._open and (left := until - time.monotonic()) > 0:
            if cancellation is not None and cancellation.reason is not None:
                raise _stopped(cancellation.reason)
            self._read(left)

    def _read(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, LineSplitter):
                self._take(key.fileobj, key.data)
            elif key.fileobj is self._wake.reader:
                self._wake.clear()

    def _take(self, stream: Any, splitter: LineSplitter) -> None:
        try:
            data = os.read(stream.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(stream)
            self._open -= 1
            return
        self._size += len(data)
        splitter.feed(data)
        self._check_limits()

    def _check_limits(self) -> None:
        limits = self._limits
        if self._size > limits.output_limit:
            raise _too_much(f"{limits.output_limit / 1e6:g} MB")
        if self._out.lines + self._err.lines > limits.count_limit:
            raise _too_much(f"{limits.count_limit} lines")

    def _stop(self, reason: str) -> None:
        if reason != "lease":
            proctree.send(self._roots, self._marker, signal.SIGTERM)
            until = time.monotonic() + self._limits.grace
            while self._process.poll() is None and (left := until - time.monotonic()) > 0:
                # Its last words are worth keeping; a stopped child that floods us is cut by the limits as any other.
                self._read(min(left, _POLL_WITHOUT_PIDFD))
        proctree.kill(self._roots, self._marker)
        self._drain(time.monotonic() + _POLL_WITHOUT_PIDFD, None)
        self._out.close()
        self._err.close()


class _Wake:
    """Wakes the selector from another thread; ringing after the end does nothing."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)
        self._lock = threading.Lock()
        self._closed = False

    def ring(self) -> None:
        with self._lock, contextlib.suppress(BlockingIOError):
            if not self._closed:
                os.write(self._writer, b"!")

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.reader, _CHUNK)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            os.close(self.reader)
            os.close(self._writer)


def _start(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    if not hasattr(os, "killpg"):
        raise InstallationError(
            "Scripts need process groups, which this system does not have.",
            code="GOV910",
            hint="Run jupyter_gov on Linux or macOS (on Windows: inside WSL).",
        )
    if not cwd.is_dir():
        raise TaskError(f"The working directory {str(cwd)!r} does not exist.", code="GOV810")
    try:
        return subprocess.Popen(  # noqa: S603 - running what the flow says is what this module is for
            list(command),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TaskError(
            f"The command {command[0] if command else ''!r} could not be started: {reason}.",
            code="GOV810",
            hint="Check that the program is installed and that its arguments and environment are not too big.",
        ) from error


def start_helper(
    arguments: Sequence[str], *, script: str = proctree.__file__, answers: bool = False
) -> subprocess.Popen[bytes]:
    """Start a process of our own (the watchdog's, or jq's): own session, empty environment, fed by standard input."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", str(Path(script)), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if answers else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _stopped(reason: str) -> TaskError:
    code, message = STOPPED.get(reason, STOPPED["killed"])
    return TaskError(message, code=code)


def _too_much(limit: str) -> TaskError:
    return TaskError(
        f"The process wrote more than {limit} and was stopped.",
        code="GOV813",
        hint="Write large results to a file and name it in outputFiles.",
    )
