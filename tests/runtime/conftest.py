from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_gov.store import Store
from tests.runtime.rig import Rig


@pytest.fixture
def rig(store: Store, tmp_path: Path) -> Iterator[Rig]:
    """A store with everything around it."""
    made = Rig(store, tmp_path)
    yield made
    made.close()
