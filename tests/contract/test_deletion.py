"""Deleting executions: rows go, the history stays and stays proved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import Start
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import State
from jupyter_gov.errors import ConflictError
from jupyter_gov.store import Store
from tests.contract import build
from tests.contract.build import SECOND, T0

WHO = Fact("execution.deleted", "x", "ada", "os", {"reason": "old"})


def put(store: Store, **given: object) -> Execution:
    run = build.execution(**{"state": State.SUCCESS, **given})
    with store.write() as tx:
        store.executions.insert(tx, run, (build.created_fact(run),), Start())
        line = LogLine(0, run.id, None, None, None, "INFO", run.created, "hi")
        store.logs.add(tx, [line, line])
    return run


def ids(store: Store, **where: object) -> list[str]:
    asked = {"namespace": None, "flow_id": None, "states": [State.SUCCESS], "since": None, "until": None}
    with store.read() as tx:
        found = store.deletions.page(tx, **{**asked, **where}, after=None, limit=10)  # type: ignore[arg-type]
    return [one for _, one in found]


def test_everything_that_belongs_to_it_goes_and_the_history_is_proved(store: Store) -> None:
    run, kept = put(store), put(store)
    with store.write() as tx:
        gone = store.deletions.delete(tx, run, WHO, logs=True, metrics=True)
    assert gone == {"logs": 2, "metrics": 0}
    with store.read() as tx:
        assert store.executions.load(tx, run.id) is None
        assert not store.inbox.pending(tx, [run.id])
        assert not store.logs.after(tx, run.id)
        assert len(store.logs.after(tx, kept.id)) == 2
        assert store.executions.load(tx, kept.id) is not None
    assert store.verify().ok


def test_one_that_has_moved_on_stays(store: Store) -> None:
    run = put(store)
    with pytest.raises(ConflictError), store.write() as tx:
        store.deletions.delete(tx, build.step(run).execution, WHO, logs=True, metrics=True)
    with store.read() as tx:
        assert store.executions.load(tx, run.id) is not None
        assert len(store.logs.after(tx, run.id)) == 2
    assert store.verify().ok


def test_only_its_log_may_go(store: Store) -> None:
    run = put(store)
    with store.write() as tx:
        assert store.deletions.clear(tx, run, WHO, logs=True, metrics=False) == {"logs": 2, "metrics": 0}
    with store.read() as tx:
        assert not store.logs.after(tx, run.id)
    assert store.verify().ok


def test_a_namespace_is_meant_with_those_below_it_and_no_other(store: Store) -> None:
    names = ["a.b", "a.b.c", "a.bc", "a_b", "a"]
    runs = {name: put(store, namespace=name, created=T0 + place * SECOND).id for place, name in enumerate(names)}
    assert ids(store, namespace="a.b") == [runs["a.b"], runs["a.b.c"]]
    assert ids(store, namespace="a") == [runs["a.b"], runs["a.b.c"], runs["a.bc"], runs["a"]]
    assert ids(store, namespace="a.b", flow_id="churn") == [runs["a.b"]]
    assert ids(store, namespace="a.b", flow_id="other") == []


def test_a_range_of_time_and_states(store: Store) -> None:
    first, second = put(store), put(store, created=T0 + SECOND)
    put(store, created=T0 + SECOND, state=State.RUNNING)
    assert ids(store) == [first.id, second.id]
    assert ids(store, since=T0 + SECOND) == [second.id]
    assert ids(store, until=T0) == [first.id]
    assert ids(store, states=[]) == []
    with store.read() as tx:
        every = {"namespace": None, "flow_id": None, "since": None, "until": None}
        assert store.deletions.count(tx, states=(), **every) == 3  # type: ignore[arg-type]
        assert store.deletions.count(tx, states=[State.RUNNING], **every) == 1  # type: ignore[arg-type]


def test_log_lines_of_a_time_go_on_record(store: Store) -> None:
    run, other = put(store), put(store, namespace="other")
    fact = Fact("logs.deleted", run.id, "ada", "os", {})

    def purge(**given: object) -> int:
        asked = {"namespace": None, "flow_id": None, "levels": (), "since": None, "until": T0 + timedelta(days=1)}
        with store.write() as tx:
            return store.deletions.lines(tx, f"execution/{run.id}", fact, **{**asked, **given})  # type: ignore[arg-type]

    assert purge(levels=["ERROR"]) == 0
    assert purge(until=T0 - SECOND) == 0
    assert purge(namespace="other", levels=["INFO", "WARN"]) == 2
    assert purge() == 2
    with store.read() as tx:
        assert not store.logs.after(tx, other.id)
    assert store.verify().ok
