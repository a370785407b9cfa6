"""Folding the ``changes`` of a stream's entries into the state that they lead to, and comparing it with what is stored.

``changes`` holds kinds of two shapes: a list of rows ``[key, ...]`` (task runs, approvals, votes), of which the last
one per key counts, and single values (the execution's state), of which the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Folded = dict[str, Any]
"""Kind -> ``{key: [rest of the row]}``, or kind -> value."""

TABLES = {
    "taskRuns": (
        "task run",
        ("task", "state", "attempts", "outputs digest", "rest (times, attempts, value, place, progress, failure)"),
    ),
    "approvals": ("approval", ("status", "subject digest")),
    "decisions": ("approval", ("decision (who, when, reason, inputs)",)),
    "votes": ("vote", ("content",)),
    "revisions": ("revision", ("digest",)),
    "values": ("value", ("content",)),
    "triggers": ("trigger", ("content (date, state, window, owner)",)),
}
"""Kinds that are tables: what a row is called, and its columns."""

_BESIDE = {
    "gates": ("approval", "what it asks, of whom and until when"),
    "registered": ("revision", "its author, time or permissions"),
    "items": ("task run", "the values that it walks"),
}
"""Kinds that commit to further columns of rows that another kind tells of: what a row is called, and what they are.

Histories of earlier versions have none of these.
"""

_LISTED = {*TABLES, *_BESIDE, "files"}
_WHOLE = len(TABLES["taskRuns"][1])
_SKIPPED = {"dropped", "runs"}  # read together with the rows of task runs

_REMOVABLE = frozenset({"values", "triggers"})
"""Tables whose rows may go again, told of as a row without content."""

_VALUES = {
    "execution": "its state",
    "created": "what was fixed at its start (flow, starter, run_as, inputs)",
    "data": "its variables, outputs or failure",
    "labels": "its labels",
    "row": "its end, state history or progress",
}


def fold(state: Folded, changes: Mapping[str, Any]) -> None:
    """Apply the ``changes`` of one entry to ``state``; any error means that they have another form."""
    for dropped in changes.get("dropped", ()):
        for kind in ("taskRuns", "items"):
            state.get(kind, {}).pop(dropped, None)
    for kind, value in changes.items():
        if kind in _SKIPPED:
            continue
        if kind not in _LISTED:
            state[kind] = value
            continue
        if type(value) is not list:
            raise TypeError(kind)
        table = state.get(kind)
        if table is None:
            table = state[kind] = {}
        if kind == "taskRuns":
            _fold_runs(table, value, changes.get("runs"))
        elif kind == "approvals":
            _fold_gates(table, value)
        elif kind in _REMOVABLE:
            _fold_removable(table, value)
        else:
            for row in value:
                table[row[0]] = row[1:]


def _fold_runs(table: Folded, rows: list[Any], rest: list[str] | None) -> None:
    if rest is None:  # of an earlier version
        for row in rows:
            table[row[0]] = row[1:]
    else:
        for row, commitment in zip(rows, rest, strict=True):
            table[row[0]] = [*row[1:], commitment]


def _fold_gates(table: Folded, rows: list[Any]) -> None:
    for row in rows:
        # Without a digest it was closed: the subject stays.
        table[row[0]] = [row[1], table[row[0]][1]] if row[2] is None and row[0] in table else row[1:]


def _fold_removable(table: Folded, rows: list[Any]) -> None:
    for row in rows:
        if row[1] is None:
            table.pop(row[0], None)
        else:
            table[row[0]] = row[1:]


def compare(told: Folded, stored: Folded) -> Iterator[str]:
    """Yield a phrase for each difference between what the history tells and what is stored."""
    for kind, meaning in _VALUES.items():
        if kind in told and told[kind] != stored.get(kind):
            yield _difference(meaning, told[kind], stored.get(kind))
    for kind, (noun, columns) in TABLES.items():
        left, right = told.get(kind, {}), stored.get(kind, {})
        if left != right:
            yield from _rows(noun, columns, left, right)
    for kind, (noun, meaning) in _BESIDE.items():
        left, right = told.get(kind, {}), stored.get(kind, {})
        if left != right:
            yield from _beside(noun, meaning, left, right)
            if kind == "items":  # rows of their own, which no other kind tells of
                yield from _strange(noun, meaning, left, right, told.get("taskRuns", {}))


def _rows(noun: str, columns: tuple[str, ...], left: Folded, right: Folded) -> Iterator[str]:
    for key in sorted(left.keys() | right.keys(), key=str):
        if key not in right:
            yield f"{noun} {key} is told of but not stored"
        elif key not in left:
            yield f"{noun} {key} is stored but never told of"
        elif left[key] != right[key]:
            differences = list(_columns(f"{noun} {key}", columns, left[key], right[key]))
            if differences:  # none if an earlier version told of fewer columns
                yield "; ".join(differences)


def _beside(noun: str, meaning: str, left: Folded, right: Folded) -> Iterator[str]:
    for key in sorted(left.keys() & right.keys(), key=str):
        if left[key] != right[key]:
            yield f"{meaning} of {noun} {key} differs from what the history commits to"


def _strange(noun: str, meaning: str, left: Folded, right: Folded, runs: Folded) -> Iterator[str]:
    for key in sorted(left.keys() - right.keys()):
        yield f"{meaning} of {noun} {key} are told of but not stored"
    for key in sorted(right.keys() - left.keys()):
        if len(runs.get(key, ())) == _WHOLE:  # an earlier version told of no values
            yield f"{meaning} of {noun} {key} are stored but never told of"


def _columns(name: str, columns: tuple[str, ...], told: list[Any], stored: list[Any]) -> Iterator[str]:
    for column, one, other in zip(columns, told, stored, strict=False):
        if one != other:
            yield _difference(f"{column} of {name}", one, other)


def _difference(meaning: str, told: Any, stored: Any) -> str:
    return f"{meaning} differs: the history says {_short(told)}, the table says {_short(stored)}"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    text = str(value)
    return text if len(text) <= 30 else text[:24] + "…"
