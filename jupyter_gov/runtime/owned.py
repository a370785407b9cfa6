"""What the loop holds in memory of each execution that it owns, and one turn's work on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_gov.domain.commands import Command, Fact, Step
from jupyter_gov.domain.events import AttemptFinished, AttemptLost, Event
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import State
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.runtime.attempt import Job
from jupyter_gov.runtime.board import Claim
from jupyter_gov.runtime.host import Host
from jupyter_gov.runtime.masking import Masks

RESTING = frozenset({State.PAUSED, State.RETRYING, State.QUEUED})
"""States in which an execution waits for a person, a timer or another execution, and needs no owner meanwhile."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to ``engine.step``, with where it came from.

    Attributes
    ----------
    inbox_id, timer_id
        Row that the commit consumes.
    job
        The attempt that ended with this event; its lines and metrics go into the same transaction.
    claim
        The worker that waits for the attempt which begins with this event.
    """

    event: Event
    inbox_id: int | None = None
    timer_id: str | None = None
    job: Job | None = None
    claim: Claim | None = None


@dataclass(slots=True, eq=False)
class Owned:
    """An execution that this loop owns.

    Attributes
    ----------
    in_flight
        Task runs with an attempt that waits for a worker or runs.
    fresh
        It was just taken over: open work that nobody does has to be asked for again.
    """

    execution: Execution
    flow: Flow
    fence: int
    host: Host
    masks: Masks
    pending: deque[Delivery] = field(default_factory=deque)
    in_flight: set[str] = field(default_factory=set)
    fresh: bool = True

    @property
    def id(self) -> str:
        """The execution's id."""
        return self.execution.id

    def knows(self, delivery: Delivery) -> bool:
        """Return whether this very row waits here already, since the commit that would consume it has failed."""
        return any(
            (delivery.inbox_id is not None and waiting.inbox_id == delivery.inbox_id)
            or (delivery.timer_id is not None and waiting.timer_id == delivery.timer_id)
            for waiting in self.pending
        )


@dataclass(frozen=True, slots=True)
class NewExecution:
    """An execution to store: started by somebody, called, or one that tries the same again.

    Attributes
    ----------
    due
        When it begins; at once if absent.
    has_slot
        Whether it takes over a slot among those of its flow, from the one that it repeats.
    """

    flow: Flow
    execution: Execution
    facts: tuple[Fact, ...]
    due: datetime | None = None
    lines: tuple[LogLine, ...] = ()
    has_slot: bool = False


@dataclass(slots=True, eq=False)
class Work:
    """What one turn decided for one execution: steps to commit together, and what to do afterwards."""

    owned: Owned
    execution: Execution
    taken: Sequence[Delivery]
    entries: list[tuple[Step, Delivery]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    children: list[NewExecution] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)
    starts: list[tuple[str, Claim]] = field(default_factory=list)
    unused: list[Claim] = field(default_factory=list)
    leaves: bool = False
    was_fresh: bool = False
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)

    def begin(self, run_id: str) -> bool:
        """Note that an attempt of a task run is asked for; return False if one is on its way already."""
        if run_id in self.owned.in_flight:
            return False
        self.owned.in_flight.add(run_id)
        self.begun.add(run_id)
        return True

    def end(self, run_id: str) -> None:
        """Note that no attempt of a task run is on its way any more."""
        if run_id in self.owned.in_flight:
            self.owned.in_flight.discard(run_id)
            self.ended.add(run_id)

    def undo(self) -> None:
        """Put the execution back as it was."""
        owned = self.owned
        owned.pending.extendleft(reversed(self.taken))
        owned.fresh = self.was_fresh
        owned.in_flight |= self.ended
        owned.in_flight -= self.begun

    def add(self, step: Step, delivery: Delivery) -> None:
        """Take a step; one that changes nothing is kept for the row that it consumes."""
        self.execution = step.execution
        if not step.is_noop or delivery.inbox_id is not None or delivery.timer_id is not None:
            self.entries.append((step, delivery))
        if isinstance(delivery.event, AttemptFinished | AttemptLost):
            self.end(delivery.event.task_run_id)
        for run_id in step.changed:
            run = step.execution.task_runs.get(run_id)
            if run is None or run.state.is_terminal:
                self.end(run_id)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return not (self.entries or self.leaves or any(delivery.job for delivery in self.taken))
