"""A service on a store of its own, and a way to see that nothing in the store has changed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from jupyter_gov.service import open_gov
from jupyter_gov.service.identity import local_actor


@pytest.fixture
def gov(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    service = open_gov(data_dir=str(tmp_path / "data"), encryption_key="")
    service.start_loop()
    yield service
    service.close()


@pytest.fixture
def actor():
    return local_actor()


def contents(database: Path) -> dict[str, list]:
    """Return every row of every table."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        rows = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}
    connection.close()
    return rows


@pytest.fixture
def unchanged(gov, tmp_path):
    """Fail if the store is not the same after the test as before it."""
    database = tmp_path / "data" / "gov.db"
    before = contents(database)
    yield
    assert contents(database) == before
