"""The loop that owns executions. Read ``Loop._turn`` first: it is the whole story, everything else is a helper.

::

    mailbox ──► messages ──► Decider: engine.step ──► Committer: ONE transaction ──► Dispatcher: commands
       ▲                                                                               │
       └── workers (attempts that ended) ◄── board ◄───────────────────────────────────┤
       └── listener (other processes), timers, leases          inline tasks run here ◄─┘
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from threading import Thread
from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import GovError
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.board import Board
from jupyter_gov.runtime.clock import Clock, utc_now
from jupyter_gov.runtime.commit import Committer
from jupyter_gov.runtime.decide import Decider
from jupyter_gov.runtime.dispatch import Dispatcher
from jupyter_gov.runtime.estate import Estate
from jupyter_gov.runtime.faults import Faults, NoFaults
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.leases import LeaseKeeper
from jupyter_gov.runtime.listener import Listener
from jupyter_gov.runtime.logs import LogBuffer, LogLimits
from jupyter_gov.runtime.mailbox import Lost, Mailbox
from jupyter_gov.runtime.owned import Owned
from jupyter_gov.runtime.owners import new_owner
from jupyter_gov.runtime.progress import ProgressBoard
from jupyter_gov.runtime.recovery import Claimer
from jupyter_gov.runtime.scheduler import Scheduler
from jupyter_gov.runtime.secrets import EnvironmentSecrets, Secrets
from jupyter_gov.runtime.subflow import Caller
from jupyter_gov.runtime.worker import ThreadWorker
from jupyter_gov.runtime.world import World, allowed_environment

if TYPE_CHECKING:
    from jupyter_gov.store import Store

_LOG = logging.getLogger(__name__)
_TROUBLE_SECONDS = (0.1, 0.3, 1.0, 3.0, 5.0)


class Loop:
    """Carries executions on, in a thread of this process.

    Parameters
    ----------
    owner
        Names this loop in leases; unique, also after a restart. The default lets other processes of this machine
        see when this one is dead, so that they need not wait for its leases to lapse.
    run_as
        Only executions of this identity are claimed.
    environment
        Allow-listed environment for children; made from this process's if None.
    lease_ttl
        Seconds after which somebody else may take over what this loop owns once it gives no sign of life.
    workers
        How many attempts run at once, inline tasks aside.
    background
        Keep listening for work of others even when nothing is unfinished (the Jupyter server, the service).
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        settings: Mapping[str, Any],
        run_as: str,
        owner: str | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Clock = utc_now,
        faults: Faults | None = None,
        lease_ttl: float = 15.0,
        workers: int = 4,
        secrets: Secrets | None = None,
        flows: FlowCache | None = None,
        background: bool = False,
    ) -> None:
        self.owner = owner = owner or new_owner()
        self.progress = ProgressBoard()
        self.flows = flows or FlowCache(store, registry)
        self._mailbox = Mailbox()
        self._world = world = World(
            store=store,
            registry=registry,
            settings=settings,
            environment=allowed_environment(os.environ) if environment is None else environment,
            secrets=secrets or EnvironmentSecrets(os.environ, settings),
            clock=clock,
            progress=self.progress,
            faults=faults or NoFaults(),
            log_limits=LogLimits.of(settings),
            lease_ttl=lease_ttl,
            run_as=run_as,
        )
        self._leases = LeaseKeeper(
            store,
            owner,
            lease_ttl,
            on_lost=lambda execution_id: self._mailbox.post(Lost(execution_id)),
            on_renewed=world.beat,
        )
        self._board = Board(self._mailbox)
        self._scheduler = Scheduler(clock)
        self._listener = Listener(store, self._mailbox.look)
        self._worker = ThreadWorker(owner, self._board, world, slots=workers, may_run=self._leases.holds)
        claimer = Claimer(world, self.flows, self._leases, owner=owner, ttl=lease_ttl)
        self._estate = estate = Estate(
            world, claimer, self._board, self._scheduler, owner=owner, run_as=run_as, background=background
        )
        decider = Decider(world, self._board, Caller(world, self.flows), worker=owner)
        self._committer = Committer(world, decider, owner=owner, writing=self._leases.writing)
        self._dispatcher = Dispatcher(
            world,
            self._board,
            self._mailbox,
            self._scheduler,
            may_run=lambda owned: estate.is_current(owned) and self._leases.holds(owned.id),
        )
        self._trouble = 0
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to carry executions on; does nothing if it is doing so already."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="gov-loop", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look into the store now: something was written there by this process."""
        self._mailbox.look()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop what runs, give back what is owned, and end; attempts in flight will be recorded as lost."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._mailbox.close()
            thread.join(2 * timeout)
        self._listener.close()
        self._leases.close()
        self._world.close()

    @property
    def commits(self) -> int:
        """How many transactions this loop has written for its executions."""
        return self._committer.commits

    def _run(self) -> None:
        self._worker.start()
        self._mailbox.look()
        while not self._mailbox.closed:
            self._mailbox.wait(self._patience())
            self._guarded_turn()
        self._leave()

    def _turn(self) -> None:
        """Take what has arrived, decide, store, and let happen what was decided."""
        messages, look = self._mailbox.take()
        for message in messages:
            self._estate.receive(message)
        if not self._mailbox.closed and (look or self._scheduler.is_due() or self._estate.must_look()):
            self._estate.look()
        ready = self._estate.ready()
        try:
            for outcome in self._committer.commit(ready, self._lines(bool(ready))):
                if isinstance(outcome, Owned):
                    self._estate.drop(outcome.id)
                else:
                    self._estate.advance(outcome)
                    self._dispatcher.carry_out(outcome)
        except BaseException:
            self._estate.again(ready)
            raise
        for owned, end in self._dispatcher.run_inline():
            self._estate.deliver(owned, end)
        self._listener.want(self._estate.waits_for_others)

    def _lines(self, commit_anyway: bool) -> list[LogBuffer]:
        if not (commit_anyway or self._mailbox.has_due_lines):
            return []
        return [found for found in self._mailbox.take_dirty() if self._estate.owns(found.place.execution_id)]

    def _guarded_turn(self) -> None:
        try:
            self._turn()
            self._trouble = 0
        except GovError as error:
            # A locked database or a full disk passes; nothing was stored, and everything waits where it was.
            _LOG.warning("the loop cannot store what it decided: %s", error)
            self._pause()
        except Exception:  # noqa: BLE001 - the thread's boundary
            _LOG.exception("the loop met an error of its own")
            self._pause()

    def _pause(self) -> None:
        seconds = _TROUBLE_SECONDS[min(self._trouble, len(_TROUBLE_SECONDS) - 1)]
        self._trouble += 1
        self._mailbox.wait_closed(seconds)
        self._mailbox.look()

    def _patience(self) -> float | None:
        """Return how long the loop may sleep; None until somebody calls."""
        if self._estate.has_ready or self._dispatcher.has_inline:
            return 0.0
        times = (self._scheduler.seconds(), self._estate.look_in())
        return min((seconds for seconds in times if seconds is not None), default=None)

    def _leave(self) -> None:
        self._estate.cancel_all()
        stopped = self._worker.stop(self._world.lease_ttl)
        self._guarded_turn()
        try:
            self._estate.release_all(stopped=stopped)
        except GovError as error:
            _LOG.warning("leases could not be given back and will lapse: %s", error)
