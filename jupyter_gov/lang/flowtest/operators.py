"""What each operator of an assertion means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Holds = Callable[[Any, Any], bool]


def holds(operator: str, value: Any, expected: Any) -> bool:
    """Return whether an operator holds.

    What expressions give is often text: a number and the text of that number are equal, and so are a list or a map and
    the JSON text of it.

    Raises
    ------
    ValueError
        The two cannot be compared.

    Examples
    --------
    >>> holds("equalTo", "200", 200), holds("contains", "abc", "b"), holds("greaterThan", "10", 9)
    (True, True, True)
    """
    return _OPERATORS[operator](value, expected)


def _equal(value: Any, expected: Any) -> bool:
    if isinstance(value, bool) or isinstance(expected, bool):
        return _text(value) == _text(expected)
    if isinstance(value, Mapping | list | tuple) or isinstance(expected, Mapping | list | tuple):
        return bool(_structure(value) == _structure(expected))
    left, right = _number(value), _number(expected)
    if left is not None and right is not None and not (isinstance(value, str) and isinstance(expected, str)):
        return left == right
    return _text(value) == _text(expected)


def _structure(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return json.loads(json.dumps(value, default=str))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        return None


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.astimezone()


def _compared(value: Any, expected: Any) -> int:
    """Return less than 0, 0, or more, as numbers, as points in time, or as texts."""
    if value is None or expected is None:
        raise ValueError("nothing cannot be compared")
    for read in (_number, _moment):
        left, right = read(value), read(expected)
        if left is not None and right is not None:
            return (left > right) - (left < right)  # type: ignore[operator]  # both are what one reader made
    if isinstance(value, str) and isinstance(expected, str):
        return (value > expected) - (value < expected)
    raise ValueError(f"{type(value).__name__} and {type(expected).__name__} cannot be compared")


def _contains(value: Any, expected: Any) -> bool:
    if isinstance(value, Mapping):
        return str(expected) in map(str, value)
    if isinstance(value, list | tuple):
        return any(_equal(item, expected) for item in value)
    if value is None:
        return False
    return str(_text(expected)) in str(_text(value))


def _any(value: Any, expected: Any) -> bool:
    return any(_equal(value, one) for one in expected or ())


def _begins(value: Any, expected: Any) -> bool:
    return value is not None and str(_text(value)).startswith(str(expected))


def _ends(value: Any, expected: Any) -> bool:
    return value is not None and str(_text(value)).endswith(str(expected))


_OPERATORS: Mapping[str, Holds] = {
    "equalTo": _equal,
    "notEqualTo": lambda value, expected: not _equal(value, expected),
    "contains": _contains,
    "startsWith": _begins,
    "endsWith": _ends,
    "in": _any,
    "notIn": lambda value, expected: not _any(value, expected),
    "greaterThan": lambda value, expected: _compared(value, expected) > 0,
    "greaterThanOrEqualTo": lambda value, expected: _compared(value, expected) >= 0,
    "lessThan": lambda value, expected: _compared(value, expected) < 0,
    "lessThanOrEqualTo": lambda value, expected: _compared(value, expected) <= 0,
    "isNull": lambda value, expected: (value is None) is bool(expected),
    "isNotNull": lambda value, expected: (value is not None) is bool(expected),
}
