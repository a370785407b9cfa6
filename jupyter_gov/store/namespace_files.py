"""Files that belong to a namespace instead of an execution: a path names the content that it has now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select

from jupyter_gov.domain.commands import Fact
from jupyter_gov.errors import ConflictError
from jupyter_gov.store import tables
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import from_us, to_us
from jupyter_gov.store.commitments import commit_to
from jupyter_gov.store.database import Tx
from jupyter_gov.store.facts import with_changes
from jupyter_gov.store.statements import Statement, columns, upsert

_files = tables.NamespaceFileRow.__table__  # type: ignore[attr-defined]
_NAMES = columns(tables.NamespaceFileRow)
CONTENT = ("digest", "size")
"""Columns that the history commits to."""

_of = (_files.c.namespace == bindparam("ns")) & (_files.c.path == bindparam("p"))
_all = select(*(_files.c[name] for name in _NAMES))
_ROW = Statement(_all.where(_of))
_ROWS = Statement(_all.where(_files.c.namespace == bindparam("ns")))
_PUT = upsert(tables.NamespaceFileRow, update=("digest", "size", "updated_us"))
_DELETE = Statement(delete(_files).where(_of))
# As the history does: on PostgreSQL two that change one namespace must not both read before either writes.
_LOCK = Statement(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("stream"), 0))))


@dataclass(frozen=True, slots=True)
class NamespaceFile:
    """A file of a namespace; ``digest`` names its content in ``Store.files``."""

    namespace: str
    path: str
    digest: str
    size: int
    updated_at: datetime


def stream(namespace: str) -> str:
    """Return the audit stream of the files of a namespace."""
    return f"files/{namespace}"


class NamespaceFiles:
    """The files of all namespaces; every change is put on record with the digest of the content."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def get(self, tx: Tx, namespace: str, path: str) -> NamespaceFile | None:
        """Return a file, or None if there is none."""
        row = tx.row(_ROW, {"ns": namespace, "p": path})
        return None if row is None else _file(row)

    def all(self, tx: Tx, namespace: str) -> list[NamespaceFile]:
        """Return the files of a namespace, ordered by path."""
        return sorted(map(_file, tx.rows(_ROWS, {"ns": namespace})), key=lambda found: found.path)

    def put(self, tx: Tx, file: NamespaceFile, fact: Fact, *, overwrite: bool = True) -> None:
        """Let a path have this content.

        Raises
        ------
        ConflictError
            ``GOV747``: it has some already, and ``overwrite`` is false.
        """
        self._lock(tx, file.namespace)
        if not overwrite and self.get(tx, file.namespace, file.path) is not None:
            raise ConflictError(
                f"The namespace '{file.namespace}' has a file '{file.path}' already.",
                code="GOV747",
                hint="Write `conflict: OVERWRITE` or SKIP.",
            )
        row = {
            "namespace": file.namespace,
            "path": file.path,
            "digest": file.digest,
            "size": file.size,
            "updated_us": to_us(file.updated_at),
        }
        tx.run(_PUT, row)
        self._record(tx, file.namespace, fact, [[file.path, commit_to([row[name] for name in CONTENT])]])

    def delete(self, tx: Tx, namespace: str, paths: Sequence[str], fact: Fact) -> list[str]:
        """Delete files and return the paths of those that were there; nothing is recorded if none were."""
        self._lock(tx, namespace)
        gone = [path for path in dict.fromkeys(paths) if tx.run(_DELETE, {"ns": namespace, "p": path})]
        if gone:
            self._record(tx, namespace, fact, [[path, None] for path in gone])
        return gone

    @staticmethod
    def _lock(tx: Tx, namespace: str) -> None:
        if tx.dialect == "postgresql":
            tx.row(_LOCK, {"stream": stream(namespace)})

    def _record(self, tx: Tx, namespace: str, fact: Fact, told: Sequence[Any]) -> None:
        self._audit.append(tx, stream(namespace), with_changes([fact], {"values": list(told)}))


def _file(row: Sequence[Any]) -> NamespaceFile:
    named = dict(zip(_NAMES, row, strict=True))
    return NamespaceFile(
        named["namespace"], named["path"], named["digest"], named["size"], from_us(named["updated_us"])
    )
