"""Several loops on one store, each a real process: no attempt runs twice, also when one is stopped and continued."""

from __future__ import annotations

import signal
import sqlite3
import time

from jupyter_gov.domain.states import State
from tests.crash import flows
from tests.crash.processes import Looper, check_laws, traces, wait_all
from tests.runtime.rig import Rig, chain, run_of

_TTL = 3.0


def _stop(looper: Looper, url: str) -> None:
    """SIGSTOP, but not inside of a transaction: on SQLite that holds the whole file until the process goes on."""
    while True:
        looper.signal(signal.SIGSTOP)
        if "://" in url:
            return
        connection = sqlite3.connect(url, timeout=0.3, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            looper.signal(signal.SIGCONT)
        else:
            return
        finally:
            connection.close()


def test_three_processes_share_the_work(rig: Rig, url: str, loopers: list[Looper]) -> None:
    trace = rig.folder / "trace"
    rig.register(flows.inline(trace))
    loopers += [Looper(rig, url, ttl=10) for _ in range(3)]
    executions = [
        rig.start(source) for _ in range(8) for source in (flows.worker(trace), flows.mixed(trace), flows.inline(trace))
    ]
    wait_all(rig, executions)
    for looper in loopers:
        looper.stop()
    check_laws(rig, executions, trace)
    assert all(rig.get(one).state in {State.SUCCESS, State.WARNING} for one in executions)


def test_a_stopped_process_does_nothing_more(rig: Rig, url: str, loopers: list[Looper]) -> None:
    """SIGSTOP past the lease while attempts run and wait, another process takes over, SIGCONT."""
    trace = rig.folder / "trace"
    slow = flows.worker(trace, tasks=6, seconds=0.2)
    executions = [rig.start(slow) for _ in range(6)]
    first = Looper(rig, url, ttl=_TTL)
    loopers.append(first)
    rig.wait(executions[0], lambda _: len(traces(trace)) >= 3)
    _stop(first, url)
    second = Looper(rig, url, ttl=_TTL)
    loopers.append(second)
    try:
        rig.wait(executions[0], lambda execution: execution.state.is_terminal)
    finally:
        first.signal(signal.SIGCONT)
    wait_all(rig, executions)
    for looper in loopers:
        looper.stop()
    check_laws(rig, executions, trace)
    assert all(rig.get(one).state is State.SUCCESS for one in executions)


def test_children_of_a_stopped_process_are_gone_before_somebody_else_begins(
    rig: Rig, url: str, loopers: list[Looper]
) -> None:
    beats = rig.folder / "beats"
    execution_id = rig.start(chain(1, "probe.Spawn", file=str(beats)))
    first = Looper(rig, url, ttl=_TTL)
    loopers.append(first)
    rig.wait(execution_id, lambda _: beats.exists())
    _stop(first, url)
    try:
        loopers.append(Looper(rig, url, ttl=_TTL))
        failed = rig.wait(execution_id)
    finally:
        first.signal(signal.SIGCONT)
    assert failed.state is State.FAILED
    taken_over = run_of(failed, "t0").history.moments[-1].at.timestamp()
    last_beat = max(float(line.split()[2]) for line in beats.read_text().splitlines())
    assert last_beat < taken_over
    size = beats.stat().st_size
    rig.store.wait(0.2)
    assert beats.stat().st_size == size


def test_children_of_a_killed_process_are_gone(rig: Rig, url: str, loopers: list[Looper]) -> None:
    beats = rig.folder / "beats"
    execution_id = rig.start(chain(1, "probe.Spawn", file=str(beats)))
    first = Looper(rig, url, ttl=_TTL)
    loopers.append(first)
    rig.wait(execution_id, lambda _: beats.exists())
    first.kill()
    killed = time.time()
    loopers.append(Looper(rig, url, ttl=_TTL))
    assert rig.wait(execution_id).state is State.FAILED
    last_beat = max(float(line.split()[2]) for line in beats.read_text().splitlines())
    assert last_beat < killed + 1.0
