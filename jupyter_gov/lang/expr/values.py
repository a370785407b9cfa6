"""How values look as text: as output of ``{{ }}``, joined by ``~``, and as JSON.

The forms are Java's, since published flows were written against them: ``1.0E21``, ``PT1M30S``,
``2013-09-08T16:19+02:00``. An aware datetime in ``datetime.timezone.utc`` is an instant; with any other zone it is a
zoned date-time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring
from pathlib import PurePath
from types import NoneType
from typing import Any, Final
from uuid import UUID

from jupyter_gov.lang.expr.faults import Fault, LimitFault
from jupyter_gov.lang.expr.limits import Budget
from jupyter_gov.lang.expr.zones import system_zone

_PIECES_BETWEEN_LOOKS: Final = 4096
_NOT_JSON: Final = frozenset({"NaN", "Infinity", "-Infinity"})
SEQUENCES: Final = (list, tuple, set, frozenset)
TEMPORAL: Final = (datetime, date, time)


def text(value: Any, budget: Budget) -> str:
    """Return what ``{{ value }}`` prints."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (Mapping, Set, *SEQUENCES)):
        return json_text(value, budget)
    return scalar_text(value)


def scalar_text(value: Any) -> str:
    """Return a value that is neither a list nor a map as Java's ``toString`` does."""
    for kind, form in _FORMS:
        if isinstance(value, kind):
            return form(value)
    raise Fault(f"a value of type {type(value).__name__} has no text form")


def _whole(value: int) -> str:
    if value.bit_length() > 4096:
        raise LimitFault("a whole number has too many digits")
    return str(value)


