"""The executions that a task run has called, and what they handed back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from jupyter_gov.domain.execution import TriggerInfo
from jupyter_gov.store import tables
from jupyter_gov.store.codec import from_json_or_none, trigger_from
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Statement

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_data = tables.ExecutionDataRow.__table__  # type: ignore[attr-defined]
_CALLED = Statement(
    select(_executions.c.id, _executions.c.state, _data.c.trigger)
    .join_from(_executions, _data)
    .where(_executions.c.parent_id == bindparam("parent"), _executions.c.parent_task_run_id == bindparam("run"))
    .order_by(_executions.c.created_us, _executions.c.id)
)
_OUTPUTS = Statement(select(_data.c.outputs).where(_data.c.execution_id == bindparam("execution")))


class Called:
    """Reads called executions without their task runs."""

    def by(self, tx: Tx, execution_id: str, task_run_id: str) -> list[tuple[str, str, TriggerInfo | None]]:
        """Return id, state and trigger of the executions that a task run called and waits for, oldest first."""
        rows = tx.rows(_CALLED, {"parent": execution_id, "run": task_run_id})
        return [(row[0], row[1], trigger_from(from_json_or_none(row[2]))) for row in rows]

    def outputs(self, tx: Tx, execution_id: str) -> dict[str, Any] | None:
        """Return the outputs of an execution, None if it has none (yet)."""
        row = tx.row(_OUTPUTS, {"execution": execution_id})
        return None if row is None else from_json_or_none(row[0])
