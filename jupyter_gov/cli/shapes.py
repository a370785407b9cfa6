"""The JSON that ``--json`` prints: camelCase names, ISO times, stable keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jupyter_gov.domain.canonical import plain
from jupyter_gov.domain.execution import Execution, Failure, TaskRun
from jupyter_gov.domain.flow import AuditEntry, ExecutionSummary, FlowRevision, LogLine
from jupyter_gov.domain.sealed import veiled
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.service.api import ApprovalDetail, VerifyReport


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def flow(found: FlowRevision) -> dict[str, Any]:
    """Return a stored flow without its text."""
    return {
        "namespace": found.namespace,
        "id": found.flow_id,
        "revision": found.revision,
        "digest": found.digest,
        "author": found.author,
        "created": _time(found.created_at),
    }


def summary(found: ExecutionSummary) -> dict[str, Any]:
    """Return one line of a list of executions."""
    return {
        "id": found.id,
        "namespace": found.namespace,
        "flow": found.flow_id,
        "revision": found.flow_revision,
        "state": found.state.value,
        "created": _time(found.created),
        "ended": _time(found.ended),
        "starter": found.starter,
        "labels": dict(found.labels),
        "openApprovals": found.open_approvals,
    }


def execution(found: Execution, gates: list[ApprovalDetail]) -> dict[str, Any]:
    """Return an execution with its task runs and gates."""
    return {
        "id": found.id,
        "namespace": found.namespace,
        "flow": found.flow_id,
        "revision": found.flow_revision,
        "digest": found.flow_digest,
        "state": found.state.value,
        "created": _time(found.created),
        "ended": _time(found.history.ended),
        "starter": found.starter,
        "runAs": found.run_as,
        "labels": {label.key: label.value for label in found.labels},
        "inputs": plain(veiled(found.inputs)),
        "outputs": plain(veiled(found.outputs)),
        "failure": failure(found.failure),
        "tasks": [task(run) for run in found.ordered()],
        "approvals": [approval(gate) for gate in gates],
    }


def failure(found: Failure | None) -> dict[str, Any] | None:
    """Return why something failed."""
    return None if found is None else {"code": found.code, "message": found.message, "details": plain(found.details)}


def task(run: TaskRun) -> dict[str, Any]:
    """Return one task run."""
    return {
        "id": run.id,
        "taskId": run.task_id,
        "parentId": run.parent_id,
        "value": run.value,
        "state": run.state.value,
        "started": _time(run.history.started),
        "ended": _time(run.history.ended),
        "attempts": len(run.attempts),
        "outputs": plain(veiled(run.outputs)),
        "failure": failure(run.failure),
    }


def approval(detail: ApprovalDetail) -> dict[str, Any]:
    """Return a gate with its votes."""
    gate = detail.approval
    return {
        "id": gate.id,
        "executionId": gate.execution_id,
        "namespace": gate.namespace,
        "flow": gate.flow_id,
        "taskId": gate.task_id,
        "status": gate.status.value,
        "title": gate.title,
        "description": gate.description,
        "form": plain(gate.form),
        "subjectDigest": gate.subject_digest,
        "opened": _time(gate.opened_at),
        "deadline": _time(gate.deadline),
        "behavior": gate.behavior,
        "users": sorted(gate.assignment.users),
        "groups": sorted(gate.assignment.groups),
        "canDecide": detail.can_decide,
        "whyNot": detail.why_not,
        "decidedBy": gate.status_by,
        "decidedAt": _time(gate.status_at),
        "reason": gate.reason,
        "inputs": plain(veiled(gate.inputs)),
        "votes": [
            {"by": vote.actor_id, "verdict": vote.verdict.value, "at": _time(vote.at), "reason": vote.reason}
            for vote in detail.votes
        ],
    }


def log(line: LogLine) -> dict[str, Any]:
    """Return one log line."""
    return {
        "id": line.id,
        "taskRunId": line.task_run_id,
        "taskId": line.task_id,
        "attempt": line.attempt,
        "level": line.level,
        "at": _time(line.at),
        "message": line.message,
    }


def entry(found: AuditEntry) -> dict[str, Any]:
    """Return one entry of the history."""
    return {
        "stream": found.stream,
        "seq": found.seq,
        "at": found.ts_us,
        "actor": found.actor_ref,
        "action": found.action,
        "subject": found.subject,
        "leafHash": found.leaf_hash,
        "prevHash": found.prev_hash,
        "bodyDigest": found.body_digest,
        "body": plain(found.body),
    }


def report(found: VerifyReport) -> dict[str, Any]:
    """Return what ``audit verify`` proved."""
    return {
        "ok": found.ok,
        "entries": found.entries,
        "streams": found.streams,
        "seconds": found.seconds,
        "findings": [
            {"code": item.code, "stream": item.stream, "seq": item.seq, "message": item.message}
            for item in found.findings
        ],
        "limits": list(found.limits),
    }


def trigger(found: Trigger) -> dict[str, Any]:
    """Return a trigger as it stands."""
    return {
        "namespace": found.namespace,
        "flow": found.flow_id,
        "id": found.id,
        "type": found.type,
        "revision": found.revision,
        "active": found.is_active,
        "disabled": found.disabled,
        "disabledInText": found.off,
        "runAs": found.run_as,
        "author": found.author,
        "next": _time(found.next),
        "last": _time(found.last),
        "lastExecution": found.running,
        "windows": plain(found.windows),
        "backfill": plain(found.backfill),
    }
