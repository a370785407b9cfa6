"""What a page says: properties read from the JSON Schema, everything else from the class."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_DEEPEST = 3
OUTPUTS = {"trigger": "Variables, read as trigger.<name>"}
"""Heading of what a kind of type hands out, where that is no output."""
_FORMATS = {"duration": "duration", "date-time": "date and time", "date": "date", "time": "time of day"}
_EXPRESSION = r"\{[{%]"


@dataclass(frozen=True, slots=True)
class Property:
    """One property.

    Attributes
    ----------
    name
        With the names around it, such as ``checkFrequency.interval``.
    type
        In words.
    default
        As written in YAML; None if there is none.
    """

    name: str
    type: str
    description: str = ""
    required: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Everything about one type.

    Attributes
    ----------
    summary, text
        The first sentence of what it is for, and the rest.
    common
        Properties that it shares with all of its kind.
    """

    name: str
    kind: str
    title: str
    summary: str
    text: str = ""
    aliases: tuple[str, ...] = ()
    deprecated: str | None = None
    examples: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()
    common: tuple[Property, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "name": self.name,
            "kind": self.kind,
            "title": self.title,
            "description": "\n\n".join(part for part in (self.summary, self.text) if part),
            "aliases": list(self.aliases),
            "deprecated": self.deprecated,
            "examples": list(self.examples),
            "properties": [_json(one) for one in self.properties],
            "commonProperties": [_json(one) for one in self.common],
            "outputs": [{"name": name, "description": text} for name, text in self.outputs.items()],
        }


def _json(one: Property) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": one.type,
        "required": one.required,
        "default": one.default,
        "enum": list(one.choices) or None,
        "description": one.description,
        "deprecated": one.deprecated,
    }


def described(model: type) -> tuple[str, str]:
    """Return the first sentence of a class's docstring, and the rest without sections for programmers."""
    text = inspect.cleandoc(model.__doc__ or "").replace("``", "`")
    text = re.split(r"\n\n(?:Attributes|Parameters|Examples|Raises)\n-+", text)[0]
    first, _, rest = text.partition("\n\n")
    return " ".join(first.split()), rest.strip()


def properties(schema: Mapping[str, Any], *, skip: Sequence[str] = ()) -> tuple[Property, ...]:
    """Return the properties of a schema of a class, those of nested classes below their own."""
    return tuple(_walk(schema, schema.get("$defs", {}), "", frozenset(), skip))


def _walk(
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    prefix: str,
    seen: frozenset[str],
    skip: Sequence[str] = (),
) -> Iterator[Property]:
    required = schema.get("required", ())
    for name, node in schema.get("properties", {}).items():
        if not prefix and name in skip:
            continue
        yield _property(f"{prefix}{name}", node, definitions, name in required)
        inner = _inner(node, definitions)
        if inner is not None and inner not in seen and len(seen) < _DEEPEST:
            mark = "[]." if _is_list(node) else "."
            yield from _walk(definitions[inner], definitions, f"{prefix}{name}{mark}", seen | {inner})


def _property(name: str, node: Mapping[str, Any], definitions: Mapping[str, Any], required: bool) -> Property:
    default = node.get("default")
    return Property(
        name=name,
        type=type_words(node, definitions),
        description=str(node.get("description", "")),
        required=required,
        # The properties inside of a map tell their own defaults.
        default=None if default in (None, []) or isinstance(default, Mapping) else _written(default),
        choices=_choices(node, definitions),
        deprecated=bool(node.get("deprecated")),
    )


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def _options(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a value may be, without nothing, references followed."""
    if "$ref" in node:
        return _options(definitions.get(_name(node), {}), definitions) or [{}]
    found = node.get("anyOf") or node.get("oneOf")
    if found is None:
        return [] if node.get("type") == "null" else [node]
    return [option for one in found for option in _options(one, definitions)]


def _name(node: Mapping[str, Any]) -> str:
    return str(node["$ref"]).removeprefix("#/$defs/")


def type_words(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return the type of a value in words."""
    options = _options(node, definitions)
    found = [_one(option, definitions) for option in options if option.get("pattern") != _EXPRESSION]
    words = dict.fromkeys(sorted(found, key=lambda one: one.startswith(("list", "map"))))
    if any(option.get("pattern") == _EXPRESSION for option in options):
        words["expression"] = None
    return " or ".join(words) or "anything"


def _one(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    kinds = node.get("type")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if "enum" in node or "const" in node:
        kind = "choice"
    match kind:
        case "string":
            return _FORMATS.get(str(node.get("format")), "text")
        case "array":
            items = node.get("items") or {}
            return f"list of {_plural(type_words(items, definitions))}" if items else "list"
        case "object":
            values = node.get("additionalProperties")
            inside = type_words(values, definitions) if isinstance(values, Mapping) and values else "anything"
            return "map" if inside == "anything" or node.get("properties") else f"map of {_plural(inside)}"
        case None:
            return "map" if "allOf" in node else "anything"
        case _:
            return "whole number" if kind == "integer" else str(kind)


def _plural(words: str) -> str:
    return {"map": "maps", "whole number": "whole numbers", "number": "numbers", "choice": "choices"}.get(words, words)


def _choices(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for option in _options(node, definitions):
        items = option.get("items")
        for value in (*option.get("enum", ()), *(_choices(items, definitions) if isinstance(items, Mapping) else ())):
            found[_written(value)] = None
        if "const" in option:
            found[_written(option["const"])] = None
    return tuple(found)


def _is_list(node: Mapping[str, Any]) -> bool:
    kinds = [one.get("type") for one in (node, *node.get("anyOf", ()))]
    return any(kind == "array" or (isinstance(kind, list) and "array" in kind) for kind in kinds)


def _inner(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str | None:
    """Return the one class that stands in a value, or in the items of a list, if there is just one."""
    found = {name for name in _references(node) if "properties" in definitions.get(name, {})}
    return found.pop() if len(found) == 1 else None


def _references(node: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in node:
        yield _name(node)
    for one in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _references(one)
    items = node.get("items")
    if isinstance(items, Mapping):
        yield from _references(items)


def sections(page: Page) -> tuple[str, ...]:
    """Return the headings of a page, in order."""
    parts = (
        ("Example" if len(page.examples) == 1 else "Examples", page.examples),
        ("Properties", page.properties),
        (OUTPUTS.get(page.kind, "Outputs"), page.outputs),
    )
    return tuple(name for name, content in parts if content)
