"""Results of flow tests as JUnit XML, which CI systems read."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from jupyter_gov.errors import ExecutionError, GovError
from jupyter_gov.legible import visible
from jupyter_gov.service.flowtests.results import CaseResult, FileResult, Verdict
from jupyter_gov.service.flowtests.words import complaints


def write(target: Path, results: Sequence[FileResult], broken: Sequence[tuple[Path, GovError]] = ()) -> None:
    """Write the results, and the files that could not be run, to a file.

    Raises
    ------
    ExecutionError
        ``GOV350``: it cannot be written.
    """
    root = ET.Element("testsuites")
    for result in results:
        _suite(root, result)
    for path, problem in broken:
        suite = ET.SubElement(root, "testsuite", name=str(path), tests="1", failures="0", errors="1", skipped="0")
        case = ET.SubElement(suite, "testcase", name=path.name, classname=path.stem, file=str(path))
        ET.SubElement(case, "error", message=visible(problem.message)).text = visible(str(problem))
    ET.indent(root)
    try:
        target.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ExecutionError(f"{target} cannot be written: {reason}.", code="GOV350", hint="Check the path.") from error


def _suite(root: ET.Element, result: FileResult) -> None:
    suite = ET.SubElement(
        root,
        "testsuite",
        name=result.id,
        tests=str(len(result.cases)),
        failures=str(result.count(Verdict.FAILED)),
        errors=str(result.count(Verdict.ERROR)),
        skipped=str(result.count(Verdict.SKIPPED)),
        time=f"{sum(case.seconds for case in result.cases):.3f}",
    )
    if result.file is not None:
        suite.set("file", result.file)
    for case in result.cases:
        _case(suite, case, result)


def _case(suite: ET.Element, case: CaseResult, result: FileResult) -> None:
    element = ET.SubElement(
        suite, "testcase", name=case.id, classname=f"{result.flow}.{result.id}", time=f"{case.seconds:.3f}"
    )
    if result.file is not None:
        element.set("file", result.file)
    if case.line is not None:
        element.set("line", str(case.line))
    if case.verdict is Verdict.SKIPPED:
        ET.SubElement(element, "skipped")
    elif case.verdict in (Verdict.FAILED, Verdict.ERROR):
        lines = [visible(line) for line in complaints(case)]
        kind = "failure" if case.verdict is Verdict.FAILED else "error"
        found = ET.SubElement(element, kind, message=lines[0] if lines else str(case.verdict))
        found.text = "\n".join(lines)
