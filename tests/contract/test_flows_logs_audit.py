"""Flow revisions, log lines, metrics, and reading the history."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.errors import AuditError, ConflictError
from jupyter_gov.plugins.context import Metric
from jupyter_gov.store import Store
from tests.contract import build
from tests.contract.build import T0


def registered(number: int) -> Fact:
    return build.fact("flow.registered", flow={"revision": number})


def test_revisions_of_a_flow(store: Store) -> None:
    first, second = build.revision(1), build.revision(2, allow_unknown_types=True)
    elsewhere = build.revision(1, namespace="other")
    with store.write() as tx:
        for one in (first, second, elsewhere):
            store.flows.add(tx, one, (registered(one.revision),))
    with store.read() as tx:
        assert store.flows.get(tx, "company.team", "churn") == second
        assert store.flows.get(tx, "company.team", "churn", 1) == first
        assert store.flows.get(tx, "company.team", "churn", 3) is None
        assert store.flows.list(tx) == [second, elsewhere]
        assert store.flows.list(tx, "other") == [elsewhere]
        assert store.flows.list(tx, limit=1) == [second]
        assert list(store.flows.history(tx, "company.team", "churn")) == [second, first]
        assert store.audit_log.streams(tx) == {"flow/company.team/churn": 2, "flow/other/churn": 1}
        entry = store.audit_log.entries(tx, "flow/company.team/churn")[0]
    assert entry.body["changes"]["revisions"] == [[1, first.digest]]
    assert [number for number, _ in entry.body["changes"]["registered"]] == [1]


def test_a_revision_is_stored_once(store: Store) -> None:
    with store.write() as tx:
        store.flows.add(tx, build.revision(), (registered(1),))
    with pytest.raises(ConflictError), store.write() as tx:
        store.flows.add(tx, build.revision(), (registered(1),))
    with store.read() as tx:
        assert store.audit_log.streams(tx) == {"flow/company.team/churn": 1}


def line(number: int, **given: object) -> LogLine:
    values = {
        "id": 0,
        "execution_id": "e",
        "task_run_id": "e-0",
        "task_id": "hello",
        "attempt": 1,
        "level": "INFO",
        "at": T0 + timedelta(seconds=number),
        "message": f"line {number} \ud800\x00é",
    }
    return LogLine(**(values | given))  # type: ignore[arg-type]


def test_log_lines_are_read_with_a_cursor(store: Store) -> None:
    with store.write() as tx:
        store.logs.add(tx, [line(n) for n in range(5)])
        store.logs.add(tx, [line(5, task_run_id=None, task_id=None, attempt=None), line(6, execution_id="f")])
        store.logs.add(tx, [])
    with store.read() as tx:
        every = store.logs.after(tx, "e")
        assert [one.at for one in every] == [T0 + timedelta(seconds=n) for n in range(6)]
        assert every[0].message == "line 0 ?\ufffdé"
        assert store.logs.after(tx, "e", every[3].id) == every[4:]
        assert store.logs.after(tx, "e", 0, "e-0", 2) == every[:2]
        assert store.logs.after(tx, "e", every[-1].id) == []
    assert every[5].task_run_id is None


def test_metrics(store: Store) -> None:
    reported = Metric("rows", "counter", 3.5, {"table": "t"})
    with store.write() as tx:
        store.metrics.add(tx, "e", "e-0", "hello", [reported], at=T0)
    with store.read() as tx:
        (found,) = store.metrics.list(tx, "e")
    assert (found.metric, found.at, found.task_run_id) == (reported, T0, "e-0")


def test_entries_are_read_by_stream_and_in_all(store: Store) -> None:
    with store.write() as tx:
        assert store.audit_log.append(tx, "admin", [build.fact("one"), build.fact("two", "bob")]) == 2
        assert store.audit_log.append(tx, "other", [build.fact("three")], T0) == 1
        assert store.audit_log.append(tx, "admin", [build.fact("four", text="Zoë \x00 \ud800")]) == 3
    with store.read() as tx:
        every = store.audit_log.entries(tx)
        assert [(one.stream, one.seq, one.action, one.actor_ref) for one in every] == [
            ("admin", 1, "one", "ada"),
            ("admin", 2, "two", "bob"),
            ("other", 1, "three", "ada"),
            ("admin", 3, "four", "ada"),
        ]
        assert [one.seq for one in store.audit_log.entries(tx, "admin", after=1)] == [2, 3]
        assert len(store.audit_log.entries(tx, limit=2)) == 2
        assert store.audit_log.streams(tx) == {"admin": 3, "other": 1}
    assert every[3].body == {"text": "Zoë \x00 ?", "assurance": "os"}
    assert every[1].prev_hash == every[0].leaf_hash


def test_time_does_not_run_backwards_in_a_stream(store: Store) -> None:
    with store.write() as tx:
        store.audit_log.append(tx, "admin", [build.fact("late")], T0 + timedelta(days=1))
        store.audit_log.append(tx, "admin", [build.fact("early")], T0)
    with store.read() as tx:
        late, early = store.audit_log.entries(tx, "admin")
    assert early.ts_us == late.ts_us


def test_nothing_is_not_a_fact(store: Store) -> None:
    with pytest.raises(AuditError, match="GOV601"), store.write() as tx:
        store.audit_log.append(tx, "admin", [])


def test_a_forgotten_person_shows_as_a_pseudonym(store: Store) -> None:
    with store.write() as tx:
        store.audit_log.append(tx, "admin", [build.fact("one", "eve")])
    with store.write() as tx:
        assert store.audit_log.forget(tx, "eve", [build.fact("actor.forgotten", "ada")])
        assert not store.audit_log.forget(tx, "eve", [build.fact("actor.forgotten", "ada")])
    with store.write() as tx:
        store.audit_log.append(tx, "admin", [build.fact("again", "eve")])
    with store.read() as tx:
        entries = store.audit_log.entries(tx, "admin")
    assert entries[0].actor_ref != "eve"
    assert entries[0].actor_ref.startswith("a")
    assert entries[-1].actor_ref == "eve"
