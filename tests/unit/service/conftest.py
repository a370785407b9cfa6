from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.service.place import Place, opened


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place with nothing in it."""
    yield from opened(tmp_path)
