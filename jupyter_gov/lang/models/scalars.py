"""Scalars of the flow language: durations as Java writes them, and the YAML 1.2 core rules for plain text.

Two pydantic annotations come from here: ``IsoDuration`` for a property that is a length of time, and nothing else,
since every other scalar is covered by pydantic once ``core_value`` has given it its type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from jupyter_gov.errors import LanguageError

# java.time.Duration: days are 24 hours; no years, months or weeks, since their length depends on the calendar.
_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?:(?P<days>[-+]?\d+)D)?"
    r"(?P<time>T(?:(?P<hours>[-+]?\d+)H)?(?:(?P<minutes>[-+]?\d+)M)?(?:(?P<seconds>[-+]?\d+(?:[.,]\d{0,9})?)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_UNITS = ("days", "hours", "minutes", "seconds")
_LONGEST_NUMBER = 18
"""Digits; more would overflow a duration anyway, and Python refuses to read numbers of thousands of digits."""


class DurationError(LanguageError, ValueError):
    """A text is no duration; also a ``ValueError``, so that pydantic reports it at the right place."""

    default_code = "GOV121"


def parse_duration(value: object) -> timedelta:
    """Return a length of time from ``PT1M30S``, ``P1D`` …, a plain number of seconds, or a ``timedelta``.

    The grammar is that of ``java.time.Duration``: any case, signs allowed, fractions only of seconds; ``P1M``, ``P1Y``
    and ``P1W`` are refused. Fractions below a microsecond are cut off.

    Raises
    ------
    DurationError
        ``GOV121``: the value is no duration, or longer than 999,999,999 days.

    Examples
    --------
    >>> parse_duration("PT1M30S")
    datetime.timedelta(seconds=90)
    >>> parse_duration(2.5)
    datetime.timedelta(seconds=2, microseconds=500000)
    """
    if isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return timedelta(seconds=value)
        if isinstance(value, str):
            return _parse_text(value.strip())
    except (OverflowError, ValueError) as error:
        raise _no_duration(value) from error
    raise _no_duration(value)


def _parse_text(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        return timedelta(seconds=_plain_seconds(text))
    parts = {unit: match[unit] for unit in _UNITS if match[unit] is not None}
    if not parts or match["time"] in ("T", "t") or any(len(part) > _LONGEST_NUMBER + 10 for part in parts.values()):
        raise ValueError(text)
    seconds = Decimal(parts.pop("seconds", "0").replace(",", "."))
    whole = timedelta(**{unit: int(part) for unit, part in parts.items()})
    result = whole + timedelta(microseconds=int(seconds * 1_000_000))
    return -result if match["sign"] == "-" else result


def _plain_seconds(text: str) -> float:
    if not re.fullmatch(r"[-+]?\d{1,18}(?:\.\d{1,9})?", text, re.ASCII):
        raise ValueError(text)
    return float(text)


def _no_duration(value: object) -> DurationError:
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
    return DurationError(
        f"{shown} is no duration",
        hint="Write it as PT30S, PT1H30M or P7D; years, months and weeks are not allowed, a plain number is seconds.",
    )


def format_duration(value: timedelta) -> str:
    """Return a length of time as Java writes it: ``PT1M30S``; days become hours.

    Examples
    --------
    >>> format_duration(timedelta(days=1, seconds=90))
    'PT24H1M30S'
    >>> format_duration(timedelta(0))
    'PT0S'
    """
    micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    if micros == 0:
        return "PT0S"
    sign, micros = ("-" if micros < 0 else ""), abs(micros)
    seconds, fraction = divmod(micros, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = "PT" + (f"{sign}{hours}H" if hours else "") + (f"{sign}{minutes}M" if minutes else "")
    if seconds or fraction:
        text += f"{sign}{seconds}" + (f".{fraction:06d}".rstrip("0") if fraction else "") + "S"
    return text


IsoDuration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT30S", "PT1H30M", "P7D"]}),
]
"""A property that is a length of time; reads what ``parse_duration`` reads."""


_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), float),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)"), lambda text: float("-inf" if text[0] == "-" else "inf")),
)
_CONSTANTS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
}  # fmt: skip
_NUMBER_START = frozenset("+-.0123456789")

YES_NO: dict[str, bool] = {
    spelling: value
    for word, value in {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}.items()
    for spelling in (word, word.capitalize(), word.upper())
}
"""Booleans of YAML 1.1: accepted, with a warning, where a property must be true or false."""

LONGEST_NUMBER = 1000
"""Characters of an untyped number; a longer one is an error of the source."""


def core_value(text: str) -> Any:
    """Return the value of a plain scalar by the core schema of YAML 1.2.

    ``yes``, dates and ``12:30`` are text; ``0750`` is 750; ``0o17`` is octal.

    Examples
    --------
    >>> [core_value(text) for text in ("true", "yes", "0750", "0x1F", "1e3", "2024-01-31", "~")]
    [True, 'yes', 750, 31, 1000.0, '2024-01-31', None]
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    read = None if text[0] not in _NUMBER_START or len(text) > LONGEST_NUMBER else _number_reader(text)
    return text if read is None else read(text)


def _number_reader(text: str) -> Callable[[str], int | float] | None:
    return next((read for form, read in _NUMBERS if form.fullmatch(text)), None)


def is_null(text: str) -> bool:
    """Return whether a plain scalar means "no value"."""
    return text in _CONSTANTS and _CONSTANTS[text] is None


def is_overlong_number(text: str) -> bool:
    """Return whether a plain scalar is a number of more digits than anybody can mean."""
    return len(text) > LONGEST_NUMBER and text[0] in _NUMBER_START and _number_reader(text) is not None
