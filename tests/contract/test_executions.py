"""Executions: what is stored is what is loaded; one compare-and-set admits one writer; no entry, no change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jupyter_gov.domain.commands import ClearTimers, Notify, SetTimer, Step
from jupyter_gov.domain.events import Kill, Start, SubflowEnded
from jupyter_gov.domain.execution import Execution, Failure, Label
from jupyter_gov.domain.states import State
from jupyter_gov.errors import AuditError, ConflictError
from jupyter_gov.store import Store
from tests.contract import build
from tests.contract.build import T0


def insert(store: Store, run: Execution) -> Execution:
    with store.write() as tx:
        store.executions.insert(tx, run, (build.created_fact(run),), Start())
    return run


def commit(store: Store, step: Step, **options: object) -> Execution:
    with store.write() as tx:
        store.executions.commit(tx, step, expected_version=step.execution.version - 1, **options)  # type: ignore[arg-type]
    return step.execution


def load(store: Store, execution_id: str) -> Execution:
    with store.read() as tx:
        found = store.executions.load(tx, execution_id)
    assert found is not None
    return found


def test_every_field_survives(store: Store) -> None:
    run = insert(store, build.rich_execution())
    assert load(store, run.id) == run

    one, two = build.task_run(run, 0), build.rich_task_run(run, 1)
    run = commit(store, build.step(run, one, two))
    loaded = load(store, run.id)
    assert loaded.task_runs[one.id] == one
    # NUL has no place in a text column of PostgreSQL; inside JSON it survives.
    assert loaded.task_runs[two.id] == two
    assert loaded == run
    assert loaded.find("task1", ("a", "b,c", "é")) == two


def test_later_steps_change_only_what_changed(store: Store) -> None:
    run = insert(store, build.execution())
    run = commit(store, build.step(run, build.task_run(run, 0), build.task_run(run, 1), state=State.RUNNING))
    ended = build.finished(build.moved(run.task_runs[f"{run.id}-0"], State.RUNNING), {"value": "x"})
    run = commit(store, build.step(run, ended, build.task_run(run, 2)))
    run = commit(
        store,
        build.step(
            run,
            state=State.FAILED,
            outputs={"a": 1},
            failure=Failure("GOV800", "no", {"why": "é"}),
            labels=(Label("k", "v"),),
            variables={"later": True},
        ),
    )
    assert load(store, run.id) == run
    assert run.next_seq == 3
    with store.read() as tx:
        (summary,) = store.executions.list(tx)
    assert summary.state is State.FAILED
    assert summary.ended == T0
    assert summary.labels == {"k": "v"}


def test_dropped_task_runs_are_gone(store: Store) -> None:
    run = insert(store, build.execution())
    loop = build.rich_task_run(run, 1)
    run = commit(store, build.step(run, build.task_run(run, 0), loop))
    run = commit(store, build.step(run, dropped=(loop.id,)))
    assert load(store, run.id) == run
    assert list(run.task_runs) == [f"{run.id}-0"]


def test_loop_values_are_written_once(store: Store) -> None:
    run = insert(store, build.execution())
    loop = build.task_run(run, 0, items=tuple(f"v{n}" for n in range(1000)))
    run = commit(store, build.step(run, loop))
    run = commit(store, build.step(run, build.moved(loop, State.RUNNING)))
    assert load(store, run.id) == run


def test_a_stale_version_changes_nothing(store: Store) -> None:
    run = insert(store, build.execution())
    commit(store, build.step(run, build.task_run(run, 0), state=State.RUNNING))
    before = load(store, run.id)
    with pytest.raises(ConflictError, match="no longer at version 0"):
        commit(store, build.step(run, build.task_run(run, 0), build.task_run(run, 1)))
    assert load(store, run.id) == before
    with store.read() as tx:
        assert store.audit_log.streams(tx) == {f"execution/{run.id}": 2}


def test_a_foreign_fence_changes_nothing(store: Store) -> None:
    run = insert(store, build.execution())
    with store.write() as tx:
        fence = store.leases.claim(tx, run.id, "loop-1", 30)
    assert fence == 1
    with pytest.raises(ConflictError):
        commit(store, build.step(run, build.task_run(run, 0)), fence=0)
    assert load(store, run.id) == run
    commit(store, build.step(run, build.task_run(run, 0)), fence=fence)


def test_no_entry_no_change(store: Store) -> None:
    run = insert(store, build.execution())
    silent = replace(build.step(run, build.task_run(run, 0)), facts=())
    with pytest.raises(AuditError, match="GOV601"):
        commit(store, silent)
    with pytest.raises(AuditError, match="GOV601"), store.write() as tx:
        store.executions.insert(tx, build.execution(), (), Start())
    assert load(store, run.id) == run
    with store.read() as tx:
        assert len(store.executions.list(tx)) == 1


def test_an_event_without_effect_is_consumed(store: Store) -> None:
    run = insert(store, build.execution())
    with store.read() as tx:
        ((inbox_id, _, event),) = store.inbox.pending(tx, [run.id])
    assert event == Start()
    with store.write() as tx:
        store.executions.commit(tx, Step(run), expected_version=0, consumed_inbox=(inbox_id,))
    with store.read() as tx:
        assert store.inbox.pending(tx, [run.id]) == []


def test_an_event_is_applied_once(store: Store) -> None:
    run = insert(store, build.execution())
    with store.read() as tx:
        ((inbox_id, _, _),) = store.inbox.pending(tx, [run.id])
    run = commit(store, build.step(run, state=State.RUNNING), consumed_inbox=(inbox_id,))
    with pytest.raises(ConflictError, match="applied already"):
        commit(store, build.step(run, build.task_run(run, 0)), consumed_inbox=(inbox_id,))
    assert load(store, run.id) == run


def test_timers_and_notes_go_with_the_step(store: Store) -> None:
    parent, run = insert(store, build.execution(run_as="bob")), insert(store, build.execution())
    timer = SetTimer("t1", "pause", T0 + timedelta(seconds=5), f"{run.id}-0", 1)
    other = SetTimer("t2", "sla", T0 + timedelta(seconds=9), None, 1)
    ended = SubflowEnded(f"{parent.id}-0", run.id, State.SUCCESS, {"a": 1})
    run = commit(store, build.step(run, commands=(timer, other, Notify(parent.id, ended), Notify("nobody", Kill("x")))))
    with store.read() as tx:
        assert store.timers.next_due(tx, "ada") == timer.due
        assert store.timers.next_due(tx, "bob") is None
        assert store.timers.due(tx, T0, "ada") == []
        ((timer_id, execution_id, fired),) = store.timers.due(tx, timer.due, "ada")
        assert [event for _, _, event in store.inbox.pending(tx, [parent.id])] == [Start(), ended]
    assert (timer_id, execution_id) == ("t1", run.id)
    assert (fired.timer_kind, fired.task_run_id, fired.state_version) == ("pause", f"{run.id}-0", 1)
    run = commit(store, build.step(run, commands=(ClearTimers(f"{run.id}-0"),)))
    with store.read() as tx:
        assert store.timers.next_due(tx, "ada") == other.due
    run = commit(store, build.step(run), consumed_timers=("t2",))
    with store.read() as tx:
        assert store.timers.next_due(tx, "ada") is None
    run = commit(store, build.step(run, commands=(timer, other)))
    commit(store, build.step(run, commands=(ClearTimers(None),)))
    with store.read() as tx:
        assert store.timers.next_due(tx, "ada") is None


def test_pending_events_of_many_executions(store: Store) -> None:
    runs = [insert(store, build.execution()) for _ in range(12)]
    with store.write() as tx:
        assert store.inbox.put(tx, runs[3].id, Kill("ada"))
        assert not store.inbox.put(tx, "nobody", Kill("ada"))
    with store.read() as tx:
        every = store.inbox.pending(tx, [run.id for run in runs])
        some = store.inbox.pending(tx, [runs[3].id, "nobody"])
    assert [execution_id for _, execution_id, _ in every] == [*(run.id for run in runs), runs[3].id]
    assert [event for _, _, event in some] == [Start(), Kill("ada")]


def test_a_step_that_fails_leaves_nothing(store: Store) -> None:
    run = insert(store, build.execution())
    with pytest.raises(ConflictError, match="applied already"):
        commit(store, build.step(run, build.task_run(run, 0), variables={"a": 1}), consumed_inbox=(4711,))
    assert load(store, run.id) == run
    with store.read() as tx:
        assert store.audit_log.streams(tx) == {f"execution/{run.id}": 1}
        assert len(store.outbox.after(tx, 0)) == 1
    # What was rolled back must not count as written.
    run = commit(store, build.step(run, build.task_run(run, 0), variables={"a": 1}))
    assert load(store, run.id) == run


def test_an_id_exists_once(store: Store) -> None:
    run = insert(store, build.execution())
    with pytest.raises(ConflictError):
        insert(store, run)


def test_unknown_ids(store: Store) -> None:
    with store.read() as tx:
        assert store.executions.load(tx, "nobody") is None
        assert store.executions.version(tx, "nobody") is None
        assert store.approvals.get(tx, "nobody") is None
        assert store.flows.get(tx, "a", "b") is None


def test_outbox_tells_in_order(store: Store) -> None:
    with store.read() as tx:
        start = store.outbox.last(tx)
    run = insert(store, build.execution())
    run = commit(store, build.step(run, state=State.RUNNING))
    with store.read() as tx:
        first, second = store.outbox.after(tx, start)
        assert store.outbox.after(tx, second.id) == []
    assert (first.topic, first.execution_id, first.state, first.version) == ("execution", run.id, "CREATED", 0)
    assert (second.namespace, second.flow_id, second.state, second.version) == ("company.team", "churn", "RUNNING", 1)
