"""Texts -> dates: ISO forms, named formats, and patterns of Java's ``DateTimeFormatter``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from jupyter_gov.lang.expr import java_dates
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.zones import zone

_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"([Zz]|[-+]\d\d(?::?\d\d(?::?\d\d)?)?)?(?:\[([A-Za-z0-9_/+-]+)\])?)?",
    re.ASCII,
)
_PATTERNS: Final = {
    "iso": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "iso_sec": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "sql": "yyyy-MM-dd HH:mm:ss.SSSSSS",
    "sql_seq": "yyyy-MM-dd HH:mm:ss",
    "iso_date": "yyyy-MM-dd[XXX]",
    "iso_local_date": "yyyy-MM-dd",
    "iso_ordinal_date": "yyyy-DDD[XXX]",
    "rfc_1123_date_time": "[EEE, ]d MMM yyyy HH:mm[:ss] Z",
}
_ISO_NAMES: Final = frozenset(
    {"iso_date_time", "iso_instant", "iso_local_date_time", "iso_offset_date_time", "iso_zoned_date_time"}
)


@dataclass(slots=True)
class _Fields:
    """What a text says, field by field."""

    numbers: dict[str, int] = field(default_factory=dict)
    zone: tzinfo | None = None
    afternoon: bool | None = None


def iso(text: str) -> datetime | date:
    """Return a date-time (aware if the text has an offset) or a date of a text in ISO form.

    Raises
    ------
    ArgumentFault
        The text is neither.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise _no_date(text)
    year, month, day, hour, minute, second, fraction, offset, name = match.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day))
        micro = int((fraction or "0").ljust(9, "0")[:6])
        moment = datetime(  # noqa: DTZ001  (the zone follows)
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro
        )
    except ValueError:
        raise _no_date(text) from None
    if name:
        return moment.replace(tzinfo=zone(name))
    return moment.replace(tzinfo=zone(offset.upper())) if offset else moment


def by_format(text: str, pattern: str, locale: str | None) -> datetime | date:
    """Return the date-time or date of a text written by a named format or a pattern.

    Raises
    ------
    ArgumentFault
        The text does not follow the pattern.
    """
    if pattern in _ISO_NAMES:
        return iso(text)
    expression, readers = _compiled(_PATTERNS.get(pattern, pattern), locale)
    match = expression.fullmatch(text)
    if match is None:
        raise ArgumentFault(f"`{text[:100]}` does not follow the date pattern `{pattern}`")
    fields = _Fields()
    try:
        for group, read in zip(match.groups(), readers, strict=True):
            if group is not None:
                read(group, fields)
        return _moment(fields)
    except (ValueError, OverflowError):
        raise ArgumentFault(f"`{text[:100]}` is no date by the pattern `{pattern}`") from None


def _no_date(text: str) -> ArgumentFault:
    hint = "Write it as `2024-01-31` or `2024-01-31T10:20:30Z`, or give `existingFormat`."
    return ArgumentFault(f"`{text[:100]}` is no date", hint=hint)


_Reader = Callable[[str, _Fields], None]


@lru_cache(256)
def _compiled(pattern: str, locale: str | None) -> tuple[re.Pattern[str], tuple[_Reader, ...]]:
    expression: list[str] = []
    readers: list[_Reader] = []
    parts = java_dates.tokens(pattern)
    for index, (kind, text) in enumerate(parts):
        if kind == "optional":
            expression.append("(?:" if text == "[" else ")?")
        elif kind == "text":
            expression.append(re.escape(text))
        else:
            adjacent = index + 1 < len(parts) and parts[index + 1][0] == "letter"
            form, read = _field(text, locale, adjacent=adjacent)
            expression.append(f"({form})")
            readers.append(read)
    try:
        return re.compile("".join(expression), re.ASCII | re.IGNORECASE), tuple(readers)
    except re.error:
        raise ArgumentFault(f"the brackets of the date pattern `{pattern}` do not match") from None


def _field(text: str, locale: str | None, *, adjacent: bool) -> tuple[str, _Reader]:
    letter, width = text[0], len(text)
    if letter in "MLEecaG" and (width >= 3 or letter in "Ea"):
        return _named(letter, width, locale)
    if letter in "XxZOVz":
        return r"Z|[-+]\d\d(?::?\d\d(?::?\d\d)?)?|GMT(?:[-+]\d{1,2}(?::\d\d)?)?|[A-Za-z][A-Za-z0-9_/+-]*", _read_zone
    if letter == "S":
        return rf"\d{{{width}}}", lambda found, fields: _put(fields, "S", int(found.ljust(9, "0")))
    if letter not in "yuMLdHhkKmsDnNA":
        raise ArgumentFault(f"dates cannot be read by `{text}`")
    key = "y" if letter == "u" else "M" if letter == "L" else letter
    if letter in "yu" and width == 2:
        return r"\d\d", lambda found, fields: _put(fields, "y", 2000 + int(found))
    digits = rf"\d{{{width}}}" if width > 1 or adjacent else r"\d{1,19}"
    return digits, lambda found, fields: _put(fields, key, int(found))


def _put(fields: _Fields, key: str, value: int) -> None:
    fields.numbers[key] = value


def _named(letter: str, width: int, locale: str | None) -> tuple[str, _Reader]:
    found = java_dates.babel_locale(locale)
    if letter == "a":
        names = {str(found.day_periods["format"]["abbreviated"].get(key, key)).lower(): key for key in ("am", "pm")}
        names |= {"am": "am", "pm": "pm"}
        return _either(names), lambda text, fields: setattr(fields, "afternoon", names[text.lower()] == "pm")
    size = {4: "wide", 5: "narrow"}.get(width, "abbreviated")
    if letter in "ML":
        months = {str(name).lower().rstrip("."): index for index, name in found.months["format"][size].items()}
        return _either(months) + r"\.?", lambda text, fields: _put(fields, "M", months[text.lower().rstrip(".")])
    if letter in "Eec":
        # The day of the week follows from the date; it is read and left alone.
        return _either({str(name).lower(): 0 for name in found.days["format"][size].values()}), lambda *_: None
    return r"[A-Za-z]+", lambda *_: None


def _either(names: object) -> str:
    return "(?:" + "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) + ")"  # type: ignore[call-overload]


def _read_zone(text: str, fields: _Fields) -> None:
    fields.zone = zone("UTC" if text.upper() in ("GMT", "Z") else text)


def _moment(fields: _Fields) -> datetime | date:
    numbers = fields.numbers
    if "D" in numbers:
        day = date(numbers["y"], 1, 1) + timedelta(days=numbers["D"] - 1) if "y" in numbers else None
    else:
        day = date(numbers["y"], numbers["M"], numbers["d"]) if {"y", "M", "d"} <= numbers.keys() else None
    if day is None:
        raise ValueError("no full date")
    clock = _clock(fields)
    if clock is None:
        return day
    return datetime.combine(day, clock, fields.zone)


def _clock(fields: _Fields) -> time | None:
    numbers = fields.numbers
    hour = numbers.get("H", numbers.get("k", 99) % 24 if "k" in numbers else None)
    if hour is None and fields.afternoon is not None:
        half = numbers.get("h", numbers.get("K"))
        hour = None if half is None else half % 12 + (12 if fields.afternoon else 0)
    if hour is None:
        return None
    nano = numbers.get("S", numbers.get("n", 0))
    return time(hour, numbers.get("m", 0), numbers.get("s", 0), nano // 1000)
