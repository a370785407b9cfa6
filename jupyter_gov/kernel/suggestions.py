"""What may stand at a place of a flow or of a test file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from jupyter_gov.errors import LanguageError
from jupyter_gov.kernel.expression_words import in_expression
from jupyter_gov.kernel.outline import Declared, Outline, at, outline
from jupyter_gov.kernel.yaml_context import Place
from jupyter_gov.lang.docs import Page, Property, page
from jupyter_gov.lang.docs.catalogue import flow_properties, task_properties, test_properties, trigger_properties
from jupyter_gov.lang.docs.text import facts
from jupyter_gov.lang.flowtest.models import UNIT_TEST
from jupyter_gov.lang.models.examples import CONDITIONS
from jupyter_gov.lang.models.inputs import INPUT_SPECS
from jupyter_gov.lang.models.triggers import CORE_TRIGGERS
from jupyter_gov.plugins.registry import Registry

_TASK_LISTS = frozenset({"tasks", "errors", "finally", "then", "else", "defaults", "afterExecution", "task"})
_INPUT_LISTS = frozenset({"inputs", "onResume"})
_PARTS = {"taskRunner": ".runner.", "tools": ".tool.", "provider": ".provider."}
_CONDITION = "io.kestra.plugin.core.condition."


class Word(NamedTuple):
    """A word and what it is, in a few words."""

    text: str
    kind: str


@cache
def registry() -> Registry:
    """Return the types of this installation."""
    return Registry()


@lru_cache(maxsize=256)
def page_of(name: str) -> Page | None:
    """Return the page of a type that is named in full, or None."""
    try:
        return page(registry(), name) if "." in name or name in INPUT_SPECS else None
    except LanguageError:
        return None


def in_flow(place: Place, text: str) -> Iterable[Word]:
    """Return the words that may stand at a place of a flow."""
    found = outline(text)
    if place.path is not None:
        return (Word(*word) for word in in_expression(place, found, registry()))
    if place.key == "type":
        return (Word(name, "type") for name in _types(place))
    ids = _ids(place, found)
    if ids is not None:
        return (Word(name, "task") for name in ids)
    known = properties_at(place, found)
    if place.key is None:
        return _keys(known, place)
    return _values(known, place.key)


def in_tests(place: Place) -> Iterable[Word]:
    """Return the words that may stand at a place of a test file."""
    if place.path is not None:
        return (Word(*word) for word in in_expression(place, Outline(), registry(), more=("files",)))
    known = _below(_of_tests(), place.keys)
    if place.key is None:
        return _keys(known, place)
    return [Word(UNIT_TEST, "type")] if place.key == "type" else _values(known, place.key)


def property_at(place: Place, text: str, name: str, *, tests: bool) -> Property | None:
    """Return what is known of the key ``name`` at a place of a flow, or of a test file."""
    known = _below(_of_tests(), place.keys) if tests else properties_at(place, outline(text))
    return next((one for one in known if one.name == name), None)


@cache
def _of_flow() -> tuple[Property, ...]:
    return flow_properties()


@cache
def _of_tests() -> tuple[Property, ...]:
    return test_properties()


@cache
def _of_tasks() -> tuple[Property, ...]:
    return task_properties()


@cache
def _of_triggers() -> tuple[Property, ...]:
    return trigger_properties()


def _keys(known: Iterable[Property], place: Place) -> Iterator[Word]:
    return (Word(f"{one.name}:", facts(one)) for one in known if one.name not in place.siblings)


def _values(known: Iterable[Property], key: str) -> Iterator[Word]:
    for one in known:
        if one.name == key:
            yield from (Word(choice, "value") for choice in one.choices)
            yield from (Word(choice, "value") for choice in ("true", "false") if "boolean" in one.type)


def properties_at(place: Place, found: Outline) -> list[Property]:
    """Return the properties of the map in which a place is."""
    named = page_of(place.siblings.get("type", "").strip("\"' "))
    if not _is_item(place):
        return _inside(place, found, named)
    return [*{one.name: one for one in (*_head(place, found, named), *_own(named))}.values()]


def _is_item(place: Place) -> bool:
    """Return whether the map is a task, a trigger or an input."""
    last = place.keys[-1] if place.keys else ""
    return last in _TASK_LISTS | _INPUT_LISTS or "cases" in place.keys[-2:] or place.keys == ("triggers",)


def _head(place: Place, found: Outline, named: Page | None) -> Iterator[Property]:
    """Yield what every item of the list has."""
    if place.keys == ("triggers",):
        yield from _below(_of_triggers(), ())
    elif place.keys[-1] in _INPUT_LISTS:
        yield from _of_tasks()[:2]
        known = named or page_of("STRING")
        yield from (*known.common, *known.properties) if known else ()
    else:
        yield from _items_of_dag(place, found)
        yield from _below(_of_tasks(), ())


def _inside(place: Place, found: Outline, named: Page | None) -> list[Property]:
    """Return the properties of a map that is part of an item, or of the flow."""
    owner = _owner(place, found) if place.keys else None
    if named is not None:
        return _own(named)
    if owner is None:
        return _below(_of_flow(), place.keys)
    around = page_of(owner.type)
    shared = _of_triggers() if owner.path == ("triggers",) else _of_tasks()
    return _below((*(around.properties if around else ()), *shared), place.keys[len(owner.path) :])


def _own(found: Page | None) -> list[Property]:
    return [] if found is None else _below(found.properties, ())


def _below(known: Iterable[Property], keys: Sequence[str]) -> list[Property]:
    """Return the properties of the map below these keys, under their last names."""
    prefix = "".join(f"{key}." for key in keys)
    names = ((one.name.replace("[]", ""), one) for one in known)
    return [
        _renamed(one, rest)
        for name, one in names
        if name.startswith(prefix) and "." not in (rest := name.removeprefix(prefix))
    ]


def _renamed(one: Property, name: str) -> Property:
    return (
        one
        if one.name == name
        else Property(name, one.type, one.description, one.required, one.default, one.choices, one.deprecated)
    )


def _owner(place: Place, found: Outline) -> Declared | None:
    declared = found.triggers if place.keys[0] == "triggers" else found.tasks
    return at(declared, place, place.column - 1)


def _dag(place: Place, found: Outline) -> Declared | None:
    """Return the Dag in whose list a place is."""
    around = [task for task in found.tasks if task.line <= place.line and task.column < place.column]
    return next((task for task in reversed(around) if task.type.endswith(".Dag")), None)


def _items_of_dag(place: Place, found: Outline) -> list[Property]:
    if place.keys[-1] != "tasks" or len(place.keys) < 2 or _dag(place, found) is None:
        return []
    task = Property("task", "map", "The task.", required=True)
    return [task, Property("dependsOn", "list of text", "Ids of tasks of this list that must have ended.")]


def _ids(place: Place, found: Outline) -> list[str] | None:
    """Return the ids that may stand in ``dependsOn``; None elsewhere."""
    if place.keys[-2:] == ("dependsOn", "inputs") or (place.keys[-1:] == ("dependsOn",) and place.key == "inputs"):
        return [one.id for one in found.inputs]
    if place.key != "dependsOn" and not (place.key is None and place.keys[-1:] == ("dependsOn",)):
        return None
    dag = _dag(place, found)
    if dag is None:
        return None
    beside = [task for task in found.tasks if task.inside and task.inside[-1] == dag.id]
    before = [task for task in beside if task.line <= place.line]
    return [task.id for task in beside if task is not before[-1]] if before else [task.id for task in beside]


def _types(place: Place) -> Iterable[str]:
    last = place.keys[-1] if place.keys else ""
    if last in _INPUT_LISTS:
        return INPUT_SPECS
    if last == "retry":
        return ("constant", "exponential", "random")
    if last == "conditions":
        return [f"{_CONDITION}{name}" for name in CONDITIONS]
    names = registry().names()
    if place.keys == ("triggers",):
        return [*(name for name in names if ".trigger." in name), *{info.name for info in CORE_TRIGGERS.values()}]
    if last in _PARTS:
        return [name for name in names if _PARTS[last] in name]
    return names
