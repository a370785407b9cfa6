"""``Store``: everything durable behind one object."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_gov.errors import StoreError
from jupyter_gov.store import faults, schema
from jupyter_gov.store.approvals import Approvals
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.called import Called
from jupyter_gov.store.database import Database, Tx, parse_url, shown
from jupyter_gov.store.deleted_files import DeletedFiles
from jupyter_gov.store.deletion import Deletions
from jupyter_gov.store.executions import Executions
from jupyter_gov.store.files import Files
from jupyter_gov.store.flow_triggers import FlowTriggers
from jupyter_gov.store.flows import Flows
from jupyter_gov.store.inbox import Inbox
from jupyter_gov.store.kv import KeyValues
from jupyter_gov.store.leases import Leases
from jupyter_gov.store.logs import Logs, Metrics
from jupyter_gov.store.namespace_files import NamespaceFiles
from jupyter_gov.store.outbox import Outbox
from jupyter_gov.store.statements import Name
from jupyter_gov.store.timers import Timers
from jupyter_gov.store.watch import PostgresqlWatcher, SqliteWatcher, Watcher

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_gov.audit.verify import Report

T = TypeVar("T")
_ATTEMPTS = 8
_PATIENCE = 5.0
"""Seconds after which a failure is final: one wait for the lock, which is longer, must not become eight."""


class Store:
    """The database and the files of one installation, shared by all its processes.

    Attributes
    ----------
    flows, executions, approvals, inbox, timers, leases, logs, metrics, outbox, audit_log, kv, namespace_files,
    deleted_files, deletions, triggers
        One per aggregate; their methods take the transaction first.
    files
        Content-addressed files.
    """

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self.files = files
        self.audit_log = AuditLog()
        self.outbox = Outbox()
        self.inbox = Inbox()
        self.called = Called()
        self.timers = Timers()
        self.leases = Leases()
        self.logs = Logs()
        self.metrics = Metrics()
        self.kv = KeyValues(self.audit_log)
        self.deleted_files = DeletedFiles(self.audit_log)
        self.namespace_files = NamespaceFiles(self.audit_log)
        self.flows = Flows(self.audit_log, self.outbox)
        self.approvals = Approvals(self.audit_log, self.outbox, self.inbox, files)
        self.triggers = FlowTriggers(self.audit_log)
        self.executions = Executions(
            self.audit_log, self.outbox, self.inbox, self.timers, self.approvals, files, self.triggers
        )
        self.deletions = Deletions(self.audit_log, self.outbox)
        self._watcher: Watcher = (SqliteWatcher if database.dialect == "sqlite" else PostgresqlWatcher)(database)

    @classmethod
    def open(cls, url: str | Path, *, files_root: Path | str | None = None, upgrade: bool = True) -> Store:
        """Open a store; a SQLite file is created or migrated if need be, and one that may only be read is only read.

        Parameters
        ----------
        url
            ``sqlite:////path``, a path, or ``postgresql+psycopg://…``.
        files_root
            Where files lie; beside a SQLite file unless given.
        upgrade
            Whether an older SQLite file may be migrated (a copy is kept).

        Raises
        ------
        StoreError
            ``GOV7xx``: what is wrong with the database, and how to mend it.
        """
        database = Database(parse_url(str(url)))
        try:
            schema.ensure(database, upgrade=upgrade)
            store = cls(database, Files(files_root or _beside(database)))
            with database.translated():
                store._watcher.start()
        except BaseException:
            database.close()
            raise
        return store

    @staticmethod
    def upgrade(url: str | Path) -> tuple[str | None, str]:
        """Bring a database to this version's schema and return (revision before, revision now).

        An empty PostgreSQL database gets all tables. A SQLite file is copied first.

        Raises
        ------
        StoreError
            ``GOV709``: it was written by a newer version.
        """
        database = Database(parse_url(str(url)))
        try:
            return schema.upgrade(database)
        finally:
            database.close()

    def close(self) -> None:
        """Let waiting threads return and close all connections."""
        if not self._database.closed:
            self._watcher.close()
            self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dialect(self) -> Name:
        """``sqlite`` or ``postgresql``."""
        return self._database.dialect

    @property
    def url(self) -> str:
        """The database's URL, without a password."""
        return shown(self._database.url)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open one writing transaction: durable when the block ends, gone when it raises."""
        with self._database.write() as tx:
            yield tx
        self._watcher.wake()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open one reading transaction: everything read in it is of one moment."""
        with self._database.read() as tx:
            yield tx

    def retrying(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` in a writing transaction, again if another one stood in its way.

        ``work`` must not act on anything but the transaction, since it may run several times.
        """
        give_up = time.monotonic() + _PATIENCE
        for attempt in range(_ATTEMPTS):
            try:
                with self.write() as tx:
                    return work(tx)
            except StoreError as error:
                late = attempt == _ATTEMPTS - 1 or time.monotonic() > give_up
                if not faults.passes(error) or late:
                    raise
            time.sleep(random.uniform(0.001, 0.01) * 2**attempt)  # noqa: S311 - to part two that collided
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def verify(self, on_progress: Callable[[int, int], None] | None = None, *, files: bool = False) -> Report:
        """Check the history and compare it with the stored states; ``on_progress`` gets (entries done, in all).

        That the files which it refers to are there, in their size, is always looked at; ``files`` reads them too.
        """
        from jupyter_gov.store import audit_check  # noqa: PLC0415 - most processes never verify

        with self.read() as tx:
            return audit_check.check(tx, self.files, on_progress, read_files=files)

    def history(self) -> Iterator[dict[str, Any]]:
        """Yield all entries of the history as of one moment, with what a stranger needs to verify them."""
        from jupyter_gov.store import audit_check  # noqa: PLC0415 - most processes never export

        with self.read() as tx:
            yield from audit_check.records(tx)

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Answer one SELECT over the views of ``analytics.VIEWS``, as of one moment.

        Raises
        ------
        StoreError
            ``GOV730``/``GOV731``: the query is wrong, or not allowed; ``GOV732``: it needs too much time or memory.
        """
        from jupyter_gov.store import analytics  # noqa: PLC0415 - only questions need it

        with self.read() as tx:
            return analytics.query(tx, query, parameters)

    def now(self, tx: Tx) -> datetime:
        """Return the time that counts for leases and timers: the server's on PostgreSQL, this host's on SQLite."""
        if tx.dialect == "postgresql":
            tx.cursor.execute("SELECT clock_timestamp()")
            found: datetime = tx.cursor.fetchone()[0]
            return found.astimezone(UTC)
        return datetime.now(UTC)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until somebody committed (or ``wake`` was called); True at once if it happened since the last call.

        It may return True without anything new; the caller reads and sees.
        """
        return self._watcher.wait(timeout)

    def wake(self) -> None:
        """Wake everybody in this process who waits."""
        self._watcher.wake()


def _beside(database: Database) -> Path:
    if database.path is not None:
        return database.path.parent / "files"
    raise StoreError(
        "a store on a server needs a place for its files",
        code=faults.BAD_URL,
        hint="Give files_root (setting 'store.files').",
    )
