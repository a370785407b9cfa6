"""Reads a file of cases and makes one test of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.conftest import corpus_of, is_asked_for

LEFT_OUT: Mapping[str, str] = {
    "jvm-quirk": "follows from the JVM: left out of any score",
    "java-class-names": "prints Java class names: left out of any score",
    "listeners-deprecated": "listeners are deprecated and not built",
    "templates-deprecated": "templates are deprecated and not built",
}
OWN = Path(__file__).parent / "own"
"""Our own cases, which need no corpus: what Kestra 2 has, and the corpus does not."""
PENDING = Path(__file__).parent / "pending.txt"
OWN_DEADLINE = 60
"""Seconds after which pytest stops a case that did not stop itself."""


class Case(dict[str, Any]):
    """A case; ``corpus`` is the folder that its files lie in."""

    corpus: Path


def read(path: Path) -> list[Case]:
    """Return the cases of a file; there are none if it is not there."""
    found = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) if path.is_file() else None
    cases = [Case(one) for one in found or ()]
    for case in cases:
        case.corpus = path.parent
    return cases


def parametrize(
    metafunc: pytest.Metafunc, file: str, group: Callable[[Mapping[str, Any]], str] = lambda case: case["group"]
) -> None:
    """Make one test of each case, our own ones too; without the file of the corpus there is one that is skipped."""
    corpus = corpus_of(metafunc.config)
    path = None if corpus is None else corpus / file
    if path is None or not path.is_file():
        reason = f"no {file}: give --corpus DIR or JUPYTER_GOV_CORPUS"
        found = [pytest.param({}, id="corpus", marks=pytest.mark.skip(reason=reason))]
    else:
        pending = {} if is_asked_for(metafunc.config) else known_failures()
        found = [_parameter(case, file, group(case), pending) for case in read(path)]
    metafunc.parametrize("case", [*found, *(_own(case, file, group(case)) for case in read(OWN / file))])


def known_failures() -> dict[str, str]:
    """Return why cases fail, by a decision or since something is not built yet: ``file/case: reason``, one a line.

    They are expected to fail, strictly: a case that passes must leave the list. Who asks for a corpus sees them fail.
    """
    lines = PENDING.read_text(encoding="utf-8").splitlines() if PENDING.is_file() else []
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {case: reason for case, _, reason in pairs}


def _parameter(case: dict[str, Any], file: str, group: str, pending: Mapping[str, str]) -> Any:
    marks = [pytest.mark.conformance(file, group), pytest.mark.timeout(OWN_DEADLINE)]
    marks += [pytest.mark.skip(reason=LEFT_OUT[need]) for need in case.get("needs") or [] if need in LEFT_OUT]
    reason = pending.get(f"{file}/{case['id']}")
    if reason is not None:
        marks.append(pytest.mark.xfail(reason=reason))
    return pytest.param(case, id=case["id"], marks=marks)


def _own(case: Case, file: str, group: str) -> Any:
    marks = [pytest.mark.conformance(f"own {file}", group), pytest.mark.timeout(OWN_DEADLINE)]
    return pytest.param(case, id=f"own-{case['id']}", marks=marks)


def unknown(mapping: Mapping[str, Any], known: frozenset[str], where: str) -> list[str]:
    """Return a problem for each key that the runner does not know."""
    return [f"unknown {where} `{key}`" for key in mapping if key not in known]
