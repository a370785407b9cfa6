"""Files of executions that were deleted.

Files lie by content: the same bytes may be another file too, and the history refers to them by digest. So a deleted
file is one that is not read any more by its URI; its bytes go when files are cleaned up that nothing refers to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from jupyter_gov.domain.commands import Fact
from jupyter_gov.store import tables
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Statement, upsert

_deleted = tables.DeletedFileRow.__table__  # type: ignore[attr-defined]
_ADD = upsert(tables.DeletedFileRow, update=())
_HAS = Statement(select(_deleted.c.uri).where(_deleted.c.uri == bindparam("uri")))
_RESTORE = Statement(delete(_deleted).where(_deleted.c.uri == bindparam("uri")))


class DeletedFiles:
    """Which files are not to be read any more."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def add(self, tx: Tx, by: str, owners: Mapping[str, str], fact: Fact, *, at: datetime) -> list[str]:
        """Delete files and return the URIs of those that were not deleted before.

        Parameters
        ----------
        by
            The execution whose task deletes them, and in whose history it is told.
        owners
            URI -> id of the execution that the file is of.
        """
        rows = [{"uri": uri, "execution_id": owner, "deleted_us": to_us(at)} for uri, owner in owners.items()]
        gone = [row["uri"] for row in rows if tx.run(_ADD, row)]
        if gone:
            told = Fact(fact.action, fact.subject, fact.actor, fact.assurance, {**fact.body, "files": gone})
            self._audit.append(tx, f"execution/{by}", [told])
        return [str(uri) for uri in gone]

    def has(self, tx: Tx, uri: str) -> bool:
        """Return whether a file was deleted."""
        return tx.row(_HAS, {"uri": uri}) is not None

    def restore(self, tx: Tx, uri: str) -> None:
        """Let a file be read again, since it was stored anew."""
        tx.run(_RESTORE, {"uri": uri})
