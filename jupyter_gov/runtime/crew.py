"""Everything that works for one loop, put together by plain constructor calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_gov.runtime.board import Board
from jupyter_gov.runtime.commit import Committer
from jupyter_gov.runtime.decide import Decider
from jupyter_gov.runtime.dispatch import Dispatcher
from jupyter_gov.runtime.estate import Estate
from jupyter_gov.runtime.firing import Firing
from jupyter_gov.runtime.leases import LeaseKeeper
from jupyter_gov.runtime.listener import Listener
from jupyter_gov.runtime.mailbox import Lost, Mailbox
from jupyter_gov.runtime.recovery import Claimer
from jupyter_gov.runtime.scheduler import Scheduler
from jupyter_gov.runtime.subflow import Caller
from jupyter_gov.runtime.worker import ThreadWorker

if TYPE_CHECKING:
    from jupyter_gov.runtime.flows import FlowCache
    from jupyter_gov.runtime.owned import Owned
    from jupyter_gov.runtime.world import World


class Crew:
    """The helpers of a loop.

    Attributes
    ----------
    mailbox
        What has arrived.
    estate
        What is owned.
    committer, dispatcher
        What stores decisions, and what carries them out afterwards.
    board, worker
        Where attempts wait, and who runs them.
    leases, listener, scheduler
        What keeps leases, hears of other processes, and knows when the next timer is due.
    """

    def __init__(
        self, world: World, flows: FlowCache, *, owner: str, workers: int, background: bool, root: str | None = None
    ) -> None:
        self.mailbox = Mailbox()
        self.leases = LeaseKeeper(world.store, owner, world.lease_ttl, on_lost=self._lost, on_changed=world.beat)
        world.rely_on(self.leases.trusted_until)
        self.board = Board(self.mailbox)
        self.scheduler = Scheduler(world.clock)
        self.listener = Listener(world.store, self.mailbox.look)
        self.worker = ThreadWorker(owner, self.board, world, slots=workers, may_run=self.leases.holds)
        claimer = Claimer(world, flows, self.leases, owner=owner, root=root)
        # A process that ends with one execution leaves triggers to others.
        firing = Firing(world, flows, schedules=background) if root is None else None
        self.estate = Estate(
            world, claimer, self.board, self.scheduler, owner=owner, background=background, firing=firing
        )
        decider = Decider(world, self.board, Caller(world, flows), worker=owner)
        self.committer = Committer(world, decider, owner=owner, writing=self.leases.writing)
        self.dispatcher = Dispatcher(world, self.board, self.mailbox, self.scheduler, may_run=self._may_run)

    def _lost(self, execution_id: str) -> None:
        self.mailbox.post(Lost(execution_id))

    def _may_run(self, owned: Owned) -> bool:
        return self.estate.is_current(owned) and self.leases.holds(owned.id)
