"""Names of filters, functions and tests in a template: which is meant, and do its arguments fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from jinja2 import nodes

from jupyter_gov.lang.expr.faults import ArgumentFault, UnknownNameFault
from jupyter_gov.lang.expr.parser import did_you_mean
from jupyter_gov.lang.expr.registry import FILTERS, FUNCTIONS, TESTS, Callable

Invocation = nodes.Filter | nodes.Test | nodes.Call
_RENAMED: Final = {"dateFormat": "date", "numberformat": "numberFormat", "tojson": "toJson", "count": "length"}
# Functions of Kestra that would do work of a task while a text is rendered.
_ELSEWHERE: Final = {
    "http": "Fetch it in a task of type `io.kestra.plugin.core.http.Request` and read its output.",
    "subflow": "Run it in a task of type `io.kestra.plugin.core.flow.Subflow` and read its outputs.",
    "appLink": "There are no apps here.",
}
_TABLES: Final = {"filter": FILTERS, "function": FUNCTIONS, "test": TESTS}


def named(node: nodes.Node) -> str:
    """Return the name that a ``Name`` node stands for."""
    return cast("nodes.Name", node).name


def target_of(kind: str, name: str, offset: int, macros: Iterable[str]) -> Callable:
    """Return the filter, function or test of a name.

    Raises
    ------
    UnknownNameFault
        ``GOV153``: there is none.
    """
    target = _TABLES[kind].get(name)
    if target is None:
        known = [*_TABLES[kind], *(macros if kind == "function" else ())]
        hint = _of_another_kind(kind, name) or did_you_mean(name, known)
        raise UnknownNameFault(f"no {kind} is called `{name}`", offset=offset, hint=hint)
    return target


def _of_another_kind(kind: str, name: str) -> str | None:
    if kind == "function" and name in _ELSEWHERE:
        return _ELSEWHERE[name]
    if kind == "filter" and name in FUNCTIONS:
        return f"`{name}` is a function: write `{name}(…)`."
    if kind == "function" and name in FILTERS:
        return f"`{name}` is a filter: write `… | {name}`."
    return f"Write `{_RENAMED[name]}`." if kind == "filter" and name in _RENAMED else None


def check_arguments(kind: str, target: Callable, node: Invocation) -> None:
    """Look whether the arguments that are written fit.

    Raises
    ------
    ArgumentFault
        ``GOV154``: too many, unknown, twice, or missing.
    """
    if target.variadic:
        node.kwargs = []
        return
    shown = f"{kind} `{target.name}`"
    names = [one.name for one in target.parameters]
    takes = f"It takes: {', '.join(names)}." if names else "It takes no arguments."
    if len(node.args) > len(names):
        raise ArgumentFault(f"{shown} is given too many arguments", offset=node.lineno, hint=takes)
    given = names[: len(node.args)]
    for pair in node.kwargs:
        key = str(pair.key)
        if key not in names or key in given:
            problem = f"is given `{key}` twice" if key in given else f"has no argument `{key}`"
            raise ArgumentFault(f"{shown} {problem}", offset=pair.lineno, hint=did_you_mean(key, names) or takes)
        given.append(key)
    for one in target.parameters:
        if one.required and one.name not in given:
            raise ArgumentFault(f"{shown} needs the argument `{one.name}`", offset=node.lineno, hint=takes)
