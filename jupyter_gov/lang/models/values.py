"""What the types of inputs mean: a text or a YAML value becomes a typed value that JSON can hold, or a reason why not.

Dates, times and durations stay text, in the form in which Java prints them, since that is what expressions show.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from jupyter_gov.lang.models.base import is_expression
from jupyter_gov.lang.models.patterns import compile_pattern
from jupyter_gov.lang.models.scalars import format_duration, parse_duration
from jupyter_gov.lang.models.storable import cleaned, fault

T = TypeVar("T")

SHOWN = 80
"""Characters of a value that an error shows."""

_INT = re.compile(r"[-+]?\d{1,400}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?", re.ASCII)
_DATETIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})T(?P<clock>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?P<zone>Z|[-+]\d{2}(?::?\d{2})?)",
    re.ASCII | re.IGNORECASE,
)
_WEB = re.compile(r"https?://[-\w@:%.+~#=]{1,256}\.[a-zA-Z0-9()]{1,63}(?::\d{1,5})?(?:[/?#][^\s<>\"{}|\\^`]*)?")
_OTHER_URI = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]{0,30}://[^\s<>\"{}|\\^`]+")
_EMAIL = re.compile(r"[\w!#$%&'*+/=?`{|}~^.-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,253}[a-zA-Z0-9])?", re.ASCII)


class ValueProblem(ValueError):  # noqa: N818 - a reason to be worded, not an error that leaves the package
    """Why a value does not fit; ``str()`` is the reason as part of a sentence."""


def coerce(type_name: str, value: Any, props: Mapping[str, Any]) -> Any:
    """Return a value as its type says; texts of the command line and typed values are both welcome.

    Raises
    ------
    ValueProblem
        The value is not of this type, or cannot be stored (``lang.models.storable``).

    Examples
    --------
    >>> coerce("INT", "42", {}), coerce("DURATION", "P1D", {}), coerce("ARRAY", "[1, 2]", {"itemType": "INT"})
    (42, 'PT24H', [1, 2])
    """
    _check_storable(value)
    if type_name in ("ARRAY", "MULTISELECT"):
        # Without a type of items, as in outputs, those of an ARRAY stay what they are.
        return _items(type_name, value, props.get("itemType") or (None if type_name == "ARRAY" else "STRING"))
    return _READERS[type_name](value)


def _check_storable(value: Any) -> Any:
    reason = fault(value, finite=True)
    if reason is not None:
        raise ValueProblem(f"the value cannot be stored: {reason}")
    return value


def shown(value: Any) -> str:
    """Return the beginning of a value as error texts print it: as Java would."""
    text = ""
    for piece in (value,) if isinstance(value, str) else _pieces(value):
        text += piece[: SHOWN + 1]
        if len(text) > SHOWN:
            return cleaned(text[:SHOWN]) + "…"
    return cleaned(text)


def _pieces(value: Any) -> Iterator[str]:
    # Piece by piece, since whoever shows the beginning must not have to write the whole.
    if isinstance(value, list | tuple):
        yield "["
        for number, item in enumerate(value):
            yield ", " if number else ""
            yield from _pieces(item)
        yield "]"
    elif isinstance(value, Mapping):
        yield "{"
        for number, (key, item) in enumerate(value.items()):
            yield f"{', ' if number else ''}{str(key)[: SHOWN + 1]}="
            yield from _pieces(item)
        yield "}"
    elif isinstance(value, int) and value.bit_length() > 1000:
        yield f"a number of {value.bit_length()} bits"
    else:
        yield java_text(value)


def java_text(value: Any) -> str:
    """Return a value as Java prints it: ``null``, ``true``, ``[a, b]``, ``{k=v}``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(java_text, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={java_text(item)}" for key, item in value.items()) + "}"
    return str(value)


def _expected(type_name: str, value: Any) -> ValueProblem:
    return ValueProblem(f"Expected `{type_name}` but received `{shown(value)}`")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return java_text(value)


def _int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INT.fullmatch(value.strip()):
        return int(value)
    raise _expected("INT", value)


