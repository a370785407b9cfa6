"""Completes the facts of a change with what ``audit verify`` folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def _changes(fact: Fact) -> Mapping[str, Any]:
    found: Mapping[str, Any] = fact.body.get("changes") or {}
    return found
