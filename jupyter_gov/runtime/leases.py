"""Keeps the leases of the executions that this loop owns, and says when one can no longer be relied on.

Two clocks guard against two runners. The database's clock decides when somebody else may take over; our own steady
clock, read *before* each renewal was sent, decides how long we trust a lease, and always ends earlier. A process that
was stopped or slept finds its trust gone when it wakes up, before it does anything else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING

from jupyter_gov.errors import StoreError
from jupyter_gov.runtime.clock import steady

if TYPE_CHECKING:
    from jupyter_gov.store import Store

_LOG = logging.getLogger(__name__)
_MARGIN = 0.2
"""Part of the ttl that is left for stopping what runs before somebody else may begin."""


class LeaseKeeper:
    """Renews in a thread of its own, which lives only while something is owned.

    Parameters
    ----------
    on_lost
        Called (in the keeper's thread) with an execution's id when its lease is gone or about to lapse.
    on_changed
        Called when there are other leases, or the same for longer: what watches over child processes must know.

    Attributes
    ----------
    writing
        Held by the loop while it stores steps. A renewal touches the same rows in another order, and on PostgreSQL
        the two would lock each other out for a second; so it waits a little, but not as long as the leases last.
    """

    def __init__(
        self,
        store: Store,
        owner: str,
        ttl: float,
        *,
        on_lost: Callable[[str], None],
        on_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._owner = owner
        self._ttl = ttl
        self._on_lost = on_lost
        self._on_changed = on_changed
        self.writing = Lock()
        self._changed = Condition()
        self._until: dict[str, float] = {}
        self._thread: Thread | None = None
        self._closed = False

    def add(self, execution_id: str, asked_at: float) -> None:
        """Take care of a lease that was claimed by a statement sent at ``asked_at`` (steady clock)."""
        with self._changed:
            self._until[execution_id] = asked_at + self._ttl * (1 - _MARGIN)
            if self._thread is None and not self._closed:
                self._thread = Thread(target=self._keep, name="gov-leases", daemon=True)
                self._thread.start()
        self._on_changed()

    def drop(self, execution_id: str) -> None:
        """Forget a lease: it was released, or lost."""
        self._forget(execution_id)
        self._on_changed()

    def trusted_until(self) -> float | None:
        """Return until when all leases may be relied on (steady clock); None if there are none."""
        with self._changed:
            return min(self._until.values(), default=None)

    def holds(self, execution_id: str) -> bool:
        """Return whether an attempt of this execution may begin now."""
        until = self._until.get(execution_id)
        return until is not None and steady() < until

    def renew(self) -> None:
        """Renew all leases now; those that are gone, or lapse before that worked, are reported as lost."""
        asked_at = steady()
        with self._changed:
            ours = list(self._until)
        if not ours:
            return
        waited = self.writing.acquire(timeout=self._ttl / 10)
        try:
            with self._store.write() as tx:
                kept = self._store.leases.renew(tx, self._owner, self._ttl)
        except StoreError as error:
            _LOG.warning("leases could not be renewed: %s", error)
            self._give_up(execution_id for execution_id in ours if not self.holds(execution_id))
            return
        finally:
            if waited:
                self.writing.release()
        with self._changed:
            for execution_id in ours:
                if execution_id in kept and execution_id in self._until:
                    self._until[execution_id] = asked_at + self._ttl * (1 - _MARGIN)
        self._give_up(execution_id for execution_id in ours if execution_id not in kept)
        if kept:
            self._on_changed()

    def close(self) -> None:
        """End the thread; nothing is released here."""
        with self._changed:
            self._closed = True
            self._until.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(self._ttl)

    def _keep(self) -> None:
        renew_at = steady() + self._ttl / 3
        while self._sleep(renew_at):
            self.renew()
            # After a failure the next try comes soon: the leases lapse meanwhile.
            renew_at = steady() + (self._ttl / 3 if self._all_held() else self._ttl / 15)
            self._give_up(self._lapsed())

    def _sleep(self, until: float) -> bool:
        """Wait for the next renewal; return False if the thread must end since nothing is owned."""
        with self._changed:
            while (left := until - steady()) > 0 and self._until and not self._closed:
                self._changed.wait(left)
            if self._until and not self._closed:
                return True
            self._thread = None
            return False

    def _all_held(self) -> bool:
        soon = steady() + self._ttl / 3
        with self._changed:
            return all(until > soon for until in self._until.values())

    def _lapsed(self) -> list[str]:
        now = steady()
        with self._changed:
            return [execution_id for execution_id, until in self._until.items() if until <= now]

    def _give_up(self, executions: Iterable[str]) -> None:
        # Nobody is told of a longer trust when the last lease is lost: what still runs under it must end in time.
        for execution_id in list(executions):
            self._forget(execution_id)
            self._on_lost(execution_id)

    def _forget(self, execution_id: str) -> None:
        with self._changed:
            self._until.pop(execution_id, None)
            if not self._until:
                self._changed.notify()
