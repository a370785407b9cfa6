"""Completes the facts of a change with what ``audit verify`` folds.

Beside the kinds that ``engine.facts`` documents, the store adds to ``changes``:

``created``, ``data``, ``labels``
    Commitments to an execution's fixed columns; its variables, outputs and failure; its labels.
``decisions``, ``votes``
    ``[[id, commitment], ...]`` of gates that were closed, and of votes.
``revisions``
    ``[[number, digest], ...]`` of a flow.
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
