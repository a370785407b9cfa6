"""Check flow texts, list stored flows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_gov.cli import screen
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.check import CheckedFlow, Target
from jupyter_gov.lang.check import check as check_text
from jupyter_gov.lang.diagnostics import render
from jupyter_gov.lang.flowtest import CheckedTests, check_tests, is_tests
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.service.words import moment


def check(files: Sequence[Path], *, target: Target, allow_unknown_types: bool, as_json: bool) -> int:
    """Check flow files, and test files, without opening the store; return 1 if one has errors."""
    registry, documents, code = Registry(), [], 0
    for file in files:
        text = read_text(file)
        unknown = allow_unknown_types
        checked: CheckedFlow | CheckedTests
        if is_tests(text):
            checked = check_tests(text, registry, file=str(file))
        else:
            checked = check_text(text, registry, allow_unknown_types=unknown, file=str(file), target=target)
        code = 1 if checked.errors else code
        documents.append(_document(file, checked))
        if not as_json:
            _report(file, checked, text)
    if as_json:
        screen.emit(documents)
    return code


def _report(file: Path, checked: CheckedFlow | CheckedTests, text: str) -> None:
    if checked.diagnostics:
        screen.say(render(checked.diagnostics, text))
    counted = f"{len(checked.errors)} errors, {len(checked.warnings)} warnings"
    sign, style = ("✖", "red") if checked.errors else ("✔", "green")
    screen.say(f"{sign} {file}: {counted}", style=style)


def _document(file: Path, checked: CheckedFlow | CheckedTests) -> dict[str, Any]:
    flow = checked.flow if isinstance(checked, CheckedFlow) else checked.tests
    return {
        "file": str(file),
        "ok": not checked.errors,
        "namespace": flow.namespace if flow else None,
        "id": flow.id if flow else None,
        "diagnostics": [found.to_json() for found in checked.diagnostics],
    }


def read_text(file: Path) -> str:
    """Return the text of a flow file; ``-`` is the standard input.

    Raises
    ------
    ExecutionError
        ``GOV350``: it cannot be read, or is no UTF-8 text.
    """
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = f"Name the files in it, such as {file / '*.yaml'}." if file.is_dir() else "Check the path."
        raise ExecutionError(f"{file} cannot be read: {reason}.", code="GOV350", hint=hint) from error
    except UnicodeDecodeError as error:
        raise ExecutionError(
            f"{file} is no UTF-8 text (byte {error.start}).", code="GOV350", hint="Save it as UTF-8."
        ) from error


def register(files: Sequence[Path], *, allow_unknown_types: bool, as_json: bool) -> None:
    """Store the flows of files, each as a new revision unless it is stored so already."""
    from jupyter_gov.cli import host, shapes  # noqa: PLC0415 - the store, which `check` does not need

    texts = [read_text(file) for file in files]
    registry = Registry()
    for file, text in zip(files, texts, strict=True):
        check_text(text, registry, allow_unknown_types=allow_unknown_types, file=str(file)).raise_for_errors()
    with host.opened(begins=True) as (gov, actor):
        stored = [gov.flows.register(text, actor, allow_unknown_types=allow_unknown_types) for text in texts]
    if as_json:
        screen.emit([shapes.flow(found) for found in stored])
        return
    for file, found in zip(files, stored, strict=True):
        screen.say(f"✔ {file}: {found.namespace}.{found.flow_id}, revision {found.revision}", style="green")


def schema(*, tests: bool = False) -> None:
    """Print the JSON Schema of flows with all installed task types, or of test files."""
    if tests:
        from jupyter_gov.lang.flowtest.schema import tests_schema  # noqa: PLC0415 - as below

        screen.emit(tests_schema())
        return
    from jupyter_gov.lang.schema import flow_schema  # noqa: PLC0415 - loads every task type

    screen.emit(flow_schema(Registry()))


def flows(namespace: str | None, limit: int, *, as_json: bool) -> None:
    """List the stored flows."""
    from jupyter_gov.cli import host, shapes  # noqa: PLC0415 - the store, which `check` does not need

    with host.opened() as (gov, actor):
        found = gov.flows.list(actor, namespace, limit)
    if as_json:
        screen.emit([shapes.flow(flow) for flow in found])
        return
    rows = [
        (f"{flow.namespace}.{flow.flow_id}", str(flow.revision), moment(flow.created_at), flow.author) for flow in found
    ]
    screen.table(
        ("Flow", "Revision", "Since", "Author"), rows, empty="No flow is stored yet: jupyter gov register FILE"
    )
