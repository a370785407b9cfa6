"""A SQLite file that several processes of one user share safely."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from jupyter_gov.errors import InstallationError, StoreError
from jupyter_gov.store import faults
from jupyter_gov.store.disks import make_private, refuse_network_disk

BUSY_TIMEOUT_MS = 10_000
"""How long a process waits for another one to finish writing."""

_OLDEST = (3, 35)  # RETURNING


def path_of(database: str | None) -> Path:
    """Return the path in a URL.

    Raises
    ------
    StoreError
        ``GOV710``: there is none.
    """
    if not database or database == ":memory:":
        raise StoreError(
            "a store needs a file: every process and thread must see the same data",
            code=faults.BAD_URL,
            hint="Give a path, or sqlite:////absolute/path.db.",
        )
    return Path(database).expanduser().absolute()


def prepare(path: Path) -> None:
    """Create an empty file that nobody else may read, unless there is one.

    Raises
    ------
    StoreError
        ``GOV704``, ``GOV705``, ``GOV707``: it cannot be created there.
    InstallationError
        ``GOV903``: this Python's SQLite is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise InstallationError(
            f"SQLite 3.35 or newer is needed, this Python has {sqlite3.sqlite_version}",
            code="GOV903",
            hint="Use a newer Python build.",
        )
    refuse_network_disk(path.parent)
    try:
        make_private(path.parent)
        # Only a file that did not exist is opened here: closing any handle of an existing one would drop the locks
        # that other connections of this process hold on it (POSIX), and two processes might write at once.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise faults.from_os(error, str(path)) from error


def reading_only(path: Path) -> str | None:
    """Return how a file that this user may only read is to be opened (parameters of a URI); None if it may be written.

    Raises
    ------
    StoreError
        ``GOV704``: it cannot even be read as it is, since somebody else's last writes lie in a log beside it.
    """
    if not path.is_file() or (_may_write(path) and _may_write(path.parent)):
        return None
    try:
        with closing(_connect_reading(path, "mode=ro")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        refuse_network_disk(path.parent)
    except sqlite3.OperationalError as error:
        log = path.with_name(path.name + "-wal")
        if not log.exists() or log.stat().st_size == 0:
            # Nobody who could write has it open, and SQLite cannot make its lock file here: read it as it lies.
            return "mode=ro&immutable=1"
        raise StoreError(
            f"the database cannot be read: its last writes lie in {log}, which this user cannot use ({error})",
            code=faults.READ_ONLY,
            hint="Copy both files into a folder of your own, or ask their owner to close all programs that use it.",
        ) from error
    return "mode=ro"


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _connect_reading(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.as_uri()}?{how}",
        uri=True,
        timeout=BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )


def connect(path: Path, reading: str | None = None) -> sqlite3.Connection:
    """Open a connection: write-ahead log, durable commits, foreign keys; transactions are opened by hand.

    ``reading`` is what ``reading_only`` returned.
    """
    if reading is not None:
        return _connect_reading(path, reading)
    connection = sqlite3.connect(
        path,
        timeout=BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        _use_wal(connection, path)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
    except (sqlite3.Error, StoreError):
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    # Of several processes that open a fresh file, SQLite tells all but one at once that it is busy: its busy timeout
    # does not cover this change.
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    if mode != "wal":
        raise StoreError(
            f"the disk of {path} cannot hold SQLite's write-ahead log",
            code=faults.NETWORK_DISK,
            hint="Choose a folder on a local disk.",
        )
