"""Finds and kills everything that a child process started, also what left its session; runs alone as the watchdog.

A child starts in its own session, and carries a marker in its environment. Whoever forks twice and calls ``setsid``
leaves the group but keeps the marker, which Linux shows in ``/proc/<pid>/environ``. Systems without ``/proc`` get the
process group only.

This file imports nothing but the standard library: the watchdog runs it with ``python -I -S``, away from the package
and from everything that a worker may have broken.

Watchdog protocol, lines on standard input: ``+<pgid> <start>`` registers a process group, ``-<pgid>`` releases it,
``b<time>`` says up to which time (:func:`steady`; 0 = no end) the worker may be relied on, ``q`` ends without killing.
Arguments: marker prefix, process id of the worker.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from dataclasses import dataclass

MARKER = "JUPYTER_GOV_PROCESS"
"""Environment variable that every child carries; its value is ``<worker token>.<number>``."""

_PROC = "/proc"
_ROUNDS = 200
_PAUSE = 0.01
_LOOK = 1.0
"""Seconds between two looks at the clock: while the machine sleeps, a wait does not get shorter."""
# CLOCK_MONOTONIC stands still while a laptop sleeps, and leases lapse meanwhile; CLOCK_BOOTTIME goes on.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


def steady() -> float:
    """Return seconds that never jump, and that count the time a machine sleeps or a process is stopped."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)


@dataclass(frozen=True)
class Process:
    """One line of the process table."""

    pid: int
    parent: int
    group: int
    session: int
    zombie: bool
    start: int


def read_process(pid: int) -> Process | None:
    """Return what the kernel says of a process; None if it is gone or the system has no ``/proc``."""
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs start-up time here
            text = file.read()
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, also parentheses and spaces.
    fields = text[text.rindex(b")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), fields[0] in (b"Z", b"X"), int(fields[19]))


def _marked(pid: int, marker: bytes) -> bool:
    try:
        with open(f"{_PROC}/{pid}/environ", "rb") as file:  # noqa: PTH123
            return marker in b"\0" + file.read()
    except OSError:
        return False


def _table() -> dict[int, Process]:
    try:
        names = os.listdir(_PROC)  # noqa: PTH208
    except OSError:
        return {}
    found = (read_process(int(name)) for name in names if name.isdigit())
    return {process.pid: process for process in found if process is not None}


def members(roots: frozenset[int], marker: str | None) -> list[Process]:
    """Return all living processes of a tree.

    Parameters
    ----------
    roots
        Process ids that lead a session each.
    marker
        ``NAME=value`` of the environment; a value that ends in ``.`` matches every value that begins with it.
    """
    table = _table()
    text = None
    if marker:
        text = b"\0" + marker.encode() + (b"" if marker.endswith(".") else b"\0")
    own = os.getpid()
    inside: set[int] = set()
    for process in table.values():
        if process.pid == own:
            continue
        by_session = process.pid in roots or process.group in roots or process.session in roots
        if by_session or (text is not None and _marked(process.pid, text)):
            inside.add(process.pid)
    _add_descendants(inside, table, own)
    return [table[pid] for pid in sorted(inside) if not table[pid].zombie]


def _add_descendants(inside: set[int], table: dict[int, Process], own: int) -> None:
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    todo = list(inside)
    while todo:
        for pid in children.get(todo.pop(), ()):
            if pid not in inside and pid != own:
                inside.add(pid)
                todo.append(pid)


def send(roots: frozenset[int], marker: str | None, number: int) -> int:
    """Send a signal to a tree; return how many processes were found."""
    found = members(roots, marker)
    # Where there is no process table, the groups are all we know.
    groups = {process.group for process in found} if os.path.isdir(_PROC) else roots  # noqa: PTH112
    for group in groups - {0, 1, os.getpgrp()}:
        _quietly(os.killpg, group, number)
    for process in found:
        # A process that moved between reading the table and the signal to its group is met by its own id.
        _quietly(os.kill, process.pid, number)
    return len(found)


def _quietly(function: object, target: int, number: int) -> None:
    try:
        function(target, number)  # type: ignore[operator]
    except (ProcessLookupError, PermissionError):
        return


def kill(roots: frozenset[int], marker: str | None, *, rounds: int = _ROUNDS) -> bool:
    """Kill a tree, again and again while something of it still forks; return whether nothing is left."""
    for _ in range(rounds):
        if not send(roots, marker, signal.SIGKILL):
            return True
        time.sleep(_PAUSE)
    return False


class _Watch:
    """The watchdog's own loop."""

    def __init__(self, prefix: str, parent: int) -> None:
        self.prefix = prefix
        self.groups: dict[int, int] = {}
        self.until = 0.0
        self.rest = b""
        self.done = False
        try:
            # A fork of the worker may hold the pipe open after the worker's death; its process descriptor tells.
            self.parent = os.pidfd_open(parent)
        except (AttributeError, OSError):
            self.parent = -1

    def run(self) -> None:
        waits = [0] if self.parent < 0 else [0, self.parent]
        while not self.done:
            ready, _, _ = select.select(waits, [], [], self._left())
            if self.parent in ready:
                return self._kill(final=True)
            if 0 in ready and not self._read():
                return self._kill(final=True)
            if self._left() == 0:
                self._kill(final=False)
        return None

    def _left(self) -> float | None:
        if not self.until or not self.groups:
            return None
        return min(_LOOK, max(0.0, self.until - steady()))

    def _read(self) -> bool:
        data = os.read(0, 65536)
        if not data:
            return False
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self._obey(line)
        return True

    def _obey(self, line: bytes) -> None:
        if line.startswith(b"+"):
            group, start = line[1:].split()
            self.groups[int(group)] = int(start)
        elif line.startswith(b"-"):
            self.groups.pop(int(line[1:]), None)
        elif line.startswith(b"b"):
            self.until = float(line[1:])
        elif line == b"q":
            self.done = True

    def _kill(self, *, final: bool) -> None:
        # A number whose leader started at another time was given away again: that group is not ours any more.
        roots = frozenset(group for group, start in self.groups.items() if _is_same(group, start))
        self.groups.clear()
        kill(roots, self.prefix)
        if final:
            # Something may have been between fork and exec, where it still shows the worker's environment.
            time.sleep(5 * _PAUSE)
            kill(roots, self.prefix)


def _is_same(group: int, start: int) -> bool:
    leader = read_process(group)
    return leader is None or not start or leader.start == start


def main(arguments: list[str]) -> None:
    """Watch until the worker closes the pipe or dies."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _Watch(arguments[0], int(arguments[1])).run()


if __name__ == "__main__":
    main(sys.argv[1:])
