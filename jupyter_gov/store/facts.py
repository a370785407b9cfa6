"""Completes the facts of a change with what ``audit verify`` folds.

Beside the kinds that ``engine.facts`` documents, the store adds to ``changes``:

``created``, ``data``, ``labels``, ``row``
    Commitments to an execution's fixed columns; its variables, outputs and failure; its labels; its other columns.
``runs``
    For each row of ``taskRuns``, in the same order, a commitment to what that does not spell out.
``items``
    ``[[id, commitment], ...]`` of task runs that walk values, to these.
``gates``
    ``[[id, commitment], ...]`` of gates that were opened: what they ask, of whom and until when.
``files``
    ``[[sha256, bytes], ...]`` of stored files that what was written refers to.
``decisions``, ``votes``
    ``[[id, commitment], ...]`` of gates that were closed, and of votes.
``revisions``, ``registered``
    ``[[number, digest], ...]`` of a flow: over its text, and over its author, time and permissions.
``triggers``
    ``[[id, commitment or null], ...]`` of a flow's triggers; null: the flow has it no more.
``values``
    ``[[key, commitment or null], ...]`` of a namespace; null: it has no value any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyter_gov.domain.commands import Fact


def with_changes(facts: Sequence[Fact], changes: Mapping[str, Any]) -> Sequence[Fact]:
    """Return the facts, the last one carrying ``changes`` unless one of them says so already.

    The rows that are written and the changes that are recorded must agree; a caller that wrote no changes gets those
    of the rows.
    """
    missing = {key: value for key, value in changes.items() if not any(key in _changes(fact) for fact in facts)}
    if not missing or not facts:
        return facts
    last = facts[-1]
    body = {**last.body, "changes": {**_changes(last), **missing}}
    return (*facts[:-1], replace(last, body=body))


def with_runs(facts: Sequence[Fact], commitments: Mapping[str, str]) -> Sequence[Fact]:
    """Return the facts with a commitment beside each row of a task run; beside, since a row is the engine's."""
    if not commitments:
        return facts
    completed = []
    for fact in facts:
        changes = _changes(fact)
        told = changes.get("taskRuns")
        if told:
            runs = [commitments[row[0]] for row in told]
            fact = replace(fact, body={**fact.body, "changes": {**changes, "runs": runs}})  # noqa: PLW2901
        completed.append(fact)
    return completed


def without_gates(facts: Sequence[Fact], beaten: Collection[str]) -> Sequence[Fact]:
    """Return the facts without the gates that a step meant to close and people had closed before."""
    if not beaten:
        return facts
    kept = []
    for fact in facts:
        changes = dict(_changes(fact))
        if "approvals" in changes:
            changes["approvals"] = [row for row in changes["approvals"] if row[0] not in beaten]
        kept.append(replace(fact, body={**fact.body, "changes": changes}))
    return kept


def _changes(fact: Fact) -> Mapping[str, Any]:
    found: Mapping[str, Any] = fact.body.get("changes") or {}
    return found
