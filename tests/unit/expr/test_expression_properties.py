"""Properties over generated templates and values: only our errors, and laws that must hold."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jupyter_gov.errors import GovError
from jupyter_gov.lang import expr
from jupyter_gov.lang.expr.library import FILTERS, FUNCTIONS, TESTS

LIMITS = expr.Limits(seconds=0.5, characters=100_000, items=10_000)
CONTEXT: dict[str, Any] = {
    "a": {"b": {"c": 1}, "l": [1, 2.5, [3], None, "x"], "n": None, "t": True},
    "s": "2024-01-31",
    "big": 10**30,
    "inf": math.inf,
    "odd": "é😀\n'\"\\{{ a }}{% x %}",
    "e": [],
    "taskrun": {"value": "v"},
    "outputs": {"t": {"v": {"value": 1}}},
}
ATOMS = st.sampled_from(
    [
        "a",
        "a.b.c",
        "a.l",
        "a.l[0]",
        "a['n']",
        "missing.x",
        "s",
        "big",
        "inf",
        "odd",
        "e",
        "1",
        "0",
        "-1",
        "2.5",
        "'x'",
        "''",
        '"#{1}"',
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[1,'a',null]",
        "{'a':1}",
        "loop.index",
        "9223372036854775807",
        "taskrun.value",
        "outputs.t",
    ]
)
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "%", "~", "==", "!=", "<", ">=", "and", "or", "contains", "..", "??", "???", "equals"]
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(inner, OPERATORS, inner).map(" ".join),
        st.tuples(inner, st.sampled_from(sorted(FILTERS)), arguments).map(lambda part: f"{part[0]} | {part[1]}({part[2]})"),
        st.tuples(inner, st.sampled_from(["is", "is not"]), st.sampled_from(sorted(TESTS))).map(" ".join),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), arguments).map(lambda part: f"{part[0]}({part[1]})"),
        st.tuples(inner, inner, inner).map(lambda part: f"({part[0]} ? {part[1]} : {part[2]})"),
        st.tuples(st.sampled_from(["not ", "-", "+"]), inner).map("".join),
        st.tuples(inner, inner).map(lambda part: f"[{part[0]}, {part[1]}]"),
    )  # fmt: skip


EXPRESSIONS = st.recursive(ATOMS, _grown, max_leaves=8)


def _wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(EXPRESSIONS, inner, inner).map(lambda p: f"{{% if {p[0]} %}}{p[1]}{{% else %}}{p[2]}{{% endif %}}"),
        st.tuples(EXPRESSIONS, inner).map(lambda p: f"{{%- for x in {p[0]} -%}}{p[1]}{{{{ x }}}}{{% endfor %}}"),
        st.tuples(EXPRESSIONS, inner).map(lambda p: f"{{% set a = {p[0]} %}}{p[1]}"),
        st.tuples(EXPRESSIONS, inner).map(lambda p: f"{{% macro m(p, q=1) %}}{p[1]}{{{{ p }}}}{{% endmacro %}}{{{{ m({p[0]}) }}}}"),
        inner.map(lambda p: f"{{% filter upper %}}{p}{{% endfilter %}}"),
        inner.map(lambda p: f"{{% block b %}}{p}{{% endblock %}}{{{{ block('b') }}}}"),
    )  # fmt: skip


TEMPLATES = st.recursive(
    st.one_of(EXPRESSIONS.map(lambda one: "{{ " + one + " }}"), st.just("text ")), _wrapped, max_leaves=5
)
PIECES = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "'",
    '"',
    "\\",
    "#{",
    "|",
    ".",
    "..",
    "??",
    "?",
    ":",
    ",",
    "=",
    "-",
    "+",
    "~",
]
PIECES += [
    "if",
    "endif",
    "for",
    "in",
    "endfor",
    "set",
    "raw",
    "endraw",
    "verbatim",
    "is",
    "not",
    "a",
    "upper",
    "1",
    "1.5",
    " ",
    "\n",
    "\x00",
    "é",
    "\u2028",
]
NOISE = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except GovError as error:
        return error


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEMPLATES)
def test_rendering_raises_nothing_but_our_errors(template: str) -> None:
    outcome = _outcome(lambda: expr.render(template, CONTEXT, limits=LIMITS))
    if isinstance(outcome, GovError):
        assert outcome.code.startswith("GOV15")
    else:
        assert isinstance(outcome, str)
        assert len(outcome) <= LIMITS.characters


@settings(max_examples=400, deadline=None)
@given(NOISE | st.text(max_size=40))
@example("{{ '\x00raw0\x00' }}")
@example("{% raw %}\x00raw0\x00{% endraw %}")
def test_noise_raises_nothing_but_our_errors(template: str) -> None:
    for work in (
        lambda: expr.render(template, CONTEXT, limits=LIMITS),
        lambda: expr.render_typed(template, CONTEXT, limits=LIMITS),
        lambda: expr.references(template),
        lambda: expr.warnings(template),
    ):
        outcome = _outcome(work)
        assert not isinstance(outcome, GovError) or outcome.code.startswith("GOV15")
    error = expr.syntax_error(template)
    if error is not None and error.location is not None:
        lines = template.split("\n")
        assert 1 <= error.location.line <= len(lines)
        assert 1 <= error.location.column <= len(lines[error.location.line - 1]) + 1


@given(st.text())
def test_text_without_delimiters_and_raw_text_are_untouched(text: str) -> None:
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        assert expr.render(text, {}) == text
    if "endraw" not in text:
        assert expr.render("{% raw %}" + text + "{% endraw %}", {}) == text
        assert expr.render("{{ render(t) }}", {"t": "{% raw %}" + text + "{% endraw %}"}) == text


@given(st.text())
def test_any_text_can_be_written_as_a_literal(text: str) -> None:
    if "\\" not in text:
        assert expr.render_typed("{{ '" + text.replace("'", "\\'") + "' }}", {}) == text


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return [_without_null(item) for item in value] if isinstance(value, list) else value


@given(JSON)
def test_json_there_and_back(value: Any) -> None:
    shown = expr.render("{{ x | toJson }}", {"x": value})
    assert json.loads(shown) == _without_null(value)
    assert expr.render_typed("{{ fromJson(x | toJson) }}", {"x": value}) == _without_null(value)


@given(JSON)
def test_ion_there_and_back(value: Any) -> None:
    assert expr.render_typed("{{ fromIon(x | toIon) }}", {"x": value}) == value


@given(
    st.recursive(
        st.integers() | st.booleans() | st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1),
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text("abc-_", min_size=1), inner, min_size=1, max_size=3),
        max_leaves=8,
    )
)  # fmt: skip
def test_yaml_can_be_read_by_others(value: Any) -> None:
    shown = expr.render("{{ x | yaml }}", {"x": value})
    # Numbers in texts stay without quotes, as Jackson writes them: compare what is printed.
    assert _texts(yaml.load(shown, yaml.BaseLoader)) == _texts(value)


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


WHOLE = st.integers(-(2**63), 2**63 - 1)


@given(WHOLE, WHOLE)
def test_whole_numbers_compute_as_on_the_jvm(left: int, right: int) -> None:
    context = {"x": left, "y": right}

    def wrapped(value: int) -> int:
        return (value + 2**63) % 2**64 - 2**63

    assert expr.render_typed("{{ x + y }}", context) == wrapped(left + right)
    assert expr.render_typed("{{ x - y }}", context) == wrapped(left - right)
    assert expr.render_typed("{{ x * y }}", context) == wrapped(left * right)
    assert expr.render_typed("{{ x < y }}", context) is (left < right)
    assert expr.render_typed("{{ x == y }}", context) is (left == right)
    if right:
        quotient = expr.render_typed("{{ x / y }}", context)
        assert quotient == wrapped(int(math.copysign(1, left) * math.copysign(1, right)) * (abs(left) // abs(right)))
        rest = expr.render_typed("{{ x % y }}", context)
        assert abs(rest) < abs(right)
        assert wrapped(quotient * right + rest) == left


@given(st.floats())
def test_reals_print_so_that_they_can_be_read_again(value: float) -> None:
    shown = expr.render("{{ x }}", {"x": value})
    again = float(shown.replace("Infinity", "inf"))
    assert again == value or (math.isnan(again) and math.isnan(value))


@given(JSON, JSON)
def test_coalesce_and_ternary_agree(value: Any, other: Any) -> None:
    context = {"x": value, "y": other}
    assert expr.render_typed("{{ x ?? y }}", context) == expr.render_typed("{{ x is null ? y : x }}", context)
    assert expr.render_typed("{{ z.z ?? y }}", context) == other
    assert expr.render_typed("{{ (x ?? y) == (x ?? y) }}", context) is True or (value is None and other is None)


@given(st.lists(st.text("ab.", max_size=3), max_size=6), st.sampled_from([",", ";", "--"]))
def test_split_undoes_join(parts: list[str], mark: str) -> None:
    again = expr.render_typed("{{ l | join(m) | split(m, -1) }}", {"l": parts, "m": mark})
    assert again == (parts or [""])


@given(st.dictionaries(st.text("abc", min_size=1), JSON, max_size=4))
def test_every_reference_is_a_name_that_is_read(context: dict[str, Any]) -> None:
    template = "".join(f"{{{{ {name} ?? '' }}}}" for name in context)
    assert expr.references(template) == {(name,) for name in context}
