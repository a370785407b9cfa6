"""Reads a file of cases and makes one test of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.conftest import corpus_of

LEFT_OUT: Mapping[str, str] = {
    "jvm-quirk": "follows from the JVM: left out of any score",
    "java-class-names": "prints Java class names: left out of any score",
    "listeners-deprecated": "listeners are deprecated and not built",
    "templates-deprecated": "templates are deprecated and not built",
}
OWN_DEADLINE = 60
"""Seconds after which pytest stops a case that did not stop itself."""


def read(path: Path) -> list[dict[str, Any]]:
    """Return the cases of a file."""
    found = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return [] if found is None else list(found)


def parametrize(
    metafunc: pytest.Metafunc, file: str, group: Callable[[Mapping[str, Any]], str] = lambda case: case["group"]
) -> None:
    """Make one test of each case; without the file there is one that is skipped."""
    corpus = corpus_of(metafunc.config)
    path = None if corpus is None else corpus / file
    if path is None or not path.is_file():
        reason = f"no {file}: give --corpus DIR or JUPYTER_GOV_CORPUS"
        metafunc.parametrize("case", [pytest.param({}, id="corpus", marks=pytest.mark.skip(reason=reason))])
        return
    metafunc.parametrize("case", [_parameter(case, file, group(case)) for case in read(path)])


def _parameter(case: dict[str, Any], file: str, group: str) -> Any:
    marks = [pytest.mark.conformance(file, group), pytest.mark.timeout(OWN_DEADLINE)]
    marks += [pytest.mark.skip(reason=LEFT_OUT[need]) for need in case.get("needs") or [] if need in LEFT_OUT]
    return pytest.param(case, id=case["id"], marks=marks)


def unknown(mapping: Mapping[str, Any], known: frozenset[str], where: str) -> list[str]:
    """Return a problem for each key that the runner does not know."""
    return [f"unknown {where} `{key}`" for key in mapping if key not in known]
