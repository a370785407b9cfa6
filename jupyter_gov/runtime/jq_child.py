"""The process in which jq runs: one program after another, each within bounds of time and memory.

Whatever jq does to this process (it overflows the stack, aborts without memory, never returns) ends only this
process; ``runtime.jq`` sees how it ended and starts another. It has no environment, opens no file and starts nothing.

This file imports nothing but the standard library and jq: it is run with ``python -I -S``. Arguments: the file of
the jq module, the process id of the worker, the time zone (empty: the system's).

Protocol on standard input: ``REQUEST`` header, program, source. On standard output: ``REPLY`` header, text.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import resource
import select
import signal
import struct
import sys
import time
from collections import OrderedDict
from typing import Any

REQUEST = struct.Struct("!dQIQ")
"""CPU seconds, bytes of the answer, length of the program, length of the source."""

REPLY = struct.Struct("!c?dQ")
"""Kind, whether this process ends now, CPU seconds used, length of the text."""

RESULTS, PROGRAM, FAILURE, LIMIT = b"r", b"p", b"f", b"l"

MEMORY = 2**30
_LOADS = re.compile(r"\b(?:import|include)\b")
_PROGRAMS = 64
_RETIRED = 256 * 2**20
_REQUESTS = 2000


class _GoneError(Exception):
    """The worker is gone."""


class _Child:
    def __init__(self, jq: Any, worker: int) -> None:
        self._jq = jq
        self._programs: OrderedDict[str, Any] = OrderedDict()
        self._waits = [0]
        self._memory: int | None = None
        with contextlib.suppress(OSError):
            self._memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        with contextlib.suppress(AttributeError, OSError):
            # A fork of the worker may hold the pipe open after the worker's death; its process descriptor tells.
            self._waits.append(os.pidfd_open(worker))

    def run(self) -> None:
        for number in range(1, _REQUESTS + 1):
            seconds, limit, program_length, source_length = REQUEST.unpack(self._read(REQUEST.size))
            program = self._read(program_length).decode()
            source = self._read(source_length).decode()
            began = time.process_time()
            # Its signal ends the process, also while jq holds the interpreter.
            signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.001))
            kind, text = self._answer(program, source, limit)
            signal.setitimer(signal.ITIMER_PROF, 0)
            used = time.process_time() - began
            data = text.encode("utf-8", "replace")
            # What one large document took is given back by ending.
            last = number == _REQUESTS or self._size() > _RETIRED
            _write(REPLY.pack(kind, last, used, len(data)) + data)
            if last:
                return

    def _size(self) -> int:
        """Return the memory in use, in bytes; 0 if nobody tells."""
        # Not the greatest use so far: that of a new process begins with that of the one which started it.
        if self._memory is None:
            return 0
        return int(os.pread(self._memory, 100, 0).split()[1]) * resource.getpagesize()

    def _answer(self, program: str, source: str, limit: int) -> tuple[bytes, str]:
        try:
            try:
                compiled = self._compiled(program)
            except ValueError as error:
                lines = str(error).strip().splitlines() or ["it cannot be read"]
                return PROGRAM, lines[0][:1000]
            pieces: list[str] = []
            length = 0
            for result in compiled.input_text(source):
                pieces.append(json.dumps(result, ensure_ascii=False, check_circular=False, separators=(",", ":")))
                length += len(pieces[-1]) + 1
                if length > limit:
                    return LIMIT, f"its results are longer than {limit} characters"
            return RESULTS, "[" + ",".join(pieces) + "]"
        except (ValueError, StopIteration) as error:
            return FAILURE, str(error)[:1000]
        except RecursionError:
            return LIMIT, "its results are nested too deeply"
        except MemoryError:
            return LIMIT, f"it needs more than {MEMORY >> 20} MB of memory"

    def _compiled(self, program: str) -> Any:
        found = self._programs.pop(program, None)
        if found is None:
            # In parentheses a program cannot load others: it is not even told which files there are.
            found = self._jq.compile(f"({program}\n)" if _LOADS.search(program) else program)
        self._programs[program] = found
        if len(self._programs) > _PROGRAMS:
            self._programs.popitem(last=False)
        return found

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            ready, _, _ = select.select(self._waits, [], [])
            piece = os.read(0, min(length - len(data), 2**20)) if 0 in ready else b""
            if not piece:
                raise _GoneError
            data += piece
        return bytes(data)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def _confine() -> None:
    limits = {"RLIMIT_AS": MEMORY, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": 0, "RLIMIT_NPROC": 0}
    for name, bound in limits.items():
        # Not every system knows all of them.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            resource.setrlimit(getattr(resource, name), (bound, bound))


def main(origin: str, worker: str, zone: str) -> None:
    """Answer until the worker closes the pipe or dies."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if zone:
        os.environ["TZ"] = zone
    time.tzset()
    time.localtime()
    spec = importlib.util.spec_from_file_location("jq", origin)
    if spec is None or spec.loader is None:
        raise SystemExit(2)
    jq = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(jq)
    child = _Child(jq, int(worker))
    _confine()
    with contextlib.suppress(_GoneError, BrokenPipeError):
        child.run()


if __name__ == "__main__":
    main(*sys.argv[1:4])
