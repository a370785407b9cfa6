"""Executions, task runs and approvals, to and from their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rpds import HashTrieMap

from jupyter_gov.domain.approval import Approval, ApprovalStatus, Assignment, Verdict, Vote
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.store.codec import (
    UNREADABLE,
    attempts_from,
    attempts_text,
    clean,
    clean_or_none,
    failure_data,
    failure_from,
    frame_from,
    frame_text,
    from_json,
    from_json_or,
    from_json_or_none,
    from_us,
    from_us_or_none,
    history_data,
    history_from,
    labels_from,
    labels_text,
    to_json,
    to_json_or_none,
    to_us,
    to_us_or_none,
    trigger_data,
    trigger_from,
)


def execution_hot(execution: Execution) -> dict[str, Any]:
    """Return the columns that every step rewrites."""
    history = execution.history
    return {
        "state": history.state.value,
        "version": execution.version,
        "ended_us": to_us_or_none(history.ended),
        "next_seq": execution.next_seq,
        "history": to_json(history_data(history)),
        "frame": frame_text(execution.frame),
        "labels": labels_text(execution.labels),
    }


def execution_row(execution: Execution) -> dict[str, Any]:
    """Return the row of a new execution."""
    return {
        **execution_hot(execution),
        "id": execution.id,
        "namespace": execution.namespace,
        "flow_id": execution.flow_id,
        "flow_revision": execution.flow_revision,
        "flow_digest": execution.flow_digest,
        "created_us": to_us(execution.created),
        "run_as": execution.run_as,
        "starter": execution.starter,
        "fence": 0,
        "lease_owner": None,
        "lease_expires_us": None,
        "parent_id": execution.parent_id,
        "parent_task_run_id": execution.parent_task_run_id,
        "original_id": execution.original_id,
        "supersedes": execution.supersedes,
        "workdir": clean_or_none(execution.workdir),
    }


def execution_data(execution: Execution) -> dict[str, Any]:
    """Return the row of an execution's large values."""
    return {
        "execution_id": execution.id,
        "inputs": to_json(execution.inputs),
        "trigger": to_json_or_none(trigger_data(execution.trigger)),
        "variables": to_json(execution.variables),
        "outputs": to_json_or_none(execution.outputs),
        "failure": to_json_or_none(failure_data(execution.failure)),
    }


def task_run_row(run: TaskRun) -> dict[str, Any]:
    """Return the row of a task run."""
    history = run.history
    return {
        "execution_id": run.execution_id,
        "seq": run.seq,
        "id": run.id,
        "task_id": run.task_id,
        "parent_id": run.parent_id,
        "value": clean_or_none(run.value),
        "iteration": run.iteration,
        "path": to_json(run.path) if run.path else "[]",
        "branch": run.branch,
        "index": run.index,
        "state": history.state.value,
        "started_us": to_us(history.started),
        "ended_us": to_us_or_none(history.ended),
        "history": to_json(history_data(history)),
        "attempts": attempts_text(run.attempts),
        "frame": None if run.frame is None else frame_text(run.frame),
        "outputs": to_json_or_none(run.outputs),
        "outputs_digest": run.outputs_digest,
        "failure": to_json_or_none(failure_data(run.failure)),
    }


def task_run_from(row: Sequence[Any], items: tuple[str, ...] | None) -> TaskRun:
    """Return the task run of a row in the order of ``TaskRunRow``'s columns."""
    (execution_id, seq, run_id, task_id, parent_id, value, iteration, path, branch, index, _state, _started, _ended,
     history, attempts, frame, outputs, outputs_digest, failure) = row  # fmt: skip
    return TaskRun(
        id=run_id,
        execution_id=execution_id,
        task_id=task_id,
        seq=seq,
        history=history_from(from_json(history)),
        parent_id=parent_id,
        value=value,
        iteration=iteration,
        path=() if path == "[]" else tuple(from_json(path)),
        branch=branch,
        index=index,
        attempts=attempts_from(attempts),
        outputs=from_json_or_none(outputs),
        outputs_digest=outputs_digest,
        frame=None if frame is None else frame_from(frame),
        items=items,
        failure=failure_from(from_json_or_none(failure)),
    )


