"""Every case of ``expressions.yaml``: templates with context and the text, value or error they must give.

A case passes only if every field of its ``expect`` was checked; a field that the runner does not know fails it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.conformance.conftest import corpus_of
from tests.conformance.expression_cases import check

FILE = "expressions.yaml"
LEFT_OUT = {
    "jvm-quirk": "follows from the JVM: left out of any score",
    "java-class-names": "prints Java class names: left out of any score",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    corpus = corpus_of(metafunc.config)
    path = None if corpus is None else corpus / FILE
    if path is None or not path.is_file():
        reason = f"no {FILE}: give --corpus DIR or JUPYTER_GOV_CORPUS"
        metafunc.parametrize("case", [pytest.param({}, id="corpus", marks=pytest.mark.skip(reason=reason))])
        return
    cases: list[dict[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    metafunc.parametrize("case", [_parameter(case) for case in cases])


def _parameter(case: dict[str, Any]) -> Any:
    marks = [pytest.mark.conformance(FILE, case["group"])]
    marks += [pytest.mark.skip(reason=LEFT_OUT[need]) for need in case.get("needs", []) if need in LEFT_OUT]
    return pytest.param(case, id=case["id"], marks=marks)


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
