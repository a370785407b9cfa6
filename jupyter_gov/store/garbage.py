"""Finds and deletes stored files that nothing refers to: no execution, no value, no namespace, no entry of the history.

What refers to a file is any text in the database in which its digest stands, so that a new table or column is never
forgotten. A file that somebody is about to refer to is young: storing it, also again, makes it so (``Files.put``), and
nothing younger than the grace period, or than the oldest execution that a loop still works on, is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Select, Text, func, or_, select

from jupyter_gov.domain.commands import Fact
from jupyter_gov.store import tables
from jupyter_gov.store.codec import from_us_or_none
from jupyter_gov.store.database import Tx
from jupyter_gov.store.deletion import DELETED
from jupyter_gov.store.statements import Statement
from jupyter_gov.store.sweeping import Sweeper

if TYPE_CHECKING:
    from jupyter_gov.store.store import Store

COLLECTED = "files.collected"
"""Action of the entries that tell which files were deleted; what they name is not referred to by that."""
STREAM = "admin"
_AT_ONCE = 500
_ROWS = 1000
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORKING = ("CREATED", "RUNNING", "RESTARTED", "RETRYING", "KILLING")

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_entries = tables.AuditEntryRow.__table__  # type: ignore[attr-defined]
_bodies = tables.AuditBodyRow.__table__  # type: ignore[attr-defined]
_OLDEST = Statement(
    select(func.min(_executions.c.created_us)).where(
        or_(_executions.c.lease_owner.is_not(None), _executions.c.state.in_(_WORKING))
    )
)
_NO_REFERENCE = frozenset(
    {
        tables.DeletedFileRow.__tablename__,
        tables.AuditEntryRow.__tablename__,
        tables.AuditActorRow.__tablename__,
        tables.AuditBodyRow.__tablename__,
    }
)
"""Tables that name files which are deleted, none at all, or that are read in another way."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """What nothing refers to.

    Attributes
    ----------
    files, size
        How many files, and their bytes.
    deleted, freed
        Those of them that were deleted: none in a dry run.
    kept
        How many files are stored besides: referred to, or too young to be judged.
    unfinished
        Files that were never stored to the end, since their process died; part of ``files``.
    before
        Nothing younger than this was looked at.
    """

    files: int
    size: int
    deleted: int
    freed: int
    kept: int
    unfinished: int
    before: datetime


def collect(store: Store, fact: Fact, *, grace: timedelta, apply: bool, limit: int) -> Garbage:
    """Find what nothing refers to and, with ``apply``, delete at most ``limit`` files of it.

    Raises
    ------
    StoreError
        ``GOV718``: the files lie in another place than a folder of this host.
    """
    sweeper = Sweeper(store.files)
    with store.read() as tx:
        before = _before(tx, store.now(tx), grace)
        old = sweeper.stored_before(before)
        total = sweeper.count()
        # The files come first, the texts after them: whoever stores one now makes it young before it is referred to.
        for digest in _referred(tx):
            old.pop(digest, None)
            if not old:
                break
    unfinished = sweeper.unfinished(before)
    deleted = freed = 0
    if apply:
        chosen = sorted(old)[:limit]
        for start in range(0, len(chosen), _AT_ONCE):
            part = chosen[start : start + _AT_ONCE]
            _tell(store, fact, part)
            for digest in part:
                if sweeper.remove(digest, before):
                    deleted, freed = deleted + 1, freed + old[digest]
        for path, size in unfinished:
            path.unlink(missing_ok=True)
            deleted, freed = deleted + 1, freed + size
    size = sum(old.values()) + sum(size for _, size in unfinished)
    return Garbage(len(old) + len(unfinished), size, deleted, freed, total - len(old), len(unfinished), before)


def _before(tx: Tx, now: datetime, grace: timedelta) -> datetime:
    # An attempt may have stored a file long ago and tell of it only when it ends.
    row = tx.row(_OLDEST)
    oldest = None if row is None else from_us_or_none(row[0])
    return (now if oldest is None else min(now, oldest)) - grace


def _tell(store: Store, fact: Fact, digests: Sequence[str]) -> None:
    """Put on record what is about to be deleted: who dies in between has said too much, never too little."""
    told = Fact(fact.action, fact.subject, fact.actor, fact.assurance, {**fact.body, "collected": list(digests)})
    store.retrying(lambda tx: store.audit_log.append(tx, STREAM, [told]))


def _referred(tx: Tx) -> Iterator[str]:
    """Yield everything in the database that looks like the digest of a file, in one pass over its texts."""
    for table in tables.Base.metadata.sorted_tables:
        texts = [column for column in table.columns if isinstance(column.type, Text)]
        if table.name not in _NO_REFERENCE and texts:
            yield from _digests(tx, Statement(select(*texts)))
    told = select(_bodies.c.body).join_from(_bodies, _entries, _bodies.c.entry_id == _entries.c.id)
    told = told.where(_entries.c.action != COLLECTED, _entries.c.stream.not_in(_deleted_with_files()))
    yield from _digests(tx, Statement(told))


def _deleted_with_files() -> Select[tuple[str]]:
    """Return a query for the histories of executions that were deleted with their files: those tell of no file more."""
    gone = select(_entries.c.stream).join_from(_entries, _bodies, _bodies.c.entry_id == _entries.c.id)
    # Bodies are in canonical form: inside of a text the quotation marks would be escaped.
    return gone.where(_entries.c.action == DELETED, _bodies.c.body.contains('"storage":true'))


def _digests(tx: Tx, statement: Statement) -> Iterator[str]:
    compiled = statement.on(tx.dialect)
    connection = tx.cursor.connection
    # On PostgreSQL only a cursor of the server's hands rows out as they are asked for.
    cursor = connection.cursor() if tx.dialect == "sqlite" else connection.cursor(name="gov_garbage")
    try:
        cursor.execute(compiled.sql, compiled.arguments({}))
        while rows := cursor.fetchmany(_ROWS):
            for row in rows:
                for text in row:
                    if text is not None and len(text) >= 64:
                        yield from _DIGEST.findall(text)
    finally:
        cursor.close()
