"""Pages of types: what they say of properties, and how a type is found by its name."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_gov.errors import LanguageError
from jupyter_gov.lang.docs import Property, entries, page, page_text
from jupyter_gov.lang.docs.pages import type_words
from jupyter_gov.plugins.registry import Registry

REGISTRY = Registry()


def prop(type_name: str, name: str) -> Property:
    [found] = [one for one in page(REGISTRY, type_name).properties if one.name == name]
    return found


@pytest.mark.parametrize(
    ("type_name", "name", "expected"),
    [
        ("Log", "message", ("text or list of text or expression", True, None, ())),
        ("Log", "level", ("choice or expression", False, "INFO", ("ERROR", "WARN", "INFO", "DEBUG", "TRACE"))),
        ("ForEach", "concurrencyLimit", ("whole number", False, "1", ())),
        ("LoopUntil", "checkFrequency.interval", ("duration", False, "PT1M", ())),
        ("LoopUntil", "checkFrequency", ("map", False, None, ())),
        ("If", "then", ("list of maps", False, None, ())),
        ("shell.Commands", "interpreter", ("list of text or expression", False, '["/bin/sh", "-c"]', ())),
        ("Not", "conditions", ("list of maps", True, None, ())),
        ("SELECT", "values", ("list of text", False, None, ())),
        ("Flow", "preconditions.flows[].namespace", ("text", True, None, ())),
    ],
)
def test_properties(type_name: str, name: str, expected: tuple[Any, ...]) -> None:
    found = prop(type_name, name)
    shown = (found.type, found.required, found.default, tuple(sorted(found.choices)))
    assert shown == (*expected[:3], tuple(sorted(expected[3])))
    assert found.description


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        ({"type": ["string", "number", "boolean"]}, "text"),
        ({"type": "array"}, "list"),
        ({"type": "array", "items": {"type": "integer"}}, "list of whole numbers"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map of text"),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, "date and time"),
        ({"$ref": "#/$defs/Unknown"}, "anything"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_words(schema, {}) == words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("io.kestra.plugin.core.log.Log", "io.kestra.plugin.core.log.Log"),
        ("io.kestra.core.tasks.log.Log", "io.kestra.plugin.core.log.Log"),
        ("log.log", "io.kestra.plugin.core.log.Log"),
        ("Schedule", "io.kestra.plugin.core.trigger.Schedule"),
        ("io.kestra.core.models.conditions.types.DayWeekCondition", "io.kestra.plugin.core.condition.DayWeek"),
        ("select", "SELECT"),
        ("kv.Delete", "io.kestra.plugin.core.kv.Delete"),
    ],
)
def test_a_type_is_found_by_any_of_its_names(name: str, found: str) -> None:
    assert page(REGISTRY, name).name == found


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Lg", 'did you mean "io.kestra.plugin.core.log.Log"?'),
        ("SELEKT", 'did you mean "SELECT"?'),
        ("Delete", "kv.Delete"),
        ("no.such.thing.at.all", "lists all types"),
        ("", "lists all types"),
    ],
)
def test_what_there_is_not(name: str, hint: str) -> None:
    with pytest.raises(LanguageError, match="GOV904") as caught:
        page(REGISTRY, name)
    assert hint in (caught.value.hint or "")


def test_a_broken_plugin_says_why() -> None:
    with pytest.raises(LanguageError, match="cannot be loaded"):
        page(Registry({"example.Broken": "no_such_module:Broken"}), "example.Broken")


def test_the_text_of_a_page_holds_everything_and_fits() -> None:
    for entry in entries(REGISTRY):
        found = page(REGISTRY, entry.name)
        text = page_text(found)
        for word in (found.name, *(one.name for one in found.properties), *found.outputs, *found.aliases):
            assert word in text
        examples = "\n".join(found.examples)
        assert not [line for line in text.split("\n") if len(line) > 100 and line.strip() not in examples], entry.name


def test_types_of_third_parties_have_pages_too() -> None:
    registry = Registry({"example.Fixture": "jupyter_gov.tasks.fixture:Fixture"})
    assert any(entry.group == "Tasks jupyter_gov.tests" for entry in entries(registry))
