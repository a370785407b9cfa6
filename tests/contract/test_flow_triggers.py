"""Triggers as they are kept: one change at a time, each on record; states of executions reach those that watch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import TriggerInfo
from jupyter_gov.domain.states import EXECUTION_TRANSITIONS, State, advance
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.errors import AuditError, ConflictError
from jupyter_gov.store import Store
from tests.contract.build import created_fact, execution

NOW = datetime(2026, 1, 1, tzinfo=UTC)

FACT = Fact("trigger.changed", "ns/flow/t", "ada", "os", {})
SCHEDULE = Trigger("ns", "flow", "t", "Schedule", 1, "sha256:x", "ada", "ada", next=NOW, stops=("FAILED",))
LISTENS = Trigger("ns", "after", "t", "Flow", 1, "sha256:x", "ada", "ada", watches=("RUNNING", "SUCCESS"))


def add(store: Store, *triggers: Trigger) -> None:
    with store.write() as tx:
        for one in triggers:
            store.triggers.add(tx, one, [FACT])


def get(store: Store, trigger: Trigger) -> Trigger | None:
    with store.read() as tx:
        return store.triggers.get(tx, *trigger.key)


def test_what_is_stored_comes_back(store: Store) -> None:
    full = replace(
        SCHEDULE, off=True, concurrent=True, last=NOW - timedelta(days=1), running="x", watches=("A",),
        windows={"w": {"start": "a", "marks": {}}}, backfill={"start": "a", "paused": False},
    )  # fmt: skip
    add(store, full, replace(full, id="other"), replace(full, namespace="b"))
    assert get(store, full) == full
    with store.read() as tx:
        assert [one.id for one in store.triggers.of_flow(tx, "ns", "flow")] == ["other", "t"]
        assert [one.namespace for one in store.triggers.list(tx)] == ["b", "ns", "ns"]
        assert len(store.triggers.list(tx, "b")) == 1
    assert store.verify().ok


def test_one_of_two_changes_wins(store: Store, other: Store) -> None:
    add(store, SCHEDULE)
    with other.write() as tx:
        other.triggers.change(tx, replace(SCHEDULE, running="first"), [FACT])
    with pytest.raises(ConflictError), store.write() as tx:
        store.triggers.change(tx, replace(SCHEDULE, running="second"), [FACT])
    with pytest.raises(ConflictError), store.write() as tx:
        store.triggers.remove(tx, SCHEDULE, [FACT])
    found = get(store, SCHEDULE)
    assert found is not None
    assert (found.running, found.version) == ("first", 1)
    assert store.verify().ok


def test_nothing_changes_without_an_entry(store: Store) -> None:
    add(store, SCHEDULE)
    with pytest.raises(AuditError), store.write() as tx:
        store.triggers.change(tx, replace(SCHEDULE, running="x"), [])
    with pytest.raises(AuditError), store.write() as tx:
        store.triggers.add(tx, LISTENS, [])
    assert get(store, SCHEDULE) == SCHEDULE
    assert get(store, LISTENS) is None


def test_what_is_due_is_found_once_its_last_execution_has_ended(store: Store) -> None:
    running = execution(id="e1")
    later = replace(SCHEDULE, id="later", next=NOW + timedelta(hours=1))
    add(store, later, replace(SCHEDULE, running="e1"), replace(SCHEDULE, id="bob", run_as="bob"))
    add(store, replace(SCHEDULE, id="both", running="e1", concurrent=True, next=NOW + timedelta(hours=2)))
    with store.write() as tx:
        store.executions.insert(tx, running, [created_fact(running)])
    with store.read() as tx:
        assert [key[2] for key, _ in store.triggers.upcoming(tx, "ada", 10)] == ["later", "both"]
    with store.write() as tx:
        tx.cursor.execute("UPDATE gov_executions SET state = 'SUCCESS'")
    with store.read() as tx:
        assert [key[2] for key, _ in store.triggers.upcoming(tx, "ada", 10)] == ["t", "later", "both"]
        assert store.triggers.upcoming(tx, "ada", 1) == [(SCHEDULE.key, NOW)]


def test_states_reach_those_that_watch_and_are_taken_once(store: Store, other: Store) -> None:
    add(store, LISTENS, replace(LISTENS, id="off", watches=None), replace(LISTENS, flow_id="flow"))
    upstream = replace(execution(id="e1"), namespace="ns", flow_id="flow")
    with store.write() as tx:
        store.executions.insert(tx, upstream, [created_fact(upstream)])
        assert store.triggers.waiting(tx, "ada", 10) == []
    at = datetime.now(UTC)
    gone_on = replace(upstream, history=advance(upstream.history, State.RUNNING, at, EXECUTION_TRANSITIONS))
    with store.write() as tx:
        store.triggers.announce(tx, gone_on, 1)
    with store.read() as tx:
        assert store.triggers.waiting(tx, "ada", 10) == [LISTENS.key]
        assert store.triggers.waiting(tx, "bob", 10) == []
        (event,) = store.triggers.events(tx, LISTENS.key, 10)
    assert (event.execution_id, event.moment, event.state) == ("e1", 1, State.RUNNING)
    with other.write() as tx:
        other.triggers.consume(tx, [event])
    with pytest.raises(ConflictError), store.write() as tx:
        store.triggers.consume(tx, [event])


def test_what_is_removed_has_nothing_left_to_look_at(store: Store) -> None:
    add(store, LISTENS)
    upstream = replace(execution(id="e1"), namespace="ns", flow_id="flow")
    with store.write() as tx:
        store.executions.insert(tx, upstream, [created_fact(upstream)])
        running = replace(upstream, history=advance(upstream.history, State.RUNNING, NOW, EXECUTION_TRANSITIONS))
        store.triggers.announce(tx, running, 1)
        store.triggers.remove(tx, LISTENS, [FACT])
    with store.read() as tx:
        assert store.triggers.events(tx, LISTENS.key, 10) == []
        assert not store.triggers.is_watched(tx)
    assert store.verify().ok


def test_an_end_turns_off_the_trigger_that_says_so_and_no_other(store: Store) -> None:
    add(store, SCHEDULE, replace(SCHEDULE, id="other"))
    cause = TriggerInfo("t", "Schedule", {})
    started = replace(execution(id="e1"), namespace="ns", flow_id="flow", trigger=cause)
    for state, stopped in ((State.SUCCESS, False), (State.FAILED, True), (State.FAILED, True)):
        history = advance(started.history, State.RUNNING, NOW, EXECUTION_TRANSITIONS)
        ended = replace(started, history=advance(history, state, NOW, EXECUTION_TRANSITIONS))
        with store.write() as tx:
            store.triggers.ended(tx, ended)
        found = get(store, SCHEDULE)
        assert found is not None
        assert (found.disabled, found.next is None, found.version) == (stopped, stopped, int(stopped))
    untouched = get(store, replace(SCHEDULE, id="other"))
    assert untouched is not None
    assert untouched.is_active
    assert store.verify().ok


@pytest.mark.parametrize("statement", ["UPDATE gov_triggers SET next_us = 1", "DELETE FROM gov_triggers"])
def test_what_is_altered_behind_the_history_shows(store: Store, statement: str) -> None:
    add(store, SCHEDULE)
    with store.write() as tx:
        tx.cursor.execute(statement)
    assert [one.stream for one in store.verify().findings] == ["trigger/ns/flow"]


def test_one_that_the_history_does_not_tell_of_shows(store: Store) -> None:
    add(store, SCHEDULE)
    with store.write() as tx:
        tx.cursor.execute("UPDATE gov_triggers SET flow_id = 'moved'")
    assert {one.stream for one in store.verify().findings} == {"trigger/ns/flow", "trigger/ns/moved"}
