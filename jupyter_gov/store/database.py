"""Connections, transactions and the rules that keep a SQLite file safe between processes.

One ``Database`` per URL and process. Transactions are opened and closed here by hand (the drivers run in autocommit
mode): ``BEGIN IMMEDIATE`` for writes, a snapshot for reads.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from jupyter_gov.errors import InstallationError, StoreError
from jupyter_gov.store import faults, sqlite_file
from jupyter_gov.store.statements import Name, Statement

CHANNEL = "jupyter_gov"
"""PostgreSQL channel on which every commit is announced."""

_BEGIN: Mapping[tuple[Name, bool], str] = {
    ("sqlite", True): "BEGIN IMMEDIATE",
    ("sqlite", False): "BEGIN",
    ("postgresql", True): "BEGIN",
    # All selects of one read see the same moment: an execution is never loaded half old, half new.
    ("postgresql", False): "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}


_writers: dict[str, threading.Lock] = {}


def _writer_of(path: str) -> threading.Lock:
    """Return the lock that all stores of this process share for one file."""
    return _writers.setdefault(path, threading.Lock())


class Tx:
    """One transaction: runs statements on the driver's cursor."""

    __slots__ = ("_after", "cursor", "dialect", "writing")

    def __init__(self, cursor: Any, dialect: Name, *, writing: bool) -> None:
        self.cursor = cursor
        self.dialect: Name = dialect
        self.writing = writing
        self._after: list[Callable[[], None]] = []

    def run(self, statement: Statement, values: Mapping[str, Any] | None = None) -> int:
        """Run a statement and return how many rows it touched."""
        compiled = statement.on(self.dialect)
        self.cursor.execute(compiled.sql, compiled.arguments(values or {}))
        return int(self.cursor.rowcount)

    def many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once per row."""
        if len(rows) == 1:
            self.run(statement, rows[0])
        elif rows:
            compiled = statement.on(self.dialect)
            self.cursor.executemany(compiled.sql, [compiled.arguments(row) for row in rows])

    def rows(self, statement: Statement, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows."""
        compiled = statement.on(self.dialect)
        self.cursor.execute(compiled.sql, compiled.arguments(values or {}))
        found: list[tuple[Any, ...]] = self.cursor.fetchall()
        return found

    def row(self, statement: Statement, values: Mapping[str, Any] | None = None) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        compiled = statement.on(self.dialect)
        self.cursor.execute(compiled.sql, compiled.arguments(values or {}))
        found: tuple[Any, ...] | None = self.cursor.fetchone()
        return found

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once this transaction is durable; never when it is rolled back."""
        self._after.append(callback)

    def committed(self) -> None:
        """Run what waited for the commit."""
        for callback in self._after:
            callback()


class Database:
    """A pool of connections to one database, and the way into transactions."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.dialect: Name = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"
        self.path = sqlite_file.path_of(url.database) if self.dialect == "sqlite" else None
        self._reading = sqlite_file.reading_only(self.path) if self.path else None
        self.engine = self._connect_sqlite(self.path) if self.path else self._connect_postgresql()
        # SQLite has one writer anyway: threads of this process queue here and not in its busy loop.
        self._writer = _writer_of(str(self.path)) if self.path else None
        self._here = threading.local()
        self._pid = os.getpid()
        self.closed = False

    @property
    def name(self) -> str:
        """What errors call it: the file, or the URL without its password."""
        return str(self.path) if self.path else shown(self.url)

    @property
    def read_only(self) -> bool:
        """Whether this user may only read the file; asked when it was opened."""
        return self._reading is not None

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open one writing transaction; it is durable when the block ends, gone when the block raises."""
        if self.read_only:
            raise StoreError(
                f"nothing was changed: the file or its folder may only be read by this user ({self.name})",
                code=faults.READ_ONLY,
                hint="What only reads works. To change something, make both writable for this user.",
            )
        if getattr(self._here, "writing", False):
            raise StoreError("a writing transaction is open in this thread already", code=faults.CLOSED)
        if self._writer is not None and not self._writer.acquire(timeout=sqlite_file.BUSY_TIMEOUT_MS / 1000):
            raise StoreError("another thread of this process holds the database", code=faults.LOCKED)
        self._here.writing = True
        try:
            with self._transaction(writing=True) as tx:
                yield tx
        finally:
            self._here.writing = False
            if self._writer is not None:
                self._writer.release()
        tx.committed()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open one reading transaction: everything in it is of one moment."""
        with self._transaction(writing=False) as tx:
            yield tx

    @contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[Tx]:
        with self.translated():
            connection = self.checkout()
            try:
                cursor = connection.dbapi_connection.cursor()  # type: ignore[union-attr]
                cursor.execute(_BEGIN[self.dialect, writing])
                try:
                    yield Tx(cursor, self.dialect, writing=writing)
                    if writing and self.dialect == "postgresql":
                        cursor.execute(f"NOTIFY {CHANNEL}")
                    cursor.execute("COMMIT")
                except BaseException:
                    # A broken connection cannot roll back; the database has done so itself.
                    with suppress(sqlite3.Error, *self._driver_errors()):
                        cursor.execute("ROLLBACK")
                    raise
                finally:
                    cursor.close()
            except self._driver_errors() as error:
                if faults.is_broken(error):
                    connection.invalidate()
                raise
            finally:
                connection.close()

    def checkout(self) -> PoolProxiedConnection:
        """Take a connection from the pool; closing it gives it back."""
        if self.closed:
            raise StoreError("the store is closed", code=faults.CLOSED)
        if self._pid != os.getpid():
            raise StoreError(
                "the store was opened before this process was forked",
                code=faults.CLOSED,
                hint="Open the store again in the child process.",
            )
        return self.engine.raw_connection()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the drivers' errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise faults.from_sqlite(error, self.name) from error
        except DBAPIError as error:
            raise self.explain(error.orig) from error
        except self._driver_errors() as error:
            raise faults.from_postgresql(error, self.name) from error

    def explain(self, error: BaseException | None) -> StoreError:
        """Return the error of ours for one of a driver's."""
        if isinstance(error, sqlite3.Error):
            return faults.from_sqlite(error, self.name)
        return faults.from_postgresql(error, self.name)

    def close(self) -> None:
        """Close all connections; the last one of a SQLite file folds its write-ahead log away."""
        self.closed = True
        self.engine.dispose(close=self._pid == os.getpid())

    def _driver_errors(self) -> tuple[type[BaseException], ...]:
        if self.dialect == "sqlite":
            return (sqlite3.Error,)
        import psycopg  # noqa: PLC0415 - an extra; only PostgreSQL needs it

        return (psycopg.Error,)

    def connect_sqlite(self) -> sqlite3.Connection:
        """Open a further connection to the file."""
        assert self.path is not None  # noqa: S101 - only called for files
        return sqlite_file.connect(self.path, self._reading)

    def _connect_sqlite(self, path: Path) -> Engine:
        if self._reading is None:
            sqlite_file.prepare(path)
        pool = {"poolclass": QueuePool, "pool_size": 8, "max_overflow": 56}
        return create_engine("sqlite://", creator=self.connect_sqlite, **pool)

    def _connect_postgresql(self) -> Engine:
        try:
            return create_engine(
                self.url, connect_args={"autocommit": True, "connect_timeout": 10}, pool_size=8, max_overflow=24
            )
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise InstallationError(
                f"the driver for this database is not installed: {error}",
                code="GOV902",
                hint="Install it with: pip install 'jupyter_gov[postgres]'",
            ) from error


_SECRETS = ("password", "sslpassword")
"""Parameters of a URL's query that libpq takes passwords from."""


def shown(url: URL) -> str:
    """Return a URL as text for people: without the password, wherever it stands."""
    kept = {name: value for name, value in url.query.items() if name not in _SECRETS}
    text = url.set(query=kept).render_as_string(hide_password=True)
    hidden = [f"{name}=***" for name in url.query if name in _SECRETS]
    return "".join((text, "&" if kept else "?", "&".join(hidden))) if hidden else text


_URL_HINT = "Use a path, sqlite:////path.db or postgresql+psycopg://user@host/database."


def parse_url(text: str) -> URL:
    """Return the URL of a store: ``sqlite:////path``, a plain path, or ``postgresql+psycopg://…``.

    Raises
    ------
    StoreError
        ``GOV710``: another kind of database, or no URL at all.
    """
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # It may hold a password, so it is not repeated; nor is SQLAlchemy's error, which does repeat it.
        raise StoreError("the store's URL cannot be read", code=faults.BAD_URL, hint=_URL_HINT) from None
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise StoreError(
            f"a store cannot live in {url.drivername!r}",
            code=faults.BAD_URL,
            hint=_URL_HINT,
        )
    return url
