"""Windows of time in which several conditions must come true, as a fold over the executions that made them true.

``observe`` takes a window as it was and one more execution, and gives the window as it then is; no clock is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal

from jupyter_gov.engine.triggers.subject import unusable
from jupyter_gov.lang.models.conditions import MultipleCondition, TimeWindow

Kind = Literal["DURATION_WINDOW", "DAILY_TIME_DEADLINE", "DAILY_TIME_WINDOW", "SLIDING_WINDOW"]
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_LAST = timedelta(milliseconds=1)
"""What a window is shorter than its duration, so that it does not touch the next one."""


@dataclass(frozen=True, slots=True)
class Span:
    """The definition of a window, in a zone.

    Attributes
    ----------
    names
        The conditions that must come true.
    resets
        Whether the window begins anew once all of them have.
    """

    names: frozenset[str]
    zone: tzinfo
    kind: Kind = "DURATION_WINDOW"
    length: timedelta = _DAY
    advance: timedelta = timedelta()
    begins: time = time()
    ends: time = time.max
    resets: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """That a condition came true: when, and by which execution."""

    at: datetime
    execution_id: str


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, and the conditions that came true in it so far."""

    start: datetime
    end: datetime
    marks: Mapping[str, Mark] = field(default_factory=dict)

    def holds(self, at: datetime) -> bool:
        """Return whether a moment lies in it."""
        return self.start <= at <= self.end

    @property
    def results(self) -> dict[str, bool]:
        """Names of the conditions that came true."""
        return dict.fromkeys(self.marks, True)


@dataclass(frozen=True, slots=True)
class Observed:
    """What one more execution makes of a window.

    Attributes
    ----------
    is_complete
        All conditions have come true: the trigger fires.
    expired
        The former window, if it ran out with some conditions met and not all.
    """

    window: Window
    is_complete: bool = False
    expired: Window | None = None


def span_of(
    spec: TimeWindow | None, names: Collection[str], zone: tzinfo, *, resets: bool, old: MultipleCondition | None = None
) -> Span:
    """Return the window that a flow trigger asks for: a day from midnight unless it says otherwise.

    Parameters
    ----------
    old
        The condition that may have ``window`` and ``windowAdvance`` outside of ``timeWindow``.

    Raises
    ------
    ExecutionError
        ``GOV341``: a time of day is none.
    """
    spec = spec or TimeWindow()
    length = spec.window or (old.window if old is not None else None) or _DAY
    advance = spec.window_advance or (old.window_advance if old is not None else None) or timedelta()
    if length <= timedelta():
        raise unusable("a window must last longer than nothing")
    begins, ends = _clock(spec.start_time), _clock(spec.deadline or spec.end_time)
    return Span(frozenset(names), zone, spec.type, length, advance, begins or time(), ends or time.max, resets)


def _clock(text: str | None) -> time | None:
    if text is None:
        return None
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise unusable(f"'{text[:60]}' is no time", "Write it as 09:00:00 or 09:00:00+01:00.") from error


# --- when -------------------------------------------------------------------------------------------------------


def fresh(span: Span, at: datetime) -> Window:
    """Return the empty window to which a moment belongs.

    Of the kinds with times of day it is the one of that day, also before it begins and after it has ended.
    """
    local = at.astimezone(span.zone)
    if span.kind == "SLIDING_WINDOW":
        return Window((at - span.length).astimezone(span.zone), local)
    if span.kind == "DURATION_WINDOW":
        return _aligned(span, local)
    return Window(_at_clock(local, span.begins), _at_clock(local, span.ends))


def _at_clock(day: datetime, clock: time) -> datetime:
    if clock.tzinfo is not None:
        day = day.astimezone(clock.tzinfo)
        return datetime.combine(day.date(), clock).astimezone(UTC)
    return datetime.combine(day.date(), clock, day.tzinfo)


def _aligned(span: Span, local: datetime) -> Window:
    start = _floor(local, span.length) + span.advance
    # `windowAdvance` moves the grid; the window is the one of that grid that holds the moment.
    while start > local:
        start -= span.length
    while start + span.length <= local:
        start += span.length
    return Window(start, start + span.length - _LAST)


def _floor(local: datetime, length: timedelta) -> datetime:
    """Return the whole day, hour or minute at which windows of this length begin; shorter ones begin when needed."""
    if length < _MINUTE:
        return local
    found = local.replace(second=0, microsecond=0)
    if length >= _HOUR:
        return found.replace(hour=0, minute=0) if length >= _DAY else found.replace(minute=0)
    minutes = length // _MINUTE
    return found.replace(minute=found.minute // minutes * minutes)


def current(span: Span, window: Window | None, at: datetime) -> Window:
    """Return the window as seen at a moment: what ran out is gone."""
    if span.kind == "SLIDING_WINDOW":
        kept = {} if window is None else {key: one for key, one in window.marks.items() if one.at > at - span.length}
        return replace(fresh(span, at), marks=kept)
    return window if window is not None and window.holds(at) else fresh(span, at)


def ran_out(span: Span, window: Window | None, at: datetime) -> Window | None:
    """Return a window that ended before a moment with some conditions met and not all; sliding ones never do."""
    if window is None or span.kind == "SLIDING_WINDOW" or window.end >= at or not window.marks:
        return None
    return None if span.names <= set(window.marks) else window


# --- the fold ---------------------------------------------------------------------------------------------------


def observe(span: Span, window: Window | None, at: datetime, execution_id: str, met: Collection[str]) -> Observed:
    """Return a window after one more execution, which made some conditions true.

    Parameters
    ----------
    window
        As it was left by the execution before, None if there was none.
    at
        When the execution reached its state; not before that of the execution before.
    met
        Names of the conditions that hold for this execution.
    """
    expired = ran_out(span, window, at)
    now = current(span, window, at)
    if not met:
        return Observed(now, False, expired)
    marked = replace(now, marks={**now.marks, **dict.fromkeys(met, Mark(at, execution_id))})
    # One that comes outside of the hours is noted, so that it shows as too late; it never completes anything.
    is_complete = span.names <= set(marked.marks) and (span.kind == "SLIDING_WINDOW" or marked.holds(at))
    if is_complete and span.resets:
        marked = replace(marked, marks={})
    return Observed(marked, is_complete, expired)
