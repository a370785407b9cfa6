"""The JSON Schema accepts every valid text of the corpus, refuses plain mistakes, and describes every type."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from jupyter_gov.lang.check import check
from jupyter_gov.lang.nodes import plain_data
from jupyter_gov.lang.schema import flow_schema, type_schema
from jupyter_gov.lang.source import load
from jupyter_gov.plugins.registry import Registry

FLOWS = Path(__file__).parents[2] / "flows"
REGISTRY = Registry()
SCHEMA = flow_schema(REGISTRY)
VALIDATOR = Draft202012Validator(SCHEMA)


def data(path: Path) -> object:
    root = load(path.read_text(encoding="utf-8")).root
    return None if root is None else plain_data(root)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


# Values that the checker reads with a warning, an editor underlines; older names of keys it strikes through.
OLD_SPELLINGS = {"older-spellings": [["inputs", 0, "required"]],
                 "yaml-scalars": [["tasks", 2, "disabled"]]}  # fmt: skip


@pytest.mark.parametrize("path", sorted((FLOWS / "valid").glob("*.yaml")), ids=lambda path: path.stem)
def test_valid_texts(path: Path) -> None:
    found = {tuple(error.absolute_path): error.message for error in VALIDATOR.iter_errors(data(path))}
    assert sorted(map(list, found)) == OLD_SPELLINGS.get(path.stem, []), found


@pytest.mark.parametrize(
    "name",
    ["no-map", "missing-keys", "no-tasks", "unknown-key", "unknown-type", "task-without-head", "bad-ids", "wrong-kinds",
     "gate-form", "triggers"],
)  # fmt: skip
def test_invalid_texts(name: str) -> None:
    if name == "gate-form":  # the form is a list of free maps to the schema; the behaviour is not
        assert any(
            "MAYBE" in error.message for error in VALIDATOR.iter_errors(data(FLOWS / "invalid" / "gate-form.yaml"))
        )
    assert not VALIDATOR.is_valid(data(FLOWS / "invalid" / f"{name}.yaml"))


def test_every_type_has_a_description_and_known_keys() -> None:
    for name in REGISTRY.names():
        info = REGISTRY.find(name)
        if info is None or info.name != name:
            continue
        found = type_schema(info)
        Draft202012Validator.check_schema(found)
        assert found.get("description"), name
        assert "type" in found["properties"], name


def test_what_is_rendered_accepts_expressions() -> None:
    subflow = SCHEMA["$defs"]["io.kestra.plugin.core.flow.Subflow"]["properties"]
    assert {"type": "string", "pattern": r"\{[{%]"} in subflow["inputs"]["anyOf"]
    assert "anyOf" not in subflow["wait"]


def test_choices_examples_and_slots() -> None:
    definitions = SCHEMA["$defs"]
    branch = definitions["io.kestra.plugin.core.flow.If"]
    assert branch["properties"]["then"]["items"] == {"$ref": "#/$defs/Task"}
    assert branch["examples"]
    log = definitions["io.kestra.plugin.core.log.Log"]
    assert "message" in log["required"]
    assert "io.kestra.core.tasks.log.Log" in definitions["Task"]["properties"]["type"]["enum"]
    assert "io.kestra.plugin.core.trigger.Schedule" in definitions["Trigger"]["properties"]["type"]["examples"]


@pytest.mark.parametrize(
    "text",
    [
        "retry: {type: constant, interval: PT1S, maxAttempt: 3}\n",
        "inputs: [{name: old, type: STRING}]\n",
        "inputs: [{id: many, type: MULTISELECT, options: [a, b]}]\n",
    ],
)
def test_older_names_of_keys_are_known_as_they_are_to_the_checker(text: str) -> None:
    flow = f"id: f\nnamespace: n\ntasks: [{{id: t, type: io.kestra.plugin.core.log.Log, message: x}}]\n{text}"
    assert not check(flow, REGISTRY).errors
    assert not [*VALIDATOR.iter_errors(plain_data(load(flow).root))]
