"""Schema revisions, shipped in the package and run by alembic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event

from jupyter_gov.store.database import Database

_FOLDER = Path(__file__).parent


def config() -> Config:
    """Return alembic's configuration; there is no ini file."""
    found = Config()
    found.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return found


def run(database: Database, revision: str = "head") -> None:
    """Migrate a database in one transaction: all of it or nothing."""
    with database.translated(), connected(database) as connection:
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)


@contextmanager
def connected(database: Database) -> Iterator[Connection]:
    """Open a connection for schema work, apart from the pool, whose connections run in autocommit mode."""
    engine = _sqlite(database) if database.dialect == "sqlite" else create_engine(database.url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _sqlite(database: Database) -> Engine:
    engine = create_engine("sqlite://", creator=database.connect_sqlite)

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # The lock comes first and the revision is read under it: of two processes, the second finds nothing to do.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
