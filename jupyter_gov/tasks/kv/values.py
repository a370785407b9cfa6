"""From what a flow writes to a stored value and its kind."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.scalars import DurationError, format_duration, parse_duration
from jupyter_gov.plugins.context import ValueKind
from jupyter_gov.plugins.outputs import jsonable

_EXAMPLES: Mapping[ValueKind, str] = {
    "NUMBER": "12.5",
    "BOOLEAN": "true",
    "DATETIME": "2026-05-04T10:00:00Z",
    "DATE": "2026-05-04",
    "DURATION": "PT5M",
    "JSON": '{"a": 1}',
}


def typed(key: str, value: Any, kind: ValueKind | None) -> tuple[ValueKind, Any]:
    """Return the kind of a value and the value in the types of JSON.

    Without ``kind`` a number stays a number, and a text that holds a JSON list or map becomes one.

    Raises
    ------
    TaskError
        ``GOV872``: the value is not of the kind.
    """
    plain = jsonable(value)
    if kind is None:
        return _guessed(plain)
    try:
        return kind, _as(kind, plain)
    except (ValueError, TypeError, DurationError):
        raise TaskError(
            f"The value for the key '{key}' is no {kind}.",
            code="GOV872",
            hint=f"Write one such as {_EXAMPLES[kind]}." if kind in _EXAMPLES else None,
        ) from None


def _guessed(value: Any) -> tuple[ValueKind, Any]:
    if isinstance(value, bool):
        return "BOOLEAN", value
    if isinstance(value, int | float):
        return "NUMBER", value
    if not isinstance(value, str):
        return "JSON", value
    if value.lstrip()[:1] in ("{", "["):
        try:
            return "JSON", json.loads(value, parse_constant=_no_number)
        except (ValueError, RecursionError):
            return "STRING", value
    return "STRING", value


def _as(kind: ValueKind, value: Any) -> Any:  # noqa: PLR0911 - one line per kind
    match kind:
        case "STRING":
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        case "NUMBER":
            return _number(value)
        case "BOOLEAN":
            return _boolean(value)
        case "DATETIME":
            return _instant(_text(value))
        case "DATE":
            return date.fromisoformat(_text(value)).isoformat()
        case "DURATION":
            return format_duration(parse_duration(_text(value)))
        case "JSON":
            return json.loads(value, parse_constant=_no_number) if isinstance(value, str) else value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value.strip()


def _number(value: Any) -> int | float:
    found = json.loads(value, parse_constant=_no_number) if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise TypeError(value)
    return found


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = _text(value).lower()
    if text not in ("true", "false"):
        raise ValueError(value)
    return text == "true"


def _instant(text: str) -> str:
    found = datetime.fromisoformat(text)
    moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _no_number(text: str) -> Any:
    raise ValueError(text)
