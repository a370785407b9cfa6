"""What can be said about a template without rendering it: which names it reads, what it should no longer use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from jinja2 import nodes

from jupyter_gov.errors import Location
from jupyter_gov.lang.expr.names import named
from jupyter_gov.lang.expr.registry import FILTERS, FUNCTIONS


@dataclass(frozen=True, slots=True)
class Advice:
    """Something in a template that works here but should be written otherwise.

    Attributes
    ----------
    name
        The filter or function.
    message
        What is wrong with it and what to write instead.
    location
        Where in the template.
    """

    name: str
    message: str
    location: Location


def paths(tree: nodes.Template) -> frozenset[tuple[str, ...]]:
    """Return the paths of constant keys that a template reads, such as ``("outputs", "a", "value")``.

    A path ends where a key is computed. Names that the template sets itself are left out.
    """
    return frozenset(_paths(tree, _own_names(tree)))


def _own_names(tree: nodes.Template) -> frozenset[str]:
    stored = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    return frozenset(stored | ({"loop"} if tree.find(nodes.For) else set()))


def _paths(node: nodes.Node, own: frozenset[str]) -> Iterator[tuple[str, ...]]:
    keys: list[str] = []
    inner = node
    while isinstance(inner, (nodes.Getattr, nodes.Getitem)):
        key = nodes.Const(inner.attr) if isinstance(inner, nodes.Getattr) else inner.arg
        if isinstance(key, nodes.Const) and key.value is not None:
            keys.insert(0, str(key.value))
        else:
            keys.clear()
            yield from _paths(key, own)
        inner = inner.node
    if isinstance(inner, nodes.Name):
        if inner.ctx == "load" and inner.name not in own:
            yield (inner.name, *keys)
        return
    for child in _children(inner):
        yield from _paths(child, own)


def _children(node: nodes.Node) -> Iterator[nodes.Node]:
    # The name of a called function is no variable.
    excluded = ("node",) if isinstance(node, nodes.Call) else None
    yield from node.iter_child_nodes(exclude=excluded)


@dataclass(frozen=True, slots=True)
class Use:
    """A filter or function that a template uses.

    Attributes
    ----------
    offset
        Where in the template.
    keywords
        Names of the arguments that are given by name.
    """

    kind: Literal["function", "filter"]
    name: str
    offset: int
    keywords: tuple[str, ...]


def uses(tree: nodes.Template) -> Iterator[Use]:
    """Yield every filter and function of a template."""
    for node in tree.find_all((nodes.Filter, nodes.Call)):
        call = isinstance(node, nodes.Call)
        name = named(node.node) if isinstance(node, nodes.Call) else cast("nodes.Filter", node).name
        keywords = tuple(one.key for one in cast("nodes.Call", node).kwargs or ())
        yield Use("function" if call else "filter", name, node.lineno, keywords)


_PLAIN = re.compile(r"[\w.\[\]'\"/-]+")


def advice(tree: nodes.Template, text: str) -> Iterator[tuple[str, str, int]]:
    """Yield name, message and offset of every filter and function with a better spelling."""
    for node in tree.find_all((nodes.Filter, nodes.Call)):
        if isinstance(node, nodes.Call):
            name = named(node.node)
            target = FUNCTIONS.get(name)
        else:
            name = cast("nodes.Filter", node).name
            target = FILTERS.get(name)
        if target is not None and target.advice is not None:
            yield name, target.advice.format(left=_left_of(text, node.lineno)), node.lineno


def _left_of(text: str, offset: int) -> str:
    """Return what a filter stands on if that is a simple path, for the corrected form."""
    start = text.rfind("{{", 0, offset)
    left = text[start + 2 : offset].rpartition("|")[0].partition("|")[0].strip("- \n")
    return left if start >= 0 and _PLAIN.fullmatch(left) else "…"
