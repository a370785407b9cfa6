"""Options of the conformance runs: which corpus, which store, where the report goes."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_RESULTS = pytest.StashKey[dict[str, dict[str, Counter[str]]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--corpus", metavar="DIR", help="folder of the conformance corpus")
    group.addoption("--report", metavar="FILE", help="write passed/failed/skipped per file and group as JSON")
    group.addoption("--store", metavar="URL", help="database for the cases that run flows")


def corpus_of(config: pytest.Config) -> Path | None:
    """Return the folder of the corpus, if there is one."""
    given = config.getoption("--corpus", default=None) or os.environ.get("JUPYTER_GOV_CORPUS")
    folder = Path(given) if given else ROOT.parent / "shared" / "kestra-conformance"
    return folder if folder.is_dir() else None


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RESULTS] = defaultdict(lambda: defaultdict(Counter))


@pytest.fixture(scope="session")
def corpus(pytestconfig: pytest.Config) -> Path:
    """The folder of the corpus; without one the test is reported as skipped."""
    folder = corpus_of(pytestconfig)
    if folder is None:
        pytest.skip("no conformance corpus: give --corpus DIR or JUPYTER_GOV_CORPUS")
    return folder


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    outcome = yield
    report = outcome.get_result()
    marker = item.get_closest_marker("conformance")
    if marker is None or (report.when != "call" and not (report.when == "setup" and report.skipped)):
        return
    file, group = marker.args
    item.config.stash[_RESULTS][file][group][report.outcome] += 1


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:  # type: ignore[no-untyped-def]
    results = config.stash[_RESULTS]
    for file, groups in sorted(results.items()):
        terminalreporter.section(f"conformance: {file}")
        for group, counts in sorted(groups.items()):
            terminalreporter.write_line(_row(group, counts))
        terminalreporter.write_line(_row("all", sum(groups.values(), Counter())))
    target = config.getoption("--report", default=None)
    if target and results:
        Path(target).write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _row(name: str, counts: Counter[str]) -> str:
    return f"{name:20} {counts['passed']:4} passed {counts['failed']:4} failed {counts['skipped']:4} skipped"
