"""A database that is locked, damaged, full, read-only or gone: a clear error, and nothing half-written."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import stat
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_gov.errors import StoreError
from jupyter_gov.store import Store, disks, sqlite_file
from jupyter_gov.store.database import parse_url, shown
from tests.contract import build


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.db") as opened:
        yield opened


def add_execution(store: Store, **given: object) -> str:
    run = build.execution(**given)
    with store.write() as tx:
        store.executions.insert(tx, run, (build.created_fact(run),), None)
    return run.id


def count(store: Store) -> int:
    with store.read() as tx:
        return sum(store.executions.count_by_state(tx).values())


def open_and_use(path: Path) -> None:
    with Store.open(path) as store:
        add_execution(store)
        store.verify()


def refused(code: str, url: str | Path, tmp_path: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        Store.open(url, files_root=tmp_path / "files")
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "mysql://host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "a://b://c",
        "postgresql+pg8000://h/d",
        "postgresql://h:port/d",
    ],
)
def test_urls_that_cannot_hold_a_store(url: str, tmp_path: Path) -> None:
    refused("GOV710", url, tmp_path)


def test_a_locked_database(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_MS", 50)
    with Store.open(tmp_path / "store.db") as impatient:
        holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        with contextlib.closing(holder):
            holder.execute("BEGIN IMMEDIATE")
            assert count(impatient) == 0, "reading goes on"
            with pytest.raises(StoreError, match="locked by another process") as caught:
                add_execution(impatient)
            assert caught.value.code == "GOV714"
            holder.execute("ROLLBACK")
        add_execution(impatient)
    assert count(sqlite_store) == 1


def test_a_thread_that_holds_the_database(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_MS", 50)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with sqlite_store.write():
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        with pytest.raises(StoreError, match="another thread") as caught:
            add_execution(sqlite_store)
        assert caught.value.code == "GOV714"
    finally:
        done.set()
        thread.join()
    add_execution(sqlite_store)


def test_a_lock_that_passes_is_waited_for(sqlite_store: Store, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None, check_same_thread=False)
    with contextlib.closing(holder):
        holder.execute("BEGIN IMMEDIATE")
        threading.Timer(0.1, lambda: holder.execute("ROLLBACK")).start()
        add_execution(sqlite_store)
    assert count(sqlite_store) == 1


def test_a_transaction_inside_of_another(sqlite_store: Store) -> None:
    with sqlite_store.write(), pytest.raises(StoreError, match="open in this thread already") as caught:
        add_execution(sqlite_store)
    assert caught.value.code == "GOV711"
    add_execution(sqlite_store)


def test_a_closed_store(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed") as caught, store.read():
        pass
    assert caught.value.code == "GOV711"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("id: a flow, not a database\n" * 100)
    before = path.read_bytes()
    refused("GOV703", path, tmp_path)
    assert path.read_bytes() == before


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store.open(path) as store:
        for _ in range(50):
            add_execution(store, inputs={"text": "x" * 500})
    with path.open("r+b") as stream:
        stream.seek(4096 * 2)
        stream.write(os.urandom(4096 * 60))
    with pytest.raises(StoreError) as caught:
        open_and_use(path)
    assert caught.value.code == "GOV703"
    assert "backup" in str(caught.value.hint)


def test_columns_that_were_damaged(sqlite_store: Store) -> None:
    execution_id = add_execution(sqlite_store)
    with sqlite_store.write() as tx:
        tx.cursor.execute("UPDATE gov_executions SET history = '[[\"CRE'")
    with pytest.raises(StoreError, match="damaged") as caught, sqlite_store.read() as tx:
        sqlite_store.executions.load(tx, execution_id)
    assert caught.value.code == "GOV703"
    assert execution_id in caught.value.message


def test_a_full_disk_leaves_nothing_half_written(sqlite_store: Store) -> None:
    """A limit on the size of files stands in for the disk: the database gets the same refusal of a write."""
    add_execution(sqlite_store)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(StoreError) as caught:
            add_execution(sqlite_store, inputs={"text": "x" * 2_000_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "GOV705"
    assert count(sqlite_store) == 1
    assert sqlite_store.verify().ok
    add_execution(sqlite_store, inputs={"text": "x" * 2_000_000})
    assert sqlite_store.verify().ok


def test_a_database_at_its_limit(sqlite_store: Store) -> None:
    with sqlite_store.write() as tx:
        tx.cursor.execute("PRAGMA page_count")
        pages = tx.cursor.fetchone()[0]
        tx.cursor.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="full") as caught:
        add_execution(sqlite_store, inputs={"text": "x" * 100_000})
    assert caught.value.code == "GOV705"
    assert count(sqlite_store) == 0
    assert sqlite_store.verify().entries == 0


def test_full_disk_for_files(sqlite_store: Store, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StoreError):
            sqlite_store.files.put("kestra:///a", b"x" * 10_000, "big")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def as_nobody(act: Callable[[], None]) -> None:
    """Do something as a user without rights, in a child: root may write everywhere."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setegid(65534)
                os.seteuid(65534)
            act()
            code = 0
        except BaseException:  # noqa: BLE001 - a failed expectation is no Exception; shown, and told by the exit code
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can come to, unlike those of pytest."""
    made = Path(tempfile.mkdtemp(prefix="gov-ro-"))
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    folder.chmod(0o555)

    def act() -> None:
        for path in (folder / "new.db", Path("/proc/nowhere/store.db")):
            with pytest.raises(StoreError) as caught:
                Store.open(path)
            assert caught.value.code == "GOV704"
            assert caught.value.hint

    as_nobody(act)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o555), (0o666, 0o555), (0o444, 0o777)])
def test_what_may_only_be_read_is_read(folder: Path, file_mode: int, folder_mode: int) -> None:
    path = folder / "copy of a store?.db"
    with Store.open(path) as store:
        run_id = add_execution(store)
        store.sql("SELECT 1")  # loads what the child may have no right to load
    path.chmod(file_mode)
    folder.chmod(folder_mode)
    before = path.read_bytes()

    def act() -> None:
        with Store.open(path) as store:
            assert store.verify().ok
            assert store.sql("SELECT id FROM executions").id.tolist() == [run_id]
            assert store.wait(0.01) in {True, False}
            with store.read() as tx:
                found = store.executions.load(tx, run_id)
            assert found is not None
            with pytest.raises(StoreError, match="nothing was changed") as caught:
                store.retrying(lambda tx: store.approvals.counts(tx))
            assert caught.value.code == "GOV704"
            assert caught.value.hint
        with pytest.raises(StoreError) as caught, Store.open(path) as store:
            add_execution(store)
        assert caught.value.code == "GOV704"

    as_nobody(act)
    assert path.read_bytes() == before


def test_last_writes_in_a_log_that_cannot_be_used_are_not_left_out(folder: Path) -> None:
    path = folder / "store.db"
    with Store.open(path) as store:
        add_execution(store)
        path.chmod(0o444)
        folder.chmod(0o555)

        def act() -> None:
            with pytest.raises(StoreError, match=r"store\.db-wal") as caught:
                Store.open(path)
            assert caught.value.code == "GOV704"
            assert "Copy both files" in str(caught.value.hint)

        as_nobody(act)


def test_a_database_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE gov_executions (id TEXT)")
        theirs.execute("INSERT INTO gov_executions VALUES ('theirs')")
        theirs.commit()
    error = refused("GOV715", path, tmp_path)
    assert "not a store of jupyter_gov" in error.message
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        assert theirs.execute("SELECT count(*) FROM sqlite_master").fetchall() == [(1,)]


def test_a_forked_process_must_open_anew(sqlite_store: Store) -> None:
    child = os.fork()
    if child == 0:
        code = ""
        try:
            with sqlite_store.read():
                pass
        except StoreError as error:
            code = error.code
        finally:
            os._exit(0 if code == "GOV711" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    add_execution(sqlite_store)


def test_nobody_else_can_read_the_database(tmp_path: Path) -> None:
    with Store.open(tmp_path / "deep" / "down" / "store.db") as store:
        add_execution(store)
        store.files.put("kestra:///a", b"x", "name")
        for path in (tmp_path / "deep" / "down").rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("nfs4", "GOV707"),
        ("cifs", "GOV707"),
        ("fuse.sshfs", "GOV707"),
        ("ext4", None),
        ("overlay", None),
        ("tmpfs", None),
    ],
)
def test_network_disks(kind: str, code: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    point = str(tmp_path / "with blank").replace(" ", "\\040")
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
        f"36 22 0:32 / {point} rw,noatime - {kind} server:/export rw\n"
        "malformed\n"
    )
    monkeypatch.setattr(disks, "_MOUNTS", mounts)
    if code:
        error = refused(code, tmp_path / "with blank" / "sub" / "store.db", tmp_path)
        assert "PostgreSQL" in str(error.hint)
    else:
        Store.open(tmp_path / "with blank" / "store.db").close()
    Store.open(tmp_path / "beside.db").close()


def test_without_a_list_of_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "_MOUNTS", tmp_path / "none")
    Store.open(tmp_path / "store.db").close()


@pytest.mark.postgres
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    error = refused("GOV706", f"postgresql+psycopg://somebody:secret@/db?host={tmp_path}", tmp_path)
    assert "secret" not in str(error)


@pytest.mark.parametrize("name", ["password", "sslpassword"])
def test_a_password_in_the_query_of_a_url_is_never_shown(name: str) -> None:
    url = parse_url(f"postgresql://ann@host/db?connect_timeout=1&{name}=hunter2&sslmode=require")
    text = shown(url)
    assert text == f"postgresql+psycopg://ann@host/db?connect_timeout=1&sslmode=require&{name}=***"
    assert shown(parse_url(f"postgresql://ann:hunter2@host/db?{name}=hunter2")).count("***") == 2
    assert shown(parse_url("postgresql://ann@host/db")) == "postgresql+psycopg://ann@host/db"


@pytest.mark.postgres
def test_a_server_that_is_not_there_and_a_password_in_the_query(tmp_path: Path) -> None:
    error = refused("GOV706", f"postgresql://somebody@/db?host={tmp_path}&password=hunter2", tmp_path)
    assert "hunter2" not in str(error)


@pytest.mark.postgres
def test_a_database_that_is_not_there(pg_server: str, tmp_path: Path) -> None:
    from sqlalchemy import make_url

    missing = make_url(pg_server).set(database="missing").render_as_string(hide_password=False)
    refused("GOV706", missing, tmp_path)


@pytest.mark.postgres
def test_a_server_without_a_place_for_files(pg_url: str) -> None:
    with pytest.raises(StoreError, match="place for its files"):
        Store.open(pg_url)


@pytest.mark.postgres
def test_connections_that_are_cut(pg_url: str, tmp_path: Path) -> None:
    with Store.open(pg_url, files_root=tmp_path) as store:
        add_execution(store)
        with store.read() as tx:
            tx.cursor.execute("SELECT pg_backend_pid()")
            pid = tx.cursor.fetchone()[0]
        import psycopg

        with psycopg.connect(pg_url.replace("+psycopg", ""), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        with pytest.raises(StoreError) as caught:
            add_execution(store)
        assert caught.value.code == "GOV706"
        add_execution(store)
        assert count(store) == 2
        assert store.verify().ok
