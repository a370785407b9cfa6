"""Flows with a limit: a freed slot goes to the one that has queued longest, once."""

from __future__ import annotations

from jupyter_gov.domain.commands import FreeSlot, SetTimer
from jupyter_gov.domain.events import Start
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.store import Store
from tests.contract import build
from tests.contract.build import SECOND, T0


def put(store: Store, run: Execution) -> Execution:
    with store.write() as tx:
        store.executions.insert(tx, run, (build.created_fact(run),), None)
    return run


def free(store: Store, run: Execution, limit: int = 2) -> Execution:
    step = build.step(run, commands=(FreeSlot(run.namespace, run.flow_id, limit),))
    with store.write() as tx:
        store.executions.commit(tx, step, expected_version=run.version)
    return step.execution


def started(store: Store, *runs: Execution) -> list[str]:
    with store.read() as tx:
        return [
            execution_id
            for _, execution_id, event in store.inbox.pending(tx, [run.id for run in runs])
            if event == Start()
        ]


def test_slots_are_given_in_order(store: Store) -> None:
    running = put(store, build.execution(state=State.RUNNING))
    younger = put(store, build.execution(state=State.QUEUED, created=T0 + 2 * SECOND))
    older = put(store, build.execution(state=State.QUEUED, created=T0 + SECOND))
    elsewhere = put(store, build.execution(state=State.QUEUED, flow_id="another"))
    every = (younger, older, elsewhere)

    running = free(store, running, limit=1)
    assert started(store, *every) == []
    running = free(store, running, limit=2)
    assert started(store, *every) == [older.id]
    # The one that is told to start has a slot from now on.
    running = free(store, running, limit=2)
    assert started(store, *every) == [older.id]
    running = free(store, running, limit=3)
    assert started(store, *every) == [older.id, younger.id]
    free(store, running, limit=9)
    assert started(store, *every) == [older.id, younger.id]


def test_what_waits_for_its_date_has_no_slot(store: Store) -> None:
    later = put(store, build.execution(state=State.CREATED))
    with store.write() as tx:
        assert store.executions.slots_taken(tx, later.namespace, later.flow_id) == 1
        store.timers.set(tx, later.id, later.run_as, SetTimer("scheduled", "scheduled", T0, None, 0))
        assert store.executions.slots_taken(tx, later.namespace, later.flow_id) == 0


def test_nobody_queues(store: Store) -> None:
    free(store, put(store, build.execution(state=State.RUNNING)))
    assert store.verify().ok


def test_whoever_counts_a_flow_keeps_others_out(store: Store) -> None:
    with store.write() as tx:
        store.executions.lock_flow(tx, "company.team", "churn")
        store.executions.lock_flow(tx, "company.team", "churn")
        assert sum(store.executions.count_by_state(tx).values()) == 0
        run = build.execution()
        store.executions.insert(tx, run, (build.created_fact(run),), Start())
    with store.read() as tx:
        assert store.executions.count_by_state(tx) == {State.CREATED: 1}
