"""States, the two tables of allowed transitions, and ``advance``: the only code that writes a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jupyter_gov.errors import IllegalTransitionError


class State(StrEnum):
    """State of an execution, a task run or an attempt; ``LOST`` is for attempts only."""

    CREATED = "CREATED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    RESTARTED = "RESTARTED"
    RETRYING = "RETRYING"
    KILLING = "KILLING"
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"
    FAILED = "FAILED"
    KILLED = "KILLED"
    CANCELLED = "CANCELLED"
    RETRIED = "RETRIED"
    SKIPPED = "SKIPPED"
    LOST = "LOST"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows by itself."""
        return self in TERMINAL


TERMINAL = frozenset(
    {State.SUCCESS, State.WARNING, State.FAILED, State.KILLED, State.CANCELLED, State.RETRIED, State.SKIPPED}
)

_S = State
EXECUTION_TRANSITIONS: Mapping[State, frozenset[State]] = {
    _S.CREATED: frozenset({_S.QUEUED, _S.RUNNING, _S.KILLING, _S.KILLED, _S.FAILED, _S.CANCELLED}),
    _S.QUEUED: frozenset({_S.RUNNING, _S.KILLING, _S.KILLED, _S.CANCELLED}),
    _S.RUNNING: frozenset(
        {_S.PAUSED, _S.RETRYING, _S.KILLING, _S.SUCCESS, _S.WARNING, _S.FAILED, _S.KILLED, _S.CANCELLED, _S.RETRIED}
    ),
    _S.PAUSED: frozenset({_S.RESTARTED, _S.RUNNING, _S.KILLING, _S.KILLED, _S.CANCELLED, _S.FAILED, _S.WARNING}),
    _S.RESTARTED: frozenset({_S.RUNNING, _S.KILLING}),
    _S.RETRYING: frozenset({_S.RUNNING, _S.PAUSED, _S.KILLING, _S.FAILED}),
    _S.KILLING: frozenset({_S.KILLED, _S.CANCELLED, _S.FAILED}),
    _S.SUCCESS: frozenset(),
    _S.WARNING: frozenset({_S.RESTARTED}),
    _S.FAILED: frozenset({_S.RESTARTED}),
    _S.KILLED: frozenset({_S.RESTARTED}),
    _S.CANCELLED: frozenset({_S.RESTARTED}),
    _S.RETRIED: frozenset(),
}

TASK_RUN_TRANSITIONS: Mapping[State, frozenset[State]] = {
    _S.CREATED: frozenset(
        {_S.RUNNING, _S.PAUSED, _S.SKIPPED, _S.FAILED, _S.KILLED, _S.KILLING, _S.SUCCESS, _S.WARNING}
    ),
    _S.RUNNING: frozenset(
        {
            _S.PAUSED,
            _S.CREATED,
            _S.RETRYING,
            _S.KILLING,
            _S.SUCCESS,
            _S.WARNING,
            _S.FAILED,
            _S.KILLED,
            _S.CANCELLED,
            _S.RETRIED,
        }
    ),
    _S.PAUSED: frozenset({_S.RUNNING, _S.KILLING, _S.KILLED, _S.FAILED, _S.WARNING, _S.CANCELLED, _S.SUCCESS}),
    _S.RETRYING: frozenset({_S.CREATED, _S.RUNNING, _S.KILLED, _S.FAILED}),
    _S.RESTARTED: frozenset({_S.RUNNING, _S.KILLED, _S.KILLING, _S.FAILED}),
    _S.KILLING: frozenset({_S.KILLED}),
    # A finished task run moves again only by a restart, which an actor asks for.
    _S.SUCCESS: frozenset(),
    _S.WARNING: frozenset({_S.RUNNING}),
    _S.FAILED: frozenset({_S.RESTARTED, _S.RUNNING}),
    _S.KILLED: frozenset({_S.RESTARTED, _S.RUNNING}),
    _S.CANCELLED: frozenset({_S.RESTARTED, _S.RUNNING}),
    _S.SKIPPED: frozenset(),
    _S.RETRIED: frozenset(),
}

EXECUTION_REWRITES: Mapping[State, frozenset[State]] = {
    state: frozenset({_S.RESTARTED, _S.SUCCESS, _S.WARNING, _S.FAILED, _S.KILLED, _S.CANCELLED})
    for state in TERMINAL - {_S.RETRIED, _S.SKIPPED}
}
"""What a named person may turn an ended execution into: begun again, or ended otherwise. Nothing else does this."""

TASK_RUN_REWRITES: Mapping[State, frozenset[State]] = {
    state: frozenset({_S.RESTARTED, _S.RUNNING, _S.SUCCESS, _S.WARNING, _S.FAILED}) for state in TERMINAL
}
"""The same for the ended task runs of an ended execution."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A state and the time at which it was reached."""

    state: State
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """The states that something went through, oldest first; never empty."""

    moments: tuple[Moment, ...]

    @property
    def state(self) -> State:
        """The present state."""
        return self.moments[-1].state

    @property
    def version(self) -> int:
        """How many states there were: what a timer remembers of the state that it was set for."""
        return len(self.moments)

    @property
    def started(self) -> datetime:
        """When the first state was reached."""
        return self.moments[0].at

    @property
    def ended(self) -> datetime | None:
        """When the present state was reached, if it is terminal."""
        last = self.moments[-1]
        return last.at if last.state.is_terminal else None

    def duration(self, now: datetime | None = None) -> timedelta:
        """Return the time from the first state to the end, or to ``now`` while it goes on."""
        until = self.ended or now or self.moments[-1].at
        return until - self.started


def begin(state: State, at: datetime) -> History:
    """Return a new history that starts in ``state``."""
    return History((Moment(state, at),))


def advance(history: History, to: State, at: datetime, table: Mapping[State, frozenset[State]]) -> History:
    """Return ``history`` with ``to`` added.

    A change to the same state is ignored.

    Raises
    ------
    IllegalTransitionError
        ``to`` may not follow the present state in ``table``.
    """
    present = history.state
    if present is to:
        return history
    if to not in table.get(present, frozenset()):
        raise IllegalTransitionError(f"state {to} cannot follow {present}")
    # Clocks of two hosts may differ; a history never runs backwards.
    return History((*history.moments, Moment(to, max(at, history.moments[-1].at))))


SYMBOLS: Mapping[State, str] = {
    State.CREATED: "○",
    State.QUEUED: "…",
    State.RUNNING: "▶",
    State.PAUSED: "‖",
    State.RESTARTED: "↻",
    State.RETRYING: "↻",
    State.KILLING: "■",
    State.SUCCESS: "✔",
    State.WARNING: "▲",
    State.FAILED: "✖",
    State.KILLED: "■",
    State.CANCELLED: "⊘",
    State.RETRIED: "↻",
    State.SKIPPED: "⇥",
    State.LOST: "?",
}
"""The sign of each state, the same in a cell, a terminal and a graph."""
