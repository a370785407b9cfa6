"""Every example in the documentation of a task runs as it is printed; every property has a description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_gov.plugins.api import RunnableTask, TypedModel
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.plugins.testing import TestContext, run_task
from jupyter_gov.tasks import CATALOGUE
from tests.tasks.web import web

OURS = ("jupyter_gov.tasks.core", "jupyter_gov.tasks.script", "jupyter_gov.tasks.duckdb", "jupyter_gov.tasks.agent")
OURS += tuple(f"jupyter_gov.tasks.{name}" for name in ("kv", "state", "storage", "http", "namespace"))
REGISTRY = Registry()
TYPES = sorted({place: name for name, place in CATALOGUE.items() if place.startswith(OURS)}.values())
VARIABLES: dict[str, Any] = {
    "flow": {"id": "demo", "namespace": "company.team"},
    "execution": {"id": "x", "startDate": "2026-01-02T03:04:05Z"},
    "inputs": {},
    "outputs": {},
}


def examples() -> list[Any]:
    found = []
    for name in TYPES:
        for number, text in enumerate(REGISTRY.load(name).examples):
            found.append(pytest.param(text, id=f"{name.rpartition('.')[2]}-{number}"))
    return found


@pytest.mark.parametrize("text", examples())
def test_example(text: str, tmp_path: Path) -> None:
    task = yaml.safe_load(text)
    model = REGISTRY.load(task.pop("type"))
    assert task.pop("id")
    if model.kind == "trigger":
        model.model_validate(task)
        return
    assert issubclass(model, RunnableTask)
    context = TestContext(tmp_path, variables=VARIABLES)
    line = b'{"key": "k", "value": 2}\n'
    files = {name: context.files.put_bytes(line, name) for name in ("file", "items")}
    with web() as server:
        context.variables = {**VARIABLES, "inputs": {**files, "url": f"{server.url}/example"}}
        run_task(model, task, context=context)


@pytest.mark.parametrize("name", TYPES)
def test_documentation(name: str) -> None:
    model = REGISTRY.load(name)
    assert model.examples
    assert model.__doc__ != TypedModel.__doc__
    assert (model.__doc__ or "").strip()
    missing = [field for field, info in model.model_fields.items() if not info.description]
    assert missing == []


@pytest.mark.parametrize("name", TYPES)
def test_names_and_aliases_are_in_the_catalogue(name: str) -> None:
    model = REGISTRY.load(name)
    for known in (model.type_name, *model.aliases):
        assert REGISTRY.load(known) is model
