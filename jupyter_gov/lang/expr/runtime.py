"""The functions that compiled templates call, beside the methods of ``State``."""

from __future__ import annotations

from collections.abc import Callable as Function
from typing import Any

from jupyter_gov.lang.expr.faults import ArgumentFault, Fault, MissingFault
from jupyter_gov.lang.expr.operators import (
    MISSING,
    add,
    attribute,
    concat,
    contains,
    div,
    equal,
    less,
    mod,
    mul,
    neg,
    pos,
    span,
    sub,
)
from jupyter_gov.lang.expr.registry import Callable
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import scalar_text, truth

__all__ = [
    "Macro",
    "add",
    "attribute",
    "call",
    "coalesce",
    "concat",
    "condition",
    "contains",
    "div",
    "equal",
    "less",
    "mapping",
    "mod",
    "mul",
    "neg",
    "pos",
    "root_attribute",
    "span",
    "sub",
    "truth",
]


def root_attribute(value: Any, root: str, root_offset: int, name: Any, offset: int) -> Any:
    """Return an attribute of a variable; if that is null, the variable is what is missing."""
    if value is None:
        raise MissingFault(root, offset=root_offset)
    return attribute(value, name, offset)


def condition(value: Any) -> bool:
    """Return the truth of what stands before ``?``, where null counts as false."""
    return value is not None and truth(value)


def coalesce(state: State, left: Function[[], Any], right: Function[[], Any], null_too: bool) -> Any:
    """Return ``left ?? right``, or ``left ??? right`` if null is a value like others."""
    value = state.attempt(left)
    return right() if value is MISSING or (null_too and value is None) else value


def call(state: State, offset: int, target: Callable, /, *args: Any, **kwargs: Any) -> Any:
    """Call a filter, function or test; whatever it refuses is told with its place."""
    state.budget.step()
    if args and isinstance(args[0], (str, list)):
        state.budget.work(len(args[0]))
    try:
        return target.run(state, *args, **kwargs)
    except Fault as fault:
        if fault.offset is None:
            fault.offset = offset
        raise
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise ArgumentFault(f"`{target.name}` refuses its arguments: {error}", offset=offset) from error


def mapping(*pairs: tuple[Any, Any]) -> dict[Any, Any]:
    """Return a map literal; keys are texts, numbers or booleans.

    Raises
    ------
    Fault
        Another kind of key.
    """
    made: dict[Any, Any] = {}
    for key, value in pairs:
        if not isinstance(key, (str, int, float)):
            raise Fault("the key of a map must be a text or a number")
        made[key] = value
    return made


class Macro:
    """A macro of the template: sees its arguments and nothing of the context."""

    __slots__ = ("_body", "_defaults", "_name")

    def __init__(self, name: str, defaults: dict[str, Function[[State], Any]], body: Function[[State], None]) -> None:
        self._name = name
        self._defaults = defaults
        self._body = body

    def __call__(self, state: State, offset: int, /, *args: Any, **kwargs: Any) -> str:
        """Return what the macro writes."""
        state.budget.step()
        if len(args) > len(self._defaults):
            raise ArgumentFault(f"macro `{self._name}` takes {len(self._defaults)} arguments", offset=offset)
        given = dict(zip(self._defaults, args, strict=False)) | kwargs
        unknown = next((name for name in kwargs if name not in self._defaults), None)
        if unknown is not None:
            raise ArgumentFault(f"macro `{self._name}` has no argument `{scalar_text(unknown)}`", offset=offset)
        variables = {name: given[name] if name in given else value(state) for name, value in self._defaults.items()}
        return state.isolated(variables, self._body, {})
