"""Brings a database to the schema of this version, or says why it cannot be used.

A fresh SQLite file gets today's tables at once (a test holds them to what the migrations make); an older one is
migrated when it is opened, after a backup. PostgreSQL is migrated only when its owner asks for it.
"""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from jupyter_gov.domain.actor import SYSTEM
from jupyter_gov.domain.commands import Fact
from jupyter_gov.errors import StoreError
from jupyter_gov.store import faults, triggers
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.database import Database, Tx
from jupyter_gov.store.tables import HEAD, VERSION_TABLE, Base

_log = logging.getLogger(__name__)

REVISIONS: tuple[str, ...] = ("0001", "0002", "0003")
"""All revisions, oldest first: enough to tell an older schema from a newer one without loading alembic."""


def upgrade(database: Database) -> tuple[str | None, str]:
    """Migrate a database because its owner asks for it; return the revisions before and after.

    Raises
    ------
    StoreError
        ``GOV709``: it was written by a newer version.
    """
    found = current(database)
    if found is not None and found not in REVISIONS:
        raise _newer(database, found)
    if found == HEAD:
        _restore_triggers(database)
        return found, HEAD
    if database.dialect == "sqlite":
        ensure(database, upgrade=True)
    else:
        _migrate(database)
    return found, HEAD


def _restore_triggers(database: Database) -> None:
    """Put back triggers that somebody dropped, and say so in the history: what they did meanwhile must stay visible."""
    with database.write() as tx:
        gone = triggers.missing(tx)
        if gone:
            triggers.restore(tx)
            fact = Fact("audit.triggersRestored", "database", SYSTEM.id, str(SYSTEM.assurance), {"triggers": gone})
            AuditLog().append(tx, "admin", [fact])
            _log.warning("triggers that protect the history of %s were missing: %s", database.name, ", ".join(gone))


def ensure(database: Database, *, upgrade: bool) -> None:
    """Create or migrate a SQLite file; check a PostgreSQL database.

    Raises
    ------
    StoreError
        ``GOV708`` (older), ``GOV709`` (newer than this program).
    """
    found = current(database)
    if found == HEAD:
        return
    if found is None and database.dialect == "sqlite":
        _create(database)
    elif found is not None and found not in REVISIONS:
        raise _newer(database, found)
    elif database.dialect == "sqlite" and upgrade and not database.read_only:
        _upgrade_file(database)
    else:
        state = "has no schema yet" if found is None else f"has the older schema {found}, this version needs {HEAD}"
        raise StoreError(
            f"the database {database.name} {state}",
            code=faults.SCHEMA_OLD,
            hint="Run 'jupyter gov db upgrade' (it changes the schema, so the database's owner decides when).",
        )


def _newer(database: Database, found: str) -> StoreError:
    return StoreError(
        f"the database {database.name} was written by a newer version of jupyter_gov (schema {found})",
        code=faults.SCHEMA_NEW,
        hint="Update jupyter_gov; an older program must not touch the file.",
    )


def current(database: Database) -> str | None:
    """Return the revision of a database; None if it holds nothing of ours."""
    with database.read() as tx:
        return _version(tx)


def _version(tx: Tx) -> str | None:
    if tx.dialect == "sqlite":
        tx.cursor.execute(f"SELECT 1 FROM sqlite_master WHERE name = '{VERSION_TABLE}'")  # noqa: S608 - a constant
    else:
        tx.cursor.execute(f"SELECT to_regclass('{VERSION_TABLE}')")
    row = tx.cursor.fetchone()
    if row is None or row[0] is None:
        return None
    tx.cursor.execute(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
    row = tx.cursor.fetchone()
    return None if row is None else str(row[0])


@cache
def _fresh() -> tuple[str, ...]:
    dialect = sqlite.dialect()
    tables = Base.metadata.sorted_tables
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in tables]
    made += [
        str(CreateIndex(index).compile(dialect=dialect))
        for table in tables
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    made.append(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    made.append(f"INSERT INTO {VERSION_TABLE} VALUES ('{HEAD}')")  # noqa: S608 - a constant
    return tuple(made)


def _create(database: Database) -> None:
    with database.write() as tx:
        if _version(tx) is not None:
            return  # another process was faster; the lock of this transaction let it finish
        _refuse_foreign(tx, database)
        for statement in _fresh():
            tx.cursor.execute(statement)
        triggers.restore(tx)


def _refuse_foreign(tx: Tx, database: Database) -> None:
    tx.cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    taken = sorted({row[0] for row in tx.cursor.fetchall()} & set(Base.metadata.tables))
    if taken:
        raise StoreError(
            f"{database.name} is not a store of jupyter_gov: it has a table {taken[0]!r} of something else",
            code=faults.FOREIGN,
            hint="Point db_url (or --db) to another file; this one was not changed.",
        )


def backup(database: Database) -> Path:
    """Copy a SQLite file by SQLite's own means, which is safe while others use it, and return the copy's path."""
    assert database.path is not None  # noqa: S101 - only called for files
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target = database.path.with_name(f"{database.path.name}.{stamp}.backup")
    with database.translated():
        source, copy = database.connect_sqlite(), sqlite3.connect(target)
        try:
            target.chmod(0o600)
            source.backup(copy)
        finally:
            copy.close()
            source.close()
    return target


def _upgrade_file(database: Database) -> None:
    copy = backup(database)
    _log.warning("upgrading %s to schema %s; a copy of it is kept at %s", database.name, HEAD, copy)
    _migrate(database)


def _migrate(database: Database) -> None:
    from jupyter_gov.store.migrations import run  # noqa: PLC0415 - alembic is needed only now

    run(database)
