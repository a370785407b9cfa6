"""What an errors branch may know of the failure for which it runs: ``error`` of its expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.states import State

_FAILED = frozenset({State.FAILED, State.KILLED, State.CANCELLED})
_SIDE = frozenset({"errors", "finally", "after"})


def branch_of(execution: Execution, run: TaskRun) -> TaskRun | None:
    """Return the run itself or the flowable around it that stands in the nearest errors branch; None outside of one."""
    found: TaskRun | None = run
    while found is not None and found.branch != "errors":
        found = None if found.parent_id is None else execution.task_runs.get(found.parent_id)
    return found


def error_of(execution: Execution, branch: TaskRun) -> Mapping[str, Any] | None:
    """Return the failure for which an errors branch runs: that of the innermost task, and the last one of several."""
    found: TaskRun | None = None
    parent_id = branch.parent_id
    while (failed := _last_failed(execution, parent_id)) is not None:
        found, parent_id = failed, failed.id
    if found is None:
        # The flowable around the branch could not even say which tasks it has.
        found = None if branch.parent_id is None else execution.task_runs.get(branch.parent_id)
    if found is None:
        return None
    error: dict[str, Any] = {"taskId": found.task_id, "taskRunId": found.id}
    if found.failure is not None:
        error |= {"code": found.failure.code, "message": found.failure.message}
        if (found.failure.details or {}).get("traceback"):
            error["stackTrace"] = (found.failure.details or {})["traceback"]
    return error


def _last_failed(execution: Execution, parent_id: str | None) -> TaskRun | None:
    failed = [run for run in execution.children(parent_id) if run.state in _FAILED and run.branch not in _SIDE]
    return max(failed, key=lambda run: (run.history.moments[-1].at, run.seq), default=None)