def execution_from(row: Mapping[str, Any], data: Mapping[str, Any], runs: Sequence[TaskRun]) -> Execution:
    """Return the execution of its rows; ``runs`` in order of creation."""
    return Execution(
        id=row["id"],
        namespace=row["namespace"],
        flow_id=row["flow_id"],
        flow_revision=row["flow_revision"],
        flow_digest=row["flow_digest"],
        history=history_from(from_json(row["history"])),
        run_as=row["run_as"],
        starter=row["starter"],
        version=row["version"],
        inputs=from_json(data["inputs"]),
        labels=labels_from(row["labels"]),
        variables=from_json(data["variables"]),
        trigger=trigger_from(from_json_or_none(data["trigger"])),
        parent_id=row["parent_id"],
        parent_task_run_id=row["parent_task_run_id"],
        original_id=row["original_id"],
        supersedes=row["supersedes"],
        workdir=row["workdir"],
        outputs=from_json_or_none(data["outputs"]),
        failure=failure_from(from_json_or_none(data["failure"])),
        frame=frame_from(row["frame"]),
        next_seq=row["next_seq"],
        task_runs=HashTrieMap({run.id: run for run in runs}),
        latest=HashTrieMap({(run.task_id, *run.path): run.id for run in runs}),
    )


def approval_row(approval: Approval) -> dict[str, Any]:
    """Return the row of a gate."""
    assignment = approval.assignment
    return {
        "id": approval.id,
        "execution_id": approval.execution_id,
        "task_run_id": approval.task_run_id,
        "task_id": approval.task_id,
        "namespace": approval.namespace,
        "flow_id": approval.flow_id,
        "status": approval.status.value,
        "version": approval.version,
        "opened_us": to_us(approval.opened_at),
        "deadline_us": to_us_or_none(approval.deadline),
        "behavior": approval.behavior,
        "title": clean(approval.title),
        "description": clean(approval.description),
        "subject": to_json(approval.subject),
        "subject_digest": approval.subject_digest,
        "form": to_json(approval.form),
        "artefacts": to_json(approval.artefacts),
        "assignment": to_json({"users": sorted(assignment.users), "groups": sorted(assignment.groups)}),
        "status_us": to_us_or_none(approval.status_at),
        "status_by": clean_or_none(approval.status_by),
        "reason": clean_or_none(approval.reason),
        "inputs": to_json(approval.inputs),
    }


def approval_from(row: Sequence[Any]) -> Approval:
    """Return the gate of a row in the order of ``ApprovalRow``'s columns."""
    (approval_id, execution_id, task_run_id, task_id, namespace, flow_id, status, version, opened_us, deadline_us,
     behavior, title, description, subject, subject_digest, form, artefacts, assignment, status_us, status_by, reason,
     inputs) = row  # fmt: skip
    # One row that was damaged must not hide the others. It cannot be decided: its subject gives another digest.
    who = from_json_or(assignment, {"users": [UNREADABLE], "groups": []})
    return Approval(
        id=approval_id,
        execution_id=execution_id,
        task_run_id=task_run_id,
        task_id=task_id,
        namespace=namespace,
        flow_id=flow_id,
        status=ApprovalStatus(status),
        opened_at=from_us(opened_us),
        subject=from_json_or(subject, {"unreadable": UNREADABLE}),
        subject_digest=subject_digest,
        title=title,
        description=description,
        form=tuple(from_json_or(form, [{"id": "unreadable", "displayName": UNREADABLE}])),
        artefacts=tuple(from_json_or(artefacts, [])),
        assignment=Assignment(users=frozenset(who["users"]), groups=frozenset(who["groups"])),
        deadline=from_us_or_none(deadline_us),
        behavior=behavior,
        version=version,
        status_at=from_us_or_none(status_us),
        status_by=status_by,
        reason=reason,
        inputs=from_json_or(inputs, {"unreadable": UNREADABLE}),
    )


def vote_row(vote: Vote) -> dict[str, Any]:
    """Return the row of a vote."""
    return {
        "id": vote.id,
        "approval_id": vote.approval_id,
        "actor_id": clean(vote.actor_id),
        "actor_name": clean(vote.actor_name),
        "assurance": str(vote.assurance),
        "verdict": vote.verdict.value,
        "at_us": to_us(vote.at),
        "subject_digest": vote.subject_digest,
        "reason": clean_or_none(vote.reason),
        "inputs": to_json(vote.inputs),
    }


def vote_from(row: Sequence[Any]) -> Vote:
    """Return the vote of a row in the order of ``VoteRow``'s columns."""
    vote_id, approval_id, actor_id, actor_name, assurance, verdict, at_us, subject_digest, reason, inputs = row
    return Vote(
        id=vote_id,
        approval_id=approval_id,
        actor_id=actor_id,
        actor_name=actor_name,
        assurance=assurance,
        verdict=Verdict(verdict),
        at=from_us(at_us),
        subject_digest=subject_digest,
        reason=reason,
        inputs=from_json(inputs),
    )
