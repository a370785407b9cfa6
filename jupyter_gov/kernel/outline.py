"""What a half-written flow declares, read line by line: no parser, since the text does not parse while it is typed.

One pass over the lines, with a column for each key that is open: a flow of a thousand tasks takes some milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from jupyter_gov.kernel.yaml_context import Place

_LINE = re.compile(
    r"^(?P<indent> *)(?:(?P<dashes>(?:- +)*)(?P<quote>[\"']?)(?P<key>[\w.\-]+)(?P=quote) *:(?=\s|$) *(?P<rest>.*)"
    r"|(?P<item>-.*))$",
    re.MULTILINE,
)
_INLINE = re.compile(r"([\w\-]+):\s*([\"']?)([\w.\-]+)\2\s*(?=[,}])")
_HEAD = frozenset({"id", "name", "type"})
_LISTS = frozenset({"tasks", "errors", "finally", "afterExecution", "then", "else", "defaults"})


@dataclass(frozen=True, slots=True)
class Declared:
    """An item of a list that has an id: a task, an input, a trigger.

    Attributes
    ----------
    line
        Number of its first line, from 0.
    path
        Keys around it, outermost first.
    inside
        Ids of the tasks around it, outermost first.
    """

    id: str
    type: str
    line: int
    column: int
    path: tuple[str, ...]
    inside: tuple[str, ...] = ()


@dataclass(slots=True)
class Outline:
    """What a flow declares, in the order of the text."""

    tasks: list[Declared] = field(default_factory=list)
    inputs: list[Declared] = field(default_factory=list)
    triggers: list[Declared] = field(default_factory=list)
    names: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    """Keys of maps that are no tasks, by the keys around them: ``("variables",)``, ``("variables", "a")``, …"""


@dataclass(slots=True)
class _Item:
    """A list item that is being read."""

    line: int
    column: int
    path: tuple[str, ...]
    id: str | None = None
    type: str = ""


@lru_cache(maxsize=4)
def outline(text: str) -> Outline:
    """Return what a text declares."""
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self._found = Outline()
        self._open: list[tuple[int, str]] = []
        self._items: list[_Item] = []
        self._block = -1

    def read(self, text: str) -> Outline:
        number = position = 0
        for match in _LINE.finditer(text):
            number += text.count("\n", position, match.start())
            position = match.start()
            self._line(number, match)
        self._close(-1)
        self._found.tasks.sort(key=lambda task: task.line)
        return self._found

    def _line(self, number: int, match: re.Match[str]) -> None:
        indent = len(match["indent"])
        if self._block >= 0:
            if indent > self._block:
                return  # text of a block scalar
            self._block = -1
        dashes = match["dashes"] if match["item"] is None else "- "
        column = indent + len(dashes)
        if not dashes and self._tells_nothing(column, match["key"], match["rest"]):
            return
        if dashes:
            self._close(indent)
            self._pop(indent + 1)
            self._items.append(_Item(number, column, self._path()))
        else:
            self._close(column)
            self._pop(column)
        if match["item"] is not None:
            self._inline(match["item"])
            return
        rest = match["rest"]
        self._key(number, column, match["key"], rest)
        self._open.append((column, match["key"]))
        if rest.startswith(("|", ">")):
            self._block = indent if not dashes else column - 1

    def _tells_nothing(self, column: int, key: str, rest: str) -> bool:
        """Return whether a line is a plain value of an item: most lines are, and nothing depends on them."""
        plain = bool(rest) and rest[0] not in "|>{[#" and key not in _HEAD
        return plain and bool(self._items) and self._items[-1].column <= column

    def _key(self, number: int, column: int, key: str, rest: str) -> None:
        item = self._items[-1] if self._items else None
        if item is not None and item.column != column and self._open and self._open[-1][1] == "task":
            # An item of a Dag holds its task one level deeper.
            item = _Item(number, column, self._path())
            self._items.append(item)
        if item is not None and item.column == column and key in _HEAD:
            word = rest.partition(" #")[0].strip("\"' ")
            if key == "type":
                item.type = word
            elif item.id is None or key == "id":
                item.id = word
        elif item is None:
            self._found.names.setdefault(self._path(), []).append(key)

    def _inline(self, text: str) -> None:
        pairs = {name: value for name, _, value in _INLINE.findall(text)}
        if "id" in pairs:
            self._items[-1].id, self._items[-1].type = pairs["id"], pairs.get("type", "")

    def _path(self) -> tuple[str, ...]:
        return tuple(key for _, key in self._open)

    def _pop(self, column: int) -> None:
        while self._open and self._open[-1][0] >= column:
            self._open.pop()

    def _close(self, column: int) -> None:
        """End the items to which a line of this column does not belong."""
        while self._items and self._items[-1].column > column:
            self._end(self._items.pop())

    def _end(self, item: _Item) -> None:
        if item.id is None:
            return
        inside = tuple(one.id for one in self._items if one.id is not None)
        made = Declared(item.id, item.type, item.line, item.column, item.path, inside)
        root, last = (item.path[0], item.path[-1]) if item.path else ("", "")
        if item.path == ("inputs",):
            self._found.inputs.append(made)
        elif item.path == ("triggers",):
            self._found.triggers.append(made)
        elif root in _LISTS and (last in _LISTS or last == "task" or "cases" in item.path[-2:]):
            self._found.tasks.append(made)


def at(declared: list[Declared], place: Place, column: int) -> Declared | None:
    """Return the innermost of these items to which a place belongs, if its content begins in this column."""
    return next(
        (
            one
            for one in reversed(declared)
            if one.line <= place.line and one.column <= column and one.path == place.keys[: len(one.path)]
        ),
        None,
    )


def ids(found: list[Declared]) -> Iterator[str]:
    """Yield the ids of what was declared."""
    return (one.id for one in found)
