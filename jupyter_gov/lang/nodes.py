"""Nodes of a YAML text: every value with its place, every scalar as written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jupyter_gov.errors import Location
from jupyter_gov.lang.diagnostics import Diagnostic
from jupyter_gov.lang.models.scalars import core_value


@dataclass(slots=True, eq=False)
class ScalarNode:
    """A scalar as written.

    Attributes
    ----------
    text
        The text after quotes, escapes and folding.
    plain
        Whether it may be something else than text: it has no quotes.
    start, end
        Character offsets in the source, quotes included.
    """

    text: str
    plain: bool
    line: int
    column: int
    start: int
    end: int
    size: int = 1

    def value(self) -> Any:
        """Return the value by the core schema of YAML 1.2."""
        return core_value(self.text) if self.plain else self.text


@dataclass(slots=True, eq=False)
class Entry:
    """One ``key: value``."""

    key: ScalarNode
    value: Node


@dataclass(slots=True, eq=False)
class MapNode:
    """A map; keys are always text."""

    line: int
    column: int
    start: int
    entries: dict[str, Entry] = field(default_factory=dict)
    size: int = 1

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value


@dataclass(slots=True, eq=False)
class ListNode:
    """A list."""

    line: int
    column: int
    start: int
    items: list[Node] = field(default_factory=list)
    size: int = 1


Node = ScalarNode | MapNode | ListNode


def plain_data(node: Node) -> Any:
    """Return a node as plain data, untyped values by the core schema."""
    if isinstance(node, ScalarNode):
        return node.value()
    if isinstance(node, MapNode):
        return {key: plain_data(entry.value) for key, entry in node.entries.items()}
    return [plain_data(item) for item in node.items]


def scalars(node: Node) -> Iterator[ScalarNode]:
    """Yield every scalar below a node, keys included, in the order of the text."""
    stack: list[Node] = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, ScalarNode):
            yield top
        elif isinstance(top, MapNode):
            for entry in reversed(top.entries.values()):
                stack += (entry.value, entry.key)
        else:
            stack.extend(reversed(top.items))


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A text, its nodes (None if it cannot be read at all), and what is wrong with it as YAML."""

    text: str
    root: Node | None
    problems: tuple[Diagnostic, ...] = ()
    file: str | None = None

    def locate(self, node: Node) -> Location:
        """Return where a node stands."""
        if isinstance(node, ScalarNode):
            end = min(node.end, (self.text.find("\n", node.start) + 1 or len(self.text) + 1) - 1)
            return Location(node.line, node.column, max(1, end - node.start), self.file)
        return Location(node.line, node.column, 1, self.file)

    def locate_inside(self, node: ScalarNode, offset: int, length: int = 1) -> Location:
        """Return where a character of a scalar's text stands, through quotes, escapes, folding and indentation."""
        source = _aligned(self.text, node, offset)
        begin = source
        while begin > 0 and self.text[begin - 1] not in "\r\n":
            begin -= 1
        return Location(
            node.line + count_lines(self.text[node.start : source]), source - begin + 1, max(1, length), self.file
        )


def _aligned(source: str, node: ScalarNode, offset: int) -> int:
    # White space is where folding and escapes differ from the source, so only the other characters are matched.
    if offset == 0 and node.plain:
        return node.start
    first = source[node.start : node.start + 1]
    if not node.plain and first in ("|", ">"):
        position = source.find("\n", node.start, node.end) + 1 or node.start
    else:
        position = node.start + (not node.plain and first in ("'", '"'))
    last = position
    for index, char in enumerate(node.text):
        if char.isspace():
            continue
        found = source.find(char, position, node.end)
        if found < 0:
            break
        if index >= offset:
            return found
        position, last = found + 1, found
    return last


def count_lines(text: str) -> int:
    """Return how many line breaks a text holds."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")
