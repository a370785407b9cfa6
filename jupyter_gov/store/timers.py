"""Timers: rows that wake an execution."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select

from jupyter_gov.domain.commands import SetTimer
from jupyter_gov.domain.events import TimerFired
from jupyter_gov.store import tables
from jupyter_gov.store.codec import from_us_or_none, to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Statement, upsert

_timers = tables.TimerRow.__table__  # type: ignore[attr-defined]

_SET = upsert(tables.TimerRow, update=("task_run_id", "kind", "due_us", "state_version"))
_CLEAR_RUN = Statement(
    delete(_timers).where(_timers.c.execution_id == bindparam("execution"), _timers.c.task_run_id == bindparam("run"))
)
_CLEAR_ALL = Statement(delete(_timers).where(_timers.c.execution_id == bindparam("execution")))
_DELETE = Statement(
    delete(_timers).where(_timers.c.execution_id == bindparam("execution"), _timers.c.id == bindparam("timer"))
)
_DUE = Statement(
    select(_timers.c.id, _timers.c.execution_id, _timers.c.kind, _timers.c.task_run_id, _timers.c.state_version)
    .where(_timers.c.run_as == bindparam("pool"), _timers.c.due_us <= bindparam("until"))
    .order_by(_timers.c.due_us)
    .limit(bindparam("n"))
)
_NEXT = Statement(select(func.min(_timers.c.due_us)).where(_timers.c.run_as == bindparam("pool")))


class Timers:
    """What is due when."""

    def set(self, tx: Tx, execution_id: str, run_as: str, timer: SetTimer) -> None:
        """Set a timer, or move the one of the same id."""
        tx.run(
            _SET,
            {
                "execution_id": execution_id,
                "id": timer.timer_id,
                "task_run_id": timer.task_run_id,
                "kind": timer.timer_kind,
                "due_us": to_us(timer.due),
                "state_version": timer.state_version,
                "run_as": run_as,
            },
        )

    def clear(self, tx: Tx, execution_id: str, task_run_id: str | None) -> None:
        """Forget the timers of a task run, or of the whole execution."""
        if task_run_id is None:
            tx.run(_CLEAR_ALL, {"execution": execution_id})
        else:
            tx.run(_CLEAR_RUN, {"execution": execution_id, "run": task_run_id})

    def consume(self, tx: Tx, execution_id: str, ids: Iterable[str]) -> int:
        """Delete timers that have fired and return how many were still there."""
        return sum(tx.run(_DELETE, {"execution": execution_id, "timer": timer_id}) for timer_id in ids)

    def due(self, tx: Tx, now: datetime, run_as: str, limit: int = 100) -> list[tuple[str, str, TimerFired]]:
        """Return timers that are due as (timer id, execution id, event), the longest overdue first."""
        rows = tx.rows(_DUE, {"pool": run_as, "until": to_us(now), "n": limit})
        return [(row[0], row[1], TimerFired(row[0], row[2], row[3], row[4])) for row in rows]

    def next_due(self, tx: Tx, run_as: str) -> datetime | None:
        """Return when the next timer fires."""
        row = tx.row(_NEXT, {"pool": run_as})
        return from_us_or_none(row[0]) if row else None
