"""The executions that this loop owns, and who else may have something for it to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_gov.domain.events import AttemptStarted
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.runtime.attempt import Job
from jupyter_gov.runtime.board import Board
from jupyter_gov.runtime.clock import steady
from jupyter_gov.runtime.firing import Firing, Looked
from jupyter_gov.runtime.mailbox import Claimed, Finished, Lost, Message
from jupyter_gov.runtime.owned import Delivery, Owned, Work
from jupyter_gov.runtime.owners import Undertaker
from jupyter_gov.runtime.recovery import Claimer
from jupyter_gov.runtime.scheduler import Scheduler
from jupyter_gov.runtime.world import World

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx

_ROOM = 512
"""Executions in memory at most; further ones wait in the store, where other loops can take them."""
_AT_ONCE = 50
_BACKLOG = 16
"""Attempts that wait for a worker here at most before further executions are left to other loops."""
_BUSY_SECONDS = 0.5
_ORPHANS_SECONDS = 2.0
_TIMERS_AT_ONCE = 1000
_ACTIVE = frozenset({State.CREATED, State.RUNNING, State.RESTARTED, State.KILLING})
_WHERE_UNFINISHED = ExecutionFilter(states=_ACTIVE | {State.PAUSED, State.RETRYING, State.QUEUED})


class Estate:
    """What is owned, by id; what has something to decide; when to look into the store again."""

    def __init__(
        self,
        world: World,
        claimer: Claimer,
        board: Board,
        scheduler: Scheduler,
        *,
        owner: str,
        background: bool,
        firing: Firing | None,
    ) -> None:
        self._world = world
        self._store: Store = world.store
        self._claimer = claimer
        self._board = board
        self._scheduler = scheduler
        self._run_as = world.run_as
        self._background = background
        self._firing = firing
        self._fired = Looked()
        self._undertaker = Undertaker(world.store, owner)
        self._owned: dict[str, Owned] = {}
        self._ready: dict[str, Owned] = {}
        self._look_at: float | None = None
        self._others_wait = False
        self._leaving = False

    # --- what the loop asks -----------------------------------------------------------------------------------

    @property
    def has_ready(self) -> bool:
        """Whether something waits to be decided."""
        return bool(self._ready)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is decided or run: what is owned waits for a person, a subflow or a timer."""
        return not self._fired.more and not self._ready and not any(owned.in_flight for owned in self._owned.values())

    @property
    def waits_for_others(self) -> bool:
        """Whether another process may have something to say: a decision, a kill, an end."""
        return self._background or bool(self._owned) or self._others_wait

    def must_look(self) -> bool:
        """Return whether it is time to look for executions whose owner is gone."""
        return self._look_at is not None and steady() >= self._look_at

    def look_in(self) -> float | None:
        """Return the seconds until ``must_look``, None for ever."""
        return None if self._look_at is None else max(0.0, self._look_at - steady())

    def ready(self) -> list[Owned]:
        """Return the executions that have something to decide, and forget that they do."""
        ready, self._ready = list(self._ready.values()), {}
        return [owned for owned in ready if self._owned.get(owned.id) is owned]

    def again(self, executions: list[Owned]) -> None:
        """Let executions have their turn again: they could not be stored."""
        for owned in executions:
            if self._owned.get(owned.id) is owned:
                self._ready[owned.id] = owned

    def owns(self, execution_id: str) -> bool:
        """Return whether an execution is in memory here."""
        return execution_id in self._owned

    def is_current(self, owned: Owned) -> bool:
        """Return whether this is still how the execution is owned: not lost, nor lost and claimed again."""
        return self._owned.get(owned.id) is owned

    # --- what arrives -----------------------------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        """Take a message of the mailbox."""
        match message:
            case Finished(job=job, event=event):
                owned = self._owned.get(job.execution.id)
                if owned is not None and event is not None:
                    self.deliver(owned, Delivery(event, job=job))
                elif owned is not None and not self._leaving and self._waits_for(owned, job):
                    # Its worker doubted the lease for a moment, and nobody can say how the attempt went: it is as lost
                    # as with its process, and whoever takes the execution over (we, most likely) puts that on record.
                    self.drop(owned.id)
            case Claimed(ticket=ticket, claim=claim):
                owned = self._owned.get(ticket.execution_id)
                if owned is None:
                    self._board.claim(claim)
                else:
                    self.deliver(owned, Delivery(AttemptStarted(ticket.task_run_id, claim.worker), claim=claim))
            case Lost(execution_id=execution_id):
                self.drop(execution_id)

    @staticmethod
    def _waits_for(owned: Owned, job: Job) -> bool:
        run = owned.execution.task_runs.get(job.run.id)
        return run is not None and run.id in owned.in_flight and len(run.attempts) == job.number

    def deliver(self, owned: Owned, delivery: Delivery) -> None:
        """Leave an event at an execution."""
        if self._owned.get(owned.id) is owned:
            owned.pending.append(delivery)
            self._ready[owned.id] = owned

    # --- what changes -----------------------------------------------------------------------------------------

    def advance(self, work: Work) -> None:
        """Take what was committed; an execution that needs no owner any more leaves the memory."""
        owned = work.owned
        owned.execution = work.execution
        self._world.folders.tidy(work.execution)
        if work.leaves:
            self._forget(owned.id)
            if not self._owned:
                self._look_at = steady()

    def drop(self, execution_id: str) -> None:
        """Stop what runs of an execution that is no longer ours; nothing of it is stored any more."""
        owned = self._forget(execution_id)
        if owned is None:
            return
        self._board.withdraw(execution_id)
        self._board.cancel(execution_id, "lease")
        self._world.folders.leave(execution_id)
        for delivery in owned.pending:
            if delivery.claim is not None:
                self._board.claim(delivery.claim)
        self._look_at = steady()

    def look(self) -> None:
        """Claim what has no owner, and read what was left for what we own."""
        timed = self._look_at is None or steady() >= self._look_at
        dying = timed and self._undertaker.bury()
        busy = self._board.waiting >= _BACKLOG
        self._fired = Looked() if self._firing is None else self._firing.look()
        room = 0 if busy else min(_AT_ONCE, _ROOM - len(self._owned))
        claimable = self._claimer.find(self._run_as, room)
        for found in self._claimer.claim(claimable):
            self._owned[found.id] = found
            self._ready[found.id] = found
        with self._store.read() as tx:
            for inbox_id, execution_id, event in self._store.inbox.pending(tx, self._owned):
                self._deliver_row(execution_id, Delivery(event, inbox_id=inbox_id))
            for timer_id, execution_id, fired in self._store.timers.due(
                tx, self._store.now(tx), self._run_as, _TIMERS_AT_ONCE
            ):
                self._deliver_row(execution_id, Delivery(fired, timer_id=timer_id))
            times = (self._store.timers.next_due(tx, self._run_as), self._fired.next)
            self._scheduler.looked(min((time for time in times if time is not None), default=None))
            if not self._owned:
                self._plan_sleep(tx)
        if self._owned:
            self._look_at = steady() + (_BUSY_SECONDS if busy else self._world.lease_ttl / 3)
        if self._fired.more or (room and len(claimable) == room):
            self._look_at = steady()
        elif dying:
            self._look_at = steady() + _BUSY_SECONDS

    def _plan_sleep(self, tx: Tx) -> None:
        """Find out whether this loop may sleep until it is called: nothing is unfinished anywhere."""
        counts = self._store.executions.count_by_state(tx, _WHERE_UNFINISHED)
        self._others_wait = bool(counts)
        # Nobody tells us that an owner died: while others own something, look again when its lease may be over.
        active = any(state in _ACTIVE for state in counts)
        self._look_at = steady() + min(_ORPHANS_SECONDS, self._world.lease_ttl / 3) if active else None

    def cancel_all(self) -> None:
        """Ask everything that runs to stop, without a word about how it ended."""
        self._leaving = True
        for execution_id in self._owned:
            self._board.withdraw(execution_id)
            self._board.cancel(execution_id, "lease")

    def release_all(self, *, stopped: bool) -> None:
        """Give all leases back; if a thread does not stop, those of what it runs must lapse instead."""
        leases = [
            (owned.id, owned.fence) for owned in self._owned.values() if stopped or not self._board.running(owned.id)
        ]
        self._owned.clear()
        self._ready.clear()
        self._claimer.release(leases)

    def _deliver_row(self, execution_id: str, delivery: Delivery) -> None:
        owned = self._owned.get(execution_id)
        if owned is not None and not owned.knows(delivery):
            self.deliver(owned, delivery)

    def _forget(self, execution_id: str) -> Owned | None:
        self._claimer.forget(execution_id)
        self._ready.pop(execution_id, None)
        return self._owned.pop(execution_id, None)
