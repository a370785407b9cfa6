"""Dates as Java's ``DateTimeFormatter`` writes them: named formats, styles, and patterns through babel.

Babel passes letters that it does not know through as text; here every letter is checked, and the ones that only Java
has are written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.values import fraction_text, offset_text

# Every letter of Java that we write, and how often it may stand in a row.
_LETTERS: Final[dict[str, int]] = {
    **dict.fromkeys("yuY", 19),
    **dict.fromkeys("nNAg", 19),
    **dict.fromkeys("GQqMLEec", 5),
    **dict.fromkeys("ZXx", 5),
    **dict.fromkeys("zvOB", 4),
    **dict.fromkeys("dhHkKmsw", 2),
    **dict.fromkeys("aFW", 1),
    "D": 3,
    "S": 9,
    "V": 2,
}
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STYLES: Final = ("full", "long", "medium", "short")
_MAX_PATTERN: Final = 200


def write(moment: datetime, pattern: str, locale: str | None) -> str:
    """Write a moment by a named format, a style or a pattern.

    Raises
    ------
    ArgumentFault
        The pattern or the locale is none.
    """
    if locale is not None:
        babel_locale(locale)
    named = NAMED.get(pattern)
    if named is not None:
        return named(moment)
    if pattern in _STYLES:
        return _styled(moment, pattern, locale)
    return "".join(_piece(moment, kind, text, locale) for kind, text in tokens(pattern) if kind != "optional")


def _styled(moment: datetime, style: str, locale: str | None) -> str:
    from babel.dates import format_datetime  # noqa: PLC0415  (loaded late)

    written = format_datetime(moment, style, locale=babel_locale(locale))
    return str(written).replace("\u202f", " ")


@lru_cache(64)
def babel_locale(name: str | None) -> Any:
    """Return the locale of a name such as ``fr`` or ``de_DE``; English without one.

    Raises
    ------
    ArgumentFault
        There is none.
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  (loaded late)

    try:
        return Locale.parse((name or "en_US").replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        raise ArgumentFault(f"there is no locale `{name}`", hint="Write it as `fr` or `de_DE`.") from None


@lru_cache(256)
def tokens(pattern: str) -> tuple[tuple[str, str], ...]:
    """Return the parts of a pattern as ``("letter", "yyyy")`` and ``("text", "-")``.

    Raises
    ------
    ArgumentFault
        The pattern has a letter that Java or we do not know, or an open quote.
    """
    if len(pattern) > _MAX_PATTERN:
        raise ArgumentFault(f"a date pattern has at most {_MAX_PATTERN} characters")
    return tuple(_tokens(pattern))


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "'":
            text, at = _quoted(pattern, at)
            yield "text", text
        elif letter.isascii() and letter.isalpha():
            end = at
            while end < len(pattern) and pattern[end] == letter:
                end += 1
            if end - at > _LETTERS.get(letter, 0) or pattern[at:end] == "V":
                problem = f"`{pattern[at:end]}` is no part of a date pattern"
                raise ArgumentFault(problem, hint="Put plain text in single quotes: `'T'`.")
            yield "letter", pattern[at:end]
            at = end
        elif letter in "[]":
            yield "optional", letter
            at += 1
        elif letter in "{}#":
            raise ArgumentFault(f"`{letter}` is reserved in date patterns", hint="Put it in single quotes.")
        else:
            yield "text", letter
            at += 1


def _quoted(pattern: str, at: int) -> tuple[str, int]:
    if pattern.startswith("''", at):
        return "'", at + 2
    out: list[str] = []
    at += 1
    while at < len(pattern):
        if pattern.startswith("''", at):
            out.append("'")
            at += 2
        elif pattern[at] == "'":
            return "".join(out), at + 1
        else:
            out.append(pattern[at])
            at += 1
    raise ArgumentFault(f"the date pattern `{pattern}` opens a quote and never closes it")


def _piece(moment: datetime, kind: str, text: str, locale: str | None) -> str:
    if kind == "text":
        return text
    letter, width = text[0], len(text)
    by_hand = _HAND.get(letter)
    if by_hand is not None:
        return by_hand(moment, width)
    name = moment.tzname() if letter == "z" and width < 4 else None
    if name and name.isalpha():
        return name
    from babel.dates import format_datetime  # noqa: PLC0415  (loaded late)

    found = babel_locale(locale)
    return str(format_datetime(moment, text, tzinfo=moment.tzinfo, locale=found)).replace("\u202f", " ")


def _nano(moment: datetime) -> int:
    return moment.microsecond * 1000


def _of_day(moment: datetime) -> int:
    return (moment.hour * 3600 + moment.minute * 60 + moment.second) * 1_000_000_000 + _nano(moment)


def _zone_id(moment: datetime, width: int) -> str:
    return getattr(moment.tzinfo, "key", None) or offset_text(moment)


def _localized_offset(moment: datetime, width: int) -> str:
    offset = offset_text(moment)
    if offset in ("", "Z"):
        return "GMT"
    if width == 4:
        return "GMT" + offset
    hours, minutes = offset[1:].split(":")
    return f"GMT{offset[0]}{int(hours)}" + ("" if minutes == "00" else f":{minutes}")


def _offset(moment: datetime, width: int, zero: str) -> str:
    plain = offset_text(moment)
    if plain in ("", "Z"):
        return zero or {1: "+00", 2: "+0000", 3: "+00:00", 4: "+0000", 5: "+00:00"}[min(width, 5)]
    if width == 1:
        return plain[:3] if plain.endswith(":00") else plain.replace(":", "")
    return plain.replace(":", "") if width in (2, 4) else plain


def _year(moment: datetime, width: int) -> str:
    return f"{moment.year % 100:02}" if width == 2 else f"{moment.year:0{width}}"


_HAND: Final[dict[str, Callable[[datetime, int], str]]] = {
    "y": _year,
    "u": _year,
    "n": lambda moment, width: f"{_nano(moment):0{width}}",
    "N": lambda moment, width: f"{_of_day(moment):0{width}}",
    "A": lambda moment, width: f"{_of_day(moment) // 1_000_000:0{width}}",
    "S": lambda moment, width: f"{_nano(moment):09}".ljust(width, "0")[:width],
    "V": _zone_id,
    "O": _localized_offset,
    "X": lambda moment, width: _offset(moment, width, "Z"),
    "x": lambda moment, width: _offset(moment, width, ""),
    "Z": lambda moment, width: (
        _offset(moment, 2, "") if width < 4 else _localized_offset(moment, 4) if width == 4 else _offset(moment, 3, "Z")
    ),
    "g": lambda moment, width: f"{moment.toordinal() - 678576:0{width}}",
}


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" + fraction_text(moment.microsecond)


def _day(moment: datetime) -> str:
    return f"{moment.year:04}-{moment.month:02}-{moment.day:02}"


def _zoned(moment: datetime) -> str:
    key = getattr(moment.tzinfo, "key", None)
    return f"{_day(moment)}T{_clock(moment)}{offset_text(moment)}" + (f"[{key}]" if key else "")


def _instant(moment: datetime) -> str:
    offset = moment.utcoffset() or timedelta(0)
    plain = (moment - offset).replace(tzinfo=None)
    return f"{_day(plain)}T{_clock(plain)}Z"


def _week(moment: datetime) -> str:
    year, week, day = moment.isocalendar()
    return f"{year:04}-W{week:02}-{day}{offset_text(moment)}"


def _rfc(moment: datetime) -> str:
    offset = offset_text(moment)
    zone = "GMT" if offset in ("", "Z") else offset.replace(":", "")
    day = f"{DAYS[moment.weekday()]}, {moment.day} {MONTHS[moment.month - 1]} {moment.year:04}"
    return f"{day} {moment:%H:%M:%S} {zone}"


NAMED: Final[dict[str, Callable[[datetime], str]]] = {
    "iso": lambda m: f"{_day(m)}T{m:%H:%M:%S}.{m.microsecond:06}{offset_text(m)}",
    "iso_sec": lambda m: f"{_day(m)}T{m:%H:%M:%S}{offset_text(m)}",
    "sql": lambda m: f"{_day(m)} {m:%H:%M:%S}.{m.microsecond:06}",
    "sql_seq": lambda m: f"{_day(m)} {m:%H:%M:%S}",
    "iso_date_time": _zoned,
    "iso_date": lambda m: _day(m) + offset_text(m),
    "iso_time": lambda m: _clock(m) + offset_text(m),
    "iso_local_date": _day,
    "iso_instant": _instant,
    "iso_local_date_time": lambda m: f"{_day(m)}T{_clock(m)}",
    "iso_local_time": _clock,
    "iso_offset_time": lambda m: _clock(m) + offset_text(m),
    "iso_offset_date_time": lambda m: f"{_day(m)}T{_clock(m)}{offset_text(m)}",
    "iso_ordinal_date": lambda m: f"{m.year:04}-{m.timetuple().tm_yday:03}{offset_text(m)}",
    "iso_week_date": _week,
    "iso_zoned_date_time": _zoned,
    "rfc_1123_date_time": _rfc,
}
