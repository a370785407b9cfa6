"""Text to nodes: positions, refused YAML, hostile YAML."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_gov.lang.nodes import ListNode, MapNode, ScalarNode, plain_data, scalars
from jupyter_gov.lang.source import MAX_BYTES, load


def codes(text: str) -> list[tuple[str, int, int]]:
    found = []
    for problem in load(text).problems:
        assert problem.location is not None
        found.append((problem.code, problem.location.line, problem.location.column))
    return found


def data(text: str) -> object:
    tree = load(text)
    assert tree.problems == ()
    assert tree.root is not None
    return plain_data(tree.root)


def test_keys_are_always_text() -> None:
    text = "on: 1\nyes: 2\n1: 3\n0750: 4\nnull: 5\n2024-01-31: 6\n12:30: 7\ntrue: 8\n'': 9\n~: 10\n"
    assert data(text) == dict(
        zip(["on", "yes", "1", "0750", "null", "2024-01-31", "12:30", "true", "", "~"], range(1, 11), strict=True)
    )


def test_untyped_values_follow_the_core_schema() -> None:
    text = "[yes, 0750, 12:30, 2024-01-31, ~, 1.0, 'true', !!str 5, !!int '5', \"~\"]"
    assert data(text) == ["yes", 750, "12:30", "2024-01-31", None, 1.0, "true", "5", 5, "~"]
    assert data("a: |-\n  1\n") == {"a": "1"}


def test_aliases_are_followed() -> None:
    assert data("a: &x {b: [1]}\nc: *x\nd: &x 5\ne: *x\n*x : 6\n") == {
        "a": {"b": [1]}, "c": {"b": [1]}, "d": 5, "e": 5, "5": 6,
    }  # fmt: skip


def test_a_mark_at_the_start_is_ignored() -> None:
    assert data("\ufeffa: 1") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: [\n", [("GOV101", 3, 1)]),
        ("a: b: c", [("GOV101", 1, 5)]),
        ("a: 1\n\tb: 2", [("GOV101", 2, 1)]),
        ('a: "x', [("GOV101", 1, 6)]),
        ("a: @x", [("GOV101", 1, 4)]),
        ("a: *gone", [("GOV101", 1, 4)]),
        ("id: x\n tasks: y", [("GOV101", 2, 7)]),
        ("a: &a [*a]", [("GOV102", 1, 8)]),
        ("a: 1\nb: 2\na: 3", [("GOV103", 3, 1)]),
        ("x:\n  - {k: 1, k: 2}\n  - {k: 1, k: 2}", [("GOV103", 2, 12), ("GOV103", 3, 12)]),
        ("a: 1\nb\x1b: 2", [("GOV104", 2, 2)]),
        ("a: \x00", [("GOV104", 1, 4)]),
        ("a: \udc80", [("GOV104", 1, 4)]),
        ("a: \x7f", [("GOV104", 1, 4)]),
        ("a: !custom 1", [("GOV105", 1, 4)]),
        ("a: !!python/object/apply:os.system ['id']", [("GOV105", 1, 4)]),
        ("a: !!timestamp 2024-01-31", [("GOV105", 1, 4)]),
        ("a: !!binary aGk=", [("GOV105", 1, 4)]),
        ("a: !!set {x}", [("GOV105", 1, 4)]),
        ("a: 1\n---\nb: 2\n", [("GOV106", 2, 1)]),
        ("? [a]\n: 1", [("GOV107", 1, 3)]),
        ("{a: 1}: 1", [("GOV107", 1, 1)]),
        ("message: {{ inputs.x }}", [("GOV107", 1, 11)]),
        ("<<: {a: 1}", [("GOV108", 1, 1)]),
        ("a: " + "9" * 1001, [("GOV109", 1, 4)]),
    ],
)
def test_what_is_refused(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert codes(text) == expected


def test_what_looks_refused_but_is_not() -> None:
    assert data("---\n'<<': 1\nb: '*x'\nc: !!str yes\n...\n") == {"<<": 1, "b": "*x", "c": "yes"}
    assert data("%YAML 1.2\n---\na: 1") == {"a": 1}


def test_an_expression_without_quotes_says_how_to_write_it() -> None:
    (problem,) = load("message: {{ inputs.x }}").problems
    assert problem.hint is not None
    assert '"{{' in problem.hint
    problems = load("id: x\nmessage: {{ inputs.x }} more\n").problems
    assert any(found.code == "GOV101" and '"{{' in (found.hint or "") for found in problems)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 900_000, "{" * 900_000, "- " * 400_000, "? " * 400_000, "a: " * 300_000, '"' * 900_001, "&a " * 300_000,
        "!a " * 300_000, "\n" * 900_000, "# " * 400_000, "a: [" + "x," * 400_000 + "]", "a: |\n" + " " * 900_000,
        "'" * 900_001, "a:\n" + "- x\n" * 200_000, "%" * 900_000, "a: >\n" + "x\n\n" * 200_000,
        "- " * 90 + "[" * 900_000,
        "".join(f"k{i}: v\n" for i in range(80_000)),
    ],
    ids=lambda text: repr(text[:6]),
)  # fmt: skip
def test_hostile_text_ends_quickly(text: str) -> None:
    start = time.perf_counter()
    load(text)
    assert time.perf_counter() - start < 10  # generous; minutes or a crashed process are what this guards against


def test_limits() -> None:
    assert codes("x" * (MAX_BYTES + 1)) == [("GOV102", 1, 1)]
    assert codes("é" * (MAX_BYTES // 2 + 1)) == [("GOV102", 1, 1)]
    assert [code for code, _, _ in codes("[" * 101 + "]" * 101)] == ["GOV102"]
    assert data("[" * 99 + "1" + "]" * 99)


def test_billion_laughs() -> None:
    lines = ["a0: &a0 lol"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    assert [(code, line) for code, line, _ in codes("\n".join(lines))] == [("GOV102", 5)]


def test_positions() -> None:
    text = "a: 1\nb:\n  - x\n  - {c: 'd'}\n"
    tree = load(text)
    assert isinstance(tree.root, MapNode)
    items = tree.root.get("b")
    assert isinstance(items, ListNode)
    inner = items.items[1]
    assert isinstance(inner, MapNode)
    where = tree.locate(inner.entries["c"].value)
    assert (where.line, where.column, where.length) == (4, 9, 3)


INSIDE = [
    'm: "abc {{ x }}"',
    "m: 'it''s {{ x }}'",
    'm: "a\\tb {{ x }}"',
    "m: plain {{ x }}",
    "m: |\n  first\n  second {{ x }}\n",
    "m: >-\n  folded\n  text {{ x }}\n",
    "m: plain\n  on two lines {{ x }}",
    "m: |2-\n  2 {{ x }}",
    'm: "{{ x }}"',
    "m: |\r\n  first\r\n  second {{ x }}\r\n",
]


@pytest.mark.parametrize("text", INSIDE)
def test_position_inside_a_scalar(text: str) -> None:
    tree = load(text)
    assert isinstance(tree.root, MapNode)
    node = tree.root.get("m")
    assert isinstance(node, ScalarNode)
    where = tree.locate_inside(node, node.text.index("{{"), 2)
    assert text.splitlines()[where.line - 1][where.column - 1 :].startswith("{{ x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=32)), inner),
    max_leaves=15,
)


@given(JSON)
def test_json_is_yaml(value: object) -> None:
    text = json.dumps(value)
    tree = load(text)
    if tree.problems:  # JSON escapes what YAML cannot hold raw, and a merge key in quotes is allowed
        assert {problem.code for problem in tree.problems} <= {"GOV101"}
    else:
        assert tree.root is not None
        assert plain_data(tree.root) == value


@settings(max_examples=300)
@given(st.text(st.sampled_from(list("ab:-[]{}&*!|>'\"%@`#,? \n\t\\0~<=")), max_size=60))
def test_any_text_gives_a_tree_or_problems(text: str) -> None:
    tree = load(text)
    for problem in tree.problems:
        assert problem.location is not None
        assert problem.location.line >= 1
    if tree.root is not None:
        plain_data(tree.root)
        assert all(node.line >= 1 for node in scalars(tree.root))


@pytest.mark.parametrize("escape", [r"\UFFFFFFFF", r"\U00110000", r"\U7FFFFFFF", r"\ud800", r"\xZZ"])
@pytest.mark.parametrize("rest", ["", "\n", "\nc: [", "\n\tx"])
def test_an_escape_that_is_no_character_is_a_problem_with_its_place(escape: str, rest: str) -> None:
    assert codes(f'a: 1\nb:  "text {escape}"{rest}') == [("GOV101", 2, 13)]
