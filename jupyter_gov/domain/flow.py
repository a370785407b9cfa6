"""A stored flow text, and the short forms that lists show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from jupyter_gov.domain.states import State


@dataclass(frozen=True, slots=True)
class FlowRevision:
    """One immutable text of a flow; ``digest`` is over the source's bytes, ``revision`` counts from 1."""

    namespace: str
    flow_id: str
    revision: int
    source: str
    digest: str
    author: str
    created_at: datetime
    allow_unknown_types: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """One line of a list of executions."""

    id: str
    namespace: str
    flow_id: str
    flow_revision: int
    state: State
    created: datetime
    ended: datetime | None
    starter: str
    labels: Mapping[str, str] = field(default_factory=dict)
    open_approvals: int = 0

    def duration(self, now: datetime) -> timedelta:
        """Return the time from creation to the end, or to ``now``."""
        return (self.ended or now) - self.created


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """What a list of executions is narrowed to; an empty field does not narrow."""

    namespace: str | None = None
    flow_id: str | None = None
    states: frozenset[State] = frozenset()
    starter: str | None = None
    label: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a task (or the engine, for its execution) wrote."""

    id: int
    execution_id: str
    task_run_id: str | None
    task_id: str | None
    attempt: int | None
    level: str
    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the history as stored; ``body`` is what ``body_digest`` commits to."""

    stream: str
    seq: int
    prev_hash: str
    leaf_hash: str
    ts_us: int
    actor_ref: str
    action: str
    subject: str
    body_digest: str
    body: Mapping[str, Any]
