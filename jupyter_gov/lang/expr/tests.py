"""What may stand after ``is``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_gov.lang.expr.faults import Fault
from jupyter_gov.lang.expr.operators import MISSING, is_list, is_number
from jupyter_gov.lang.expr.registry import check
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import type_name


def blank(value: Any) -> bool:
    """Return whether a value is null, a blank text, or an empty list or map."""
    if isinstance(value, str):
        return not value.strip()
    if value is None:
        return True
    return (is_list(value) or isinstance(value, Mapping)) and len(value) == 0


@check("defined", lazy=True)
def is_defined(state: State, value: Callable[[], Any]) -> bool:
    """Whether a name has a value that is not null; never fails."""
    found = state.attempt(value)
    return found is not MISSING and found is not None


@check("empty")
def is_empty(state: State, value: Any) -> bool:
    """Whether a value is null, a blank text, or an empty list or map."""
    return blank(value)


@check("null")
def is_null(state: State, value: Any) -> bool:
    """Whether a value is null."""
    return value is None


@check("even")
def is_even(state: State, value: Any) -> bool:
    """Whether a number is even."""
    return bool(_number("even", value) % 2 == 0)


@check("odd")
def is_odd(state: State, value: Any) -> bool:
    """Whether a number is odd."""
    return bool(_number("odd", value) % 2 != 0)


@check("iterable")
def is_iterable(state: State, value: Any) -> bool:
    """Whether a value is a list; maps and texts are not."""
    return is_list(value)


@check("map")
def is_map(state: State, value: Any) -> bool:
    """Whether a value is a map."""
    return isinstance(value, Mapping)


@check("json")
def is_json(state: State, value: Any) -> bool:
    """Whether a text can be read as JSON; maps and lists are JSON already."""
    if not isinstance(value, str):
        return isinstance(value, Mapping) or is_list(value)
    if not value.strip():
        return True
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _number(name: str, value: Any) -> Any:
    if not is_number(value):
        raise Fault(f"`is {name}` needs a number, not {type_name(value)}")
    return value
