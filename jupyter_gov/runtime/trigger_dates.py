"""When a trigger has to be looked at, which states it watches, and its windows as they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from jupyter_gov.engine.triggers import turns, upstream, windows
from jupyter_gov.engine.triggers.parse import calendar_of, rule_of
from jupyter_gov.engine.triggers.schedule import Rule
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.lang.expr.zones import system_zone
from jupyter_gov.lang.models.triggers import FlowTrigger, Schedule, ScheduleOnDates
from jupyter_gov.runtime.triggered import Place


def scheduled(place: Place) -> tuple[Rule, Subject]:
    """Return when a schedule is due, and what its conditions look at.

    Raises
    ------
    GovError
        Its zone or its dates are expressions that fail.
    """
    own, subject = place.parsed.own, place.subject()
    assert isinstance(own, (Schedule, ScheduleOnDates))  # noqa: S101 - by the callers
    rule = rule_of(place.parsed, calendar_of(own, render=subject.render, default=subject.zone))
    return rule, replace(subject, zone=rule.calendar.zone)


def watched(place: Place) -> tuple[str, ...] | None:
    """Return the states of other executions that a trigger looks at; None if it looks at none."""
    if not isinstance(place.parsed.own, FlowTrigger):
        return None
    return tuple(sorted(upstream.states_of(place.parsed)))


def first_date(place: Place, last: datetime | None, now: datetime) -> datetime | None:
    """Return when a trigger has next to be looked at: its date, or the end of a window that must not be missed.

    Raises
    ------
    GovError
        Its zone, its dates or its window are wrong.
    """
    own = place.parsed.own
    if isinstance(own, (Schedule, ScheduleOnDates)):
        rule, subject = scheduled(place)
        return turns.coming(rule, subject, last, now=now)
    if place.parsed.on_miss is None:
        return None
    return windows.next_end(upstream.groups(place.parsed, system_zone())[-1].span, now)


def window_data(window: windows.Window) -> dict[str, Any]:
    """Return a window as it is kept."""
    marks = {name: [mark.at.isoformat(), mark.execution_id] for name, mark in window.marks.items()}
    return {"start": window.start.isoformat(), "end": window.end.isoformat(), "marks": marks, "fired": window.fired}


def window_from(data: Mapping[str, Any] | None) -> windows.Window | None:
    """Return the window that ``window_data`` took apart; None for None."""
    if data is None:
        return None
    start, end = datetime.fromisoformat(data["start"]), datetime.fromisoformat(data["end"])
    marks = {
        name: windows.Mark(datetime.fromisoformat(at), execution_id)
        for name, (at, execution_id) in data["marks"].items()
    }
    return windows.Window(start, end, marks, bool(data.get("fired")))
