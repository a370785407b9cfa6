"""JSON Schema of a flow, made from the same classes that check it, for editors, completion and documentation.

The schema is as lenient as the language where JSON cannot say it better: a text may be written as a number or
boolean, and any property that is rendered accepts an expression. What only ``lang.check`` knows (names that must
exist, patterns of expressions) is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from jupyter_gov.lang.models.examples import CONDITIONS, INPUTS
from jupyter_gov.lang.models.flow_specs import FlowSpec, TaskSpec
from jupyter_gov.lang.models.inputs import INPUT_SPECS
from jupyter_gov.lang.models.triggers import CORE_TRIGGERS, TriggerSpec
from jupyter_gov.lang.nodes import plain_data
from jupyter_gov.lang.ports import SlotKind, TypeCatalogue, TypeInfo
from jupyter_gov.lang.source import load

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TASKS = {"type": ["array", "null"], "items": {"$ref": "#/$defs/Task"}}
_SLOTS: Mapping[SlotKind, dict[str, Any]] = {
    "list": _TASKS,
    "one": {"anyOf": [{"$ref": "#/$defs/Task"}, {"type": "null"}]},
    "map": {"type": ["object", "null"], "additionalProperties": _TASKS},
    "dag": {
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "properties": {
                "task": {"$ref": "#/$defs/Task", "description": "The task."},
                "dependsOn": {
                    "type": ["array", "null"],
                    "items": {"type": "string"},
                    "description": "Ids of the tasks of this list that must have ended before it begins.",
                },
            },
            "required": ["task"],
            "additionalProperties": False,
        },
    },
}
_SLOT_WORDS = {
    "tasks": "The tasks inside.",
    "then": "Tasks that run when the condition holds.",
    "else": "Tasks that run when it does not.",
    "cases": "Value -> the tasks that run for it.",
    "defaults": "Tasks that run when no case fits.",
    "errors": "Tasks that run when one inside has failed for good.",
    "finally": "Tasks that run in any case, after the others.",
    "onPause": "A task that runs first, such as a message to those who shall answer.",
}
TASK_LISTS = {
    "tasks": "What the flow does, one task after the other.",
    "errors": "Tasks that run when a task has failed for good.",
    "finally": "Tasks that run in any case, before the execution ends.",
    "afterExecution": "Tasks that run after the execution has ended.",
}
OTHER_LISTS = {
    "inputs": "Values that whoever starts the flow gives.",
    "triggers": "What starts the flow by itself.",
}
_HEAD: dict[str, Any] = {
    "id": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_-]*$", "description": "Name, unique in the flow."},
    "type": {"type": "string", "description": "Name of the type."},
}


def flow_schema(catalogue: TypeCatalogue) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a flow that may use every type of a catalogue.

    Types whose plugin is broken are left out.
    """
    infos = _types(catalogue)
    definitions: dict[str, Any] = {}
    root = model_schema("Flow", FlowSpec, definitions)
    for name, description in TASK_LISTS.items():
        root["properties"][name] = {**_TASKS, "description": description}
    root["properties"]["tasks"] |= {"type": "array", "minItems": 1}
    for name, description in OTHER_LISTS.items():
        items = {"$ref": f"#/$defs/{name.removesuffix('s').capitalize()}"}
        root["properties"][name] = {"type": ["array", "null"], "items": items, "description": description}
    root["properties"]["taskDefaults"] = root["properties"]["pluginDefaults"] | {"deprecated": True}
    root["properties"]["extend"] = {"type": "object", "description": "Metadata of a blueprint; without effect."}
    root["required"] = ["id", "namespace", "tasks"]
    tasks = [info for info in infos if info.kind in ("runnable", "flowable")]
    triggers = [*(info for info in infos if info.kind == "trigger"), *_distinct(CORE_TRIGGERS.values())]
    definitions["Task"] = _family(tasks, TaskSpec, definitions)
    definitions["Trigger"] = _family(triggers, TriggerSpec, definitions, closed=False)
    definitions["Input"] = _inputs(definitions)
    for info in infos:
        if info.kind == "nested":
            definitions[info.name] = _typed(info, None, definitions)
    return {"$schema": DIALECT, "title": "Flow", **lenient(root), "$defs": lenient(definitions)}


def type_schema(info: TypeInfo) -> dict[str, Any]:
    """Return the JSON Schema of one type, with what every task has."""
    definitions: dict[str, Any] = {"Task": {"type": "object"}}
    common = TaskSpec if info.kind in ("runnable", "flowable") else TriggerSpec if info.kind == "trigger" else None
    schema = _typed(info, common, definitions)
    return {"$schema": DIALECT, **lenient(schema), "$defs": lenient(definitions)}


def _types(catalogue: TypeCatalogue) -> list[TypeInfo]:
    found = (catalogue.find(name) for name in catalogue.names())
    return _distinct(info for info in found if info is not None)


def _distinct(infos: Iterable[TypeInfo]) -> list[TypeInfo]:
    return list({info.name: info for info in infos}.values())


