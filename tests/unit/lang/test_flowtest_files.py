"""The text of a test file: every mistake at its place, and what the operators mean."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jupyter_gov.lang.diagnostics import FlowError
from jupyter_gov.lang.flowtest import CheckedTests, check_tests
from jupyter_gov.lang.flowtest.models import OPERATORS
from jupyter_gov.lang.flowtest.operators import holds
from jupyter_gov.lang.flowtest.schema import EXAMPLE
from jupyter_gov.lang.flowtest.schema import tests_schema as schema_of_tests
from jupyter_gov.plugins.registry import Registry

HEAD = """\
id: t
namespace: demo
flowId: f
testCases:
  - id: one
    type: io.kestra.core.tests.flow.UnitTest
"""
ASSERTIONS = """\
    assertions:
      - value: "{{ outputs.a.value }}"
        equalTo: 1
"""


def checked(text: str) -> CheckedTests:
    return check_tests(text, Registry())


def found(text: str) -> list[tuple[str, int]]:
    return [(one.code, one.location.line if one.location else 0) for one in checked(text).diagnostics]


def test_a_good_file() -> None:
    tests = checked(HEAD + "    fixtures:\n      files: {a.csv: 'x'}\n" + ASSERTIONS).raise_for_errors()
    [case] = tests.cases
    assert (tests.namespace, tests.flow_id, case.id) == ("demo", "f", "one")
    [assertion] = case.assertions
    assert dict(assertion.operators) == {"equalTo": 1}
    assert assertion.location is not None
    assert assertion.location.line == 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("GOV110", 1)]),
        ("- a\n", [("GOV110", 1)]),
        ("id: t\nnamespace: demo\nflowId: f\n", [("GOV113", 1)]),
        ("id: t\nnamespace: demo\nflowId: f\ntestCases: []\n", [("GOV117", 4)]),
        (HEAD, [("GOV113", 5)]),
        (HEAD + "    assertions: []\n", [("GOV117", 7)]),
        (HEAD.replace("UnitTest", "Load") + ASSERTIONS, [("GOV114", 6)]),
        (HEAD + ASSERTIONS + "  - id: one\n    type: io.kestra.core.tests.flow.UnitTest\n" + ASSERTIONS, [("GOV115", 10)]),
        (HEAD + "    fixture: {}\n" + ASSERTIONS, [("GOV112", 7)]),
        (HEAD + "    fixtures:\n      tasks:\n        - id: a\n          state: DONE\n" + ASSERTIONS, [("GOV114", 10)]),
        (HEAD + "    fixtures:\n      tasks:\n        - id: a\n        - id: a\n" + ASSERTIONS, [("GOV115", 10)]),
        (HEAD + "    assertions:\n      - value: x\n", [("GOV240", 8)]),
        (HEAD + "    assertions:\n      - value: x\n        equalTo:\n", [("GOV240", 9)]),
        (HEAD + "    assertions:\n      - equalTo: x\n", [("GOV113", 8)]),
        (HEAD + "    assertions:\n      - value: '{{ x | }}'\n        equalTo: 1\n", [("GOV152", 8)]),
        (HEAD + "    assertions:\n      - value: x\n        equalsTo: x\n", [("GOV160", 9)]),
        (HEAD + "    assertions:\n      - value: x\n        equalto: x\n", [("GOV240", 8), ("GOV112", 9)]),
        (HEAD + ASSERTIONS + "id: u\n", [("GOV103", 10)]),
    ],
)  # fmt: skip
def test_mistakes_are_found_at_their_line(text: str, expected: list[tuple[str, int]]) -> None:
    assert found(text) == expected


def test_errors_are_raised_together() -> None:
    with pytest.raises(FlowError) as caught:
        checked("id: t\nflow: f\ntestCases: []\n").raise_for_errors()
    assert len(caught.value.diagnostics) >= 3


def test_older_spellings_mean_the_same() -> None:
    tests = checked(HEAD + "    assertions:\n      - value: x\n        equalsTo: 5\n").raise_for_errors()
    assert dict(tests.cases[0].assertions[0].operators) == {"equalTo": 5}


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("equalTo", "200", 200), ("equalTo", 1.0, 1), ("equalTo", True, "true"), ("equalTo", [1, 2], "[1, 2]"),
        ("equalTo", {"a": 1}, {"a": 1}), ("notEqualTo", "1.0", "1"), ("notEqualTo", None, "null"),
        ("notEqualTo", "a", "b"), ("contains", "abc", "b"), ("contains", [1, 2], "2"), ("contains", {"a": 1}, "a"),
        ("startsWith", "abc", "a"), ("endsWith", "abc", "c"), ("in", "a", ["a", "b"]), ("in", "1", [1]),
        ("notIn", "c", ["a", "b"]), ("greaterThan", "10", 9), ("greaterThanOrEqualTo", 9, 9), ("lessThan", 1.5, "2"),
        ("lessThanOrEqualTo", 2, 2), ("greaterThan", "2026-02-01", "2026-01-31"), ("lessThan", "a", "b"),
        ("isNull", None, True), ("isNull", 0, False), ("isNotNull", "", True), ("isNotNull", None, False),
    ],
)  # fmt: skip
def test_operators_hold(operator: str, value: Any, expected: Any) -> None:
    assert holds(operator, value, expected)


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("equalTo", "a", "b"), ("equalTo", None, ""), ("notEqualTo", "1", 1), ("contains", None, "a"),
        ("contains", "abc", "x"), ("startsWith", None, ""), ("endsWith", "abc", "b"), ("in", "c", ["a"]),
        ("notIn", 1, ["1"]), ("greaterThan", 9, 9), ("lessThan", 10, "9"), ("lessThanOrEqualTo", 3, 2),
        ("greaterThanOrEqualTo", 1, 2), ("isNull", "", True), ("isNotNull", None, True),
    ],
)  # fmt: skip
def test_operators_do_not_hold(operator: str, value: Any, expected: Any) -> None:
    assert not holds(operator, value, expected)


def test_every_operator_was_tried_and_what_cannot_be_compared_is_said() -> None:
    for operator in OPERATORS:
        assert holds(operator, 1, [1] if operator in ("in", "notIn") else 1) in (True, False)
    for value, expected in ((None, 1), ("a", 1), ([1], 1)):
        with pytest.raises(ValueError, match="compared"):
            holds("greaterThan", value, expected)


def test_the_json_schema_accepts_what_the_check_accepts() -> None:
    schema = schema_of_tests()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert not list(validator.iter_errors(EXAMPLE))
    assert list(validator.iter_errors({**EXAMPLE, "testCases": []}))
    assert list(validator.iter_errors({**EXAMPLE, "flow": "x"}))
