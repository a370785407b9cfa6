"""What became of a test file: one result per case, one per assertion, and what was reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jupyter_gov.engine.coverage import Coverage, Point
from jupyter_gov.lang.diagnostics import Diagnostic


class Verdict(StrEnum):
    """How a case ended: an error is a case that could not be judged."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a case failed or could not be judged, apart from its assertions."""

    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """One operator of one assertion.

    Attributes
    ----------
    value
        As written.
    expected, actual
        As compared.
    trouble
        Why there is nothing to compare.
    message
        The author's own words for a failure.
    """

    value: str
    operator: str
    expected: Any
    actual: Any
    passed: bool
    trouble: Trouble | None = None
    description: str | None = None
    message: str | None = None
    task_id: str | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "value": self.value,
            "operator": self.operator,
            "expected": self.expected,
            "actual": self.actual,
            "passed": self.passed,
            "error": _trouble(self.trouble),
            "description": self.description,
            "errorMessage": self.message,
            "taskId": self.task_id,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case.

    Attributes
    ----------
    execution_state
        State of the execution; None if there was none.
    """

    id: str
    verdict: Verdict
    description: str | None = None
    execution_state: str | None = None
    seconds: float = 0.0
    trouble: Trouble | None = None
    assertions: tuple[AssertionResult, ...] = ()
    line: int | None = None

    @property
    def failures(self) -> tuple[AssertionResult, ...]:
        """The assertions that did not hold."""
        return tuple(one for one in self.assertions if not one.passed)

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "id": self.id,
            "verdict": str(self.verdict),
            "description": self.description,
            "executionState": self.execution_state,
            "seconds": round(self.seconds, 3),
            "error": _trouble(self.trouble),
            "assertions": [one.to_json() for one in self.assertions],
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class FileResult:
    """All cases of one test file."""

    id: str
    namespace: str
    flow_id: str
    cases: tuple[CaseResult, ...]
    coverage: Coverage = field(default_factory=Coverage)
    file: str | None = None
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def flow(self) -> str:
        """Namespace and id of the flow."""
        return f"{self.namespace}.{self.flow_id}"

    def count(self, verdict: Verdict) -> int:
        """Return how many cases ended so."""
        return sum(case.verdict is verdict for case in self.cases)

    @property
    def ok(self) -> bool:
        """Whether no case failed or could not be judged."""
        return not (self.count(Verdict.FAILED) or self.count(Verdict.ERROR))

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "file": self.file,
            "id": self.id,
            "flow": self.flow,
            "ok": self.ok,
            "cases": [case.to_json() for case in self.cases],
            "coverage": coverage_json(self.coverage),
            "warnings": [one.to_json() for one in self.warnings],
        }


def summary(results: Sequence[FileResult]) -> str:
    """Return one line with the numbers of all cases."""
    counts = [(sum(one.count(verdict) for one in results), verdict) for verdict in Verdict]
    shown = [f"{number} {word}" for number, word in counts if number or word is Verdict.PASSED]
    return ", ".join(shown)


def coverage_json(found: Coverage) -> dict[str, Any]:
    """Return a coverage as ``--json`` shows it."""
    return {
        "tasks": _share(found.tasks),
        "branches": _share(found.branches),
        "missed": [
            {"task": point.task or None, "branch": point.branch or None, "line": point.line} for point in found.missed
        ],
    }


def coverage_line(found: Coverage) -> str:
    """Return the figures of a coverage in words."""
    parts = [(found.tasks, "tasks"), (found.branches, "branches")]
    shown = [f"{_reached(points)} of {len(points)} {name}" for points, name in parts if points]
    return ", ".join(shown) or "nothing to reach"


def _reached(points: Sequence[Point]) -> int:
    return sum(point.reached for point in points)


def _share(points: Sequence[Point]) -> dict[str, int]:
    return {"reached": _reached(points), "total": len(points)}


def _trouble(found: Trouble | None) -> dict[str, Any] | None:
    return None if found is None else {"code": found.code, "message": found.message, "hint": found.hint}
