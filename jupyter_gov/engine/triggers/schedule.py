"""When a schedule is due: next and previous dates that meet its conditions, late and missed dates, backfills.

Nothing here knows the time: ``now`` is an argument wherever it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Literal

from jupyter_gov.engine.triggers.conditions import Verdict, is_met, judge, looks_at_day
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import GovError
from jupyter_gov.lang.models.conditions import Condition

Recover = Literal["ALL", "LAST", "NONE"]
_HORIZON_YEARS = 10
_MOST_LOOKED_AT = 20_000
"""Dates that are judged in search of one on which the conditions hold."""
MOST_COUNTED = 10_000
"""Missed dates that are counted; of more it is only said that there are as many."""
_SECOND = timedelta(seconds=1)
_FUTURE = timedelta(seconds=1)
"""How early a date may be taken for due: clocks of several hosts differ."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Dates in a zone; ``due(start, back)`` gives those strictly after (or before) a moment, nearest first."""

    zone: tzinfo
    due: Callable[[datetime, bool], Iterator[datetime]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A schedule.

    Attributes
    ----------
    first
        Date that is next when none has been yet, even if it has passed; else it is the first one after now.
    """

    calendar: Calendar
    conditions: Sequence[Condition] = ()
    when: str | None = None
    late_maximum_delay: timedelta | None = None
    recover: Recover = "ALL"
    first: datetime | None = None

    @property
    def is_conditional(self) -> bool:
        """Whether not every date of the calendar counts."""
        return bool(self.conditions) or self.when is not None


@dataclass(frozen=True, slots=True)
class Due:
    """A date on which a schedule fires, with its neighbours."""

    date: datetime
    next: datetime | None
    previous: datetime | None

    @property
    def variables(self) -> dict[str, str]:
        """What the execution sees as ``trigger.*``: texts with offset; what there is not is left out."""
        dates = {"date": self.date, "next": self.next, "previous": self.previous}
        return {name: at.isoformat() for name, at in dates.items() if at is not None}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What became of a date: ``due`` if it fires; ``problem`` if its conditions could not be evaluated.

    With a problem the date is used up all the same: an execution that FAILED says so.
    """

    due: Due | None = None
    problem: GovError | None = None


# --- dates ------------------------------------------------------------------------------------------------------


def verdict(rule: Rule, subject: Subject, at: datetime) -> Verdict:
    """Return whether the conditions hold at a date."""
    return judge(rule.conditions, rule.when, subject.at(at)) if rule.is_conditional else Verdict(True)


def after(rule: Rule, subject: Subject, start: datetime) -> datetime | None:
    """Return the first date after a moment on which the conditions hold; None if there is none in reach."""
    return _nearest(rule, subject, start, back=False)


def before(rule: Rule, subject: Subject, start: datetime) -> datetime | None:
    """Return the last date before a moment on which the conditions hold; None if there is none in reach."""
    return _nearest(rule, subject, start, back=True)


def _nearest(rule: Rule, subject: Subject, start: datetime, *, back: bool) -> datetime | None:
    found = rule.calendar.due(start, back)
    for _ in range(_MOST_LOOKED_AT):
        date = next(found, None)
        if date is None or abs(date.year - start.year) > _HORIZON_YEARS:
            return None
        checked = verdict(rule, subject, date)
        if checked.holds:
            return date
        if checked.problem is not None:
            return None
        if _is_day_lost(rule, subject, date):
            found = rule.calendar.due(_edge_of_day(date, back=back), back)
    return None


def _is_day_lost(rule: Rule, subject: Subject, date: datetime) -> bool:
    # A schedule of every second would else be looked at 86,400 times to get over one Sunday.
    at = subject.at(date)
    return any(looks_at_day(one) and not is_met(one, at) for one in rule.conditions)


def _edge_of_day(date: datetime, *, back: bool) -> datetime:
    if back:
        return date.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return date.replace(hour=23, minute=59, second=59, microsecond=999_999, fold=1)


# --- firing -----------------------------------------------------------------------------------------------------


def evaluate(rule: Rule, subject: Subject, at: datetime, *, now: datetime, exactly: bool = False) -> Evaluated:
    """Return what happens at a date: the first one of the calendar at or after ``at``, if that is not in the future.

    Parameters
    ----------
    exactly
        Only if ``at`` itself is in the calendar, as in a backfill, which walks from date to date.
    """
    # In elapsed time: a second before, by the clock on the wall, may be in an hour that was skipped.
    date = next(rule.calendar.due(at.astimezone(UTC) - _SECOND, False), None)
    if date is None or date.astimezone(UTC) > now + _FUTURE or (exactly and date.astimezone(UTC) > at.astimezone(UTC)):
        return Evaluated()
    checked = verdict(rule, subject, date)
    if checked.problem is not None:
        return Evaluated(None, checked.problem)
    if not checked.holds:
        return Evaluated()
    return Evaluated(Due(date, after(rule, subject, date), before(rule, subject, date)))


def next_date(rule: Rule, subject: Subject, last: datetime | None, *, now: datetime) -> datetime | None:
    """Return the date that comes next after the last one; on a new trigger nothing is caught up on.

    Dates that are later than ``lateMaximumDelay`` allows are passed over.
    """
    if last is None:
        return rule.first or after(rule, subject, now)
    found = after(rule, subject, last)
    if rule.late_maximum_delay is None or found is None:
        return found
    oldest = now - rule.late_maximum_delay
    return after(rule, subject, oldest) if found.astimezone(UTC) <= oldest else found


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a schedule goes on after a time in which nothing looked at it.

    Attributes
    ----------
    next
        Date that is next, passed or not.
    missed
        Dates that passed and will not be caught up on, for the record; at most ``MOST_COUNTED``.
    """

    next: datetime | None
    missed: int = 0


def recovered(rule: Rule, subject: Subject, last: datetime | None, *, now: datetime) -> Recovery:
    """Return where a schedule goes on: ALL one by one, LAST with only the latest passed date, NONE from now on."""
    coming = next_date(rule, subject, last, now=now)
    if last is None or coming is None or coming.astimezone(UTC) > now:
        return Recovery(coming, 0 if last is None else count(rule, subject, last, coming or now))
    if rule.recover != "ALL":
        latest = before(rule, subject, now + _SECOND / 1000) if rule.recover == "LAST" else None
        coming = latest if latest is not None else after(rule, subject, now)
    return Recovery(coming, count(rule, subject, last, coming or now))


def count(rule: Rule, subject: Subject, last: datetime, until: datetime) -> int:
    """Return how many dates lie strictly between two."""
    limit = until.astimezone(UTC)
    count = 0
    for date in islice(rule.calendar.due(last, False), MOST_COUNTED):
        if date.astimezone(UTC) >= limit:
            break
        count += verdict(rule, subject, date).holds
    return count


# --- backfill ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Backfill:
    """A walk over past dates.

    Attributes
    ----------
    current
        Date that the walk has come to.
    resume
        Next date of the schedule from before the backfill, to which it returns at the end.
    """

    start: datetime
    end: datetime
    current: datetime
    resume: datetime | None = None
    paused: bool = False


def begin_backfill(
    rule: Rule, subject: Subject, start: datetime, end: datetime, resume: datetime | None
) -> Backfill | None:
    """Return a backfill at its first date, ``start`` included; None if there is none until ``end``."""
    first = after(rule, subject, start - _SECOND / 1000)
    if first is None or first.astimezone(UTC) > end.astimezone(UTC):
        return None
    return Backfill(start, end, first, resume)


def advance_backfill(rule: Rule, subject: Subject, backfill: Backfill) -> Backfill | None:
    """Return a backfill at its next date, or None at its end: the schedule goes on at ``resume``."""
    coming = after(rule, subject, backfill.current)
    if coming is None or coming.astimezone(UTC) > backfill.end.astimezone(UTC):
        return None
    return replace(backfill, current=coming)