def _float(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value):
        return float(value)
    if isinstance(value, str) and _FLOAT.fullmatch(value.strip()) and math.isfinite(float(value)):
        return float(value)
    raise _expected("FLOAT", value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _bool(value: Any) -> bool:
    # Kestra's rule: every text but "true" is false.
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.strip().lower() == "true"
    raise _expected("BOOLEAN", value)


def _date(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and _DATE.fullmatch(value) and _parsed(date.fromisoformat, value):
        return value
    raise _expected("DATE", value)


def _time(value: Any) -> str:
    if isinstance(value, time):
        return java_time(value)
    if isinstance(value, str) and _TIME.fullmatch(value):
        found = _parsed(time.fromisoformat, _to_micros(value))
        if found is not None:
            return java_time(found)
    raise _expected("TIME", value)


def _datetime(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return java_instant(value)
    match = _DATETIME.fullmatch(value) if isinstance(value, str) else None
    if match:
        found = _parsed(datetime.fromisoformat, f"{match['day']}T{_to_micros(match['clock'])}{match['zone'].upper()}")
        if found is not None:
            return java_instant(found)
    raise _expected("DATETIME", value)


def _parsed(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except (ValueError, OverflowError):
        return None


def _to_micros(clock: str) -> str:
    whole, _, fraction = clock.partition(".")
    return f"{whole}.{fraction:0<6.6}" if fraction else whole


def java_time(value: time) -> str:
    """Return a time of day as Java prints it: seconds are left out when they are 0."""
    text = f"{value.hour:02}:{value.minute:02}"
    if value.second or value.microsecond:
        text += f":{value.second:02}{_fraction(value.microsecond)}"
    return text


def java_instant(value: datetime) -> str:
    """Return an instant as Java prints it: ``2026-01-31T12:00:00Z``."""
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise ValueProblem(f"Expected `DATETIME` but received `{value.isoformat()}`") from None
    return f"{utc:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + _fraction(utc.microsecond) + "Z"


def _fraction(micros: int) -> str:
    if not micros:
        return ""
    return f".{micros // 1000:03}" if micros % 1000 == 0 else f".{micros:06}"


def _duration(value: Any) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, str) and re.match(r"\s*[-+]?[pP]", value):
        try:
            return format_duration(parse_duration(value))
        except ValueError:
            pass
    raise _expected("DURATION", value)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _expected("JSON", value) from None
    return _check_storable(found)


def _yaml(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    from jupyter_gov.lang.nodes import plain_data  # noqa: PLC0415 - only this type needs the YAML reader
    from jupyter_gov.lang.source import load  # noqa: PLC0415

    tree = load(value)
    for problem in tree.problems:
        where = problem.location
        place = f" in line {where.line}, column {where.column}" if where is not None else ""
        raise ValueProblem(f"{_expected('YAML', value)}: {problem.message}{place}")
    return None if tree.root is None else _check_storable(plain_data(tree.root))


def _uri(value: Any) -> str:
    if isinstance(value, str) and len(value) <= 4096 and (_WEB.fullmatch(value) or _OTHER_URI.fullmatch(value)):
        return value
    raise _expected("URI", value)


def _email(value: Any) -> str:
    if isinstance(value, str) and (value == "" or _EMAIL.fullmatch(value)):
        return value
    raise ValueProblem("The input must be a valid email")


def _file(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise _expected("FILE", value)


def _items(type_name: str, value: Any, item_type: str | None) -> list[Any]:
    items = value
    if isinstance(value, str):
        try:
            items = _check_storable(json.loads(value, parse_constant=_no_constant))
        except ValueProblem:
            raise
        except (ValueError, RecursionError):
            raise _expected(type_name, value) from None
    if not isinstance(items, list | tuple):
        raise _expected(type_name, value)
    return [item if item_type is None else coerce(item_type, item, {}) for item in items]


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "STRING": _text, "SECRET": _text, "SELECT": _text, "ENUM": _text, "INT": _int, "FLOAT": _float, "BOOL": _bool,
    "BOOLEAN": _bool, "DATE": _date, "TIME": _time, "DATETIME": _datetime, "DURATION": _duration, "JSON": _json,
    "YAML": _yaml, "URI": _uri, "EMAIL": _email, "FILE": _file,
}  # fmt: skip


def faults(
    type_name: str, value: Any, props: Mapping[str, Any], offered: Sequence[str], *, required: bool
) -> list[str]:
    """Return why a typed value is not allowed, as parts of sentences; empty if it is.

    Parameters
    ----------
    offered
        The values to choose from, of SELECT, ENUM and MULTISELECT.
    """
    if type_name in ("SELECT", "ENUM", "MULTISELECT"):
        # Kestra looks at the values of an ENUM only if the input is required.
        open_choice = props.get("allowCustomValue") or (type_name == "ENUM" and not required)
        chosen = value if isinstance(value, list) else [value]
        if open_choice or all(str(item) in offered for item in chosen):
            return []
        return [f"it must match the values `[{', '.join(offered)}]`"]
    if type_name in ("STRING", "SECRET"):
        pattern = props.get("validator")
        return [] if not pattern or compile_pattern(pattern)(value) else [f"it must match the pattern `{pattern}`"]
    low, high, words = ("after", "before", ("after", "before"))
    if type_name in ("INT", "FLOAT", "DURATION"):
        low, high, words = ("min", "max", ("more than", "less than"))
    found = []
    for bound, word, sign in ((props.get(low), words[0], 1), (props.get(high), words[1], -1)):
        if bound is None or (isinstance(bound, str) and is_expression(bound)):
            continue
        limit = coerce(type_name, bound, {})
        if sign * _compare(type_name, value, limit) < 0:
            found.append(f"it must be {word} `{limit}`")
    return found


def _compare(type_name: str, left: Any, right: Any) -> int:
    if type_name == "DURATION":
        left, right = parse_duration(left), parse_duration(right)
    elif type_name == "TIME":
        left, right = time.fromisoformat(left), time.fromisoformat(right)
    elif type_name == "DATETIME":
        left, right = datetime.fromisoformat(left), datetime.fromisoformat(right)
    return int(left > right) - int(left < right)
