"""Real processes on one store: no fork in a chain, one owner, one decision, one effect of an event."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.domain.commands import Notify
from jupyter_gov.domain.events import Kill
from jupyter_gov.domain.execution import Execution
from jupyter_gov.store import Store
from tests.contract import build, racers

PROCESSES = 4
Race = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        for ready in [pool.submit(time.sleep, 0.3) for _ in range(PROCESSES)]:
            ready.result()
        yield pool


@pytest.fixture
def race(processes: ProcessPoolExecutor, store_url: str, tmp_path: Path) -> Race:
    """Run a racer in all processes at once and return what each of them says."""

    def run(racer: Callable[..., Any], *given: Any, url: str = store_url) -> list[Any]:
        start = time.time() + 0.4
        files = str(tmp_path / "files")
        waiting = [processes.submit(racer, url, files, start, *given) for _ in range(PROCESSES)]
        return [one.result(timeout=120) for one in waiting]

    return run


def put(store: Store, *runs: Execution) -> None:
    with store.write() as tx:
        for run in runs:
            store.executions.insert(tx, run, (build.created_fact(run),), None)


def test_those_who_meet_an_actor_for_the_first_time_at_once_all_get_their_entries(store: Store, race: Race) -> None:
    assert race(racers.introduce, 60) == [60] * PROCESSES
    with store.read() as tx:
        assert sum(store.audit_log.streams(tx).values()) == 60 * PROCESSES
    assert store.verify().ok


def test_one_stream_never_forks(store: Store, race: Race) -> None:
    assert race(racers.append, 40) == [40] * PROCESSES
    with store.read() as tx:
        entries = store.audit_log.entries(tx, "admin", limit=1000)
    assert [one.seq for one in entries] == list(range(1, 40 * PROCESSES + 1))
    assert len({one.prev_hash for one in entries}) == len(entries)
    assert len({one.actor_ref for one in entries}) == PROCESSES
    report = store.verify()
    assert report.ok
    assert report.streams == 1


def test_each_version_has_one_author(store: Store, race: Race) -> None:
    run = build.execution()
    put(store, run)
    race(racers.advance, run.id, 10)
    with store.read() as tx:
        after = store.executions.load(tx, run.id)
    assert after is not None
    assert after.version == 10 * PROCESSES
    assert len(after.task_runs) == 10 * PROCESSES
    assert store.verify().ok


def test_each_execution_has_one_owner(store: Store, race: Race) -> None:
    runs = [build.execution() for _ in range(25)]
    put(store, *runs)
    won = [pair for one in race(racers.claim, [run.id for run in runs]) for pair in one]
    assert sorted(won) == sorted((run.id, 1) for run in runs)


def test_a_gate_is_decided_by_one(store: Store, race: Race) -> None:
    for _ in range(3):
        run = build.execution()
        put(store, run)
        gate = build.approval(run)
        with store.write() as tx:
            store.executions.commit(tx, build.step(run, approvals=(gate,)), expected_version=0)
        assert sorted(race(racers.decide, gate.id, "APPROVED")) == [False] * (PROCESSES - 1) + [True]
    assert store.verify().ok


def test_an_event_has_one_effect(store: Store, race: Race) -> None:
    run = build.execution()
    put(store, run)
    with store.write() as tx:
        step = build.step(run, commands=(Notify(run.id, Kill("ada")),))
        store.executions.commit(tx, step, expected_version=0)
    with store.read() as tx:
        ((inbox_id, _, _),) = store.inbox.pending(tx, [run.id])
    assert sorted(race(racers.consume, run.id, inbox_id)) == [False] * (PROCESSES - 1) + [True]


def test_a_file_is_created_once(race: Race, tmp_path: Path) -> None:
    for attempt in range(3):
        url = f"sqlite:///{tmp_path / f'fresh{attempt}.db'}"
        assert race(racers.open_fresh, url=url) == ["0 executions"] * PROCESSES


def test_a_killed_writer_leaves_a_whole_history(store: Store, store_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.contract.racers", store_url, str(tmp_path / "files")]
    seen = 0
    for _ in range(3):
        writer = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        try:
            deadline = time.monotonic() + 60
            while _last(store) < seen + 20:
                assert time.monotonic() < deadline
                store.wait(1.0)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        report = store.verify()
        assert report.ok
        assert report.entries > seen
        seen = report.entries


def _last(store: Store) -> int:
    with store.read() as tx:
        return store.audit_log.streams(tx).get("admin", 0)
