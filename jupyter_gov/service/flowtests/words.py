"""Results of flow tests in words: the same in a cell, a terminal and a report for CI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jupyter_gov.domain.states import State
from jupyter_gov.service.flowtests.results import AssertionResult, CaseResult, Trouble, Verdict

_LONGEST = 300
STATE_OF = {
    Verdict.PASSED: State.SUCCESS,
    Verdict.FAILED: State.FAILED,
    Verdict.ERROR: State.FAILED,
    Verdict.SKIPPED: State.SKIPPED,
}
"""Verdict -> the state whose sign and colour it has."""


def complaints(case: CaseResult) -> Iterator[str]:
    """Yield a line for everything that is wrong with a case: where, what was expected, what there is."""
    if case.trouble is not None:
        yield _troubled(case.trouble)
    for found in case.failures:
        yield f"line {found.line}: {complaint(found)}" if found.line else complaint(found)


def complaint(found: AssertionResult) -> str:
    """Return why an assertion does not hold."""
    said = [text for text in (found.message, found.description) if text]
    about = f"{said[0]}: " if said else ""
    if found.trouble is not None:
        return f"{about}{found.value}: {_troubled(found.trouble)}"
    if found.operator in ("isNull", "isNotNull"):
        return f"{about}{found.value}: {found.operator} {shown(found.expected)}, got {shown(found.actual)}"
    return f"{about}{found.value}: expected {found.operator} {shown(found.expected)}, got {shown(found.actual)}"


def shown(value: Any) -> str:
    """Return a value on one line, so that a text and the number that it looks like differ."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _troubled(trouble: Trouble) -> str:
    return f"{trouble.code} {trouble.message}" + (f" ({trouble.hint})" if trouble.hint else "")
