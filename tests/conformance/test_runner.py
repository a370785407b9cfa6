"""The runner itself: it knows the whole vocabulary, honours each key or fails, and says what differs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import test_flows, test_inputs, test_tasks, test_triggers
from tests.conformance.actions import ACTIONS, AFTER
from tests.conformance.error_words import says
from tests.conformance.execution_expectations import EXPECTATIONS
from tests.conformance.failure import Unmet
from tests.conformance.matchers import MISSING, at_path, matches
from tests.conformance.values import between, duration, moment, numbered_lines, zoned

FLOW = """\
id: f
namespace: n
inputs:
  - {id: who, type: STRING, defaults: you}
tasks:
  - {id: a, type: io.kestra.plugin.core.debug.Return, format: "hello {{ inputs.who }}"}
"""
GROUPS = {
    "actions": set(ACTIONS) | AFTER,
    "case": set(test_flows.KEYS),
    "expect (flows)": set(EXPECTATIONS),
    "expect (inputs)": set(test_inputs._CHECKS),
    "expect (triggers)": set(test_triggers._CHECKS),
    "expect (tasks)": set(test_tasks._CHECKS),
}


def vocabulary(readme: str, name: str) -> set[str]:
    """Return the words that the README of a corpus lists under a name."""
    rule = re.search(rf"^  - {re.escape(name)}: (.*?)(?=^  - |^- |\Z)", readme, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"[a-z_]+", rule[1])) if rule else set()


@pytest.mark.parametrize("name", GROUPS)
def test_the_vocabulary_of_the_corpus_is_known(name: str, corpus: Path) -> None:
    readme = corpus / "README.md"
    if not readme.is_file():
        pytest.skip("this corpus has no README")
    assert vocabulary(readme.read_text(encoding="utf-8"), name) <= GROUPS[name]


def problems(make_world: Any, expect: dict[str, Any], **case: Any) -> list[str]:
    return test_flows.run(make_world({"flow_inline": FLOW, "expect": expect, **case}), _case(expect, case))


def _case(expect: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    return {"id": "x", "group": "g", "flow_inline": FLOW, "expect": expect, **case}


def test_what_holds_passes(make_world: Any) -> None:
    expect = {"state": "SUCCESS", "taskruns": 1, "task_outputs": {"a": {"value": "hello you"}}}
    assert problems(make_world, expect) == []


def test_what_does_not_hold_is_shown(make_world: Any) -> None:
    found = problems(make_world, {"taskruns": 2, "task_outputs": {"a": {"value": {"contains": "me"}}}})
    assert found == [
        "taskruns: expected 2, got 1: a=SUCCESS",
        "task_outputs: a.value: expected {'contains': 'me'}, got 'hello you'",
    ]


@pytest.mark.parametrize(
    ("expect", "case", "problem"),
    [
        ({"colour": "red"}, {}, "unknown field `colour`"),
        ({"taskrun_at": [{"index": 0, "colour": 1}]}, {}, "taskrun_at: unknown field `colour` of a task run"),
        ({"second_execution": {"state": "SUCCESS"}}, {}, "second_execution: there is no such execution"),
        ({}, {"colour": "red"}, "unknown case key `colour`"),
    ],
)
def test_a_key_that_is_not_known_fails(
    make_world: Any, expect: dict[str, Any], case: dict[str, Any], problem: str
) -> None:
    assert problems(make_world, expect, **case) == [problem]


@pytest.mark.parametrize(
    "action", [{"dance": True}, {"kill": {"colour": "red"}, "dance": 1}, {"replay": {"colour": 1}}]
)
def test_an_action_that_is_not_known_ends_the_case(make_world: Any, action: dict[str, Any]) -> None:
    with pytest.raises(Unmet, match=r"unknown|was refused"):
        problems(make_world, {}, actions=[{"wait_for_end": True}, action])


def test_a_refusal_that_does_not_come_is_a_problem(make_world: Any) -> None:
    assert problems(make_world, {"start_error": "HTTP 422"}) == ["start_error: expected a refusal (HTTP 422), got none"]
    actions = [{"wait_for_end": True}, {"kill": True, "expect_error": "HTTP 422"}]
    assert problems(make_world, {}, actions=actions) == []


def test_matchers(make_world: Any) -> None:
    world = make_world({"secrets": {"s": "x repeated 2 times without a separator"}})
    good: list[tuple[Any, Any]] = [
        ({"contains": "b"}, "abc"),
        ({"not": "b"}, "a"),
        ({"one_of": [1, 2]}, 2),
        ({"null": True}, None),
        ({"null": True}, MISSING),
        ({"null": True, "key_present": True}, None),
        ({"exists": True}, {}),
        ({"equals_secret": "s"}, "xx"),
        ({"a": {"starts_with": "x"}}, {"a": "xy", "b": 1}),
        ({}, {}),
        ({"$type": "duration", "value": "PT24H"}, "P1D"),
        ({"$type": "instant", "value": "2019-10-06T16:27:49Z"}, "2019-10-06T18:27:49+02:00"),
    ]
    bad: list[tuple[Any, Any]] = [
        ({"contains": "b"}, None),
        ({"not": "b"}, MISSING),
        ({"null": True, "key_present": True}, MISSING),
        ({"matches": "a"}, "ab"),
        ({}, {"a": 1}),
        ({"a": 1}, {}),
        (1, True),
        (1, "1"),
        ([1], [1, 2]),
    ]
    assert [one for one in good if not matches(*one, world)] == []
    assert [one for one in bad if matches(*one, world)] == []
    assert not matches({"a": 1}, {"a": 1, "b": 2}, world, exact=True)


def test_dotted_paths() -> None:
    assert at_path({"a": {"b.c": {"d": 1}}}, "a.b.c.d") == 1
    assert at_path({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert at_path({"a": [{"b": 3}]}, "a.0.b") == 3
    assert at_path({"a": 1}, "a.b") is MISSING


def test_texts_that_mean_something() -> None:
    now = zoned("2026-03-31T10:20:30.5+00:00")
    assert numbered_lines("numbers 0..1, one a line, each left-padded with spaces to 3 characters") == "  0\n  1\n"
    assert duration("1s") == duration("PT1S")
    assert moment("<now - PT4M, on the minute>", now) == zoned("2026-03-31T10:16:00Z")
    assert moment("<today 23:59:59.999>", now) == zoned("2026-03-31T23:59:59.999Z")
    assert moment("<first of last month 00:00>", now) == zoned("2026-02-01T00:00:00Z")
    assert moment("<trigger_date + 1 month>", now, {"trigger_date": zoned("2026-12-01")}) == zoned("2027-01-01")
    assert between("<between now+PT4M and now+PT6M>", now)[1] == zoned("2026-03-31T10:26:30.5Z")
    with pytest.raises(Unmet, match="does not know"):
        moment("<some day>", now)


def test_error_words() -> None:
    ours = 'duplicate task id "a"; line 1 has it. duplicate task id "b"'
    assert says(ours, "Duplicate task id with name [a, b]")
    assert not says(ours, "Duplicate task id with name [a, c]")
    assert not says("something else", "Invalid type: null")
