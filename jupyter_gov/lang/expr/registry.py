"""The tables of filters, functions and tests, and how one gets into them.

An implementation is a plain function of the rendering state, the value (not for functions) and its arguments; the
names and number of its arguments in templates are read from its signature (``time_zone`` is ``timeZone``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable as Function
from dataclasses import dataclass
from typing import Any, Final, TypeVar

_F = TypeVar("_F", bound=Function[..., Any])


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument that may be given by name or position."""

    name: str
    keyword: str
    required: bool


@dataclass(frozen=True, slots=True)
class Callable:
    """One filter, function or test.

    Attributes
    ----------
    run
        The implementation.
    variadic
        Takes any number of arguments.
    lazy
        The value comes as a function without arguments, since it may be undefined.
    advice
        Why not to use it and what instead, if so.
    """

    name: str
    run: Function[..., Any]
    parameters: tuple[Parameter, ...]
    variadic: bool = False
    lazy: bool = False
    advice: str | None = None


FILTERS: Final[dict[str, Callable]] = {}
FUNCTIONS: Final[dict[str, Callable]] = {}
TESTS: Final[dict[str, Callable]] = {}


def filter_(*names: str, lazy: bool = False, advice: str | None = None) -> Function[[_F], _F]:
    """Register a filter ``(state, value, *arguments)`` under its names."""
    return _register(FILTERS, names, 2, lazy, advice)


def function(*names: str, advice: str | None = None) -> Function[[_F], _F]:
    """Register a function ``(state, *arguments)`` under its names."""
    return _register(FUNCTIONS, names, 1, False, advice)


def check(*names: str, lazy: bool = False) -> Function[[_F], _F]:
    """Register a test ``(state, value)`` under its names."""
    return _register(TESTS, names, 2, lazy, None)


def _register(
    table: dict[str, Callable], names: tuple[str, ...], skip: int, lazy: bool, advice: str | None
) -> Function[[_F], _F]:
    def enter(run: _F) -> _F:
        given = list(inspect.signature(run).parameters.values())[skip:]
        variadic = any(one.kind is one.VAR_POSITIONAL for one in given)
        parameters = tuple(
            Parameter(_camel(one.name), one.name, one.default is one.empty)
            for one in given
            if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        )
        for name in names:
            table[name] = Callable(name, run, parameters, variadic, lazy, advice)
        return run

    return enter


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.title() for part in rest)
