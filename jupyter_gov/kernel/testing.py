"""Runs one ``%%govtest`` cell: check, run every case, show, and fail if one failed."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.engine.coverage import Coverage
from jupyter_gov.errors import ExecutionError
from jupyter_gov.kernel import ipy
from jupyter_gov.kernel import options as opts
from jupyter_gov.kernel.display.tests import results_html, results_text
from jupyter_gov.lang.models.scalars import parse_duration
from jupyter_gov.service.flowtests.results import CaseResult, FileResult, summary
from jupyter_gov.service.flowtests.run import TIMEOUT

if TYPE_CHECKING:
    from jupyter_gov.kernel.session import Session


class TestsFailedError(ExecutionError):
    """A case of a ``%%govtest`` cell failed."""

    default_code = "GOV252"


class TestsView:
    """What a ``%%govtest`` cell hands back: look at it, or ask it."""

    def __init__(self, result: FileResult) -> None:
        self._result = result

    @property
    def ok(self) -> bool:
        """Whether no case failed."""
        return self._result.ok

    @property
    def cases(self) -> tuple[CaseResult, ...]:
        """The result of each case."""
        return self._result.cases

    @property
    def coverage(self) -> Coverage:
        """Which tasks and branches of the flow the cases have reached."""
        return self._result.coverage

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return self._result.to_json()

    def __repr__(self) -> str:
        return f"<TestsView {self._result.id} {summary([self._result])}>"

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return {"text/plain": results_text(self._result), "text/html": results_html(self._result)}


def run_tests(session: Session, options: Namespace, source: str) -> TestsView | None:
    """Run the tests in a cell.

    Raises
    ------
    FlowError
        The tests, or the flow, have errors; nothing was run.
    TestsFailedError
        ``GOV252``: a case failed; the results are shown.
    """
    name = opts.variable_name(options.name)
    flow = None if options.flow is None else _text(options.flow)
    timeout = TIMEOUT if options.timeout is None else parse_duration(options.timeout).total_seconds()
    # The empty line stands for the magic's: problems then name the lines that the notebook shows.
    result = session.gov.tests.run(f"\n{source}", session.actor, flow=flow, only=options.case or (), timeout=timeout)
    view = TestsView(result)
    if name:
        session.shell.user_ns[name] = view
    if result.ok and options.format == "html":
        return view
    _show(view, options.format)
    if not result.ok:
        raise TestsFailedError(f"{summary([result])}.", hint="The results above say what was expected, and what came.")
    return None


def _show(view: TestsView, style: str) -> None:
    bundle: dict[str, Any] = view._repr_mimebundle_()
    if style == "text":
        bundle.pop("text/html")
    if style == "json":
        document = view.to_json()
        bundle = {"application/json": document, "text/plain": json.dumps(document, indent=2, ensure_ascii=False)}
    ipy.display(bundle)


def _text(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExecutionError(f"{file} cannot be read: {error}", code="GOV350", hint="Check the path.") from error
