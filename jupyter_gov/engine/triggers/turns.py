"""What a schedule does when one of its dates has come: fires, passes it over, goes on to the next one.

A turn takes a trigger as it is kept and gives it as it then is; whoever stores it decides whether it still may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.engine.triggers import schedule
from jupyter_gov.engine.triggers.schedule import Backfill, Due, Rule
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import GovError

LATE = timedelta(minutes=1)
"""Delay from which on a date counts as late: the record says by how much."""
_BEFORE = timedelta(microseconds=1)
_MOST_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Fire:
    """An execution that a date asks for.

    Attributes
    ----------
    due
        The date with its neighbours; None if its conditions could not be evaluated, which ``problem`` tells of.
    cause
        What makes it the only execution of its date; that of a backfill is another one.
    late
        How long after its date it fires, if that is long.
    inputs, labels
        Those of a backfill.
    """

    date: datetime
    cause: tuple[str, ...]
    due: Due | None = None
    problem: GovError | None = None
    late: timedelta | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """A trigger after one of its dates; ``missed`` dates were passed over, ``until`` the next one that counts."""

    trigger: Trigger
    fire: Fire | None = None
    missed: int = 0
    until: datetime | None = None


def coming(rule: Rule, subject: Subject, last: datetime | None, *, now: datetime) -> datetime | None:
    """Return the date that comes next; one whose conditions cannot be evaluated is one, since somebody must be told."""
    found = schedule.next_date(rule, subject, last, now=now)
    if found is not None or not rule.is_conditional:
        return found
    for date in islice(rule.calendar.due(last or now, False), _MOST_LOOKED_AT):
        if schedule.verdict(rule, subject, date).problem is not None:
            return date
    return None


def take(kept: Trigger, rule: Rule, subject: Subject, *, now: datetime) -> Turn:
    """Return what a trigger does at its next date, which has come."""
    assert kept.next is not None  # noqa: S101 - asked only for what is due
    walk = walk_of(kept)
    date = kept.next.astimezone(rule.calendar.zone)
    if walk is None and rule.late_maximum_delay is not None and date.astimezone(UTC) <= now - rule.late_maximum_delay:
        return _passed_over(kept, rule, subject, now)
    found = schedule.evaluate(rule, subject, date, now=now, exactly=walk is not None)
    if found.due is None and found.problem is None:
        fire = None
    else:
        at = date if found.due is None else found.due.date
        fire = _fire(kept, found.due, found.problem, at, now, walk)
    if walk is not None:
        return Turn(_after_walk(kept, walk, rule, subject), fire)
    last = date if fire is None else fire.date
    return Turn(replace(kept, last=last, next=coming(rule, subject, last, now=now)), fire)


def _after_walk(kept: Trigger, walk: Backfill, rule: Rule, subject: Subject) -> Trigger:
    going = schedule.advance_backfill(rule, subject, walk)
    if going is None:
        return replace(kept, backfill=None, next=walk.resume)
    return replace(kept, backfill=kept_walk(going, kept.backfill or {}), next=going.current)


def _fire(  # noqa: PLR0917 - what is known of one date
    kept: Trigger, due: Due | None, problem: GovError | None, date: datetime, now: datetime, walk: Backfill | None
) -> Fire:
    cause: tuple[str, ...] = (*kept.key, date.astimezone(UTC).isoformat())
    if walk is None or kept.backfill is None:
        delay = now - date.astimezone(UTC)
        return Fire(date, cause, due, problem, delay if delay >= LATE else None)
    extra = kept.backfill
    cause = (*cause, "backfill", str(extra.get("at", "")))
    return Fire(date, cause, due, problem, None, extra.get("inputs") or {}, extra.get("labels") or {})


def _passed_over(kept: Trigger, rule: Rule, subject: Subject, now: datetime) -> Turn:
    assert kept.next is not None  # noqa: S101 - by the caller
    before = kept.next - _BEFORE
    found = coming(rule, subject, before, now=now)
    return Turn(replace(kept, next=found), None, schedule.count(rule, subject, before, found or now), found)


def recover(kept: Trigger, rule: Rule, subject: Subject, *, now: datetime) -> Turn:
    """Return how a trigger goes on after a time in which nobody looked at it: by ``recoverMissedSchedules``.

    A backfill goes on where it was.
    """
    if kept.next is None or walk_of(kept) is not None:
        return Turn(kept)
    found = schedule.recovered(rule, subject, kept.next - _BEFORE, now=now)
    if found.next is None and not found.missed:
        return Turn(kept)
    return Turn(replace(kept, next=found.next), None, found.missed, found.next)


# --- backfills --------------------------------------------------------------------------------------------------


def walk_of(kept: Trigger) -> Backfill | None:
    """Return the backfill that a trigger walks now; None if there is none, or it is paused."""
    found = None if kept.backfill is None else backfill_from(kept.backfill)
    return None if found is None or found.paused else found


def backfill_from(data: Mapping[str, Any]) -> Backfill:
    """Return the backfill that ``kept_walk`` took apart."""
    resume = data.get("resume")
    return Backfill(
        datetime.fromisoformat(data["start"]),
        datetime.fromisoformat(data["end"]),
        datetime.fromisoformat(data["current"]),
        None if resume is None else datetime.fromisoformat(resume),
        bool(data.get("paused")),
    )


def kept_walk(walk: Backfill, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a backfill as it is kept, with what else is kept of it (``inputs``, ``labels``, ``at``)."""
    return {
        **more,
        "start": walk.start.isoformat(),
        "end": walk.end.isoformat(),
        "current": walk.current.isoformat(),
        "resume": None if walk.resume is None else walk.resume.isoformat(),
        "paused": walk.paused,
    }
