"""Every type tells what it is: the page, the JSON Schema, and examples that the check has nothing to say about.

Who adds a type adds these texts: a docstring whose first sentence says what it is for, a description of each property
and output, and at least one example.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from jupyter_gov.lang.check import check
from jupyter_gov.lang.docs import Entry, entries, page
from jupyter_gov.lang.schema import flow_schema
from jupyter_gov.plugins.api import FlowableTask, Output, RunnableTask, TypedModel
from jupyter_gov.plugins.nested import NestedType
from jupyter_gov.plugins.registry import Registry

REGISTRY = Registry()
ENTRIES = entries(REGISTRY)
SCHEMA = flow_schema(REGISTRY)
LOG: Mapping[str, Any] = {"id": "log", "type": "io.kestra.plugin.core.log.Log", "message": "hello"}
OPEN_OUTPUTS = {"io.kestra.plugin.core.templating.TemplatedTask"}
"""Types whose outputs nobody knows before they run: those of the task that the text becomes."""
INHERITED = {base.__doc__ for base in (TypedModel, RunnableTask, FlowableTask, NestedType)}


def flow_with(entry: Entry, example: Any) -> dict[str, Any]:
    """Return a flow that holds an example where it belongs."""
    flow: dict[str, Any] = {"id": "example", "namespace": "company.team", "tasks": [dict(LOG)]}
    match entry.kind:
        case "task" | "part of a task":  # the example of a part is a task that has it
            flow["tasks"] = [example]
        case "trigger":
            flow["triggers"] = [example]
        case "condition":
            of_dates = {"type": "io.kestra.plugin.core.trigger.Schedule", "cron": "@daily"}
            of_executions = {"type": "io.kestra.plugin.core.trigger.Flow"}
            dated = any(one.name == "date" for one in page(REGISTRY, entry.name).properties)
            flow["triggers"] = [{"id": "t", **(of_dates if dated else of_executions), "conditions": [example]}]
        case "input":
            flow["inputs"] = [example]
    for name in {name for name in _read(example, "inputs") if entry.kind != "input"}:
        flow.setdefault("inputs", []).append({"id": name, "type": "STRING"})
    return flow


def _read(value: Any, root: str) -> Iterator[str]:
    from jupyter_gov.lang import expr

    if isinstance(value, str) and "{" in value:
        yield from (path[1] for path in expr.references(value) if path[:1] == (root,) and len(path) > 1)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _read(item, root)
    elif isinstance(value, list):
        for item in value:
            yield from _read(item, root)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_type_has_a_page(entry: Entry) -> None:
    found = page(REGISTRY, entry.name)
    assert found.summary, f"{entry.name}: its docstring must say what it is for"
    assert found.summary not in {str(text).partition("\n")[0] for text in INHERITED}, f"{entry.name}: no docstring"
    lacking = [one.name for one in (*found.properties, *found.common) if not one.description]
    assert not lacking, f"{entry.name}: properties without description"
    silent = [name for name, text in found.outputs.items() if not text]
    assert not silent, f"{entry.name}: outputs without description"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_its_examples_pass_the_check(entry: Entry) -> None:
    found = page(REGISTRY, entry.name)
    assert found.examples, f"{entry.name}: no example"
    for text in found.examples:
        example = yaml.safe_load(text)
        checked = check(yaml.safe_dump(flow_with(entry, example), sort_keys=False), REGISTRY)
        # That a type is old, has no effect yet or differs from Kestra's is a remark, and no fault of its example.
        remarks = [one for one in checked.diagnostics if one.is_error or one.code not in {"GOV160", "GOV163", "GOV170"}]
        assert not remarks, [(one.code, one.message) for one in remarks]
        assert any(entry.name == name for name in _types(example)), f"the example does not use {entry.name}"


def _types(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield value["type"]
        for item in value.values():
            yield from _types(item)
    elif isinstance(value, list):
        for item in value:
            yield from _types(item)


@pytest.mark.parametrize("entry", [one for one in ENTRIES if one.kind == "task"], ids=lambda entry: entry.name)
def test_a_task_that_hands_back_outputs_tells_them(entry: Entry) -> None:
    info = REGISTRY.find(entry.name)
    assert info is not None
    if not issubclass(info.model, RunnableTask) or entry.name in OPEN_OUTPUTS:
        return
    written = info.model.run.__annotations__.get("return")
    hands_back = written not in (None, "None")
    assert bool(info.outputs) is hands_back, (
        f"{entry.name}: annotate run with an {Output.__name__} class, or write output_docs"
    )


def lacking(where: str, node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, inner in (node.get("properties") or {}).items():
            if "description" not in inner and "$ref" not in inner:
                yield f"{where}.{name}"
            yield from lacking(f"{where}.{name}", inner)
        for key in ("items", "additionalProperties"):
            yield from lacking(where, node.get(key))
        for key in ("anyOf", "oneOf"):
            for inner in node.get(key, ()):
                yield from lacking(where, inner)


def test_the_schema_describes_every_property_of_every_class() -> None:
    definitions = {"Flow": {key: value for key, value in SCHEMA.items() if key != "$defs"}, **SCHEMA["$defs"]}
    assert not sorted({found for name, node in definitions.items() for found in lacking(name, node)})


def test_the_schema_describes_and_exemplifies_every_type() -> None:
    families = {"Task", "Trigger", "Input"}
    plain = [name for name, node in SCHEMA["$defs"].items() if name not in families and not node.get("description")]
    assert not plain
    for entry in ENTRIES:
        name = entry.name.rpartition(".")[2]
        found = [node for key, node in SCHEMA["$defs"].items() if key == entry.name or key.endswith(f":{name}")]
        if entry.kind != "input":
            assert any(node.get("examples") for node in found), entry.name
    for key, node in SCHEMA["$defs"].items():
        assert not key.startswith("Input.") or ":" in key or node["examples"], key
