"""Names of loops in leases, from which another process of the same machine can see that the owner is dead.

A lease lapses after its ttl, whoever held it. Where the owner's death can be proven there is no need to wait: the name
says on which boot of which machine, in which process-id space, and as which process it ran.
"""

from __future__ import annotations

import hashlib
import os
import socket
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.states import State
from jupyter_gov.runtime.clock import steady

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx

_UNKNOWN = "-"
_GRACE = 0.5
"""Seconds that the children of a dead owner get to die, too, before somebody else begins."""
_EVERY = 1.0
_AT_ONCE = 200
_LEASED = ExecutionFilter(
    states=frozenset({State.RUNNING, State.CREATED, State.RESTARTED, State.KILLING, State.PAUSED, State.RETRYING})
)


def new_owner() -> str:
    """Return a name for a loop of this process: ``host/pid/space.start.unique``."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{_space()}.{_started(pid) or _UNKNOWN}.{new_id()[-6:]}"


def is_dead(owner: str) -> bool:
    """Return whether the process behind an owner's name is certainly gone; in doubt it lives."""
    host, _, rest = owner.partition("/")
    number, _, mark = rest.partition("/")
    parts = mark.split(".")
    if len(parts) != 3 or not number.isdigit() or host != socket.gethostname():
        return False
    space, started, _ = parts
    if _UNKNOWN in (space, started) or space != _space():
        return False
    pid = int(number)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _started(pid) not in (started, None)


@cache
def _space() -> str:
    """Return a short name of this boot and process-id space: in it, a process id means one process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        ids = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return _UNKNOWN
    return hashlib.sha256(f"{boot} {ids}".encode()).hexdigest()[:8]


def _started(pid: int) -> str | None:
    """Return when a process started, in ticks of the system; None if it cannot be read, empty for a dead one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except OSError:
        return None
    # The name of the program stands in brackets and may hold anything.
    fields = stat[stat.rindex(")") + 2 :].split()
    return "" if fields[0] in ("Z", "X") else fields[19]


class Undertaker:
    """Lets the leases of dead owners lapse."""

    def __init__(self, store: Store, owner: str) -> None:
        self._store = store
        self._owner = owner
        self._seen: dict[str, float] = {}
        self._next = 0.0

    def bury(self) -> bool:
        """Free what dead owners hold; return whether some have died too recently and are worth another look."""
        now = steady()
        if now < self._next:
            return bool(self._seen)
        self._next = now + _EVERY
        with self._store.read() as tx:
            leases = self._leases(tx)
        dead = {owner for _, owner, _ in leases if is_dead(owner)}
        self._seen = {owner: self._seen.get(owner, now) for owner in dead}
        ripe = [lease for lease in leases if lease[1] in dead and now - self._seen[lease[1]] >= _GRACE]
        if ripe:
            self._store.retrying(lambda tx: self._lapse(tx, ripe))
        return len(ripe) < sum(1 for lease in leases if lease[1] in dead)

    def _leases(self, tx: Tx) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = []
        for summary in self._store.executions.list(tx, _LEASED, limit=_AT_ONCE):
            owner, fence = self._store.leases.holder(tx, summary.id) or (None, 0)
            if owner is not None and owner != self._owner:
                found.append((summary.id, owner, fence))
        return found

    def _lapse(self, tx: Tx, leases: list[tuple[str, str, int]]) -> None:
        for execution_id, owner, fence in leases:
            self._store.leases.lapse(tx, execution_id, owner, fence)
