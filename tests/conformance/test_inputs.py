"""Every case of ``inputs.yaml``: definitions are registered in a flow, values handed over at its start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from jupyter_gov.domain.execution import Execution
from jupyter_gov.errors import GovError, InputError
from jupyter_gov.lang.models.flow import InputDef
from jupyter_gov.service.api import StartRequest
from tests.conformance.cases import parametrize
from tests.conformance.error_words import says
from tests.conformance.failure import Unmet, judge
from tests.conformance.matchers import MISSING, at_path, mismatch
from tests.conformance.registry import differs
from tests.conformance.world import ACTOR, World

FILE = "inputs.yaml"
KEYS = frozenset(
    ["id", "group", "input", "inputs", "supplied", "expect", "needs", "notes", "context", "env", "config", "secrets"]
)
PLACE = ("io.kestra.tests", "inputs")
NOT_OFFERED = "no such value is offered"
_LEGAL = re.compile(r"[A-Za-z0-9][.\w-]*")


@dataclass
class Asked:
    """What came of a case: the execution, or why there is none."""

    world: World
    declared: Sequence[Mapping[str, Any]]
    given: Mapping[str, Any]
    execution: Execution | None = None
    error: GovError | None = None

    @property
    def name(self) -> str:
        """The id of the one input."""
        return str(self.declared[0].get("id", self.declared[0].get("name")))

    @property
    def value(self) -> Any:
        """The value of the one input, or of all of them if the case has several."""
        if self.execution is None:
            raise Unmet(f"the start was refused: {self.error}")
        whole = "inputs" in self.world.case
        return self.execution.inputs if whole else at_path(self.execution.inputs, self.name)

    def definition(self) -> InputDef:
        """Return the one input as registered."""
        revision = self.world.gov.flows.get(*PLACE, ACTOR)
        return self.world.gov.flows.load(revision).inputs[0]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, FILE)


def test_case(case: dict[str, Any], make_world: Any) -> None:
    judge(lambda: run(make_world(case), case))


def run(world: World, case: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as the case says."""
    yield from (f"unknown case key `{key}`" for key in case if key not in KEYS)
    asked = ask(world, case)
    expect = case["expect"]
    if (
        asked.error is not None
        and "error" not in expect
        and "resolved" not in expect
        and "values_offered" not in expect
    ):
        yield f"refused: {asked.error}"
        return
    for name, wanted in expect.items():
        check = _CHECKS.get(name)
        if check is None:
            yield f"unknown field `{name}`"
            continue
        try:
            yield from (f"{name}: {problem}" for problem in check(asked, wanted))
        except Unmet as error:
            yield f"{name}: {error}"


def ask(world: World, case: Mapping[str, Any]) -> Asked:
    """Register the definitions and start with the values."""
    variables = context_of(case)
    declared = [_declared(one, variables, case) for one in case.get("inputs") or [case["input"]]]
    supplied = case.get("supplied")
    given: dict[str, Any] = {}
    if "inputs" in case:
        given = dict(supplied or {})
    elif supplied is not None:
        given = {str(declared[0].get("id", declared[0].get("name"))): supplied}
    given = {name: _value(world, name, value) for name, value in given.items()}
    asked = Asked(world, declared, given)
    flow = {"id": PLACE[1], "namespace": PLACE[0], "inputs": declared, "variables": variables}
    task = {"id": "log", "type": "io.kestra.plugin.core.log.Log", "message": "started"}
    try:
        world.register(str(yaml.safe_dump({**flow, "tasks": [task]}, sort_keys=False)))
        asked.execution = world.gov.executions.start(request(world, given), ACTOR)
    except GovError as error:
        asked.error = error
    world.main = asked.execution
    return asked


def request(world: World, given: Mapping[str, Any]) -> StartRequest:
    """Return the start with these values; they are typed and checked as those of people are."""
    return StartRequest(*PLACE, inputs=given, workdir=str(world.folder))


