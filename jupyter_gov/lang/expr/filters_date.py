"""Filters on dates."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from jupyter_gov.lang.expr import java_dates, java_parse
from jupyter_gov.lang.expr.arguments import text_of, whole_of
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.registry import filter_
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import type_name
from jupyter_gov.lang.expr.zones import system_zone, zone

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS: Final = {
    "MICROS": timedelta(microseconds=1),
    "MILLIS": timedelta(milliseconds=1),
    "SECONDS": timedelta(seconds=1),
    "MINUTES": timedelta(minutes=1),
    "HOURS": timedelta(hours=1),
    "HALF_DAYS": timedelta(hours=12),
}
_DAYS: Final = {"DAYS": 1, "WEEKS": 7}
_MONTHS: Final = {"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200, "MILLENNIA": 12000}


def zone_of(time_zone: Any) -> tzinfo:
    """Return the zone of an argument; without one that of this machine."""
    return system_zone() if time_zone is None else zone(text_of("`timeZone`", time_zone))


def moment_of(value: Any, where: tzinfo, existing_format: Any = None, locale: Any = None) -> datetime:
    """Return an aware date-time of whatever a date filter takes.

    Raises
    ------
    ArgumentFault
        The value is no date.
    """
    if isinstance(value, str):
        value = _read(value, existing_format, locale)
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value, time(0), where)
    if isinstance(value, datetime):
        return value.replace(tzinfo=where) if value.tzinfo is None else _in_zone(value, where)
    if isinstance(value, date):
        # A date without time stands for its noon, as in Kestra.
        return datetime.combine(value, time(12), where)
    if isinstance(value, int) and not isinstance(value, bool):
        return _epoch(value).astimezone(where)
    raise ArgumentFault(f"a date is expected, not {type_name(value)}")


def _in_zone(value: datetime, where: tzinfo) -> datetime:
    # An instant has no zone of its own and takes the one that is asked for.
    return value.astimezone(where) if value.tzinfo is UTC else value


def _read(text: str, existing_format: Any, locale: Any) -> datetime | date:
    if existing_format is None:
        return java_parse.iso(text)
    name = None if locale is None else text_of("`locale`", locale)
    return java_parse.by_format(text, text_of("`existingFormat`", existing_format), name)


def _epoch(seconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ArgumentFault(f"{seconds} seconds after 1970 is no date") from None


def written(moment: datetime, where: tzinfo, format_: Any, locale: Any) -> str:
    """Return a moment in a zone by a format."""
    pattern = "iso" if format_ is None else text_of("`format`", format_)
    name = None if locale is None else text_of("`locale`", locale)
    try:
        return java_dates.write(moment.astimezone(where), pattern, name)
    except (OverflowError, ValueError):
        raise ArgumentFault(f"the date cannot be written as `{pattern}`") from None


@filter_("date")
def date_(
    state: State,
    value: Any,
    *,
    format_: Any = None,
    time_zone: Any = None,
    existing_format: Any = None,
    locale: Any = None,
) -> Any:
    """Write a date by a format."""
    if value is None:
        return None
    where = zone_of(time_zone)
    return written(moment_of(value, where, existing_format, locale), where, format_, locale)


@filter_("dateAdd")
def date_add(
    state: State,
    value: Any,
    *,
    amount: Any,
    unit: Any,
    format_: Any = None,
    time_zone: Any = None,
    existing_format: Any = None,
    locale: Any = None,
) -> Any:
    """Add an amount of ``DAYS``, ``HOURS`` … to a date and write it."""
    if value is None:
        return None
    where = zone_of(time_zone)
    moment = moment_of(value, where, existing_format, locale)
    return written(_added(moment, whole_of("`amount`", amount), unit), where, format_, locale)


def _added(moment: datetime, amount: int, unit: Any) -> datetime:
    try:
        if unit == "NANOS" or unit in _LENGTHS:
            # Over a change of the clocks an hour is an hour …
            length = timedelta(microseconds=amount // 1000) if unit == "NANOS" else amount * _LENGTHS[unit]
            return (moment.astimezone(UTC) + length).astimezone(moment.tzinfo)
        if unit in _DAYS:
            # … and a day ends at the same time of day.
            return moment + timedelta(days=amount * _DAYS[unit])
        if unit in _MONTHS:
            return _months_later(moment, amount * _MONTHS[unit])
    except (OverflowError, ValueError):
        raise ArgumentFault(f"{amount} {unit} later there is no date") from None
    known = ", ".join(("NANOS", *_LENGTHS, *_DAYS, *_MONTHS))
    raise ArgumentFault(
        f"`unit` is {type_name(unit) if not isinstance(unit, str) else unit}; one of {known} is expected"
    )


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _micros(value: Any, time_zone: Any, existing_format: Any) -> int:
    moment = moment_of(value, zone_of(time_zone), existing_format)
    return (moment - _EPOCH) // timedelta(microseconds=1)


@filter_("timestamp")
def timestamp(state: State, value: Any, time_zone: Any = None, existing_format: Any = None) -> Any:
    """Return the seconds since 1970."""
    return None if value is None else _micros(value, time_zone, existing_format) // 1_000_000


@filter_("timestampMilli")
def timestamp_milli(state: State, value: Any, time_zone: Any = None, existing_format: Any = None) -> Any:
    """Return the milliseconds since 1970."""
    return None if value is None else _micros(value, time_zone, existing_format) // 1000


@filter_("timestampMicro")
def timestamp_micro(state: State, value: Any, time_zone: Any = None, existing_format: Any = None) -> Any:
    """Return what Kestra 0.21 returns: seconds times 10⁹ plus the microseconds of the second."""
    if value is None:
        return None
    seconds, micros = divmod(_micros(value, time_zone, existing_format), 1_000_000)
    return seconds * 1_000_000_000 + micros


@filter_("timestampNano")
def timestamp_nano(state: State, value: Any, time_zone: Any = None, existing_format: Any = None) -> Any:
    """Return the nanoseconds since 1970."""
    return None if value is None else _micros(value, time_zone, existing_format) * 1000
