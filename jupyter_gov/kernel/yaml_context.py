"""Where in a flow the cursor stands, read from the text before it: no parser, since the text is half written."""

from __future__ import annotations

import re
from dataclasses import dataclass

_KEY = re.compile(r"^(?P<indent> *)(?P<dash>(?:- +)*)(?P<key>[\w.\-]+):(?P<rest>\s.*|)$")
_EXPRESSION = re.compile(
    r"\{[{%](?P<before>[^}]*?)(?P<path>[A-Za-z_][\w.\-]*(?:\[['\"][\w\-]*['\"]\][\w.\-]*)*(?:\[['\"][\w\-]*)?)?$"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The cursor in a flow.

    Attributes
    ----------
    keys
        Keys that enclose the cursor's mapping, outermost first.
    siblings
        Keys and values that the mapping has so far.
    key
        The key whose value is being written; None while a key itself is.
    fragment
        What is typed of the word to complete.
    path
        The expression before the cursor, such as ``outputs.tr``; None outside of ``{{ }}``.
    before
        What stands in the braces before that path.
    column
        Where the content of the line begins.
    line
        Number of the line, from 0.
    """

    keys: tuple[str, ...]
    siblings: dict[str, str]
    key: str | None
    fragment: str
    path: str | None = None
    before: str = ""
    column: int = 0
    line: int = 0


def place(text: str) -> Place:
    """Return where the end of ``text`` stands; ``text`` is the flow up to the cursor."""
    *before, line = text.split("\n")
    expression = _EXPRESSION.search(line)
    indent = _content_indent(line)
    keys, siblings = _enclosing(before, line, indent)
    if expression is not None:
        path = expression["path"] or ""
        fragment = re.split(r"[.\['\"]", path)[-1]
        return Place(keys, siblings, None, fragment, path, expression["before"], indent, len(before))
    found = _KEY.match(line)
    if found and (found["rest"] or line.endswith(":")):
        rest = found["rest"].strip()
        # Of a list in one line the last item is being written.
        fragment = re.split(r"[\[,]\s*", rest)[-1] if rest.startswith("[") else rest
        return Place(keys, siblings, found["key"], fragment, column=indent, line=len(before))
    return Place(keys, siblings, None, line.strip().removeprefix("-").strip(), column=indent, line=len(before))


def _content_indent(line: str) -> int:
    """Return the column of the content after spaces and list dashes."""
    match = re.match(r" *(?:- +|-$)*", line)
    return match.end() if match else 0


def _enclosing(before: list[str], line: str, indent: int) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the keys around the cursor, outermost first, and the keys beside it; reads upwards."""
    keys: list[str] = []
    siblings: dict[str, str] = {}
    limit, in_mapping = indent, not _starts_item(line)
    for text in reversed(before):
        if limit == 0 and keys:
            break  # nothing encloses a key of the flow itself
        if (keys or not in_mapping) and text.startswith(" " * limit):
            continue  # it stands deeper than everything that is looked for
        found = _KEY.match(text)
        if found is None:
            continue
        column = _content_indent(text)
        if column == indent and in_mapping and not keys:
            siblings[found["key"]] = found["rest"].strip()
        elif column < limit:
            keys.append(found["key"])
            limit = column
        if column <= indent and _starts_item(text):
            in_mapping = False
    return tuple(reversed(keys)), siblings


def _starts_item(line: str) -> bool:
    return line.lstrip().startswith("-")
