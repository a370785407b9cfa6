from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_gov.store import Store
from tests.crash.processes import Looper
from tests.runtime.rig import Rig


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store's address, once for each kind of database."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    # A process that is stopped in the middle of a transaction must not hold its rows for ever.
    found: str = request.getfixturevalue("pg_url")
    return f"{found}&options=-cidle_in_transaction_session_timeout%3D1000"


@pytest.fixture
def rig(url: str, tmp_path: Path) -> Iterator[Rig]:
    """The test's own view of the store; processes have theirs."""
    with Store.open(url, files_root=tmp_path / "files") as store:
        made = Rig(store, tmp_path)
        yield made
        made.close()


@pytest.fixture
def loopers() -> Iterator[list[Looper]]:
    """Processes that a test started; none outlives it."""
    started: list[Looper] = []
    yield started
    for looper in started:
        looper.kill()
