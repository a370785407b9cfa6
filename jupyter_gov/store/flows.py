"""Stored flow texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.errors import StoreError
from jupyter_gov.store import commitments, tables
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import from_us, to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.facts import with_changes
from jupyter_gov.store.outbox import Outbox
from jupyter_gov.store.statements import Statement, columns

_flows = tables.FlowRevisionRow.__table__  # type: ignore[attr-defined]
_columns = [_flows.c[name] for name in columns(tables.FlowRevisionRow)]

_INSERT = Statement(insert(_flows).values({name: bindparam(name) for name in columns(tables.FlowRevisionRow)}))
_of_flow = select(*_columns).where(_flows.c.namespace == bindparam("ns"), _flows.c.flow_id == bindparam("flow"))
_GET = Statement(_of_flow.where(_flows.c.revision == bindparam("rev")))
_NEWEST = Statement(_of_flow.order_by(_flows.c.revision.desc()).limit(1))
_HISTORY = Statement(_of_flow.order_by(_flows.c.revision.desc()))
_later = _flows.alias("later")
_newest_only = _flows.c.revision == (
    select(func.max(_later.c.revision))
    .where(_later.c.namespace == _flows.c.namespace, _later.c.flow_id == _flows.c.flow_id)
    .scalar_subquery()
)
_ordered = select(*_columns).where(_newest_only).order_by(_flows.c.namespace, _flows.c.flow_id).limit(bindparam("n"))
_LIST = Statement(_ordered)
_LIST_OF = Statement(_ordered.where(_flows.c.namespace == bindparam("ns")))


def stream(namespace: str, flow_id: str) -> str:
    """Return the audit stream of a flow."""
    return f"flow/{namespace}/{flow_id}"


class Flows:
    """Revisions of flows; a stored one never changes."""

    def __init__(self, audit: AuditLog, outbox: Outbox) -> None:
        self._audit, self._outbox = audit, outbox

    def add(self, tx: Tx, revision: FlowRevision, facts: Sequence[Fact]) -> None:
        """Store a revision.

        Raises
        ------
        ConflictError
            This number exists already: somebody else registered the flow first.
        """
        if "\0" in revision.source:
            raise StoreError("a flow's text holds a NUL character, which no database can store")
        created_us = to_us(revision.created_at)
        tx.run(
            _INSERT,
            {
                "namespace": revision.namespace,
                "flow_id": revision.flow_id,
                "revision": revision.revision,
                "source": revision.source,
                "digest": revision.digest,
                "author": revision.author,
                "created_us": created_us,
                "allow_unknown_types": revision.allow_unknown_types,
            },
        )
        name = stream(revision.namespace, revision.flow_id)
        beside = commitments.revision(revision.author, created_us, revision.allow_unknown_types)
        changes = {
            "revisions": [[revision.revision, revision.digest]],
            "registered": [[revision.revision, beside]],
        }
        self._audit.append(tx, name, with_changes(facts, changes))
        self._outbox.put(
            tx, "flow", created_us, namespace=revision.namespace, flow_id=revision.flow_id, version=revision.revision
        )

    def get(self, tx: Tx, namespace: str, flow_id: str, revision: int | None = None) -> FlowRevision | None:
        """Return a revision, the newest one if not named; None if there is none."""
        values = {"ns": namespace, "flow": flow_id}
        row = tx.row(_NEWEST, values) if revision is None else tx.row(_GET, {**values, "rev": revision})
        return None if row is None else _revision(row)

    def list(self, tx: Tx, namespace: str | None = None, limit: int = 100) -> list[FlowRevision]:
        """Return the newest revision of each flow."""
        values = {"ns": namespace, "n": limit}
        rows = tx.rows(_LIST, values) if namespace is None else tx.rows(_LIST_OF, values)
        return [_revision(row) for row in rows]

    def history(self, tx: Tx, namespace: str, flow_id: str) -> Sequence[FlowRevision]:
        """Return all revisions of a flow, newest first."""
        return [_revision(row) for row in tx.rows(_HISTORY, {"ns": namespace, "flow": flow_id})]


def _revision(row: tuple[Any, ...]) -> FlowRevision:
    return FlowRevision(
        namespace=row[0],
        flow_id=row[1],
        revision=row[2],
        source=row[3],
        digest=row[4],
        author=row[5],
        created_at=from_us(row[6]),
        allow_unknown_types=bool(row[7]),
    )
