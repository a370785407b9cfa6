"""The small tasks."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.testing import TestContext, check, run_task
from jupyter_gov.tasks.core.debug import Return
from jupyter_gov.tasks.core.execution import Fail, Labels
from jupyter_gov.tasks.core.flow import Sleep
from jupyter_gov.tasks.core.log import Log
from jupyter_gov.tasks.core.output import OutputValues

WHO = {"inputs": {"who": "Ada", "n": 3, "list": ["a", "b"]}}


def test_log_text_and_list() -> None:
    assert run_task(Log, {"message": "Hello {{ inputs.who }}"}, variables=WHO).logs == [("INFO", "Hello Ada")]
    result = run_task(Log, {"message": ["one", "{{ inputs.n }}"], "level": "warn"}, variables=WHO)
    assert result.logs == [("WARN", "one"), ("WARN", "3")]


def test_log_level_by_expression() -> None:
    assert run_task(Log, {"message": "x", "level": "{{ 'ERROR' }}"}).lines("ERROR") == ["x"]


@pytest.mark.parametrize("level", ["LOUD", "{{ 'LOUD' }}"])
def test_log_unknown_level(level: str) -> None:
    with pytest.raises(TaskError, match="level") as caught:
        run_task(Log, {"message": "x", "level": level})
    assert caught.value.code == "GOV801"


def test_unknown_property() -> None:
    with pytest.raises(TaskError, match="mesage"):
        check(Log, {"mesage": "x"})


def test_return() -> None:
    assert run_task(Return, {"format": "{{ inputs.list }}"}, variables=WHO).outputs == {"value": '["a","b"]'}
    assert run_task(Return, {}).outputs == {"value": None}


def test_output_values_keep_types() -> None:
    values = {"a": "{{ inputs.n }}", "{{ inputs.who }}": [1, True, {"x": "{{ inputs.who }}"}], "none": None}
    result = run_task(OutputValues, {"values": values}, variables=WHO)
    assert result.outputs == {"values": {"a": "3", "Ada": [1, True, {"x": "Ada"}], "none": None}}


def test_output_values_by_expression() -> None:
    result = run_task(OutputValues, {"values": "{{ inputs }}"}, variables=WHO)
    assert result.outputs == {"values": WHO["inputs"]}


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({}, "Task failure"),
        ({"errorMessage": "No {{ inputs.who }}"}, "No Ada"),
        ({"condition": "{{ inputs.n > 2 }}"}, "Task failure"),
        ({"condition": "anything"}, "Task failure"),
    ],
)
def test_fail(props: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError) as caught:
        run_task(Fail, props, variables=WHO)
    assert (caught.value.code, caught.value.message) == ("GOV805", message)


@pytest.mark.parametrize("condition", ["{{ inputs.n > 5 }}", "false", "0", "-0", ""])
def test_fail_not(condition: str) -> None:
    assert run_task(Fail, {"condition": condition}, variables=WHO).outputs == {}


def test_fail_accepts_the_published_spelling() -> None:
    assert Fail.info().renames["message"].to == "errorMessage"


@pytest.mark.parametrize(
    "labels",
    [
        {"who": "{{ inputs.who }}", "n": 3, "ok": True},
        [{"key": "who", "value": "{{ inputs.who }}"}, {"key": "n", "value": 3}, {"key": "ok", "value": True}],
        '{"who": "{{ inputs.who }}", "n": 3, "ok": true}',
    ],
)
def test_labels(labels: Any) -> None:
    assert run_task(Labels, {"labels": labels}, variables=WHO).labels == {"who": "Ada", "n": "3", "ok": "true"}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"system.correlationId": "x"}, "reserved"),
        ({"a": {"b": 1}}, "'a' needs a text"),
        ([{"key": "a"}], "exactly a key and a value"),
        ("not json", "no JSON"),
        ("[1]", "exactly a key and a value"),
        ({" ": "x"}, "needs a key"),
    ],
)
def test_wrong_labels(labels: Any, message: str) -> None:
    with pytest.raises(TaskError, match=message) as caught:
        run_task(Labels, {"labels": labels})
    assert caught.value.code == "GOV807"


def test_sleep_waits() -> None:
    begin = time.monotonic()
    run_task(Sleep, {"duration": "{{ 'PT0.2S' }}"})
    assert time.monotonic() - begin >= 0.2


def test_sleep_is_stopped(tmp_path: Path) -> None:
    context = TestContext(tmp_path)
    threading.Timer(0.1, context.cancellation.request).start()
    begin = time.monotonic()
    with pytest.raises(TaskError, match="killed"):
        run_task(Sleep, {"duration": "P30000D"}, context=context)
    assert time.monotonic() - begin < 5


def test_sleep_wants_a_duration() -> None:
    with pytest.raises(TaskError, match="duration"):
        check(Sleep, {"duration": "a while"})


def test_inline_and_repeatable() -> None:
    for task in (Log, Return, OutputValues, Fail, Labels):
        assert task.inline
        assert task.repeatable
    assert not Sleep.inline
