"""Checks that filters and functions make on what they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.operators import is_list, is_number
from jupyter_gov.lang.expr.values import type_name


def text_of(name: str, value: Any) -> str:
    """Return ``value`` if it is a text.

    Raises
    ------
    ArgumentFault
        ``GOV154``: it is something else.
    """
    if not isinstance(value, str):
        raise ArgumentFault(f"{name} must be a text, not {type_name(value)}")
    return value


def whole_of(name: str, value: Any) -> int:
    """Return ``value`` if it is a whole number.

    Raises
    ------
    ArgumentFault
        ``GOV154``: it is something else.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ArgumentFault(f"{name} must be a whole number, not {type_name(value)}")
    return value


def number_of(name: str, value: Any) -> Any:
    """Return ``value`` if it is a number.

    Raises
    ------
    ArgumentFault
        ``GOV154``: it is something else.
    """
    if not is_number(value):
        raise ArgumentFault(f"{name} must be a number, not {type_name(value)}")
    return value


def flag_of(name: str, value: Any) -> bool:
    """Return ``value`` if it is a boolean.

    Raises
    ------
    ArgumentFault
        ``GOV154``: it is something else.
    """
    if not isinstance(value, bool):
        raise ArgumentFault(f"{name} must be true or false, not {type_name(value)}")
    return value


def list_of(name: str, value: Any) -> list[Any]:
    """Return the elements of a list.

    Raises
    ------
    ArgumentFault
        ``GOV154``: it is something else.
    """
    if not is_list(value):
        raise ArgumentFault(f"{name} must be a list, not {type_name(value)}")
    return list(value)


def map_of(name: str, value: Any) -> Mapping[Any, Any]:
    """Return ``value`` if it is a map.

    Raises
    ------
    ArgumentFault
        ``GOV154``: it is something else.
    """
    if not isinstance(value, Mapping):
        raise ArgumentFault(f"{name} must be a map, not {type_name(value)}")
    return value
