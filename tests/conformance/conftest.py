"""Options of the conformance runs: which corpus, which store, where the report goes; a world for each case."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_gov.store import Store
from tests.conftest import _database, _private_server, corpus_of

if TYPE_CHECKING:
    from tests.conformance.world import World

PLUGIN = Path(__file__).parent / "plugin"
_PROPERTY = "conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--report", metavar="FILE", help="write passed/failed/skipped per file and group as JSON")
    group.addoption(
        "--store",
        metavar="URL",
        help="database server for the cases that run flows: a PostgreSQL URL on which databases may be created, "
        "`postgresql` for a private server, or a SQLite URL beside whose file each case gets its own",
    )


def is_asked_for(config: pytest.Config) -> bool:
    """Return whether a corpus was named, rather than found beside the project."""
    return bool(config.getoption("--corpus", default=None) or os.environ.get("JUPYTER_GOV_CORPUS"))


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
        self.cases: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not (report.when == "setup" and not report.passed):
            return
        for name, value in report.user_properties:
            if name == _PROPERTY:
                file, group = str(value).split("/", 1)
                self.files[file][group][report.outcome] += 1
                self.cases.append(_outcome(report, file, group))

    def pytest_terminal_summary(self, terminalreporter, config: pytest.Config) -> None:  # type: ignore[no-untyped-def]
        for file, groups in sorted(self.files.items()):
            terminalreporter.section(f"conformance: {file}")
            for group, counts in sorted(groups.items()):
                terminalreporter.write_line(_row(group, counts))
            terminalreporter.write_line(_row("all", sum(groups.values(), Counter())))
        target = config.getoption("--report", default=None)
        if target and self.files:
            found = {"files": self.files, "cases": sorted(self.cases, key=lambda case: (case["file"], case["id"]))}
            Path(target).write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _outcome(report: pytest.TestReport, file: str, group: str) -> dict[str, Any]:
    case = report.nodeid.partition("[")[2].rstrip("]")
    outcome: dict[str, Any] = {"file": file, "group": group, "id": case, "outcome": report.outcome}
    outcome["seconds"] = round(report.duration, 2)
    if report.skipped and isinstance(report.longrepr, tuple):
        outcome["reason"] = str(report.longrepr[2]).removeprefix("Skipped: ")
    elif report.failed:
        outcome["problems"] = report.longreprtext.splitlines()
    return outcome


def pytest_configure(config: pytest.Config) -> None:
    # As if it were installed: its folder holds a distribution with an entry point, as a third party's would.
    sys.path.append(str(PLUGIN))
    config.pluginmanager.register(Score(), "conformance-score")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    marker = item.get_closest_marker("conformance")
    if marker is not None:
        item.user_properties.append((_PROPERTY, "/".join(marker.args)))


def _row(name: str, counts: Counter[str]) -> str:
    return f"{name:20} {counts['passed']:4} passed {counts['failed']:4} failed {counts['skipped']:4} skipped"


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The corpus was made where the system zone is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="session")
def store_template(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Where the stores of the cases come from: ``("sqlite", file to copy)`` or a server and a database to copy."""
    given = str(pytestconfig.getoption("--store", default=None) or "")
    if not given.startswith("postgresql"):
        folder = tmp_path_factory.mktemp("template")
        Store.open(folder / "gov.db", files_root=folder / "files").close()
        yield "sqlite", str(folder / "gov.db")
    elif given == "postgresql":
        with _private_server() as server, _pg_template(server) as name:
            yield server, name
    else:
        with _pg_template(given) as name:
            yield given, name


@contextmanager
def _pg_template(server: str) -> Iterator[str]:
    from sqlalchemy import make_url

    with _database(server) as url:
        Store.upgrade(url)
        yield str(make_url(url).database)


@pytest.fixture
def store_url(store_template: tuple[str, str], tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[str]:
    """A store of this case's own, with today's schema and nothing in it."""
    kind, template = store_template
    if kind != "sqlite":
        with _database(kind, template) as url:
            yield url
        return
    given = str(pytestconfig.getoption("--store", default=None) or "").removeprefix("sqlite:///")
    folder = Path(given).parent / tmp_path.name if given else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, folder / "gov.db")
    yield str(folder / "gov.db")


@pytest.fixture
def make_world(
    pytestconfig: pytest.Config, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, utc: None
) -> Iterator[Callable[[Mapping[str, Any]], World]]:
    """A maker of the one world of a case; its files lie where the case does."""
    corpus = corpus_of(pytestconfig) or tmp_path
    from tests.conformance.world import World

    # The installation of whoever runs this must not matter.
    for name in [name for name in os.environ if name.startswith(("JUPYTER_GOV_", "KESTRA_", "SECRET_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    made: list[World] = []

    def make(case: Mapping[str, Any]) -> World:
        folder = getattr(case, "corpus", corpus)
        made.append(World(case, folder, tmp_path, store_url, monkeypatch))
        return made[-1]

    yield make
    for world in made:
        world.close()
