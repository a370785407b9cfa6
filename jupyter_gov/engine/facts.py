"""What a step puts on record: one fact that says what happened and every state that changed.

The body's ``changes`` is enough to fold the stored states from the history alone:

``execution``
    ``{"state": STATE, "version": n}``
``taskRuns``
    ``[[id, task id, STATE, number of attempts, outputs digest or null], ...]`` of new and changed task runs.
``dropped``
    ids of task runs that a restart removed.
``approvals``
    ``[[id, STATUS, subject digest or null], ...]`` of gates that this step opened (with digest) or closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jupyter_gov.domain.approval import Approval
from jupyter_gov.domain.commands import CloseApproval
from jupyter_gov.domain.execution import Execution


def changes(
    execution: Execution,
    changed: Iterable[str] = (),
    dropped: Sequence[str] = (),
    approvals: Sequence[Approval] = (),
    closed: Sequence[CloseApproval] = (),
) -> dict[str, Any]:
    """Return the ``changes`` of an audit body."""
    found: dict[str, Any] = {"execution": {"state": str(execution.state), "version": execution.version}}
    runs = []
    for run_id in changed:
        run = execution.task_runs[run_id]
        runs.append([run.id, run.task_id, str(run.state), len(run.attempts), run.outputs_digest])
    if runs:
        found["taskRuns"] = runs
    if dropped:
        found["dropped"] = list(dropped)
    if approvals or closed:
        opened: list[list[str | None]] = [[item.id, str(item.status), item.subject_digest] for item in approvals]
        found["approvals"] = opened + [[item.approval_id, str(item.status), None] for item in closed]
    return found


def failure_body(execution: Execution, changed: Iterable[str]) -> Mapping[str, Any]:
    """Return code and message of the task runs that failed in this step."""
    failures = {}
    for run_id in changed:
        run = execution.task_runs[run_id]
        if run.failure is not None:
            failures[run_id] = {"code": run.failure.code, "message": run.failure.message}
    return {"failures": failures} if failures else {}
