"""Functions on dates, for conditions: each takes a date, a date-time or its ISO text."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from jupyter_gov.lang.expr import java_parse
from jupyter_gov.lang.expr.arguments import text_of
from jupyter_gov.lang.expr.faults import ArgumentFault, Fault
from jupyter_gov.lang.expr.registry import function
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import type_name

_DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_POSITIONS: Final = {"FIRST": 1, "SECOND": 2, "THIRD": 3, "FOURTH": 4}
_SATURDAY: Final = 5


def _day(value: Any) -> date:
    found = java_parse.iso(value) if isinstance(value, str) else value
    if isinstance(found, datetime):
        return found.date()
    if isinstance(found, date):
        return found
    raise ArgumentFault(f"`date` must be a date, not {type_name(value)}")


def _moment(name: str, value: Any) -> datetime:
    found = java_parse.iso(value) if isinstance(value, str) else value
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ArgumentFault(f"`{name}` must be a date-time with offset, such as `2026-01-01T00:00:00Z`")
    return found


def _weekday(name: str, value: Any) -> int:
    word = text_of(name, value).strip().upper()
    if word not in _DAYS:
        raise ArgumentFault(f"{name} is `{word}`; one of {', '.join(_DAYS)} is expected")
    return _DAYS.index(word)


@function("dayOfWeek")
def day_of_week(state: State, date: Any) -> str:
    """Return ``MONDAY`` … ``SUNDAY``."""
    return _DAYS[_day(date).weekday()]


@function("dayOfMonth")
def day_of_month(state: State, date: Any) -> int:
    """Return 1 … 31."""
    return _day(date).day


@function("monthOfYear")
def month_of_year(state: State, date: Any) -> int:
    """Return 1 … 12."""
    return _day(date).month


@function("hourOfDay")
def hour_of_day(state: State, date: Any) -> int:
    """Return 0 … 23, as written."""
    found = java_parse.iso(date) if isinstance(date, str) else date
    if not isinstance(found, (datetime, time)):
        raise ArgumentFault("`date` has no time of day")
    return found.hour


@function("isWeekend")
def is_weekend(state: State, date: Any) -> bool:
    """Whether a date is a Saturday or Sunday."""
    return _day(date).weekday() >= _SATURDAY


@function("isDateBefore")
def is_date_before(state: State, date: Any, before: Any) -> bool:
    """Whether a moment lies before another."""
    return _moment("date", date) < _moment("before", before)


@function("isDateAfter")
def is_date_after(state: State, date: Any, after: Any) -> bool:
    """Whether a moment lies after another."""
    return _moment("date", date) > _moment("after", after)


@function("isDateBetween")
def is_date_between(state: State, date: Any, after: Any, before: Any) -> bool:
    """Whether a moment lies between two others, neither included."""
    return _moment("after", after) < _moment("date", date) < _moment("before", before)


@function("isDayWeekInMonth")
def is_day_week_in_month(state: State, date: Any, day_of_week: Any, position: Any) -> bool:
    """Whether a date is the ``FIRST`` … ``FOURTH`` or ``LAST`` such weekday of its month."""
    day, wanted = _day(date), _weekday("`dayOfWeek`", day_of_week)
    word = text_of("`position`", position).upper()
    if word not in _POSITIONS and word != "LAST":
        raise ArgumentFault(f"`position` is `{word}`; one of {', '.join(_POSITIONS)}, LAST is expected")
    if day.weekday() != wanted:
        return False
    if word == "LAST":
        return day.day + 7 > monthrange(day.year, day.month)[1]
    return (day.day - 1) // 7 + 1 == _POSITIONS[word]


@function("isLastWorkingDay")
def is_last_working_day(state: State, date: Any, working_days: Any = None) -> bool:
    """Whether a date is the last working day of its month."""
    named = "" if working_days is None else text_of("`workingDays`", working_days).replace(",", " ")
    works = {_weekday("`workingDays`", word) for word in named.split()} or set(range(_SATURDAY))
    day = _day(date)
    last = day.replace(day=monthrange(day.year, day.month)[1])
    while last.weekday() not in works:
        last -= timedelta(days=1)
    return day == last


@function("isPublicHoliday")
def is_public_holiday(state: State, date: Any, country_code: Any, sub_division: Any = None) -> bool:
    """Whether a date is a public holiday of a country, by the package ``holidays``."""
    try:
        import holidays  # noqa: PLC0415  (loaded late)
    except ImportError:
        hint = "Install it: pip install holidays."
        raise Fault("isPublicHoliday needs the package `holidays`", code="GOV157", hint=hint) from None
    country = text_of("`countryCode`", country_code).upper()
    part = None if sub_division is None else text_of("`subDivision`", sub_division)
    try:
        return _day(date) in holidays.country_holidays(country, subdiv=part)
    except NotImplementedError:
        raise ArgumentFault(f"no holidays are known for `{country}`") from None
