"""Run flow tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_gov.cli import host, screen, testfiles
from jupyter_gov.cli.commands.flows import read_text
from jupyter_gov.config import JupyterGov
from jupyter_gov.domain.actor import Actor
from jupyter_gov.engine.coverage import Coverage
from jupyter_gov.errors import GovError, InputError
from jupyter_gov.lang.diagnostics import did_you_mean, listing, render
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import Gov
from jupyter_gov.service.flowtests.results import CaseResult, FileResult, Verdict, coverage_json, coverage_line, summary
from jupyter_gov.service.flowtests.run import TIMEOUT
from jupyter_gov.service.flowtests.words import STATE_OF, complaints
from jupyter_gov.service.identity import local_actor
from jupyter_gov.service.words import symbol
from jupyter_gov.store.database import parse_url

_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.ERROR: "red", Verdict.SKIPPED: "dim"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    places: Sequence[Path]
    flows: Sequence[Path]
    cases: Sequence[str]
    timeout: float | None
    junit: Path | None


def run_tests(wanted: Wanted, *, as_json: bool) -> int:
    """Run test files and return 0 if every case passed, else 1."""
    files = _having(testfiles.find(wanted.places), wanted.cases)
    flows = {file.path: testfiles.flow_of(file, wanted.flows) for file in files}
    results: list[FileResult] = []
    broken: list[tuple[Path, GovError]] = []
    with _service(stored=not all(flows.values())) as (gov, actor):
        for file in files:
            try:
                results.append(_run(gov, actor, file, flows[file.path], wanted, quiet=as_json))
            except GovError as error:
                broken.append((file.path, error))
                if not as_json:
                    _complain(file.path, error)
    if wanted.junit is not None:
        from jupyter_gov.cli import junit  # noqa: PLC0415 - only then

        junit.write(wanted.junit, results, broken)
    if as_json:
        screen.emit(_document(results, broken))
    else:
        _conclude(results, broken)
    return 1 if broken or not all(result.ok for result in results) else 0


def _having(files: Sequence[testfiles.SuiteFile], cases: Sequence[str]) -> list[testfiles.SuiteFile]:
    """Return the files that have one of these cases.

    Raises
    ------
    InputError
        ``GOV246``: no file has one of them.
    """
    if not cases:
        return list(files)
    ids = {name for file in files for name in testfiles.case_ids(file)}
    for name in cases:
        if name not in ids:
            hint = did_you_mean(name, ids) or f"Cases: {listing(ids)}"
            raise InputError(f"no test file has a case {name!r}", code="GOV246", hint=hint)
    return [file for file in files if _cases_in(file, cases)]


def _cases_in(file: testfiles.SuiteFile, cases: Sequence[str]) -> list[str]:
    known = testfiles.case_ids(file) if cases else ()
    return [name for name in cases if name in known]


@contextmanager
def _service(*, stored: bool) -> Iterator[tuple[Gov, Actor]]:
    """Yield the service; where no flow is looked for in a database and there is none, none is made."""
    url = parse_url(JupyterGov().resolved_db_url())
    absent = url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists()
    with ExitStack() as stack:
        if stored or not absent:
            yield stack.enter_context(host.opened())
            return
        folder = stack.enter_context(TemporaryDirectory(prefix="jupyter-gov-test-"))
        gov = open_gov(db_url=f"{folder}/none.db", files_root=f"{folder}/files")
        stack.callback(gov.close)
        yield gov, local_actor()


def _run(
    gov: Gov, actor: Actor, file: testfiles.SuiteFile, flow: Path | None, wanted: Wanted, *, quiet: bool
) -> FileResult:
    text = None if flow is None else read_text(flow)
    if not quiet:
        screen.say(f"{file.path}" + (f", with {_shortest(flow)}" if flow else ", with the stored flow"), style="bold")
    result = gov.tests.run(
        file.text,
        actor,
        flow=text,
        file=str(file.path),
        only=_cases_in(file, wanted.cases),
        timeout=wanted.timeout or TIMEOUT,
        on_case=None if quiet else _report,
    )
    if result.warnings and not quiet:
        screen.say(render(result.warnings, file.text), style="yellow")
    return result


def _shortest(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _report(case: CaseResult) -> None:
    took = "" if case.verdict is Verdict.SKIPPED else f"  {case.seconds:.2f} s"
    word = "" if case.verdict in (Verdict.PASSED, Verdict.FAILED) else f" {case.verdict}"
    screen.say(f"  {symbol(STATE_OF[case.verdict])} {case.id}{word}{took}", style=_STYLES[case.verdict])
    for complaint in complaints(case):
        screen.say(f"      {complaint}")


def _complain(path: Path, error: GovError) -> None:
    screen.say(f"  {symbol('FAILED')} {path} cannot be run", style="red")
    screen.block(str(error))


def _joined(results: Sequence[FileResult]) -> dict[str, Coverage]:
    """Return what all files together have reached, by flow."""
    found: dict[str, Coverage] = {}
    for result in results:
        known = found.get(result.flow)
        found[result.flow] = result.coverage if known is None else known.joined(result.coverage)
    return found


def _conclude(results: Sequence[FileResult], broken: Sequence[Any]) -> None:
    for flow, found in _joined(results).items():
        screen.say(f"Coverage of {flow}: {coverage_line(found)}")
        for point in found.missed:
            screen.say(f"  never reached: {point.name}" + (f" (line {point.line})" if point.line else ""))
    good = not broken and all(result.ok for result in results)
    more = f", {len(broken)} file{'s' if len(broken) > 1 else ''} cannot be run" if broken else ""
    screen.say(f"{symbol('SUCCESS' if good else 'FAILED')} {summary(results)}{more}", style="green" if good else "red")


def _document(results: Sequence[FileResult], broken: Sequence[tuple[Path, GovError]]) -> dict[str, Any]:
    return {
        "ok": not broken and all(result.ok for result in results),
        "files": [
            *(result.to_json() for result in results),
            *({"file": str(path), "ok": False, "error": error.to_json()} for path, error in broken),
        ],
        "coverage": {flow: coverage_json(found) for flow, found in _joined(results).items()},
    }