def context_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that the case says expressions see (``context values: [V1, V2]``)."""
    if isinstance(case.get("context"), Mapping):
        return dict(case["context"])
    found = re.match(r"context (\w+): (\[[^\]]*\])", str(case.get("notes", "")))
    return {} if found is None else {found[1]: yaml.safe_load(found[2])}


def _declared(spec: Mapping[str, Any], variables: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    declared = dict(spec)
    for name in variables:
        # A flow gives its expressions variables below `vars`.
        expression = str(declared.get("expression", ""))
        declared["expression"] = re.sub(rf"\b{name}\b", f"vars.{name}", expression)
    if "id" in declared and not _LEGAL.fullmatch(str(declared["id"])) and not case["expect"].get("error"):
        # The original asks about a name that is no input at all; what holds for any input of this type holds for it.
        declared["id"] = "unnamed"
    return declared


def _value(world: World, name: str, value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"file", "content"}:
        return world.put_file(str(value["file"]), str(value["content"]), name)
    return value


# --- the fields of expect ---------------------------------------------------------------------------------------


def _check_value(asked: Asked, wanted: Any) -> Iterator[str]:
    if reason := mismatch(wanted, asked.value, asked.world, exact=True):
        yield reason
    elif isinstance(wanted, (int, float)) and type(asked.value) is not type(wanted):
        yield f"expected a {type(wanted).__name__}, got {asked.value!r}"


def _not_value(asked: Asked, wanted: Any) -> Iterator[str]:
    if asked.value is MISSING or asked.value == wanted:
        yield f"got {asked.value!r}"


def _decrypts(asked: Asked, wanted: Any) -> Iterator[str]:
    if reason := mismatch({"decrypts_to": wanted}, asked.value, asked.world):
        yield reason


def _error(asked: Asked, wanted: bool) -> Iterator[str]:
    if (asked.error is not None) is not wanted:
        yield f"expected {wanted}, got {asked.error or asked.value!r}"


def _error_contains(asked: Asked, wanted: str) -> Iterator[str]:
    if asked.error is None or not says(str(asked.error), wanted):
        yield f"expected {wanted!r}, got {asked.error}"


def _resolved(asked: Asked, wanted: Any) -> Iterator[str]:
    """``true``: the definition can be resolved, with at most a value missing; a list: what became of each input."""
    if wanted is True:
        problems = asked.error.problems if isinstance(asked.error, InputError) else ()  # type: ignore[attr-defined]
        if asked.error is not None and (not problems or any(one.code != "GOV201" for one in problems)):
            yield f"got {asked.error}"
        return
    found = _each(asked)
    yield from differs([entry["id"] for entry in wanted], list(found))
    for entry in wanted:
        yield from (f"unknown field `{name}`" for name in set(entry) - {"id", "value", "enabled", "error"})
        value, enabled, error = found.get(entry["id"], (None, None, None))
        if enabled is not entry["enabled"]:
            yield f"{entry['id']}: expected enabled {entry['enabled']}, got {enabled}"
        if bool(error) is not bool(entry.get("error")):
            yield f"{entry['id']}: expected error {entry.get('error')}, got {error}"
        if reason := mismatch(entry.get("value"), value, asked.world, exact=True):
            yield f"{entry['id']}: {reason}"


def _each(asked: Asked) -> dict[str, tuple[Any, bool, Any]]:
    """Return ``(value, enabled, error)`` per input: of the start, or of the dry run if the start was refused."""
    if asked.execution is not None:
        values = {str(one["id"]): at_path(asked.execution.inputs, str(one["id"])) for one in asked.declared}
        return {
            name: (None if value is MISSING else value, value is not MISSING, None) for name, value in values.items()
        }
    each = asked.world.call("executions.check_inputs", request(asked.world, asked.given), ACTOR)
    return {one.definition.id: (one.value, one.enabled, list(one.problems)) for one in each}


def _offered(asked: Asked, wanted: list[str]) -> Iterator[str]:
    """Hand over a value that is none of those offered: the refusal lists them."""
    kind = str(asked.declared[0]["type"])
    value = [NOT_OFFERED] if kind == "MULTISELECT" else NOT_OFFERED
    try:
        asked.world.gov.executions.start(request(asked.world, {asked.name: value}), ACTOR)
    except InputError as error:
        listing = f"[{', '.join(wanted)}]"
        if not says(str(error), f"it must match the values `{listing}`"):
            yield f"expected {listing}, got {error}"
    else:
        yield f"{value!r} was taken"


def _extension(asked: Asked, wanted: str) -> Iterator[str]:
    props = asked.definition().props
    yield from differs(wanted, props.get("extension", ".upl"))


def _resolved_id(asked: Asked, wanted: str) -> Iterator[str]:
    yield from differs(wanted, asked.definition().id)


def _key_present(asked: Asked, wanted: bool) -> Iterator[str]:
    yield from differs(wanted, asked.value is not MISSING)


_CHECKS: Mapping[str, Callable[[Asked, Any], Iterator[str]]] = {
    "value": _check_value,
    "not_value": _not_value,
    "decrypts_to": _decrypts,
    "error": _error,
    "error_contains": _error_contains,
    "resolved": _resolved,
    "resolved_id": _resolved_id,
    "values_offered": _offered,
    "file_extension": _extension,
    "key_present": _key_present,
}
