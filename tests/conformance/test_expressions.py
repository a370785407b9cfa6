"""Every case of ``expressions.yaml``: templates with context and the text, value or error they must give.

A case passes only if every field of its ``expect`` was checked; a field that the runner does not know fails it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.cases import parametrize
from tests.conformance.expression_cases import check

FILE = "expressions.yaml"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, FILE)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The corpus was made where the system zone is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_case(case: dict[str, Any]) -> None:
    problems = check(case)
    assert not problems, f"{case['template']!r}: " + "; ".join(problems)
