"""Waking up: by this process at once, by another one soon; nobody misses a commit, and nobody polls for nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_gov.store import Store, watch
from tests.contract import build

LONG = 20.0


def write(store: Store) -> None:
    with store.write() as tx:
        store.audit_log.append(tx, "admin", [build.fact("x")])


def drain(store: Store) -> None:
    """Take notice of everything so far."""
    while store.wait(0.05):
        pass


def waited(action: Callable[[], object], wait: Callable[[], bool]) -> float:
    """Start to wait, act from another thread, and return how long after the action the wait ended."""
    acted: list[float] = []

    def act() -> None:
        time.sleep(0.1)  # until the other one waits; if it does not yet, the test is weaker, not wrong
        acted.append(time.perf_counter())
        action()

    thread = threading.Thread(target=act)
    thread.start()
    assert wait()
    ended = time.perf_counter()
    thread.join()
    return ended - acted[0]


def test_a_first_wait_returns_at_once(store: Store) -> None:
    begun = time.perf_counter()
    assert store.wait(LONG)
    assert time.perf_counter() - begun < LONG / 2


def test_nothing_happens(store: Store) -> None:
    drain(store)
    begun = time.perf_counter()
    assert not store.wait(0.2)
    assert 0.15 < time.perf_counter() - begun < LONG / 2
    assert not store.wait(0)


def test_a_commit_of_another_process_wakes(store: Store, other: Store) -> None:
    drain(store)
    assert waited(lambda: write(other), lambda: store.wait(LONG)) < LONG / 2


def test_a_commit_of_this_process_wakes(store: Store) -> None:
    drain(store)
    assert waited(lambda: write(store), lambda: store.wait(LONG)) < LONG / 2


def test_wake(store: Store) -> None:
    drain(store)
    assert waited(store.wake, lambda: store.wait(LONG)) < LONG / 2


def test_what_happened_before_the_wait_counts(store: Store, other: Store) -> None:
    drain(store)
    write(other)
    assert store.wait(LONG)
    drain(store)
    store.wake()
    assert store.wait(LONG)


def test_every_thread_hears_of_a_commit(store: Store, other: Store) -> None:
    heard = [threading.Event() for _ in range(4)]
    ready = threading.Barrier(5)

    def listen(event: threading.Event) -> None:
        drain(store)
        ready.wait(LONG)
        if store.wait(LONG):
            event.set()

    threads = [threading.Thread(target=listen, args=(event,)) for event in heard]
    for thread in threads:
        thread.start()
    ready.wait(LONG)
    write(other)
    for thread in threads:
        thread.join(LONG)
    assert all(event.is_set() for event in heard)


def test_short_waits_beside_a_long_one(store: Store, other: Store) -> None:
    """The thread that watches for all may leave; another takes over."""
    drain(store)
    done = threading.Event()

    def impatient() -> None:
        while not done.is_set():
            store.wait(0.01)

    thread = threading.Thread(target=impatient)
    thread.start()
    try:
        drain(store)
        assert waited(lambda: write(other), lambda: store.wait(LONG)) < LONG / 2
    finally:
        done.set()
        thread.join()


def test_closing_ends_a_wait(store: Store) -> None:
    drain(store)
    result: list[bool] = []
    thread = threading.Thread(target=lambda: result.append(_until_closed(store)))
    thread.start()
    time.sleep(0.1)
    store.close()
    thread.join(LONG)
    assert result == [False]


def _until_closed(store: Store) -> bool:
    while store.wait(LONG):
        pass
    return False


def test_polling_slows_down_when_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_FRESH", 0.0)
    monkeypatch.setattr(watch, "_SLOW", 0.2)
    with Store.open(tmp_path / "store.db") as store:
        watcher = store._watcher
        assert isinstance(watcher, watch.SqliteWatcher)
        drain(store)
        asked = 0
        moved = watcher._moved

        def counted() -> bool:
            nonlocal asked
            asked += 1
            return moved()

        monkeypatch.setattr(watcher, "_moved", counted)
        assert not store.wait(1.0)
    assert asked < 25, "at full speed it would have been 50"


@pytest.mark.postgres
def test_a_listener_that_is_cut_off_listens_again(pg_url: str, tmp_path: Path) -> None:
    import psycopg

    with Store.open(pg_url, files_root=tmp_path) as store, Store.open(pg_url, files_root=tmp_path) as other:
        drain(store)
        with psycopg.connect(pg_url.replace("+psycopg", ""), autocommit=True) as killer:
            killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE 'LISTEN%'"
            )
        assert store.wait(LONG), "losing the connection counts as news: nobody knows what was missed"
        drain(store)
        assert waited(lambda: write(other), lambda: store.wait(LONG)) < LONG / 2
