"""Looking after the database of an installation: what ``doctor`` reads and ``db upgrade`` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_gov.config import JupyterGov
from jupyter_gov.store import schema
from jupyter_gov.store.database import Database, parse_url
from jupyter_gov.store.migrations import run
from jupyter_gov.store.tables import HEAD


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """Where the database is (without its password), and which layout it has; ``found`` is None if it is empty."""

    name: str
    found: str | None
    wanted: str = HEAD

    @property
    def is_current(self) -> bool:
        """Whether this version can use it as it is."""
        return self.found == self.wanted


def _database(settings: dict[str, Any]) -> Database:
    return Database(parse_url(JupyterGov(**settings).resolved_db_url()))


def inspect(**settings: Any) -> DatabaseState:
    """Return the layout of the configured database; a SQLite file that does not exist is not made.

    Raises
    ------
    StoreError
        It cannot be opened.
    """
    database = _database(settings)
    try:
        if database.path is not None and not database.path.exists():
            return DatabaseState(database.name, None)
        return DatabaseState(database.name, schema.current(database))
    finally:
        database.close()


def upgrade(**settings: Any) -> tuple[DatabaseState, DatabaseState]:
    """Bring the configured database to the layout of this version; return it as it was and as it is.

    Raises
    ------
    StoreError
        It cannot be opened, or was written by a newer version.
    """
    before = inspect(**settings)
    database = _database(settings)
    try:
        if database.dialect == "sqlite" or before.found not in {None, *schema.REVISIONS}:
            # A file is backed up before it is changed; a newer layout is refused.
            schema.ensure(database, upgrade=True)
        elif not before.is_current:
            run(database)
        return before, DatabaseState(database.name, schema.current(database))
    finally:
        database.close()
