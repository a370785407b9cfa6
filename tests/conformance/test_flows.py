"""Every case of ``flows.yaml``: flows are loaded, started and acted upon, and all that the case expects is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from jupyter_gov.errors import GovError
from tests.conformance import flow_expectations
from tests.conformance.actions import FIRST, run_action
from tests.conformance.cases import parametrize
from tests.conformance.execution_expectations import settled_state
from tests.conformance.failure import Unmet, judge
from tests.conformance.world import World, is_ended

FILE = "flows.yaml"
KEYS = frozenset(
    [
        "id",
        "group",
        "flow_file",
        "flow_inline",
        "namespace",
        "flow_id",
        "also_load",
        "inputs",
        "inputs_are_untyped_strings",
        "labels",
        "files",
        "env",
        "config",
        "secrets",
        "kv",
        "namespace_files",
        "actions",
        "expect",
        "needs",
        "notes",
        "timing",
    ]
)
"""Keys of a case; ``needs``, ``notes`` and ``timing`` are for people."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, FILE)


def test_case(case: dict[str, Any], make_world: Any) -> None:
    judge(lambda: run(make_world(case), case))


def run(world: World, case: Mapping[str, Any]) -> list[str]:
    """Play a case and return what is not as it says."""
    unknown = [f"unknown case key `{key}`" for key in case if key not in KEYS]
    if unknown:
        return unknown
    expect: Mapping[str, Any] = case.get("expect") or {}
    prepare(world, case)
    actions = list(case.get("actions") or [])
    problems: list[str] = []
    while actions and FIRST & set(actions[0]):
        problems += run_action(world, actions.pop(0))
    if world.main is None and not world.triggered:
        start(world, expect)
    for entry in actions:
        problems += run_action(world, entry)
    if world.main is not None and expect and not world.deleted:
        await_end(world, expect)
    return problems + flow_expectations.final(world, expect)


def prepare(world: World, case: Mapping[str, Any]) -> None:
    """Load the flows and whatever the case says is stored before."""
    world.register(world.source)
    for other in case.get("also_load") or []:
        world.register(world.flow_text(other))
    for namespace, pairs in (case.get("kv") or {}).items():
        for key, value in pairs.items():
            world.put_value(namespace, key, value)
    for path, content in (case.get("namespace_files") or {}).items():
        world.put_namespace_file(path, str(content))


def start(world: World, expect: Mapping[str, Any]) -> None:
    """Start the flow; a refusal is kept if the case is about it."""
    refusable = {"start_error", "start_error_contains"} & set(expect)
    try:
        world.runs.append(world.start(world.request()))
    except GovError as error:
        if not refusable:
            raise Unmet(f"the start was refused: {type(error).__name__} {error}") from error
        world.raised = error


def await_end(world: World, expect: Mapping[str, Any]) -> None:
    """Wait until the execution has ended, or is in the state in which the case leaves it."""
    wanted = settled_state(expect)
    from tests.conformance.world import ACTOR

    found = world.gov.executions.wait(
        world.subject.id,
        ACTOR,
        until=lambda one: is_ended(one) or one.state is wanted,
        timeout=world.left,
    )
    if is_ended(found):
        # What runs after the end (afterExecution, triggered flows) still belongs to the case.
        world.gov.settle(world.left)
    elif wanted is None and not {"state_not", "trigger_variables", "execution_created"} & set(expect):
        raise Unmet(f"it did not end in time: {found.state}")
