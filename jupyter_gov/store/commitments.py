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

FIXED_DATA = ("inputs", "trigger")
CHANGING_DATA = ("variables", "outputs", "failure")
DECISION = ("status_us", "status_by", "reason", "inputs")


def commit_to(values: Sequence[Any]) -> str:
    """Return a digest over column values: texts, integers and nulls in a fixed order."""
    return hashlib.sha256(to_json(values).encode()).hexdigest()


def created(row: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Return the digest over everything that was fixed when an execution was created."""
    return commit_to([*(row[name] for name in CREATED), *(data[name] for name in FIXED_DATA)])


def changing(data: Mapping[str, Any]) -> str:
    """Return the digest over an execution's variables, outputs and failure."""
    return commit_to([data[name] for name in CHANGING_DATA])


def decision(gate: Mapping[str, Any]) -> str:
    """Return the digest over who closed a gate, when and why."""
    return commit_to([gate[name] for name in DECISION])


def vote(row: Mapping[str, Any]) -> str:
    """Return the digest over a vote."""
    return commit_to([row[name] for name in sorted(row)])
