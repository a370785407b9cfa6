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
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - by the clock on the wall, in any zone
_MOST_MISSED = 1000
"""Windows that are told as missed at once, after a long time in which nobody looked."""
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
    needed
        How many of them must come true; all if None.
    once
        Whether it is complete at most once; of sliding windows, which have no end, that means ``resets``.
    exact
        Whether windows of a length follow each other from midnight on (else they begin when the first condition comes
        true, at a whole hour or minute), and what comes outside of the hours does not count (else it is noted).
    """

    names: frozenset[str]
    zone: tzinfo
    kind: Kind = "DURATION_WINDOW"
    length: timedelta = _DAY
    advance: timedelta = timedelta()
    begins: time = time()
    ends: time = time.max
    resets: bool = True
    needed: int | None = None
    once: bool = False
    exact: bool = False

    def is_met(self, marked: Collection[str]) -> bool:
        """Return whether enough has come true."""
        met = len(self.names & set(marked))
        return met >= (len(self.names) if self.needed is None else self.needed)


@dataclass(frozen=True, slots=True)
class Mark:
    """That a condition came true: when, and by which execution."""

    at: datetime
    execution_id: str


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, and the conditions that came true in it so far; ``fired`` if they were complete before."""

    start: datetime
    end: datetime
    marks: Mapping[str, Mark] = field(default_factory=dict)
    fired: bool = False

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
    by
        If it is complete: ids of the executions that made it so, each once, the latest last.
    """

    window: Window
    is_complete: bool = False
    expired: Window | None = None
    by: tuple[str, ...] = ()


def span_of(
    spec: TimeWindow | None,
    names: Collection[str],
    zone: tzinfo,
    *,
    resets: bool,
    old: MultipleCondition | None = None,
    needed: int | None = None,
    once: bool = False,
    exact: bool = False,
) -> Span:
    """Return the window that a flow trigger asks for: a day from midnight unless it says otherwise.

    Parameters
    ----------
    old
        The condition that may have ``window`` and ``windowAdvance`` outside of ``timeWindow``.
    needed, once, exact
        See ``Span``.

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
    ends = _clock(spec.deadline or spec.end_time) or time.max
    # The day of a deadline is that of its own zone.
    begins = _clock(spec.start_time) or time(tzinfo=ends.tzinfo)
    names = frozenset(names)
    return Span(names, zone, spec.type, length, advance, begins, ends, resets, needed, once, exact)


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
        return _on_grid(span, local) if span.exact else _aligned(span, local)
    return Window(_at_clock(local, span.begins), _at_clock(local, span.ends))


def _at_clock(day: datetime, clock: time) -> datetime:
    if clock.tzinfo is not None:
        day = day.astimezone(clock.tzinfo)
        return datetime.combine(day.date(), clock).astimezone(UTC)
    return datetime.combine(day.date(), clock, day.tzinfo)


def _on_grid(span: Span, local: datetime) -> Window:
    # By the clock on the wall, so that a day is a day also when it has 23 hours.
    first = _EPOCH + span.advance
    start = first + (local.replace(tzinfo=None) - first) // span.length * span.length
    return Window(start.replace(tzinfo=local.tzinfo), (start + span.length - _LAST).replace(tzinfo=local.tzinfo))


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
    return None if window.fired or span.is_met(window.marks) else window


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
    if not met or (span.exact and not now.holds(at)):
        return Observed(now, False, expired)
    marked = replace(now, marks={**now.marks, **dict.fromkeys(met, Mark(at, execution_id))})
    # One that comes outside of the hours is noted, so that it shows as too late; it never completes anything.
    is_complete = span.is_met(marked.marks) and (span.kind == "SLIDING_WINDOW" or marked.holds(at))
    if not is_complete:
        return Observed(marked, False, expired)
    if span.once and marked.fired:
        return Observed(marked, False, expired)
    latest = sorted(marked.marks.values(), key=lambda mark: mark.at)
    by = tuple(dict.fromkeys(mark.execution_id for mark in reversed((*latest, Mark(at, execution_id)))))[::-1]
    marked = replace(marked, marks={} if span.resets else marked.marks, fired=span.kind != "SLIDING_WINDOW")
    return Observed(marked, True, expired, by)


def missed(span: Span, window: Window | None, after: datetime, now: datetime) -> tuple[Window, ...]:
    """Return the windows that ended after a moment and before now, without what they needed, earliest first.

    Parameters
    ----------
    window
        As it was left by the last execution; the others of that time have seen none.
    """
    if span.kind == "SLIDING_WINDOW":
        return ()
    found: list[Window] = []
    here = fresh(span, after)
    while len(found) < _MOST_MISSED and here.end < now:
        seen = window if window is not None and window.start == here.start else here
        if here.end > after and not (seen.fired or span.is_met(seen.marks)):
            found.append(seen)
        here = _following(span, here)
    return tuple(found)


def next_end(span: Span, at: datetime) -> datetime | None:
    """Return when the first window ends that ends after a moment; None of sliding ones."""
    if span.kind == "SLIDING_WINDOW":
        return None
    here = fresh(span, at)
    while here.end <= at:
        here = _following(span, here)
    return here.end


def _following(span: Span, window: Window) -> Window:
    """Return the window that follows one."""
    at = window.end + _LAST if span.kind == "DURATION_WINDOW" else window.start + _DAY
    while (found := fresh(span, at)).start <= window.start:  # its times of day are those of another zone
        at += 6 * _HOUR
    return found
