"""Typing and checking of input values; every type, every rule, all problems at once."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_gov.engine.inputs import InputsError, offered_values, resolve, resolve_each
from jupyter_gov.errors import ExpressionError, InputError, LanguageError
from jupyter_gov.lang.models.flow import InputDef
from jupyter_gov.lang.models.inputs import parse_input
from jupyter_gov.lang.models.values import coerce, java_instant


def render(value: Any, context: Mapping[str, Any]) -> Any:
    """Stand for the expression language: ``{{ inputs.a }}``, ``{{ inputs.a == 'x' }}``, ``{{ [1, 2] }}``."""
    match = re.fullmatch(r"\{\{ (?:inputs\.([\w.]+)(?: == '(.*)')?|(\[.*\])) \}\}", value)
    assert match
    if match[3]:
        return match[3]
    found: Any = context["inputs"]
    for part in match[1].split("."):
        if part not in found:
            raise ExpressionError(f"Unable to find `{part}`", code="GOV151")
        found = found[part]
    return found if match[2] is None else found == match[2]


def inputs(*definitions: dict[str, Any]) -> list[InputDef]:
    return [parse_input(definition) for definition in definitions]


def one(type_name: str, value: Any, **props: Any) -> Any:
    return resolve(inputs({"id": "a", "type": type_name, **props}), {"a": value}, render=render)["a"]


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def shared(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("type_name", "value", "props", "expected"),
    [
        ("STRING", "x", {}, "x"), ("STRING", 5, {}, "5"), ("STRING", True, {}, "true"), ("STRING", {"a": 1}, {}, '{"a":1}'),
        ("STRING", "", {}, ""), ("STRING", "A12", {"validator": r"A\d+"}, "A12"),
        ("INT", "42", {}, 42), ("INT", 7, {}, 7), ("INT", "-3", {}, -3), ("INT", "10", {"min": 10}, 10), ("INT", "+5", {}, 5),
        ("FLOAT", "42.42", {}, 42.42), ("FLOAT", 3, {}, 3.0), ("FLOAT", "1e3", {}, 1000.0),
        ("BOOLEAN", "false", {}, False), ("BOOL", "TRUE", {}, True), ("BOOLEAN", "yes", {}, False), ("BOOL", True, {}, True),
        ("DATE", "2019-10-06", {}, "2019-10-06"), ("DATE", date(2020, 1, 2), {}, "2020-01-02"),
        ("DATE", "2023-01-01", {"after": "2023-01-01"}, "2023-01-01"),
        ("DATETIME", "2019-10-06T18:27:49+02:00", {}, "2019-10-06T16:27:49Z"),
        ("DATETIME", "2019-10-06T18:27:49.1234567Z", {}, "2019-10-06T18:27:49.123456Z"),
        ("DATETIME", datetime(2020, 1, 2, tzinfo=UTC), {}, "2020-01-02T00:00:00Z"),
        ("TIME", "18:27", {}, "18:27"), ("TIME", "18:27:00", {}, "18:27"), ("TIME", "18:27:30.5", {}, "18:27:30.500"),
        ("TIME", time(1, 2, 3), {}, "01:02:03"),
        ("DURATION", "PT5M6S", {}, "PT5M6S"), ("DURATION", "P1D", {}, "PT24H"), ("DURATION", timedelta(seconds=1), {}, "PT1S"),
        ("DURATION", "PT15S", {"min": "PT10S", "max": "PT20S"}, "PT15S"),
        ("JSON", "{}", {}, {}), ("JSON", '"text"', {}, "text"), ("JSON", {"a": [1]}, {}, {"a": [1]}),
        ("YAML", "- 1\n- a\n- yes", {}, [1, "a", "yes"]), ("YAML", {"a": 1}, {}, {"a": 1}),
        ("URI", "https://example.com/a?b=c#d", {}, "https://example.com/a?b=c#d"), ("URI", "s3://bucket/key", {}, "s3://bucket/key"),
        ("URI", "kestra:///a/b.csv", {}, "kestra:///a/b.csv"),
        ("EMAIL", "a.b@example.com", {}, "a.b@example.com"), ("EMAIL", "", {}, ""),
        ("SECRET", "s", {}, "s"), ("FILE", "data/x.csv", {}, "data/x.csv"),
        ("SELECT", "x", {"values": ["x", "y"]}, "x"), ("SELECT", "z", {"values": ["x"], "allowCustomValue": True}, "z"),
        ("SELECT", "1", {"expression": "{{ [1, 2] }}"}, "1"), ("ENUM", "z", {"values": ["x"], "required": False}, "z"),
        ("MULTISELECT", '["x"]', {"values": ["x", "y"]}, ["x"]), ("MULTISELECT", ["y"], {"options": ["x", "y"]}, ["y"]),
        ("MULTISELECT", "[1]", {"values": ["1", "2"], "itemType": "INT"}, [1]),
        ("ARRAY", "[1, 2]", {"itemType": "INT"}, [1, 2]), ("ARRAY", '[true, "false"]', {"itemType": "BOOLEAN"}, [True, False]),
        ("ARRAY", ["P1D"], {"itemType": "DURATION"}, ["PT24H"]),
        ("JSON", r'["\ud83d\ude00"]', {}, ["\U0001f600"]), ("JSON", "[" * 100 + "]" * 100, {}, nested(100)), ("STRING", r"\ud800", {}, r"\ud800"),
        ("INT", 10**399, {}, 10**399),
    ],
)  # fmt: skip
def test_value_is_typed(type_name: str, value: Any, props: dict[str, Any], expected: Any) -> None:
    found = one(type_name, value, **props)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("type_name", "value", "props", "code", "text"),
    [
        ("INT", "1.5", {}, "GOV202", "Invalid input for `a`, Expected `INT` but received `1.5`, but received `1.5`"),
        ("INT", True, {}, "GOV202", "Expected `INT` but received `true`"),
        ("INT", "\u0663", {}, "GOV202", "Expected `INT`"), ("INT", "9" * 401, {}, "GOV202", "Expected `INT`"),
        ("INT", 5, {"max": 3}, "GOV203", "it must be less than `3`"), ("INT", 5, {"min": 8}, "GOV203", "it must be more than `8`"),
        ("FLOAT", "x", {}, "GOV202", "Expected `FLOAT`"), ("FLOAT", "NaN", {}, "GOV202", "Expected `FLOAT`"),
        ("FLOAT", "1e9999", {}, "GOV202", "Expected `FLOAT`"), ("FLOAT", 10**400, {}, "GOV202", "Expected `FLOAT`"),
        ("STRING", "foo", {"validator": r"A\d+"}, "GOV203", r"it must match the pattern `A\d+`, but received `foo`"),
        ("STRING", "aa", {"validator": "a"}, "GOV203", "it must match the pattern `a`"),
        ("DATE", "2022-01-01", {"after": "2023-01-01"}, "GOV203", "it must be after `2023-01-01`, but received `2022-01-01`"),
        ("DATE", "2023-02-30", {}, "GOV202", "Expected `DATE` but received `2023-02-30`"),
        ("DATE", "20230101", {}, "GOV202", "Expected `DATE`"),
        ("TIME", "00:00:01", {"after": "01:00:00"}, "GOV203", "it must be after `01:00`, but received `00:00:01`"),
        ("TIME", "25:00", {}, "GOV202", "Expected `TIME`"),
        ("DATETIME", "2019-10-06", {}, "GOV202", "Expected `DATETIME` but received `2019-10-06`"),
        ("DATETIME", "2019-10-06T10:00:00", {}, "GOV202", "Expected `DATETIME`"),
        ("DATETIME", "0001-01-01T00:00:00+14:00", {}, "GOV202", "Expected `DATETIME`"),
        ("DATETIME", "2020-01-01T00:00:00Z", {"after": "2021-01-01T00:00:00Z"}, "GOV203", "it must be after"),
        ("DURATION", "5 minutes", {}, "GOV202", "Expected `DURATION` but received `5 minutes`"),
        ("DURATION", "30", {}, "GOV202", "Expected `DURATION`"), ("DURATION", "PT1S", {"min": "PT2S"}, "GOV203", "more than `PT2S`"),
        ("JSON", "{bad", {}, "GOV202", "Expected `JSON` but received `{bad`"), ("JSON", "NaN", {}, "GOV202", "Expected `JSON`"),
        ("JSON", "[" * 100_000, {}, "GOV202", "Expected `JSON`"),
        ("YAML", "a: [", {}, "GOV202", "Expected `YAML` but received `a: [`"), ("YAML", "a: !x 1", {}, "GOV202", "Expected `YAML`"),
        ("URI", "http:/bla", {}, "GOV202", "Expected `URI` but received `http:/bla`, but received `http:/bla`"),
        ("URI", "not a uri", {}, "GOV202", "Expected `URI`"), ("URI", "http://localhost:8080", {}, "GOV202", "Expected `URI`"),
        ("EMAIL", "example.com", {}, "GOV202", "The input must be a valid email"),
        ("EMAIL", "a@b\n.com", {}, "GOV202", "valid email"),
        ("SELECT", "z", {"values": ["x", "y"]}, "GOV204", "it must match the values `[x, y]`, but received `z`"),
        ("ENUM", "z", {"values": ["x"]}, "GOV204", "a: Invalid input for `a`, it must match the values `[x]`"),
        ("MULTISELECT", '["x", "z"]', {"values": ["x"]}, "GOV204", "it must match the values `[x]`"),
        ("MULTISELECT", "x", {"values": ["x"]}, "GOV202", "Expected `MULTISELECT`"),
        ("ARRAY", "not json", {"itemType": "STRING"}, "GOV202", "Expected `ARRAY` but received `not json`"),
        ("ARRAY", '["x"]', {"itemType": "INT"}, "GOV202", "Expected `INT` but received `x`"),
        ("FILE", " ", {}, "GOV202", "Expected `FILE`"),
        ("STRING", None, {}, "GOV201", "missing required input, but received `null`"),
        ("SECRET", "topsecret", {"validator": "[0-9]+"}, "GOV203", "but received `********`"),
        ("SELECT", "x", {"expression": "{{ inputs.gone }}"}, "GOV206", "Unable to find `gone`"),
        ("INT", None, {"defaults": 5, "max": 3}, "GOV203", "it must be less than `3`"),
        ("STRING", "x" * 5000, {"validator": "a"}, "GOV203", "…`"),
        ("INT", "x" * 50_000, {}, "GOV202", "`" + "x" * 80 + "…`, but received `" + "x" * 80 + "…`"),
        ("INT", ["x" * 50_000], {}, "GOV202", "`[" + "x" * 79 + "…`"), ("INT", {"k" * 50_000: 1}, {}, "GOV202", "`{" + "k" * 79 + "…`"),
        ("JSON", "x" * 50_000, {}, "GOV202", "`" + "x" * 80 + "…`"), ("ARRAY", ["x" * 50_000], {"itemType": "INT"}, "GOV202", "`" + "x" * 80 + "…`"),
        # what cannot be stored
        ("JSON", r'{"a": "\ud800"}', {}, "GOV202", r"it holds half a surrogate pair (\ud800)"), ("JSON", {"\udfff": 1}, {}, "GOV202", r"(\udfff)"),
        ("JSON", [["\ud800"]], {}, "GOV202", "half a surrogate pair"), ("STRING", "a\ud800", {}, "GOV202", r"received `a\ud800`"),
        ("STRING", {"a": "\ud800"}, {}, "GOV202", "half a surrogate pair"), ("SECRET", "topsecret\ud800", {}, "GOV202", "half a surrogate pair"),
        ("ARRAY", r'["\ud800"]', {"itemType": "JSON"}, "GOV202", "half a surrogate pair"), ("ARRAY", ["\ud800"], {"itemType": "STRING"}, "GOV202", "half a surrogate pair"),
        ("MULTISELECT", ["\ud800"], {"values": ["\ud800"]}, "GOV202", "half a surrogate pair"), ("YAML", ["\ud800"], {}, "GOV202", "half a surrogate pair"),
        ("YAML", "a: \ud800", {}, "GOV202", "half a surrogate pair"), ("YAML", r'a: "\ud800"', {}, "GOV202", "in line 1, column 7"),
        ("FILE", "\udcff.csv", {}, "GOV202", "half a surrogate pair"), ("SELECT", "\ud800", {"values": ["\ud800"]}, "GOV202", "half a surrogate pair"),
        ("JSON", "[" * 101 + "]" * 101, {}, "GOV202", "nested deeper than 100 levels"), ("JSON", nested(101), {}, "GOV202", "nested deeper than 100"),
        ("JSON", nested(100_000), {}, "GOV202", "nested deeper than 100"), ("YAML", nested(101), {}, "GOV202", "nested deeper than 100"),
        ("YAML", "[" * 101 + "]" * 101, {}, "GOV202", "nested deeper than 100 levels in line 1, column 101"),
        ("STRING", nested(101), {}, "GOV202", "nested deeper than 100"), ("ARRAY", "[" * 101 + "]" * 101, {"itemType": "JSON"}, "GOV202", "nested deeper than 100"),
        ("INT", 10**4000, {}, "GOV202", "more than 400 digits"), ("STRING", 10**4000, {}, "GOV202", "more than 400 digits"),
        ("JSON", math.nan, {}, "GOV202", "no number of JSON"), ("JSON", [math.inf], {}, "GOV202", "no number of JSON"), ("YAML", "[.nan]", {}, "GOV202", "no number of JSON"),
        ("JSON", shared(60), {}, "GOV202", "more than 5,000,000 values"),
        # escapes that are no characters
        ("YAML", r'a: "\UFFFFFFFF"', {}, "GOV202", "in line 1, column 7"), ("YAML", 'a: 1\nb:\n  - "\\U00110000"', {}, "GOV202", "in line 3, column 8"),
    ],
)  # fmt: skip
def test_value_is_refused(type_name: str, value: Any, props: dict[str, Any], code: str, text: str) -> None:
    with pytest.raises(InputsError) as caught:
        one(type_name, value, **props)
    error = caught.value
    assert error.code == code
    assert text in error.message
    assert len(error.message) < 400
    assert [problem.input for problem in error.problems] == ["a"]
    assert "topsecret" not in str(error)


def test_all_problems_at_once() -> None:
    declared = inputs({"id": "a", "type": "INT"}, {"id": "b", "type": "DATE"}, {"id": "count", "type": "STRING"})
    with pytest.raises(InputError) as caught:
        resolve(declared, {"a": "x", "count": "fine", "counts": 1}, render=render)
    error = caught.value
    assert isinstance(error, InputsError)
    assert error.code == "GOV200"
    assert [(problem.input, problem.code) for problem in error.problems] == [
        ("a", "GOV202"), ("b", "GOV201"), ("counts", "GOV205"),
    ]  # fmt: skip
    assert error.to_json()["problems"][0]["input"] == "a"
    assert 'Did you mean "count"?' in str(error)


def test_nothing_given() -> None:
    declared = inputs(
        {"id": "a", "type": "STRING", "required": False},
        {"id": "b", "type": "INT", "defaults": 5},
        {"id": "c", "type": "STRING", "prefill": "only suggested", "required": False},
        {"id": "d", "type": "SELECT", "values": ["x", "y"], "autoSelectFirst": True},
    )
    assert resolve(declared, {}, render=render) == {"a": None, "b": 5, "c": None, "d": "x"}


def test_dots_nest_and_may_be_given_either_way() -> None:
    declared = inputs(
        {"id": "n.s", "type": "STRING"}, {"id": "n.more.i", "type": "INT"}, {"id": "n.b", "type": "BOOL", "required": False}
    )  # fmt: skip
    expected = {"n": {"s": "x", "more": {"i": 1}, "b": None}}
    assert resolve(declared, {"n.s": "x", "n.more.i": "1"}, render=render) == expected
    assert resolve(declared, {"n": {"s": "x", "more": {"i": 1}}}, render=render) == expected
    with pytest.raises(InputsError, match=r"n\.typo"):
        resolve(declared, {"n": {"s": "x", "more": {"i": 1}, "typo": 1}}, render=render)


def test_undeclared_names_of_the_flow_are_taken_as_they_are() -> None:
    assert resolve([], {"data_uri": "x"}, render=render, undeclared=["data_uri", "other"]) == {"data_uri": "x"}
    with pytest.raises(InputsError, match="GOV205"):
        resolve([], {"data": "x"}, render=render, undeclared=["data_uri"])


def test_defaults_may_be_expressions_of_other_inputs() -> None:
    declared = inputs(
        {"id": "b", "type": "INT", "defaults": "{{ inputs.a }}", "dependsOn": {"inputs": ["a"]}}, {"id": "a", "type": "STRING"}
    )  # fmt: skip
    assert resolve(declared, {"a": "7"}, render=render) == {"b": 7, "a": "7"}


def test_depends_on() -> None:
    declared = inputs(
        {"id": "b", "type": "STRING", "dependsOn": {"inputs": ["a", "unknown"], "condition": "{{ inputs.a == 'x' }}"}},
        {"id": "a", "type": "STRING"},
        {"id": "c", "type": "STRING", "dependsOn": {"inputs": ["b"]}},
    )
    assert resolve(declared, {"a": "x", "b": "y", "c": "z"}, render=render) == {"a": "x", "b": "y", "c": "z"}
    assert resolve(declared, {"a": "no", "b": "y"}, render=render) == {"a": "no"}
    found = resolve_each(declared, {"a": "no", "b": "y"}, render=render)
    assert [(one.definition.id, one.enabled) for one in found] == [("b", False), ("a", True), ("c", False)]


def test_the_text_true_is_no_condition() -> None:
    declared = inputs(
        {"id": "a", "type": "STRING"}, {"id": "b", "type": "STRING", "dependsOn": {"inputs": ["a"], "condition": "{{ inputs.a }}"}}
    )  # fmt: skip
    assert resolve(declared, {"a": "true", "b": "y"}, render=render) == {"a": "true"}


def test_a_condition_that_fails_is_reported() -> None:
    declared = inputs({"id": "b", "type": "STRING", "dependsOn": {"inputs": [], "condition": "{{ inputs.dummy }}"}})
    with pytest.raises(InputsError, match=r"GOV206.*condition cannot be evaluated.*dummy"):
        resolve(declared, {"b": "y"}, render=render)
    (found,) = resolve_each(declared, {"b": "y"}, render=render)
    assert not found.enabled
    assert found.problems[0].code == "GOV206"


def test_a_circle_ends() -> None:
    declared = inputs(
        {"id": "a", "type": "STRING", "dependsOn": {"inputs": ["b"]}}, {"id": "b", "type": "STRING", "dependsOn": {"inputs": ["a"]}}
    )  # fmt: skip
    with pytest.raises(LanguageError, match="GOV142"):
        resolve(declared, {}, render=render)


def test_a_long_chain_does_not_recurse() -> None:
    declared = [
        parse_input({"id": f"i{n}", "type": "INT", "dependsOn": {"inputs": [f"i{n + 1}"]}}) for n in range(3000)
    ]
    assert len(resolve(declared, {f"i{n}": n for n in range(3000)}, render=render)) == 3000


def test_files_are_looked_for() -> None:
    declared = inputs({"id": "f", "type": "FILE"})
    assert resolve(declared, {"f": "x"}, render=render, file_ok=lambda text: text == "x") == {"f": "x"}
    with pytest.raises(InputsError, match=r"GOV207.*no such file can be read, but received `y`"):
        resolve(declared, {"f": "y"}, render=render, file_ok=lambda text: text == "x")
    assert resolve(declared, {"f": "y"}, render=render, trusted=True, file_ok=lambda _: False) == {"f": "y"}


def test_offered_values() -> None:
    (select,) = inputs({"id": "s", "type": "SELECT", "expression": "{{ [1, 2] }}"})
    assert offered_values(select, render, {"inputs": {}}) == ["1", "2"]
    with pytest.raises(InputError, match="no list"):
        offered_values(select, lambda _value, _context: "text", {})


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(?=a)a*b"])
def test_hostile_patterns_end(pattern: str) -> None:
    with pytest.raises(InputsError, match="must match"):
        one("STRING", "a" * 100_000 + "!", validator=pattern)


@pytest.mark.parametrize("pattern", ["(?=x)(a?){30}a{30}", r"(a)(\1+)+b", "(?=x)" + "a?" * 30, "\\", "(", "x" * 3000])
def test_patterns_that_cannot_be_used(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"for ever|invalid pattern|longer"):
        parse_input({"id": "a", "type": "STRING", "validator": pattern})


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_round_trip(moment: datetime) -> None:
    text = java_instant(moment)
    assert coerce("DATETIME", text, {}) == text
    assert datetime.fromisoformat(text) == moment


@given(
    st.sampled_from(["INT", "FLOAT", "DATE", "DATETIME", "TIME", "DURATION", "JSON", "YAML", "URI", "EMAIL", "ARRAY"]),
    st.text(),
)
def test_any_text_is_typed_or_refused(type_name: str, text: str) -> None:
    props = {"itemType": "STRING"} if type_name == "ARRAY" else {}
    declared = inputs({"id": "a", "type": type_name, **props})
    (found,) = resolve_each(declared, {"a": text}, render=render)
    assert found.problems or found.value is not None or text in ("null", "") or type_name in ("YAML", "JSON")


@pytest.mark.parametrize("value", ["\ud800", {"a": ["\udfff"]}, nested(101), math.nan])
def test_a_value_without_a_declaration_can_be_stored_as_well(value: Any) -> None:
    with pytest.raises(InputsError, match="cannot be stored") as caught:
        resolve([], {"a": value}, render=render, undeclared=["a"])
    assert caught.value.code == "GOV202"
