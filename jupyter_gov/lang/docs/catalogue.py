"""All types that have a page, and the page of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from pydantic import BaseModel

from jupyter_gov.errors import LanguageError
from jupyter_gov.lang.diagnostics import closest, closest_type
from jupyter_gov.lang.docs.pages import Page, Property, described, properties
from jupyter_gov.lang.flowtest.models import FlowTestsSpec
from jupyter_gov.lang.models.conditions import Condition
from jupyter_gov.lang.models.examples import CONDITIONS, INPUTS
from jupyter_gov.lang.models.flow_specs import FlowSpec, TaskSpec
from jupyter_gov.lang.models.inputs import INPUT_SPECS, InputSpec
from jupyter_gov.lang.models.retry import ConstantRetry, ExponentialRetry, RandomRetry
from jupyter_gov.lang.models.triggers import CORE_TRIGGERS, TriggerSpec
from jupyter_gov.lang.ports import TypeCatalogue, TypeInfo
from jupyter_gov.lang.schema import OTHER_LISTS, TASK_LISTS, lenient, model_schema, type_schema

_KINDS: Mapping[str, str] = {"runnable": "task", "flowable": "task", "trigger": "trigger", "nested": "part of a task"}
_HEAD = ("id", "type")
_HEADS = (
    Property("id", "text", "Name, unique in the flow.", required=True),
    Property("type", "text", "Name of the type.", required=True),
)
_RETRIES = ("constant", "exponential", "random")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list of all types; ``group`` is the heading below which it stands."""

    name: str
    kind: str
    group: str
    summary: str
    deprecated: bool = False


def entries(catalogue: TypeCatalogue) -> list[Entry]:
    """Return all types by group: tasks, what stands inside of them, triggers, conditions, inputs."""
    infos = sorted(_infos(catalogue).values(), key=lambda info: (_order(info), info.name))
    found = [_entry(info.name, _KINDS[info.kind], info.model, bool(info.deprecated)) for info in infos]
    found += [_entry(name, "condition", model) for name, model in _conditions().items()]
    found += [_entry(name, "input", spec) for name, spec in INPUT_SPECS.items()]
    return found


def _order(info: TypeInfo) -> tuple[int, str]:
    return (["task", "part of a task", "trigger"].index(_KINDS[info.kind]), info.name.rpartition(".")[0])


def _entry(name: str, kind: str, model: type[BaseModel], deprecated: bool = False) -> Entry:
    group = "Inputs" if kind == "input" else f"{_heading(kind)} {name.rpartition('.')[0]}"
    return Entry(name, kind, group, described(model)[0], deprecated)


def _heading(kind: str) -> str:
    return "Parts of tasks" if kind == "part of a task" else f"{kind.capitalize()}s"


def flow_properties() -> tuple[Property, ...]:
    """Return the properties of a flow itself."""
    lists = [Property(name, "list of maps", text) for name, text in (*TASK_LISTS.items(), *OTHER_LISTS.items())]
    return (*properties(_schema(FlowSpec)), *lists)


def task_properties() -> tuple[Property, ...]:
    """Return the properties that every task has, those of each way to retry among them."""
    retries = (one for model in (ConstantRetry, ExponentialRetry, RandomRetry) for one in properties(_schema(model)))
    kinds = Property("retry.type", "choice", "How the time between attempts grows.", required=True, choices=_RETRIES)
    named = {one.name: replace(one, name=f"retry.{one.name}") for one in retries if one.name != "type"}
    return (*_HEADS, *properties(_schema(TaskSpec)), kinds, *named.values())


def trigger_properties() -> tuple[Property, ...]:
    """Return the properties that every trigger has."""
    return (*_HEADS, *properties(_schema(TriggerSpec)))


def test_properties() -> tuple[Property, ...]:
    """Return the properties of a test file."""
    return properties(_schema(FlowTestsSpec))


def _infos(catalogue: TypeCatalogue) -> dict[str, TypeInfo]:
    found = (catalogue.find(name) for name in catalogue.names())
    infos = {info.name: info for info in found if info is not None}
    return {**infos, **{info.name: info for info in CORE_TRIGGERS.values() if info.name not in infos}}


def _conditions() -> dict[str, type[BaseModel]]:
    union = get_args(get_args(Condition)[0])
    return {_tags(model)[0]: model for model in union}


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(map(str, get_args(model.model_fields["type"].annotation)))


def page(catalogue: TypeCatalogue, name: str) -> Page:
    """Return the page of a type, named in full, by an older name, or by its last part if that says which.

    Raises
    ------
    LanguageError
        ``GOV904``: there is no such type, or several are meant.
    """
    info = catalogue.find(name) or CORE_TRIGGERS.get(name)
    if info is not None:
        return _of_type(info)
    for known, model in _conditions().items():
        if name in _tags(model):
            return _of_condition(known, model)
    if name.upper() in INPUT_SPECS:
        return _of_input(name.upper())
    return page(catalogue, _meant(catalogue, name))


def _meant(catalogue: TypeCatalogue, name: str) -> str:
    known = [*_infos(catalogue), *_conditions()]
    ends = [one for one in known if one.lower().endswith(f".{name.lower()}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise LanguageError(f"several types are called {name!r}", code="GOV904", hint=f"Name one: {', '.join(ends)}")
    problem = catalogue.problem(name)
    if problem:
        raise LanguageError(problem, code="GOV904", hint="Repair or reinstall the plugin.")
    near = closest_type(name, known) or closest(name, INPUT_SPECS)
    hint = f'did you mean "{near}"?' if near else "`jupyter gov docs` lists all types."
    raise LanguageError(f"there is no type {name[:100]!r}", code="GOV904", hint=hint)


def _of_type(info: TypeInfo) -> Page:
    schema = type_schema(info)
    common = TaskSpec if _KINDS[info.kind] == "task" else TriggerSpec if info.kind == "trigger" else None
    shared = _common(common)
    skip = [*_HEAD, *(one.name for one in shared), *info.renames]
    summary, text = described(info.model)
    return Page(
        name=info.name,
        kind=_KINDS[info.kind],
        title=info.name.rpartition(".")[2],
        summary=summary,
        text=text,
        aliases=tuple(info.aliases),
        deprecated=info.deprecated,
        examples=tuple(getattr(info.model, "examples", ())),
        properties=properties(schema, skip=skip),
        common=shared,
        outputs=info.outputs,
    )


def _common(model: type[BaseModel] | None) -> tuple[Property, ...]:
    if model is None:
        return ()
    return tuple(one for one in properties(_schema(model)) if "." not in one.name)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    schema = model_schema(model.__name__, model, definitions)
    return {**lenient(schema), "$defs": lenient(definitions)}


def _of_condition(name: str, model: type[BaseModel]) -> Page:
    summary, text = described(model)
    title = name.rpartition(".")[2]
    return Page(
        name=name,
        kind="condition",
        title=title,
        summary=summary,
        text=text,
        aliases=_tags(model)[1:],
        examples=(CONDITIONS[title],) if title in CONDITIONS else (),
        properties=properties(_schema(model), skip=_HEAD),
    )


def _of_input(name: str) -> Page:
    model = INPUT_SPECS[name]
    summary, text = described(model)
    shared = [one.name for one in _common(InputSpec) if one.name not in ("defaults", "prefill")]
    return Page(
        name=name,
        kind="input",
        title=name,
        summary=summary,
        text=text,
        examples=(INPUTS[name],) if name in INPUTS else (),
        properties=properties(_schema(model), skip=[*_HEAD, *shared]),
        common=tuple(one for one in _common(InputSpec) if one.name in shared and one.name not in _HEAD),
    )
