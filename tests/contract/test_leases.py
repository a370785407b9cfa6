"""Leases: one owner at a time, fencing tokens that only rise, and a list of what waits for an owner."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyter_gov.domain.commands import SetTimer
from jupyter_gov.domain.events import Kill, Start
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.store import Store
from tests.contract import build

LAPSED = timedelta(microseconds=-1)


def insert(store: Store, run: Execution, event: Start | None = None) -> Execution:
    with store.write() as tx:
        store.executions.insert(tx, run, (build.created_fact(run),), event)
    return run


def claim(store: Store, run: Execution, owner: str, ttl: timedelta | float = 30) -> int | None:
    with store.write() as tx:
        return store.leases.claim(tx, run.id, owner, ttl)


def claimable(store: Store, run_as: str = "ada") -> list[str]:
    with store.read() as tx:
        return store.leases.claimable(tx, run_as, 100)


def test_one_owner_at_a_time(store: Store, other: Store) -> None:
    run = insert(store, build.execution())
    assert claim(store, run, "one") == 1
    assert claim(other, run, "two") is None
    assert claim(store, run, "one") is None, "not even for the same owner: the token would be ambiguous"
    with other.write() as tx:
        assert not other.leases.release(tx, run.id, "two", 1)
        assert not other.leases.release(tx, run.id, "one", 2)
    with store.write() as tx:
        assert store.leases.release(tx, run.id, "one", 1)
    assert claim(other, run, "two") == 2
    with store.read() as tx:
        assert store.leases.holder(tx, run.id) == ("two", 2)
        assert store.leases.holder(tx, "nobody") is None


def test_a_lapsed_lease_can_be_taken_and_not_renewed(store: Store) -> None:
    run = insert(store, build.execution())
    assert claim(store, run, "one", LAPSED) == 1
    with store.write() as tx:
        assert store.leases.renew(tx, "one", 30) == frozenset()
    assert claim(store, run, "two") == 2
    with store.write() as tx:
        assert store.leases.renew(tx, "one", 30) == frozenset()
        assert store.leases.renew(tx, "two", 30) == {run.id}


def test_what_needs_an_owner(store: Store) -> None:
    created, running, killing, restarted = (
        insert(store, build.execution(state=state, created=build.T0 + n * build.SECOND))
        for n, state in enumerate((State.CREATED, State.RUNNING, State.KILLING, State.RESTARTED))
    )
    for state in (State.PAUSED, State.RETRYING, State.QUEUED, State.SUCCESS, State.FAILED):
        insert(store, build.execution(state=state))
    foreign = insert(store, build.execution(run_as="bob"))
    assert claimable(store) == [created.id, running.id, killing.id, restarted.id]
    assert claimable(store, "bob") == [foreign.id]
    claim(store, running, "one")
    assert claimable(store) == [created.id, killing.id, restarted.id]
    with store.read() as tx:
        assert store.leases.claimable(tx, "ada", 1) == [created.id]


@pytest.mark.parametrize("state", [State.PAUSED, State.QUEUED, State.RETRYING, State.FAILED])
def test_an_event_calls_for_an_owner(store: Store, state: State) -> None:
    run = insert(store, build.execution(state=state))
    assert claimable(store) == []
    with store.write() as tx:
        store.inbox.put(tx, run.id, Kill("ada"))
    assert claimable(store) == [run.id]
    claim(store, run, "one")
    assert claimable(store) == []


def test_a_due_timer_calls_for_an_owner(store: Store) -> None:
    run = insert(store, build.execution(state=State.PAUSED))
    with store.write() as tx:
        now = store.now(tx)
        due = SetTimer("t", "pause", now - timedelta(seconds=1), None, 1)
        later = SetTimer("u", "pause", now + timedelta(hours=1), None, 1)
        store.executions.commit(tx, build.step(run, commands=(later,)), expected_version=0)
    assert claimable(store) == []
    with store.write() as tx:
        store.timers.set(tx, run.id, "ada", due)
    assert claimable(store) == [run.id]
    with store.write() as tx:
        assert store.timers.consume(tx, run.id, ["t", "unknown"]) == 1
    assert claimable(store) == []


@pytest.mark.parametrize("state", [State.PAUSED, State.RUNNING, State.SUCCESS])
def test_a_lease_left_behind_calls_for_an_owner(store: Store, state: State) -> None:
    run = insert(store, build.execution(state=state))
    claim(store, run, "dead", LAPSED)
    assert claimable(store) == [run.id]


def test_all_leases_are_renewed_at_once(store: Store) -> None:
    runs = [insert(store, build.execution()) for _ in range(5)]
    for run in runs[:4]:
        claim(store, run, "one", 30)
    claim(store, runs[4], "two", 30)
    with store.write() as tx:
        assert store.leases.renew(tx, "one", timedelta(seconds=60)) == {run.id for run in runs[:4]}