def real_text(value: float) -> str:
    """Return a real number in Java's form."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    significant = "".join(map(str, digits)).rstrip("0") or "0"
    power = int(exponent) + len(digits) - 1
    return f"{'-' if sign else ''}{significant[0]}.{significant[1:] or '0'}E{power}"


def temporal_text(value: date | time, *, full: bool) -> str:
    """Return a date or time in ISO form; without ``full`` seconds are left out when they are 0.

    The full form is that of JSON and YAML: there a zoned date-time is told in the zone of this machine.
    """
    if not isinstance(value, (datetime, time)):
        return value.isoformat()
    instant = isinstance(value, datetime) and value.tzinfo is UTC
    if full and not instant and isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(system_zone())
    clock = f"{value.hour:02}:{value.minute:02}"
    if full or instant or value.second or value.microsecond:
        clock += f":{value.second:02}{fraction_text(value.microsecond)}"
    day = f"{value.date().isoformat()}T" if isinstance(value, datetime) else ""
    return day + clock + offset_text(value) + ("" if full or instant else _zone_name(value))


def _zone_name(value: datetime | time) -> str:
    key = getattr(value.tzinfo, "key", None)
    return f"[{key}]" if key and key != "UTC" else ""


def offset_text(value: datetime | time) -> str:
    """Return the offset as ``Z`` or ``+02:00``; nothing if there is none."""
    offset = value.utcoffset()
    if offset is None:
        return ""
    minutes = int(offset.total_seconds()) // 60
    if minutes == 0:
        return "Z"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def fraction_text(microsecond: int) -> str:
    """Return the fraction of a second in 0, 3 or 6 digits."""
    if microsecond == 0:
        return ""
    return f".{microsecond // 1000:03}" if microsecond % 1000 == 0 else f".{microsecond:06}"


def duration_text(value: timedelta) -> str:
    """Return ``PT1M30S``."""
    micros = value // timedelta(microseconds=1)
    if micros == 0:
        return "PT0S"
    # Java keeps one sign per part: hours and minutes are cut towards zero.
    sign = "-" if micros < 0 else ""
    seconds, fraction = divmod(abs(micros), 1_000_000)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = [f"{sign}{hours}H" if hours else "", f"{sign}{minutes}M" if minutes else ""]
    if seconds or fraction:
        decimals = f".{fraction:06}".rstrip("0") if fraction else ""
        parts.append(f"{sign}{seconds}{decimals}S")
    return "PT" + "".join(parts)


def seconds_text(value: timedelta) -> str:
    """Return a duration as JSON and YAML have it: seconds with nine decimals."""
    micros = value // timedelta(microseconds=1)
    whole, fraction = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{fraction:06}000"


def java_text(value: Any, budget: Budget) -> str:
    """Return a value as ``~`` and ``+`` join it: lists as ``[1, 2]``, maps as ``{a=1}``, null as ``null``."""
    if isinstance(value, str):
        return value
    if isinstance(value, (Mapping, Set, *SEQUENCES)):
        return _Writer(budget, java=True).text(value)
    return scalar_text(value)


def json_text(value: Any, budget: Budget) -> str:
    """Return compact JSON; entries of maps that are null are left out."""
    return _Writer(budget, java=False).text(value)


_FORMS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...]] = (
    (Enum, lambda value: str(value.value)),
    (str, str),
    (bool, lambda value: "true" if value else "false"),
    (int, _whole),
    (float, real_text),
    (NoneType, lambda _: "null"),
    (TEMPORAL, lambda value: temporal_text(value, full=False)),
    (timedelta, duration_text),
    (Decimal, lambda value: format(value, "f")),
    ((UUID, PurePath), str),
)


class _Writer:
    """Writes nested values piece by piece, so that the limit holds before the text is complete."""

    def __init__(self, budget: Budget, *, java: bool) -> None:
        self._budget = budget
        self._java = java
        self._comma, self._colon = (", ", "=") if java else (",", ":")
        self._pieces: list[str] = []
        self._length = 0
        self._count = 0

    def text(self, value: Any) -> str:
        self._value(value, self._budget.limits.nesting)
        return "".join(self._pieces)

    def _put(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece)
        self._count += 1
        if self._count % _PIECES_BETWEEN_LOOKS == 0:
            self._budget.look()
        if self._length > self._budget.limits.characters:
            self._budget.text(self._length)

    def _value(self, value: Any, depth: int) -> None:
        if depth == 0:
            raise LimitFault(f"a value is nested deeper than {self._budget.limits.nesting} levels")
        if isinstance(value, Mapping):
            self._map(value, depth)
        elif isinstance(value, (Set, *SEQUENCES)):
            self._list(value, depth)
        else:
            self._put(self._scalar(value))

    def _scalar(self, value: Any) -> str:
        if isinstance(value, str) and not self._java:
            return encode_basestring(value)
        if isinstance(value, TEMPORAL) and not self._java:
            return f'"{temporal_text(value, full=True)}"'
        if isinstance(value, timedelta) and not self._java:
            return seconds_text(value)
        plain = scalar_text(value)
        bare = (
            self._java or value is None or (isinstance(value, (bool, int, float, Decimal)) and plain not in _NOT_JSON)
        )
        return plain if bare else encode_basestring(plain)

    def _list(self, value: Any, depth: int) -> None:
        self._put("[")
        for index, item in enumerate(value):
            if index:
                self._put(self._comma)
            self._value(item, depth - 1)
        self._put("]")

    def _map(self, value: Mapping[Any, Any], depth: int) -> None:
        self._put("{")
        first = True
        for key, item in value.items():
            if item is None and not self._java:
                continue
            if not first:
                self._put(self._comma)
            first = False
            name = scalar_text(key)
            self._put((name if self._java else encode_basestring(name)) + self._colon)
            self._value(item, depth - 1)
        self._put("}")


def truth(value: Any) -> bool:
    """Return whether a value counts as true in ``and``, ``or``, ``not``, ``if`` and ``? :``.

    Raises
    ------
    Fault
        For null, lists, maps and dates, which are neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return value != 0
    if isinstance(value, str):
        return bool(value)
    kind = type_name(value)
    raise Fault(f"{kind} is neither true nor false", hint="Compare it, or ask `is defined`, `is empty`, `is null`.")


def type_name(value: Any) -> str:
    """Return what a user calls the type of a value, with its article."""
    if value is None:
        return "null"
    names: tuple[tuple[Any, str], ...] = (
        (bool, "a boolean"),
        ((int, float, Decimal), "a number"),
        (str, "a text"),
        (Mapping, "a map"),
        ((Set, *SEQUENCES), "a list"),
        (TEMPORAL, "a date"),
        (timedelta, "a duration"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), f"a {type(value).__name__}")


def is_truthy(value: str | None) -> bool:
    """Return whether a rendered text means yes to ``runIf``, ``If`` and conditions.

    Everything does but null, ``""``, ``false``, ``0`` and ``-0``. White space around them is ignored, other than in
    Kestra: a condition written over several lines must not become true by its line break.
    """
    return value is not None and value.strip() not in ("", "false", "0", "-0")
