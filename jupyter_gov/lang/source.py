"""YAML text becomes a tree of nodes that know their place, and that still hold every scalar as written.

The tree is built from PyYAML's events (C parser), not from ``compose``: a loop cannot overflow the C stack on
``[[[[…``, counts depth while it reads, and sees duplicate keys, anchors and further documents itself. What a plain
scalar means is decided later by the property that it stands for (``models.scalars``), since ``on``, ``12:30``, dates
and ``0750`` mean other things to PyYAML than to YAML 1.2.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from jupyter_gov.errors import Location
from jupyter_gov.lang.diagnostics import Diagnostic, quoted
from jupyter_gov.lang.models.scalars import is_overlong_number
from jupyter_gov.lang.nodes import Entry, ListNode, MapNode, Node, ScalarNode, SourceTree, count_lines
from jupyter_gov.lang.syntax import syntax_problem

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_EXPANDED", "SourceTree", "load"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 100
MAX_EXPANDED = 100_000
"""Nodes of a document that uses aliases, each alias counted with everything that it stands for."""

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_KEY = "\0"
"""Stands for a key that is a list or a map; cannot come from a text."""
_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null"))
_TAGS = {"ScalarNode": _SCALAR_TAGS, "MapNode": frozenset((_TAG + "map",)), "ListNode": frozenset((_TAG + "seq",))}


def load(text: str, *, file: str | None = None) -> SourceTree:
    """Read YAML text into nodes; problems are collected, nothing is raised.

    Refused: more than 1 MB, control characters, nesting deeper than 100, aliases that expand to more than 100,000
    nodes or into themselves, duplicate keys, keys that are no text, merge keys, tags other than the standard ones,
    more than one document.
    """
    text = text.removeprefix("\ufeff")
    problem = _unreadable(text, file)
    if problem:
        return SourceTree(text, None, (problem,), file)
    builder = _Builder(text, file)
    try:
        root = builder.build()
    except yaml.MarkedYAMLError as error:
        return SourceTree(text, None, (*builder.problems, syntax_problem(text, file, error)), file)
    except _StopReadingError:
        root = None
    return SourceTree(text, root, tuple(builder.problems), file)


def _unreadable(text: str, file: str | None) -> Diagnostic | None:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return Diagnostic(
            "GOV102", "error", f"the text is larger than {MAX_BYTES // 1_000_000} MB",
            "Put long scripts and data into files.", Location(1, 1, 1, file),
        )  # fmt: skip
    bad = _FORBIDDEN.search(text)
    if bad is None:
        return None
    before = text[: bad.start()]
    column = bad.start() - max(before.rfind("\n"), before.rfind("\r"))
    return Diagnostic(
        "GOV104", "error", f"the character U+{ord(bad.group()):04X} may not stand in YAML",
        'Remove it, or write it as an escape such as "\\u001b" in double quotes.',
        Location(count_lines(before) + 1, column, 1, file),
    )  # fmt: skip


class _StopReadingError(Exception):
    """A limit is passed; the problem is already recorded."""


def _start(event: yaml.Event) -> Any:
    return event.start_mark  # the parser always sets it; only hand-made events have none


def _end(event: yaml.Event) -> int:
    mark: Any = event.end_mark
    return int(mark.index)


class _Builder:
    """Turns events into nodes, one loop, own stack."""

    def __init__(self, text: str, file: str | None) -> None:
        self.text = text
        self.file = file
        self.problems: list[Diagnostic] = []
        self._stack: list[MapNode | ListNode] = []
        self._keys: list[ScalarNode | None] = []
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None
        self._aliased = False
        self._documents = 0

    def build(self) -> Node | None:
        for event in yaml.parse(self.text, Loader=yaml.CSafeLoader):
            match event:
                case yaml.ScalarEvent():
                    self._add(self._scalar(event), event.anchor)
                case yaml.MappingStartEvent():
                    mark = _start(event)
                    self._open(MapNode(mark.line + 1, mark.column + 1, mark.index), event)
                case yaml.SequenceStartEvent():
                    mark = _start(event)
                    self._open(ListNode(mark.line + 1, mark.column + 1, mark.index), event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._close()
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent():
                    self._document(event)
        return self._root

    def _scalar(self, event: yaml.ScalarEvent) -> ScalarNode:
        mark, tag = _start(event), event.tag
        plain = event.implicit[0] if tag is None else tag in _SCALAR_TAGS and tag != _TAG + "str"
        node = ScalarNode(event.value, plain, mark.line + 1, mark.column + 1, mark.index, _end(event))
        if tag is not None:
            self._check_tag(node, tag)
        if plain and is_overlong_number(node.text):
            self._problem("GOV109", f"a number of {len(node.text)} characters is too long", node, "Put it in quotes.")
        return node

    def _check_tag(self, node: Node, tag: str) -> None:
        if tag not in _TAGS[type(node).__name__] and tag != "!":
            shown = "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
            self._problem(
                "GOV105", f"the tag {quoted(shown)} is not allowed", node,
                "Remove it; a flow holds only texts, numbers, booleans, lists and maps.",
            )  # fmt: skip

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            where = Location(_start(event).line + 1, _start(event).column + 1, 3, self.file)
            self.problems.append(
                Diagnostic("GOV106", "error", "a second YAML document starts here; one text holds one flow",
                           "Remove the line ---, or put the second flow into a text of its own.", where)
            )  # fmt: skip
            raise _StopReadingError

    def _open(self, node: MapNode | ListNode, event: yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            self._check_tag(node, event.tag)
        if len(self._stack) >= MAX_DEPTH:
            self._stop(f"nested deeper than {MAX_DEPTH} levels", node)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._stack.append(node)
        self._keys.append(None)

    def _close(self) -> None:
        node = self._stack.pop()
        self._keys.pop()
        self._add(node, None)

    def _alias(self, event: yaml.AliasEvent) -> None:
        self._aliased = True
        mark = _start(event)
        here = ScalarNode("", False, mark.line + 1, mark.column + 1, mark.index, _end(event))
        node = self._anchors.get(event.anchor or "")
        if node is None:
            self._problem("GOV101", f"no anchor &{event.anchor} stands before this alias", here)
            node = here
        elif any(open_node is node for open_node in self._stack):
            self._stop(f"the alias *{event.anchor} contains itself", here)
        self._add(node, None)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if isinstance(parent, ListNode):
            parent.items.append(node)
        else:
            self._add_to_map(parent, node)
        parent.size += node.size
        if self._aliased and parent.size > MAX_EXPANDED:
            self._stop(f"aliases expand to more than {MAX_EXPANDED:,} values", node)

    def _add_to_map(self, parent: MapNode, node: Node) -> None:
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = self._as_key(node)
            return
        self._keys[-1] = None
        former = parent.entries.get(key.text)
        if key.text == _NO_KEY:
            return
        if former is not None:
            self._problem(
                "GOV103", f"duplicate key {quoted(key.text)}; it stands in line {former.key.line} already", key,
                "Remove one of the two.",
            )  # fmt: skip
        elif key.plain and key.text == "<<":
            self._problem(
                "GOV108", 'the merge key "<<" is not part of YAML 1.2', key,
                'Write the keys out, or use pluginDefaults; a key that is really named so stands in quotes: "<<".',
            )  # fmt: skip
        else:
            parent.entries[key.text] = Entry(key, node)

    def _as_key(self, node: Node) -> ScalarNode:
        if isinstance(node, ScalarNode):
            return node
        expression = self.text[node.start - 1 : node.start + 1] == "{{"
        stand_in = ScalarNode(_NO_KEY, False, node.line, node.column, node.start, node.start + 1)
        if expression:
            message, hint = "an expression must stand in quotes", 'Write "{{ … }}": YAML reads a bare {{ as a map.'
        else:
            message, hint = "a key must be text, not a list or a map", "Write a plain word before the colon."
        self._problem("GOV107", message, stand_in, hint)
        return stand_in

    def _problem(self, code: str, message: str, node: Node, hint: str | None = None) -> None:
        length = min(node.end - node.start, 80) if isinstance(node, ScalarNode) else 1
        where = Location(node.line, node.column, max(1, length), self.file)
        self.problems.append(Diagnostic(code, "error", message, hint, where))

    def _stop(self, reason: str, node: Node) -> None:
        self._problem("GOV102", reason, node, "Flows are written by people: split this one up.")
        raise _StopReadingError
