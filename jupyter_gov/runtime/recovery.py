"""Taking executions over: claim, load, put lost attempts on record, ask for the open work again.

Recovery runs nothing by itself. It only makes the events and commands that the engine names, so that there is one
path by which an attempt begins, and one hand-off that admits one runner.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jupyter_gov.domain.execution import Execution
from jupyter_gov.engine import recovery
from jupyter_gov.errors import GovError
from jupyter_gov.runtime.clock import steady
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.leases import LeaseKeeper
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.owned import Delivery, Owned
from jupyter_gov.runtime.world import World

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx

_LOG = logging.getLogger(__name__)
_REFUSED_SECONDS = 60.0


class Claimer:
    """Makes this loop the owner of executions."""

    def __init__(
        self, world: World, flows: FlowCache, leases: LeaseKeeper, *, owner: str, root: str | None = None
    ) -> None:
        self._world = world
        self._root = root
        self._store: Store = world.store
        self._flows = flows
        self._leases = leases
        self._owner = owner
        self._ttl = world.lease_ttl
        self._refused: dict[str, float] = {}

    def find(self, run_as: str, room: int) -> list[str]:
        """Return executions of ``run_as`` that have work to do and no owner, at most ``room``."""
        self._forget_refusals()
        if room <= 0:
            return []
        with self._store.read() as tx:
            found = self._store.leases.claimable(tx, run_as, room + len(self._refused), root=self._root)
        return [execution_id for execution_id in found if execution_id not in self._refused][:room]

    def claim(self, executions: Sequence[str]) -> list[Owned]:
        """Return those of the executions that are ours now, with what recovery has to say about them."""
        if not executions:
            return []
        self._world.faults.reach("claim.before")
        claimed = self._store.retrying(lambda tx: self._claim_rows(tx, executions))
        self._world.faults.reach("claim.after")
        owned: list[Owned] = []
        unusable: list[tuple[str, int]] = []
        for asked_at, fence, in_order, execution in claimed:
            try:
                flow = self._flows.load(execution.namespace, execution.flow_id, execution.flow_revision)
            except GovError as error:
                _LOG.warning("execution %s cannot be carried on here: %s", execution.id, error)
                self._refused[execution.id] = steady() + _REFUSED_SECONDS
                unusable.append((execution.id, fence))
                continue
            self._leases.add(execution.id, asked_at)
            masks = Masks()
            found = Owned(execution, flow, fence, self._world.host(execution, masks, flow.dialect), masks)
            found.pending = deque(Delivery(event) for event in recovery.events(flow, execution, in_order=in_order))
            owned.append(found)
        self.release(unusable)
        return owned

    def forget(self, execution_id: str) -> None:
        """Stop to renew a lease that was given back or lost."""
        self._leases.drop(execution_id)

    def release(self, leases: Iterable[tuple[str, int]]) -> None:
        """Give leases back, so that another loop need not wait for their end."""
        leases = list(leases)
        if not leases:
            return

        def give_back(tx: Tx) -> None:
            for execution_id, fence in leases:
                self._store.leases.release(tx, execution_id, self._owner, fence)

        self._store.retrying(give_back)

    def _claim_rows(self, tx: Tx, executions: Sequence[str]) -> list[tuple[float, int, bool, Execution]]:
        claimed: list[tuple[float, int, bool, Execution]] = []
        for execution_id in executions:
            asked_at = steady()
            former = self._store.leases.holder(tx, execution_id)
            fence = self._store.leases.claim(tx, execution_id, self._owner, self._ttl)
            if fence is None:
                continue
            execution = self._store.executions.load(tx, execution_id)
            if execution is not None:
                # Who stops in order gives its leases back once everything under them has stopped.
                in_order = former is not None and former[0] is None
                claimed.append((asked_at, fence, in_order, execution))
        self._world.faults.reach("claim.inside")
        return claimed

    def _forget_refusals(self) -> None:
        now = steady()
        for execution_id in [known for known, until in self._refused.items() if until <= now]:
            del self._refused[execution_id]