def _family(
    infos: Sequence[TypeInfo], common: type[BaseModel], definitions: dict[str, Any], *, closed: bool = True
) -> dict[str, Any]:
    """Return the schema of something whose ``type`` decides what else may stand in it."""
    names = [name for info in infos for name in (info.name, *info.aliases)]
    cases = []
    for info in infos:
        definitions[info.name] = _typed(info, common, definitions)
        cases.append(_case([info.name, *info.aliases], info.name))
    kind: dict[str, Any] = {"type": "string", "description": "Name of the type."}
    kind |= {"enum": names} if closed else {"examples": names}
    return {
        "type": "object",
        "required": ["id", "type"],
        "properties": {"id": _HEAD["id"], "type": kind},
        "allOf": cases,
    }


def _case(names: Sequence[str], definition: str) -> dict[str, Any]:
    condition = {"properties": {"type": {"enum": list(names)}}, "required": ["type"]}
    return {"if": condition, "then": {"$ref": f"#/$defs/{definition}"}}


def _typed(info: TypeInfo, common: type[BaseModel] | None, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = model_schema(info.name, info.model, definitions)
    properties = dict(_HEAD) if common is not None else {"type": _HEAD["type"]}
    properties |= model_schema(f"{info.name}.common", common, definitions)["properties"] if common is not None else {}
    properties |= schema.get("properties", {})
    for name, kind in info.slots.items():
        properties[name] = {**_SLOTS[kind], "description": _SLOT_WORDS.get(name, f"Tasks of the branch {name}.")}
    for old, rename in info.renames.items():
        properties.setdefault(old, {"deprecated": True, "description": f"Write {rename.to}: {rename.reason}."})
    # A renamed key may stand for a required one; the checker says more about it than a schema could.
    renamed = {rename.to for rename in info.renames.values()}
    schema["required"] = [name for name in schema.get("required", []) if name not in renamed]
    schema |= {"title": info.name.rpartition(".")[2], "properties": properties}
    if info.deprecated:
        schema["deprecated"] = True
    examples = [_example(text) for text in getattr(info.model, "examples", ())]
    return schema | ({"examples": examples} if examples else {})


def _example(text: str) -> Any:
    root = load(text).root
    return None if root is None else plain_data(root)


def _inputs(definitions: dict[str, Any]) -> dict[str, Any]:
    classes: dict[type[BaseModel], list[str]] = {}
    for name, spec in INPUT_SPECS.items():
        classes.setdefault(spec, []).append(name)
    cases = []
    for cls, names in classes.items():
        key = f"Input.{cls.__name__}"
        definitions[key] = model_schema(key, cls, definitions)
        definitions[key]["properties"]["name"] = {"deprecated": True, "description": "Write id."}
        definitions[key]["properties"]["type"] |= {"description": "Type of the value."}
        definitions[key]["examples"] = [_example(INPUTS[name]) for name in names]
        definitions[key]["required"] = [one for one in definitions[key].get("required", []) if one != "id"]
        cases.append(_case(names, key))
    kind = {"enum": list(INPUT_SPECS), "description": "Type of the value."}
    return {"type": "object", "required": ["type"], "properties": {"type": kind}, "allOf": cases}


def model_schema(name: str, model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a class; the classes inside it go into ``definitions`` under names of their own."""
    try:
        schema = model.model_json_schema(ref_template=f"#/$defs/{name}:{{model}}")
    except PydanticInvalidForJsonSchema:
        # A third party's type may hold what JSON Schema cannot describe; it can be used all the same.
        schema = {"type": "object", "description": model.__doc__ or ""}
    if "$ref" in schema:  # a class that holds itself
        schema = {**schema["$defs"][model.__name__], "$defs": schema["$defs"]}
    for inner, definition in schema.pop("$defs", {}).items():
        definitions[f"{name}:{inner}"] = _described(inner, _opened(definition))
    schema.setdefault("properties", {})
    return schema


def _described(inner: str, definition: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a nested class with what stands in no field of it."""
    if "type" in definition.get("properties", {}):
        definition["properties"]["type"].setdefault("description", _HEAD["type"]["description"])
    if inner in CONDITIONS:
        definition["examples"] = [_example(CONDITIONS[inner])]
    return definition


def _opened(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the base of a family of nested types: its members have further keys."""
    properties = definition.get("properties", {})
    if set(properties) == {"type"} and not {"const", "enum"} & set(properties["type"]):
        return definition | {"additionalProperties": True}
    return definition


_EXACT = frozenset({"enum", "const", "format", "pattern"})


def lenient(schema: Any) -> Any:
    """Return a schema in which every text may also be written as a number or a boolean, and anything as null."""
    if isinstance(schema, Mapping):
        changed = {key: lenient(value) for key, value in schema.items()}
        if changed.get("type") == "string" and not _EXACT & set(changed):
            changed["type"] = ["string", "number", "boolean"]
        return changed
    return [lenient(item) for item in schema] if isinstance(schema, list) else schema
