"""Options of the conformance runs: which corpus, which store, where the report goes."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PROPERTY = "conformance"


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


@pytest.fixture(scope="session")
def corpus(pytestconfig: pytest.Config) -> Path:
    """The folder of the corpus; without one the test is reported as skipped."""
    folder = corpus_of(pytestconfig)
    if folder is None:
        pytest.skip("no conformance corpus: give --corpus DIR or JUPYTER_GOV_CORPUS")
    return folder


class Score:
    """Counts outcomes per file and group, also of workers in other processes."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not (report.when == "setup" and not report.passed):
            return
        for name, value in report.user_properties:
            if name == _PROPERTY:
                file, group = str(value).split("/", 1)
                self.files[file][group][report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter, config: pytest.Config) -> None:  # type: ignore[no-untyped-def]
        for file, groups in sorted(self.files.items()):
            terminalreporter.section(f"conformance: {file}")
            for group, counts in sorted(groups.items()):
                terminalreporter.write_line(_row(group, counts))
            terminalreporter.write_line(_row("all", sum(groups.values(), Counter())))
        target = config.getoption("--report", default=None)
        if target and self.files:
            Path(target).write_text(json.dumps(self.files, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Score(), "conformance-score")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    marker = item.get_closest_marker("conformance")
    if marker is not None:
        item.user_properties.append((_PROPERTY, "/".join(marker.args)))


def _row(name: str, counts: Counter[str]) -> str:
    return f"{name:20} {counts['passed']:4} passed {counts['failed']:4} failed {counts['skipped']:4} skipped"
