"""When something is next due: pause deadlines, retry delays, dates of schedules."""

from __future__ import annotations

from datetime import datetime, timedelta

from jupyter_gov.runtime.clock import Clock

_RELOOK = timedelta(milliseconds=250)
_LONGEST = 60.0
"""Seconds after which the clock is read again: it may have been set, or the machine may have slept."""


class Scheduler:
    """Remembers the earliest timer that this loop has to care for, so that nobody asks the database for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next: datetime | None = None

    def note(self, due: datetime) -> None:
        """Take account of a timer that was just set."""
        if self._next is None or due < self._next:
            self._next = due

    def looked(self, next_due: datetime | None) -> None:
        """Take what the database says now that all due timers have been read.

        A timer that is overdue all the same belongs to an execution whose owner is slow, or our clock is ahead of the
        database's: look again in a moment, not at once.
        """
        self._next = None if next_due is None else max(next_due, self._clock() + _RELOOK)

    def is_due(self) -> bool:
        """Return whether it is time to look for due timers."""
        return self._next is not None and self._clock() >= self._next

    def seconds(self) -> float | None:
        """Return how long to sleep until then at most, None for ever."""
        if self._next is None:
            return None
        return min(max(0.0, (self._next - self._clock()).total_seconds()), _LONGEST)
