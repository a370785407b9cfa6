"""The filter ``jq``: paths that are walked here give what jq gives, everything else runs elsewhere."""

from __future__ import annotations

import json
import re
from typing import Any

import jq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_gov.errors import ExpressionError
from jupyter_gov.lang import expr
from jupyter_gov.lang.expr import jq_paths
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.limits import DEFAULT, Budget

NAMES = st.sampled_from(["a", "b", "and", "e0", "_x1"])
NUMBERS = st.sampled_from(
    ["0", "-0", "-0.0", "1.0", "1e3", "0.1", "12345678901234567890", "1e22", "1e400", "-1e400", "5e-324", "1e308"]
)
PIECES = st.one_of(
    NAMES.map(lambda name: f".{name}"),
    st.sampled_from(
        ['."a"', '."é b"', '.["a"]', ".[0]", ".[-1]", ".[9]", ".[-9]", ".[]", ".[1:]", ".[:-1]", ".[-2:9]"]
    ),
).flatmap(lambda step: st.sampled_from([step, step + "?"]))
BRACKETS = st.sampled_from(["[0]", "[]", "[-1]?", '["b"]', "[0:2]", "[]?"])
PATHS = st.one_of(
    st.just("."),
    st.lists(st.one_of(PIECES, BRACKETS), max_size=4).map(lambda rest: ".a" + "".join(rest)),
    st.lists(PIECES, min_size=1, max_size=4).map("".join),
)
PROGRAMS = st.lists(PATHS, min_size=1, max_size=3).map(" | ".join)
ATOMS = st.one_of(
    NUMBERS,
    st.sampled_from(["null", "true", "false"]),
    st.text(st.characters(codec="utf-8"), max_size=4).map(json.dumps),
)
DOCUMENTS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: "[" + ",".join(items) + "]"),
        st.lists(st.tuples(st.sampled_from(["a", "b", "and", "é b", "e0"]), inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f"{json.dumps(key)}:{item}" for key, item in pairs) + "}"
        ),
    ),
    max_leaves=12,
)


def by_jq(program: str, source: str) -> list[Any] | None:
    try:
        return jq.compile(program).input_text(source).all()
    except ValueError:
        return None


@settings(max_examples=400, deadline=None)
@given(PROGRAMS, DOCUMENTS)
def test_a_path_gives_what_jq_gives(program: str, source: str) -> None:
    path = jq_paths.steps(program)
    if path is None:
        # jq does not know `.a.[0:1]` either.
        assert re.search(r"[^| ]\.\[-?\d*:", program)
        assert by_jq(program, source) is None
        return
    try:
        walked = list(jq_paths.walk(path, jq_paths.parsed(source), Budget(DEFAULT)))
    except ArgumentFault:
        walked = None
    expected = by_jq(program, source)
    assert (walked is None) == (expected is None)
    # JSON tells 1 from 1.0 and from true, and shows the order of keys.
    assert json.dumps(walked) == json.dumps(expected)


@pytest.mark.parametrize(
    "program",
    ["", "..", ".a.", ".a b", ".a-b", '["a"]', '."a"b', '.[0]"b"', ".[1.5]", ".[:]", ".[]]", ".a|", "|.a", "a", ".é", "env",
     '."\\(1)"', ".a??", ".a,.b", "(.a)", ".[.a]", "$x", ".a # comment", "map(.a)", "." * 20_000],
)  # fmt: skip
def test_what_is_no_path_is_left_to_jq(program: str) -> None:
    assert jq_paths.steps(program) is None


def test_paths_need_no_host_and_programs_do(host) -> None:  # type: ignore[no-untyped-def]
    context = {"m": {"rows": [{"id": 1}, {"id": 2}]}}
    assert expr.render_typed("{{ m | jq('.rows[].id') }}", context) == [1, 2]
    assert expr.render_typed("{{ m | jq('.rows | map(.id) | add') }}", context, host) == [3]
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ m | jq('.rows | map(.id) | add') }}", context)
    assert raised.value.code == "GOV156"


def test_what_was_refused_since_it_might_not_end_runs_now(host) -> None:  # type: ignore[no-untyped-def]
    program = "def f: if . > 3 then . else . + 1 | f end; [.[] | f], [1 | until(. > 99; . * 2)], [range(3)], [range(2)]"
    assert expr.render_typed("{{ [1, 9] | jq(p) }}", {"p": program}, host) == [[4, 9], [128], [0, 1, 2], [0, 1]]


@pytest.mark.parametrize(
    ("program", "part"),
    [
        ("reduce range(99999) as $i (0;[.])", "memory"),
        (".[536870911]=1", "memory"),
        ("[range(nan;10;1e-10)]", "longer than"),
        ('[limit(6000; repeat("' + "x" * 200 + '"))]', "characters"),
    ],
)
def test_every_end_of_jq_is_told_in_words(program: str, part: str, host) -> None:  # type: ignore[no-untyped-def]
    limits = expr.Limits(seconds=0.3, characters=1_000_000)
    with pytest.raises(ExpressionError, match=part) as raised:
        expr.render("{{ [1] | jq(p) }}", {"p": program}, host, limits=limits)
    assert (raised.value.code, raised.value.location is None) == ("GOV155", False)
    assert raised.value.hint
    # The next one is not harmed.
    assert expr.render("{{ [1] | jq('.[0] + 1') }}", {}, host) == "[2]"


@pytest.mark.parametrize("source", ['{"a": "\\ud800"}', '{"a": "\ud800"}'])
@pytest.mark.parametrize("program", [".a", ".a | length"])
def test_half_a_character_is_refused(source: str, program: str, host) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ExpressionError, match="surrogate"):
        expr.render("{{ s | jq(p) }}", {"s": source, "p": program}, host)
    assert expr.render_typed("{{ s | jq('.a') }}", {"s": '{"a": "\\ud83d\\ude00"}'}) == ["\U0001f600"]
