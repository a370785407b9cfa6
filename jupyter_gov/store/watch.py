"""Waiting for somebody to commit: no thread of ours, and nothing polls while nobody waits.

Of the threads that wait, one watches the database for all of them. On SQLite it asks ``PRAGMA data_version`` on a
connection of its own, every 20 ms while things are fresh, up to every 500 ms later; on PostgreSQL it sleeps on
LISTEN. Commits of this process wake everybody at once.
"""

from __future__ import annotations

import os
import select
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

from jupyter_gov.store.database import CHANNEL, Database

_FAST, _SLOW, _GROWTH = 0.020, 0.500, 1.25
_FRESH = 30.0
"""Seconds after the last change during which polling stays fast: 50 questions a second cost 0.1 % of a core."""


class Watcher(ABC):
    """Counts commits as they are noticed; each waiting thread remembers how far it has seen."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._condition = threading.Condition()
        self._count = 0
        self._watching = False
        self._seen = threading.local()
        self._changed_at = time.monotonic()
        self.closed = False

    def wait(self, timeout: float | None) -> bool:
        """Block until somebody commits; True at once if that happened since this thread's last call.

        A commit of this thread's own counts as well, so a caller must expect to find nothing new.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        # A thread's first call returns at once: nobody knows what it had read before.
        seen = getattr(self._seen, "count", -1)
        with self._condition:
            while self._count == seen and not self.closed:
                left = _SLOW * 10 if deadline is None else deadline - time.monotonic()
                if left <= 0 and self._watching:
                    return False
                if self._watching:
                    self._condition.wait(left)
                    continue
                self._watching = True
                self._rearm()
                self._condition.release()
                changed = False
                try:
                    changed = self._watch(max(left, 0.0))
                finally:
                    self._condition.acquire()
                    self._watching = False
                    self._count += changed
                    self._condition.notify_all()
                if not changed and deadline is not None and self._count == seen and time.monotonic() >= deadline:
                    return False
            self._seen.count = self._count
            self._changed_at = time.monotonic()
            return not self.closed

    def wake(self) -> None:
        """Wake every thread of this process that waits."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()
            self._interrupt()

    def close(self) -> None:
        """Let all waiting threads return, and give the connection up."""
        self.closed = True
        self.wake()
        with self._condition:
            self._condition.wait_for(lambda: not self._watching, timeout=2.0)
        self._release()

    @abstractmethod
    def _watch(self, timeout: float) -> bool:
        """Return whether somebody committed; False after ``timeout`` or an interruption."""

    def _rearm(self) -> None:  # noqa: B027 - only SQLite's needs it
        """Forget earlier interruptions; called under the lock, so that none is lost."""

    @abstractmethod
    def start(self) -> None:
        """Note how things stand, so that the first wait tells what changed since the store was opened."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Let ``_watch`` return early."""

    @abstractmethod
    def _release(self) -> None:
        """Close what ``_watch`` uses."""


class SqliteWatcher(Watcher):
    """Asks the file."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._connection: sqlite3.Connection | None = None
        self._version = -1
        self._interrupted = threading.Event()

    def start(self) -> None:
        """Note how things stand, so that the first wait tells what changed since the store was opened."""
        self._moved()

    def _moved(self) -> bool:
        if self._connection is None:
            self._connection = self._database.connect_sqlite()
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        before, self._version = self._version, version
        return before not in (-1, version)

    def _watch(self, timeout: float) -> bool:
        end = time.monotonic() + timeout
        pause = _FAST
        while True:
            with self._database.translated():
                if self._moved():
                    return True
            now = time.monotonic()
            if now >= end or self.closed:
                return False
            if now - self._changed_at > _FRESH:
                pause = min(pause * _GROWTH, _SLOW)
            if self._interrupted.wait(min(pause, end - now)):
                return False

    def _rearm(self) -> None:
        self._interrupted.clear()

    def _interrupt(self) -> None:
        self._interrupted.set()

    def _release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresqlWatcher(Watcher):
    """Listens."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._connection: Any = None
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)

    def start(self) -> None:
        """Begin to listen."""
        self._listen()

    def _listen(self) -> None:
        fairy = self._database.checkout()
        connection = fairy.driver_connection
        fairy.detach()  # it listens for as long as the store is open; the pool must not hand it out
        connection.execute(f"LISTEN {CHANNEL}")  # type: ignore[union-attr]
        self._connection = connection

    def _watch(self, timeout: float) -> bool:
        import psycopg  # noqa: PLC0415 - an extra; only PostgreSQL needs it

        try:
            if self._connection is None:
                self._listen()
                return True  # whatever was committed while nobody listened is found by reading
            return self._receive(timeout)
        except psycopg.OperationalError:
            self._drop()
            if self.closed:
                return False
            select.select([self._read_end], [], [], min(timeout, 1.0))
            self._drain()
            return True  # the caller reads, and gets the error that explains what is wrong

    def _receive(self, timeout: float) -> bool:
        if self._pending():
            return True
        ready, _, _ = select.select([self._connection.fileno(), self._read_end], [], [], timeout)
        self._drain()
        return self._connection.fileno() in ready and self._pending()

    def _pending(self) -> bool:
        self._connection.pgconn.consume_input()
        found = False
        while self._connection.pgconn.notifies() is not None:
            found = True
        return found

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._read_end, 4096)

    def _interrupt(self) -> None:
        with suppress(BlockingIOError):  # full: whoever reads it will wake anyway
            os.write(self._write_end, b"x")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _release(self) -> None:
        self._drop()
        os.close(self._read_end)
        os.close(self._write_end)
