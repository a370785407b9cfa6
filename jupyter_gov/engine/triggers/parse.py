"""Triggers of a checked flow as typed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from jupyter_gov.engine.triggers import cron
from jupyter_gov.engine.triggers.schedule import Calendar, Rule
from jupyter_gov.engine.triggers.subject import java_date, unusable
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.zones import zone as zone_of
from jupyter_gov.lang.models.conditions import Condition
from jupyter_gov.lang.models.flow import TriggerDef
from jupyter_gov.lang.models.flow_specs import labels_map
from jupyter_gov.lang.models.triggers import CORE_TRIGGERS, FlowTrigger, Schedule, ScheduleOnDates, TriggerSpec, Webhook
from jupyter_gov.lang.models.upstream import OnMiss

Own = Schedule | ScheduleOnDates | FlowTrigger | Webhook
_COMMON = frozenset(name for key, info in TriggerSpec.model_fields.items() for name in (key, info.alias or key))
_YEARS = range(2, 9999)
"""Those whose dates can be told in any zone; the calendar of Python ends a year later on either side."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A trigger: what every one may have, and what is its type's own (None for types of plugins)."""

    definition: TriggerDef
    common: TriggerSpec
    own: Own | None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions, those under the old name ``scheduleConditions`` too."""
        # Past the descriptor, which warns about the old name: the checker has said so to the author.
        old = vars(self.own)["schedule_conditions"] if isinstance(self.own, Schedule) else None
        return (*(self.common.conditions or ()), *(old or ()))

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels as written, not rendered."""
        return labels_map(self.common.labels)

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Inputs as written, not rendered."""
        return (self.own.inputs if self.own is not None else None) or {}

    @property
    def on_miss(self) -> OnMiss | None:
        """What happens when a window ends without what it needed."""
        return self.own.on_miss if isinstance(self.own, FlowTrigger) else None

    def stops_after(self, state: str) -> bool:
        """Return whether an execution that ended in this state disables the trigger that started it."""
        return state in (self.common.stop_after or ())


def parse(trigger: TriggerDef) -> Parsed:
    """Return a trigger of a flow; it was checked when the flow was."""
    common = {key: value for key, value in trigger.props.items() if key in _COMMON}
    info = CORE_TRIGGERS.get(trigger.type)
    own = None
    if info is not None:
        rest = {key: value for key, value in trigger.props.items() if key not in common}
        own = info.model.model_validate(rest)
    return Parsed(trigger, TriggerSpec.model_validate(common), own)  # type: ignore[arg-type]  # a model of the table


def calendar_of(own: Schedule | ScheduleOnDates, *, render: Callable[[str], str], default: tzinfo) -> Calendar:
    """Return when a schedule is due, conditions aside.

    Parameters
    ----------
    render
        Renders the texts that may be expressions: the zone, and the dates of ``ScheduleOnDates``.
    default
        Zone of a schedule that names none.

    Raises
    ------
    GovError
        An expression fails or gives no zone, or no list of dates.
    """
    zone = _zone(render(own.timezone)) if own.timezone else default
    if isinstance(own, Schedule):
        pattern, seconds = own.cron, own.with_seconds

        def due(start: datetime, back: bool) -> Any:
            return cron.dates(pattern, start, zone, with_seconds=seconds, back=back)

        return Calendar(zone, due)
    return Calendar(zone, Listed(_listed(own, render, zone)))


def _zone(name: str) -> tzinfo:
    try:
        return zone_of(name)
    except ArgumentFault as fault:
        raise unusable(fault.message, fault.hint) from fault


@dataclass(frozen=True, slots=True)
class Listed:
    """The dates of ``ScheduleOnDates``, earliest first."""

    dates: tuple[datetime, ...]

    def __call__(self, start: datetime, back: bool) -> Any:
        """Return those after a moment, or before it, nearest first."""
        if back:
            return (one for one in reversed(self.dates) if one.astimezone(UTC) < start.astimezone(UTC))
        return (one for one in self.dates if one.astimezone(UTC) > start.astimezone(UTC))


def _listed(own: ScheduleOnDates, render: Callable[[str], str], zone: tzinfo) -> tuple[datetime, ...]:
    written = _texts(render(own.dates)) if isinstance(own.dates, str) else own.dates
    found = [one if one.tzinfo is not None else one.replace(tzinfo=zone) for one in written]
    for one in found:
        if one.year not in _YEARS:
            raise unusable(f"`dates` has a date of the year {one.year:04}, which has no neighbours in every time zone")
    return tuple(sorted((one.astimezone(zone) for one in found), key=lambda one: one.timestamp()))


def _texts(rendered: str) -> list[datetime]:
    parts = rendered.strip().removeprefix("[").removesuffix("]").replace('"', "").replace("'", "").split(",")
    found = [java_date(part) for part in parts if part.strip()]
    if not all(isinstance(one, datetime) for one in found):
        raise unusable(f"`dates` gives '{rendered[:60]}', and a list of date-times is expected")
    return [one for one in found if isinstance(one, datetime)]


def rule_of(parsed: Parsed, calendar: Calendar) -> Rule:
    """Return a schedule with what its definition says about late and missed dates."""
    own = parsed.own
    late = own.late_maximum_delay if isinstance(own, Schedule) else None
    first = calendar.due.dates[0] if isinstance(calendar.due, Listed) and calendar.due.dates else None
    recover = own.recover_missed_schedules if isinstance(own, (Schedule, ScheduleOnDates)) else None
    return Rule(calendar, parsed.conditions, parsed.common.when, late, recover or "ALL", first)
