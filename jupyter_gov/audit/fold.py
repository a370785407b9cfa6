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
    "taskRuns": ("task run", ("task", "state", "attempts", "outputs digest")),
    "approvals": ("approval", ("status", "subject digest")),
    "decisions": ("approval", ("decision (who, when, reason, inputs)",)),
    "votes": ("vote", ("content",)),
    "revisions": ("revision", ("digest",)),
    "values": ("value", ("content",)),
}
"""Kinds that are tables: what a row is called, and its columns."""

_REMOVABLE = frozenset({"values"})
"""Tables whose rows may go again, told of as a row without content."""

_VALUES = {
    "execution": "its state",
    "created": "what was fixed at its start (flow, starter, run_as, inputs)",
    "data": "its variables, outputs or failure",
    "labels": "its labels",
}


def fold(state: Folded, changes: Mapping[str, Any]) -> None:
    """Apply the ``changes`` of one entry to ``state``; any error means that they have another form."""
    for dropped in changes.get("dropped", ()):
        state.get("taskRuns", {}).pop(dropped, None)
    for kind, value in changes.items():
        if kind == "dropped":
            continue
        if kind not in TABLES:
            state[kind] = value
            continue
        if type(value) is not list:
            raise TypeError(kind)
        table = state.get(kind)
        if table is None:
            table = state[kind] = {}
        for row in value:
            if kind == "approvals" and row[2] is None and row[0] in table:
                table[row[0]] = [row[1], table[row[0]][1]]  # closed: the subject stays
            elif kind in _REMOVABLE and row[1] is None:
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
        if left == right:
            continue
        for key in sorted(left.keys() | right.keys(), key=str):
            if key not in right:
                yield f"{noun} {key} is told of but not stored"
            elif key not in left:
                yield f"{noun} {key} is stored but never told of"
            elif left[key] != right[key]:
                yield "; ".join(_columns(f"{noun} {key}", columns, left[key], right[key]))


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
