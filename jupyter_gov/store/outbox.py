"""Notes for watchers: something changed, read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, bindparam, delete, func, insert, literal_column, select

from jupyter_gov.store import tables
from jupyter_gov.store.codec import from_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Name, Statement

KEEP = 100_000
"""How many notes stay; a watcher that is further behind reads everything anew."""

_outbox = tables.OutboxRow.__table__  # type: ignore[attr-defined]
_FIELDS = ("topic", "namespace", "flow_id", "execution_id", "state", "version", "at_us")

CURRENT_XID: ColumnElement[int] = literal_column("pg_current_xact_id()::text::bigint")
SETTLED_XID: ColumnElement[int] = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
"""Transactions below this number have all ended, so no row can still appear among theirs."""


def _put(name: Name) -> Executable:
    values: dict[str, Any] = {field: bindparam(field) for field in _FIELDS}
    values["commit_xid"] = CURRENT_XID if name == "postgresql" else 0
    return insert(_outbox).values(values).returning(_outbox.c.id)


def _after(name: Name) -> Executable:
    query = select(*(_outbox.c[field] for field in ("id", *_FIELDS))).where(_outbox.c.id > bindparam("cursor"))
    if name == "postgresql":
        query = query.where(_outbox.c.commit_xid < SETTLED_XID)
    return query.order_by(_outbox.c.id).limit(bindparam("n"))


_PUT, _AFTER = Statement(_put), Statement(_after)
_TRIM = Statement(delete(_outbox).where(_outbox.c.id <= bindparam("upto")))
_LAST = Statement(select(func.coalesce(func.max(_outbox.c.id), 0)))


@dataclass(frozen=True, slots=True)
class Change:
    """One note: what kind of thing changed (``execution``, ``approval``, ``flow``, ``logs``) and which."""

    id: int
    topic: str
    namespace: str | None
    flow_id: str | None
    execution_id: str | None
    state: str | None
    version: int
    at: datetime


class Outbox:
    """The stream of changes, read with a cursor."""

    def put(
        self,
        tx: Tx,
        topic: str,
        at_us: int,
        *,
        namespace: str | None = None,
        flow_id: str | None = None,
        execution_id: str | None = None,
        state: str | None = None,
        version: int = 0,
    ) -> None:
        """Add a note in the transaction of the change."""
        row = tx.row(
            _PUT,
            {
                "topic": topic,
                "namespace": namespace,
                "flow_id": flow_id,
                "execution_id": execution_id,
                "state": state,
                "version": version,
                "at_us": at_us,
            },
        )
        if row and row[0] % 1000 == 0:
            tx.run(_TRIM, {"upto": row[0] - KEEP})

    def after(self, tx: Tx, cursor: int, limit: int = 500) -> list[Change]:
        """Return the notes after ``cursor`` (the id of the last one seen), oldest first."""
        return [Change(*(*row[:7], from_us(row[7]))) for row in tx.rows(_AFTER, {"cursor": cursor, "n": limit})]

    def last(self, tx: Tx) -> int:
        """Return the cursor of someone who has seen everything."""
        row = tx.row(_LAST)
        return int(row[0]) if row else 0
