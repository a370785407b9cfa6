"""Fires the triggers of this loop's identity: schedules whose date has come, and Flow triggers.

Whatever fires is one transaction: it takes the trigger from the version that was read to the next one, stores the
execution under an id that follows from the cause, and puts both on record. However many loops look, one of them wins,
and a loop that dies at any point has either fired or not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_gov.errors import ConflictError, GovError
from jupyter_gov.runtime.clock import steady
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.world import World
from jupyter_gov.store.faults import passes

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.flow_triggers import Key

_LOG = logging.getLogger(__name__)
_AT_ONCE = 50
_REFUSED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Looked:
    """When something is next due; ``more``: at once."""

    next: datetime | None = None
    more: bool = False


class Firing:
    """Looks for triggers that have something to do, and does it.

    Parameters
    ----------
    schedules
        Whether dates are this loop's business too: it stays, unlike that of a notebook's kernel or of a command.
    """

    def __init__(self, world: World, flows: FlowCache, *, schedules: bool) -> None:
        self._world = world
        self._store: Store = world.store
        self._flows = flows
        self._schedules = schedules
        self._refused: dict[Key, float] = {}
        self._recovers = schedules

    def look(self) -> Looked:
        """Fire what is due, a bounded number at once."""
        now = steady()
        self._refused = {key: until for key, until in self._refused.items() if until > now}
        waiting, upcoming = self._waiting()
        more = self._act_on(waiting, "events")
        clock = self._world.clock()
        due = [key for key, date in upcoming if date <= clock]
        if self._recovers and due:
            self._act_on(due, "recover")
        self._recovers = False
        more = self._act_on(due[:_AT_ONCE], "date") or more
        if due or more:
            upcoming = self._waiting()[1]
        return Looked(upcoming[0][1] if upcoming else None, more)

    def _waiting(self) -> tuple[Sequence[Key], Sequence[tuple[Key, datetime]]]:
        run_as, refused = self._world.run_as, len(self._refused)
        limit = _AT_ONCE + refused
        with self._store.read() as tx:
            waiting = self._store.triggers.waiting(tx, run_as, limit)
            upcoming = self._store.triggers.upcoming(tx, run_as, limit) if self._schedules else ()
        return (
            [key for key in waiting if key not in self._refused],
            [(key, date) for key, date in upcoming if key not in self._refused],
        )

    def _act_on(self, keys: Sequence[Key], what: str) -> bool:
        return True in [self._act(key, what) for key in keys]

    def _act(self, key: Key, what: str) -> bool:
        """Do one thing with a trigger; return whether something happened, so that there may be more."""
        # Calendars load when the first trigger has something to do.
        from jupyter_gov.runtime.moves import Mover  # noqa: PLC0415

        acts: dict[str, Callable[[Mover], bool]] = {
            "events": lambda mover: mover.react(key),
            "date": lambda mover: mover.take_date(key),
            "recover": lambda mover: mover.recover(key),
        }
        try:
            return acts[what](Mover(self._world, self._flows))
        except ConflictError:
            return True  # another loop was faster
        except GovError as error:
            if passes(error):
                raise
            _LOG.warning("trigger %s cannot be looked at here: %s", "/".join(key), error)
        except Exception:  # noqa: BLE001 - a fault of ours must not keep other triggers and executions waiting
            _LOG.exception("trigger %s met an error of our own", "/".join(key))
        self._refused[key] = steady() + _REFUSED_SECONDS
        return False
