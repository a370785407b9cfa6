"""Which execution started which: a Subflow's execution belongs to the one that asked for it."""

from __future__ import annotations

from sqlalchemy import Select, bindparam, select

from jupyter_gov.store import tables
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Statement

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]


def tree() -> Select[tuple[str]]:
    """Return a query for the ids of the execution bound as ``root`` and of all that it started, at any depth."""
    found = select(_executions.c.id).where(_executions.c.id == bindparam("root")).cte("tree", recursive=True)
    found = found.union(select(_executions.c.id).where(_executions.c.parent_id == found.c.id))
    return select(found.c.id)


def _up() -> Select[tuple[str]]:
    row = _executions.c
    up = select(row.id, row.parent_id).where(row.id == bindparam("execution")).cte("up", recursive=True)
    up = up.union(select(row.id, row.parent_id).where(row.id == up.c.parent_id))
    return select(up.c.id).where(up.c.parent_id.is_(None))


_ROOT = Statement(_up())


def root(tx: Tx, execution_id: str) -> str:
    """Return the execution that, directly or not, started this one; itself if nobody did."""
    row = tx.row(_ROOT, {"execution": execution_id})
    return execution_id if row is None else str(row[0])
