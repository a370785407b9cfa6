"""Digests over stored columns that the states in the history do not cover.

An entry says which state a row reached; these say what else stood in it (who started it, with which inputs; who decided
a gate, and why). They are taken over the columns' own text, so that ``audit verify`` reads a row and compares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_gov.store.codec import to_json

CREATED = (
    "namespace", "flow_id", "flow_revision", "flow_digest", "created_us", "run_as", "starter", "parent_id",
    "parent_task_run_id", "original_id", "supersedes", "workdir",
)  # fmt: skip
"""Columns of an execution that never change; its inputs and trigger are committed to together with them."""

HOT = ("ended_us", "next_seq", "history", "frame")
"""Columns of an execution that every step rewrites and no other commitment covers."""

RUN = (
    "seq", "parent_id", "value", "iteration", "path", "branch", "index", "started_us", "ended_us", "history",
    "attempts", "frame", "failure",
)  # fmt: skip
"""Columns of a task run beside its id, task, state and outputs."""

GATE = (
    "task_run_id", "task_id", "namespace", "flow_id", "opened_us", "deadline_us", "behavior", "title", "description",
    "form", "artefacts", "assignment",
)  # fmt: skip
"""What a gate asks, of whom and until when; its subject has a digest of its own."""

REVISION = ("author", "created_us", "allow_unknown_types")
FIXED_DATA = ("inputs", "trigger")
CHANGING_DATA = ("variables", "outputs", "failure")
DECISION = ("status_us", "status_by", "reason", "inputs")


def commit_to(values: Sequence[Any]) -> str:
    """Return a digest over column values: texts, integers and nulls in a fixed order."""
    return hashlib.sha256(to_json(values).encode()).hexdigest()


def commit_to_run(values: Sequence[Any]) -> str:
    """Return the digest over the columns ``RUN``: the same purpose, at half the cost, since there are most of these.

    The values are joined by a sign that none of them has; if one has it, they are written as JSON, which begins
    otherwise.
    """
    text = "\x1f".join(["" if value is None else f"={value}" for value in values])
    if text.count("\x1f") != len(values) - 1:
        text = to_json(values)
    return hashlib.sha256(text.encode()).hexdigest()


def of(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the digest over some columns of a row."""
    return commit_to([row[name] for name in names])


def revision(author: str, created_us: int, allow_unknown_types: Any) -> str:
    """Return the digest over what stands beside the text of a revision (databases differ in how they keep a flag)."""
    return commit_to([author, created_us, bool(allow_unknown_types)])


def created(row: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Return the digest over everything that was fixed when an execution was created."""
    return commit_to([*(row[name] for name in CREATED), *(data[name] for name in FIXED_DATA)])


def changing(data: Mapping[str, Any]) -> str:
    """Return the digest over an execution's variables, outputs and failure."""
    return of(data, CHANGING_DATA)


def decision(gate: Mapping[str, Any]) -> str:
    """Return the digest over who closed a gate, when and why."""
    return of(gate, DECISION)


def vote(row: Mapping[str, Any]) -> str:
    """Return the digest over a vote."""
    return of(row, sorted(row))
