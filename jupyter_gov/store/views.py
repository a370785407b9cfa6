"""The views that questions in SQL may ask: where each comes from, and its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "float", "time", "labels", "count"]


@dataclass(frozen=True, slots=True)
class View:
    """A view.

    Attributes
    ----------
    source
        Tables and joins, in the SQL of both databases.
    columns
        Name -> expression over ``source``, and what the stored value is: ``time`` is microseconds, ``labels`` pairs,
        ``count`` the number of elements of a JSON list, ``text`` may be JSON.
    """

    source: str
    columns: Mapping[str, tuple[str, Kind]]


VIEWS: Mapping[str, View] = {
    "flows": View(
        "gov_flow_revisions f",
        {
            "namespace": ("f.namespace", "text"),
            "flow_id": ("f.flow_id", "text"),
            "revision": ("f.revision", "integer"),
            "digest": ("f.digest", "text"),
            "author": ("f.author", "text"),
            "created": ("f.created_us", "time"),
            "source": ("f.source", "text"),
        },
    ),
    "executions": View(
        "gov_executions e LEFT JOIN gov_execution_data d ON d.execution_id = e.id",
        {
            "id": ("e.id", "text"),
            "namespace": ("e.namespace", "text"),
            "flow_id": ("e.flow_id", "text"),
            "flow_revision": ("e.flow_revision", "integer"),
            "state": ("e.state", "text"),
            "created": ("e.created_us", "time"),
            "ended": ("e.ended_us", "time"),
            "starter": ("e.starter", "text"),
            "run_as": ("e.run_as", "text"),
            "parent_id": ("e.parent_id", "text"),
            "supersedes": ("e.supersedes", "text"),
            "labels": ("e.labels", "labels"),
            "inputs": ("d.inputs", "text"),
            "outputs": ("d.outputs", "text"),
            "failure": ("d.failure", "text"),
        },
    ),
    "task_runs": View(
        "gov_task_runs t",
        {
            "execution_id": ("t.execution_id", "text"),
            "id": ("t.id", "text"),
            "task_id": ("t.task_id", "text"),
            "parent_id": ("t.parent_id", "text"),
            "value": ("t.value", "text"),
            "iteration": ("t.iteration", "integer"),
            "state": ("t.state", "text"),
            "started": ("t.started_us", "time"),
            "ended": ("t.ended_us", "time"),
            "attempts": ("t.attempts", "count"),
            "outputs": ("t.outputs", "text"),
            "outputs_digest": ("t.outputs_digest", "text"),
            "failure": ("t.failure", "text"),
        },
    ),
    "approvals": View(
        "gov_approvals a",
        {
            "id": ("a.id", "text"),
            "execution_id": ("a.execution_id", "text"),
            "task_id": ("a.task_id", "text"),
            "namespace": ("a.namespace", "text"),
            "flow_id": ("a.flow_id", "text"),
            "status": ("a.status", "text"),
            "opened": ("a.opened_us", "time"),
            "deadline": ("a.deadline_us", "time"),
            "decided": ("a.status_us", "time"),
            "decided_by": ("a.status_by", "text"),
            "reason": ("a.reason", "text"),
            "inputs": ("a.inputs", "text"),
            "title": ("a.title", "text"),
            "description": ("a.description", "text"),
            "subject_digest": ("a.subject_digest", "text"),
        },
    ),
    "votes": View(
        "gov_votes v",
        {
            "id": ("v.id", "text"),
            "approval_id": ("v.approval_id", "text"),
            "actor_id": ("v.actor_id", "text"),
            "actor_name": ("v.actor_name", "text"),
            "assurance": ("v.assurance", "text"),
            "verdict": ("v.verdict", "text"),
            "at": ("v.at_us", "time"),
            "reason": ("v.reason", "text"),
            "subject_digest": ("v.subject_digest", "text"),
        },
    ),
    "audit": View(
        "gov_audit_entries n LEFT JOIN gov_audit_bodies b ON b.entry_id = n.id"
        " LEFT JOIN gov_audit_actors w ON w.actor_ref = n.actor_ref",
        {
            "stream": ("n.stream", "text"),
            "seq": ("n.seq", "integer"),
            "at": ("n.ts_us", "time"),
            "actor": ("coalesce(w.actor_id, n.actor_ref)", "text"),
            "action": ("n.action", "text"),
            "subject": ("n.subject", "text"),
            "leaf_hash": ("n.leaf_hash", "text"),
            "body": ("b.body", "text"),
        },
    ),
    "logs": View(
        "gov_logs l",
        {
            "id": ("l.id", "integer"),
            "execution_id": ("l.execution_id", "text"),
            "task_run_id": ("l.task_run_id", "text"),
            "task_id": ("l.task_id", "text"),
            "attempt": ("l.attempt", "integer"),
            "level": ("l.level", "text"),
            "at": ("l.at_us", "time"),
            "message": ("l.message", "text"),
        },
    ),
    "metrics": View(
        "gov_metrics m",
        {
            "execution_id": ("m.execution_id", "text"),
            "task_run_id": ("m.task_run_id", "text"),
            "task_id": ("m.task_id", "text"),
            "name": ("m.name", "text"),
            "type": ("m.type", "text"),
            "value": ("m.value", "float"),
            "tags": ("m.tags", "text"),
            "at": ("m.at_us", "time"),
        },
    ),
}
