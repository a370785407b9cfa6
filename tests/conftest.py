"""Fixtures that several suites share: a store on a temporary file, a private PostgreSQL server."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from jupyter_gov.store import Store

ROOT = Path(__file__).resolve().parents[1]

# A runner in the background starts us with interrupts ignored, and every child would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A default run tries the same examples each time; JUPYTER_GOV_TEST_RANDOM=1 looks for new ones.
settings.register_profile("gov", deadline=None, derandomize=not os.environ.get("JUPYTER_GOV_TEST_RANDOM"))
settings.load_profile("gov")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", metavar="DIR", help="folder of the conformance corpus, for conformance and fuzz")


def corpus_of(config: pytest.Config) -> Path | None:
    """Return the folder of the corpus, if there is one."""
    given = config.getoption("--corpus", default=None) or os.environ.get("JUPYTER_GOV_CORPUS")
    folder = Path(given) if given else ROOT.parent / "shared" / "kestra-conformance"
    return folder if folder.is_dir() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tier out unless it is asked for with ``-m full`` (or any expression that names it)."""
    if "full" in (config.option.markexpr or ""):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store on a fresh SQLite file."""
    with Store.open(tmp_path / "store.db", files_root=tmp_path / "files") as opened:
        yield opened


def _server_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _as_postgres(command: list[str]) -> list[str]:
    # The server refuses to run as root.
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@contextlib.contextmanager
def _private_server() -> Iterator[str]:
    binaries = _server_binaries()
    assert binaries is not None
    # Not below pytest's folders: they are closed to other users, and socket paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="gov-pg-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    try:
        folder.chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        data = folder / "data"

        def call(*command: str) -> None:
            subprocess.run(_as_postgres(list(command)), check=True, capture_output=True, cwd=folder, timeout=60)

        call(str(binaries / "initdb"), "-N", "--auth=trust", "-U", user, "-E", "UTF8", "--no-locale", "-D", str(data))
        options = f"-c listen_addresses='' -k {folder} -F -c max_connections=200"
        call(str(binaries / "pg_ctl"), "-w", "-D", str(data), "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://{user}@/postgres?host={folder}"
        finally:
            call(str(binaries / "pg_ctl"), "-w", "-m", "immediate", "-D", str(data), "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"in CI the PostgreSQL tests must run: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def pg_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be created."""
    given = os.environ.get("JUPYTER_GOV_TEST_PG")
    if given:
        yield given
        return
    try:
        import psycopg  # noqa: F401
    except ImportError:
        _missing("psycopg is not installed")
    if _server_binaries() is None:
        _missing("no PostgreSQL server: set JUPYTER_GOV_TEST_PG or install the package postgresql")
    with _private_server() as url:
        yield url


@contextlib.contextmanager
def _database(server: str, template: str = "template1") -> Iterator[str]:
    import psycopg
    from sqlalchemy import make_url

    name = f"gov_{uuid.uuid4().hex}"
    url = make_url(server)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def pg_empty_url(pg_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test's own."""
    with _database(pg_server) as url:
        yield url


@pytest.fixture(scope="session")
def _pg_template(pg_server: str) -> Iterator[str]:
    from sqlalchemy import make_url

    with _database(pg_server) as url:
        Store.upgrade(url)
        name = make_url(url).database
        assert name is not None
        yield name


@pytest.fixture
def pg_url(pg_server: str, _pg_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database of this test's own, with today's schema and nothing in it."""
    with _database(pg_server, _pg_template) as url:
        yield url
