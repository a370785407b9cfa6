"""How a cell shows the results of flow tests: HTML without script, and text of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from jupyter_gov.engine.coverage import Coverage
from jupyter_gov.kernel.display.html import MAX_BYTES, environment
from jupyter_gov.kernel.display.text import WIDTH
from jupyter_gov.legible import visible
from jupyter_gov.service import words
from jupyter_gov.service.flowtests.results import AssertionResult, CaseResult, FileResult, coverage_line, summary
from jupyter_gov.service.flowtests.words import STATE_OF, complaints, shown

_MOST_CASES = 200
_MOST_MISSED = 100
# Each step shows less: cases, characters of a text.
_DETAIL = ((_MOST_CASES, 2_000), (_MOST_CASES, 300), (100, 100), (30, 60), (5, 40))


def results_html(result: FileResult) -> str:
    """Return the results as HTML; cases that failed come before the others where not all would fit ``MAX_BYTES``."""
    html = ""
    for most, longest in _DETAIL:
        html = _draw(result, most, longest)
        if len(html.encode()) <= MAX_BYTES:
            break
    return html


def _draw(result: FileResult, most: int, longest: int) -> str:
    shown = result.cases
    if len(shown) > most:
        shown = tuple(sorted(shown, key=lambda case: not (case.trouble or case.failures))[:most])
    cases = [_case(case) for case in shown]
    template = environment().get_template("tests.html.j2")
    return template.render(
        result=result,
        state="SUCCESS" if result.ok else "FAILED",
        summary=summary([result]),
        cases=cases,
        left_out=len(result.cases) - len(cases),
        coverage=coverage_line(result.coverage),
        shares=_shares(result.coverage),
        missed=result.coverage.missed[:_MOST_MISSED],
        more=max(0, len(result.coverage.missed) - _MOST_MISSED),
        warnings=[f"{one.code} {one.message}" for one in result.warnings],
        clip=lambda text: text if len(text) <= longest else text[:longest] + "…",
    )


def _shares(found: Coverage) -> list[tuple[str, int, int]]:
    parts = (("tasks", found.tasks), ("branches", found.branches))
    return [(name, sum(point.reached for point in points), len(points)) for name, points in parts if points]


def _case(case: CaseResult) -> Mapping[str, Any]:
    return {
        "id": case.id,
        "facts": list(_facts(case)),
        "verdict": str(case.verdict),
        "state": str(STATE_OF[case.verdict]),
        "description": visible(case.description or ""),
        "trouble": case.trouble,
        "assertions": [_assertion(one) for one in case.assertions],
        "fails": bool(case.trouble or case.failures),
    }


def _facts(case: CaseResult) -> Iterator[str]:
    if case.assertions:
        yield f"{sum(one.passed for one in case.assertions)} of {len(case.assertions)} hold"
    if case.execution_state is not None:
        yield f"execution {case.execution_state}"
        yield _took(case)
    if case.line is not None:
        yield f"line {case.line}"


def _took(case: CaseResult) -> str:
    return words.duration(timedelta(seconds=case.seconds))


def _assertion(found: AssertionResult) -> Mapping[str, Any]:
    said = found.message if not found.passed and found.message else found.description
    return {
        "passed": found.passed,
        "value": visible(found.value) + (f" (of {found.task_id})" if found.task_id else ""),
        "said": visible(said or ""),
        "expected": f"{found.operator} {visible(shown(found.expected))}",
        "got": visible(shown(found.actual)) if found.trouble is None else "",
        "trouble": visible(f"{found.trouble.code} {found.trouble.message}") if found.trouble else "",
        "line": found.line,
    }


def results_text(result: FileResult) -> str:
    """Return the results as text."""
    return "\n".join(words.cut(line, WIDTH) if len(line) > WIDTH else line for line in _lines(result))


def _lines(result: FileResult) -> Iterator[str]:
    state = "SUCCESS" if result.ok else "FAILED"
    yield f"{words.symbol(state)} {result.id}: {summary([result])}, of {result.flow}"
    for warning in result.warnings:
        yield f"  warning: {warning.code} {warning.message}"
    for case in result.cases[:_MOST_CASES]:
        took = "" if case.execution_state is None else f"  {_took(case)}"
        yield f"  {words.symbol(STATE_OF[case.verdict])} {case.verdict:<7}  {case.id}{took}"
        for complaint in complaints(case):
            yield from textwrap.wrap(visible(complaint), WIDTH, initial_indent="      ", subsequent_indent="        ")
    if len(result.cases) > _MOST_CASES:
        yield f"  … and {len(result.cases) - _MOST_CASES} more cases"
    yield f"  coverage: {coverage_line(result.coverage)}"
    missed = [point.name + (f" (line {point.line})" if point.line else "") for point in result.coverage.missed]
    if missed:
        names = ", ".join(missed[:_MOST_MISSED]) + (", …" if len(missed) > _MOST_MISSED else "")
        yield from textwrap.wrap(f"never reached: {names}", WIDTH, initial_indent="  ", subsequent_indent="    ")
