"""Small core tasks: Echo, Assert, Publish, and Fetch of logs on a real store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.testing import run_task
from jupyter_gov.tasks.core.checks import Assert
from jupyter_gov.tasks.core.debug import Echo
from jupyter_gov.tasks.core.metric import Publish
from tests.runtime.rig import run_of
from tests.tasks.alone import Alone, alone

CORE = "io.kestra.plugin.core."


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Alone]:
    with alone(tmp_path) as found:
        yield found


def test_echo() -> None:
    assert run_task(Echo, {"format": "hi {{ 1 }}", "level": "warn"}).logs == [("WARN", "hi 1")]


def test_assert() -> None:
    assert run_task(Assert, {"conditions": ["{{ 1 < 2 }}", "yes"]}).outputs == {"success": 2, "failed": 0}
    with pytest.raises(TaskError, match="no way 1") as caught:
        run_task(Assert, {"conditions": ["{{ 1 < 2 }}", "{{ 1 > 2 }}"], "errorMessage": "no way {{ 1 }}"})
    assert (caught.value.code, caught.value.outputs) == ("GOV808", {"success": 1, "failed": 1})


def test_publish() -> None:
    metrics = [
        {"name": "n{{ 1 }}", "value": "{{ 2.5 }}"},
        {"name": "t", "type": "timer", "value": "PT2S", "tags": {"a": "b"}},
    ]
    found = run_task(Publish, {"metrics": metrics}).metrics
    assert [(one.name, one.type, one.value, one.tags) for one in found] == [
        ("n1", "counter", 2.5, {}),
        ("t", "timer", 2.0, {"a": "b"}),
    ]


def test_fetch_of_the_own_log(task: Alone) -> None:
    say = {"type": CORE + "log.Log"}
    ended = task.execution(
        {**say, "message": "hello"},
        {**say, "message": "quiet", "level": "DEBUG"},
        {**say, "message": "careful", "level": "WARN"},
        {"type": CORE + "log.Fetch"},
        {"type": CORE + "log.Fetch", "level": "TRACE", "tasksId": ["t0", "t1"]},
    )
    outputs = run_of(ended, "t3").outputs or {}
    assert outputs["size"] == 2
    lines = [json.loads(line) for line in task.rig.store.files.path(outputs["uri"]).read_text().splitlines()]
    assert [(line["level"], line["taskId"], line["message"]) for line in lines] == [
        ("INFO", "t0", "hello"),
        ("WARN", "t2", "careful"),
    ]
    assert (run_of(ended, "t4").outputs or {})["size"] == 2


def test_fetch_of_another_log(task: Alone) -> None:
    first = task.execution({"type": CORE + "log.Log", "message": "hello"})
    assert task.outputs("log.Fetch", executionId=first.id)["size"] == 1
    other = task.execution({"type": CORE + "log.Log", "message": "hello"}, namespace="other")
    for wanted in (other.id, "nothing"):
        code, message = task.failure("log.Fetch", executionId=wanted)
        assert (code, wanted in message) == ("GOV873", True)
