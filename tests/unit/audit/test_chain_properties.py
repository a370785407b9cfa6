"""Over random chains: honest ones are proved, and any single change is noticed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from jupyter_gov.audit import chain
from jupyter_gov.audit.fold import Folded, compare, fold
from jupyter_gov.audit.verify import LIMITS, Report, Row, Stored, verify
from jupyter_gov.domain.commands import Fact

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEYS = WORDS.filter(lambda word: word not in {"changes", "erased"})
FACTS = st.builds(Fact, WORDS, WORDS, WORDS, st.just("os"), st.dictionaries(KEYS, WORDS, max_size=3))
JSON = st.recursive(st.none() | st.integers() | WORDS, lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner))
STREAMS = st.dictionaries(WORDS.filter(bool), st.lists(FACTS, min_size=1, max_size=6), min_size=1, max_size=4)


def rows_of(streams: dict[str, list[Fact]]) -> list[Row]:
    rows: list[Row] = []
    for stream in sorted(streams):
        prev = chain.genesis(stream)
        for number, fact in enumerate(streams[stream], 1):
            sealed = chain.seal(stream, number, prev, fact, ts_us=number, actor_ref="r")
            e = sealed.entry
            prev = e.leaf_hash
            rows.append(
                (stream, e.seq, e.prev_hash, prev, e.ts_us, e.actor_ref, e.action, e.subject, e.body_digest,
                 sealed.salt, sealed.body_text)
            )  # fmt: skip
    return rows


def nothing(_streams: Sequence[str]) -> dict[str, Stored]:
    return {}


def check(rows: Sequence[Row]) -> Report:
    return verify(rows, nothing)


@given(STREAMS)
def test_honest_chains(streams: dict[str, list[Fact]]) -> None:
    report = check(rows_of(streams))
    assert report.ok
    assert report.limits == LIMITS
    assert (report.entries, report.streams) == (sum(map(len, streams.values())), len(streams))


@given(STREAMS, st.data())
def test_any_changed_field(streams: dict[str, list[Fact]], data: st.DataObject) -> None:
    rows = rows_of(streams)
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(1, 10))
    row: list[Any] = list(rows[place])
    row[column] = row[column] + 1 if isinstance(row[column], int) else row[column] + "x"
    rows[place] = tuple(row)  # type: ignore[assignment]
    report = check(sorted(rows, key=lambda one: (one[0], one[1])))
    assert not report.ok
    assert {one.stream for one in report.findings} == {row[0]}


@given(STREAMS, st.data())
def test_any_missing_entry_but_the_last(streams: dict[str, list[Fact]], data: st.DataObject) -> None:
    rows = rows_of(streams)
    place = data.draw(st.integers(0, len(rows) - 1))
    stream, seq = rows[place][:2]
    assume(seq < len(streams[stream]))
    del rows[place]
    (finding,) = check(rows).findings
    assert (finding.code, finding.stream, finding.seq) == ("GOV612", stream, seq + 1)


@given(STREAMS, st.data())
def test_any_two_entries_exchanged(streams: dict[str, list[Fact]], data: st.DataObject) -> None:
    rows = rows_of(streams)
    one, other = (data.draw(st.integers(0, len(rows) - 1)) for _ in range(2))
    assume(one != other and rows[one][0] == rows[other][0])
    first, second = rows[one], rows[other]
    rows[one] = (*first[:2], *second[2:])
    rows[other] = (*second[:2], *first[2:])
    found = check(rows).findings
    assert found[0].stream == first[0]
    assert found[0].seq == min(first[1], second[1])


@given(STREAMS, st.data())
def test_a_repaired_link_breaks_at_the_next(streams: dict[str, list[Fact]], data: st.DataObject) -> None:
    rows = rows_of(streams)
    place = data.draw(st.integers(0, len(rows) - 1))
    stream, seq = rows[place][:2]
    assume(seq < len(streams[stream]))
    row: list[Any] = list(rows[place])
    row[6] += "x"
    row[3] = chain.leaf_hash(*row[:3], *row[4:9])
    following: list[Any] = list(rows[place + 1])
    following[2] = row[3]
    rows[place : place + 2] = [tuple(row), tuple(following)]  # type: ignore[list-item]
    found = check(rows).findings
    assert (found[0].code, found[0].stream, found[0].seq) == ("GOV610", stream, seq + 1)


@given(st.dictionaries(st.sampled_from(["changes", "erased"]), JSON, min_size=1))
@example({"changes": {"taskRuns": [["r"], [], 1]}})
@example({"changes": {"approvals": [["g"]], "dropped": 5}})
@example({"changes": "0"})
def test_bodies_of_another_form_do_not_stop_the_walk(body: dict[str, Any]) -> None:
    streams = {"a": [Fact("a", "b", "c", "os", body)], "b": [Fact("a", "b", "c", "os", {})] * 2}
    report = check(rows_of(streams))
    assert report.entries == 3
    assert {one.code for one in report.findings} <= {"GOV613", "GOV622"}


def test_folding() -> None:
    state: Folded = {}
    fold(state, {"execution": {"state": "CREATED", "version": 0}, "taskRuns": [["r0", "t", "CREATED", 0, None]]})
    fold(
        state,
        {
            "execution": {"state": "RUNNING", "version": 1},
            "taskRuns": [["r0", "t", "SUCCESS", 1, "d"], ["r1", "u", "RUNNING", 1, None]],
            "approvals": [["g", "OPEN", "digest"]],
        },
    )
    fold(state, {"dropped": ["r1", "unknown"], "approvals": [["g", "WITHDRAWN", None]]})
    assert state == {
        "execution": {"state": "RUNNING", "version": 1},
        "taskRuns": {"r0": ["t", "SUCCESS", 1, "d"]},
        "approvals": {"g": ["WITHDRAWN", "digest"]},
    }


def test_differences_are_said_in_words() -> None:
    told = {"execution": {"state": "PAUSED", "version": 3}, "taskRuns": {"r0": ["t", "PAUSED", 1, None]}}
    stored = {"execution": {"state": "SUCCESS", "version": 3}, "taskRuns": {"r1": ["t", "PAUSED", 1, None]}}
    assert list(compare(told, told)) == []
    assert list(compare(told, stored)) == [
        "its state differs: the history says state PAUSED, version 3, the table says state SUCCESS, version 3",
        "task run r0 is told of but not stored",
        "task run r1 is stored but never told of",
    ]


def test_a_body_that_is_no_json() -> None:
    (row,) = rows_of({"s": [Fact("a", "b", "c", "os", {})]})
    body = '{"changes"'
    altered = (*row[:8], chain.body_digest("", body), "", body)
    leaf = chain.leaf_hash(altered[0], altered[1], altered[2], *altered[4:9])
    report = check([(*altered[:3], leaf, *altered[4:])])
    assert [one.code for one in report.findings] == ["GOV613"]
