"""The store's contract is run on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_gov.store import Store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty, migrated database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url: str = request.getfixturevalue("pg_url")
    return url


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store on each database in turn."""
    with Store.open(store_url, files_root=tmp_path / "files") as opened:
        yield opened


@pytest.fixture
def other(store_url: str, store: Store, tmp_path: Path) -> Iterator[Store]:
    """The same store, opened a second time, as another process would."""
    with Store.open(store_url, files_root=tmp_path / "files") as opened:
        yield opened
