"""Events that wait for the loop which owns an execution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, insert, select

from jupyter_gov.domain import events
from jupyter_gov.domain.events import Event
from jupyter_gov.store import tables
from jupyter_gov.store.codec import from_json, to_json
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Statement

_inbox = tables.InboxRow.__table__  # type: ignore[attr-defined]
_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]

# An event for an execution that is gone is dropped: its sender must not fail for it.
_PUT = Statement(
    insert(_inbox).from_select(
        ["execution_id", "kind", "data"],
        select(_executions.c.id, bindparam("kind"), bindparam("data")).where(_executions.c.id == bindparam("to")),
    )
)
_DELETE = Statement(delete(_inbox).where(_inbox.c.id == bindparam("inbox_id")))
_PENDING_ONE = Statement(
    select(_inbox.c.id, _inbox.c.execution_id, _inbox.c.kind, _inbox.c.data)
    .where(_inbox.c.execution_id == bindparam("execution"))
    .order_by(_inbox.c.id)
)
_PENDING_ALL = Statement(select(_inbox.c.id, _inbox.c.execution_id, _inbox.c.kind, _inbox.c.data).order_by(_inbox.c.id))


class Inbox:
    """Events on their way to an execution."""

    def put(self, tx: Tx, execution_id: str, event: Event) -> bool:
        """Add an event; returns False when there is no such execution."""
        data = to_json(events.to_json(event))
        return tx.run(_PUT, {"to": execution_id, "kind": event.kind, "data": data}) > 0

    def pending(self, tx: Tx, execution_ids: Iterable[str]) -> list[tuple[int, str, Event]]:
        """Return waiting events as (inbox id, execution id, event), in the order in which they came."""
        wanted = list(execution_ids)
        if len(wanted) <= 8:
            rows = [row for one in wanted for row in tx.rows(_PENDING_ONE, {"execution": one})]
            rows.sort(key=lambda row: row[0])
        else:
            # The inbox is short (what is applied is deleted): reading all of it is one statement for any number of ids.
            among = set(wanted)
            rows = [row for row in tx.rows(_PENDING_ALL) if row[1] in among]
        return [(row[0], row[1], events.from_json(row[2], from_json(row[3]))) for row in rows]

    def consume(self, tx: Tx, ids: Sequence[int]) -> int:
        """Delete events and return how many were still there."""
        return sum(tx.run(_DELETE, {"inbox_id": inbox_id}) for inbox_id in ids)
