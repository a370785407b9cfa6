"""The older state store: per flow or namespace, per value of a loop or for all, merged, with a warning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_gov.lang.check import check
from tests.runtime.rig import run_of
from tests.tasks.alone import Alone, alone

STATE = "io.kestra.plugin.core.state."


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Alone]:
    with alone(tmp_path) as found:
        yield found


def test_set_merges(task: Alone) -> None:
    text = task.flow(
        {"type": STATE + "Set", "data": {"a": 1, "b": "{{ 1 + 1 }}"}},
        {"type": STATE + "Set", "data": {"b": [3], "c": None}},
        {"type": STATE + "Get"},
    )
    ended = task.rig.wait(task.rig.start(text))
    assert run_of(ended, "t0").outputs == {"count": 2, "key": "f1_states_default"}
    assert run_of(ended, "t1").outputs == {"count": 3, "key": "f1_states_default"}
    assert run_of(ended, "t2").outputs == {"count": 3, "data": {"a": 1, "b": [3], "c": None}}
    again = task.rig.wait(task.rig.start(text))
    assert run_of(again, "t0").outputs == {"count": 3, "key": "f1_states_default"}


def test_other_flows_and_names_have_their_own(task: Alone) -> None:
    task.outputs("state.Set", data={"a": 1})
    assert task.outputs("state.Get") == {"count": 0, "data": {}}
    task.outputs("state.Set", data={"a": 1}, namespace=True, name="shared")
    assert task.outputs("state.Get", namespace="{{ true }}", name="{{ 'shared' }}") == {"count": 1, "data": {"a": 1}}
    assert task.outputs("state.Get", namespace=True) == {"count": 0, "data": {}}


def test_per_value_of_a_loop(task: Alone) -> None:
    inner = [
        {"id": "own", "type": STATE + "Set", "data": {"{{ taskrun.value }}": "x"}},
        {"id": "all", "type": STATE + "Set", "data": {"{{ taskrun.value }}": "x"}, "taskrunValue": False},
    ]
    loop = {"type": "io.kestra.plugin.core.flow.ForEach", "values": ["a", "b"], "tasks": inner}
    ended = task.execution(loop)
    counts = [(run_of(ended, name, value).outputs or {})["count"] for name in ("own", "all") for value in ("a", "b")]
    assert counts == [1, 1, 1, 2]


def test_delete_and_what_is_missing(task: Alone) -> None:
    task.outputs("state.Set", data={"a": 1}, namespace=True)
    assert task.outputs("state.Delete", namespace=True) == {"deleted": True}
    assert task.outputs("state.Delete", namespace=True) == {"deleted": False}
    for name in ("Get", "Delete"):
        code, message = task.failure(f"state.{name}", errorOnMissing=True, name="n")
        assert (code, "'n'" in message) == ("GOV864", True)


def test_the_warning_names_the_replacement(task: Alone) -> None:
    checked = check(task.flow({"type": "io.kestra.core.tasks.states.Get"}), task.rig.registry)
    assert checked.errors == ()
    assert any("kv.Set" in found.message for found in checked.warnings)
