"""Whoever alters the history or the states behind our back is told of by name, on both databases."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from jupyter_gov.audit import chain
from jupyter_gov.audit.verify import Report
from jupyter_gov.domain.approval import ApprovalStatus, Verdict, Vote
from jupyter_gov.domain.commands import CloseApproval, Fact
from jupyter_gov.domain.execution import Execution, Label
from jupyter_gov.domain.states import State
from jupyter_gov.errors import StoreError
from jupyter_gov.store import Store, triggers
from tests.contract import build

EMPTY: dict[str, Any] = {"sqlite": (), "postgresql": None}  # with values, psycopg reads a percent sign as a mark
Sql = Callable[..., list[tuple[Any, ...]]]


@dataclass
class History:
    """A store with something in it: ``run`` has gates and outputs, ``other`` is a second execution."""

    store: Store
    run: Execution
    other: Execution
    sql: Sql

    @property
    def stream(self) -> str:
        return f"execution/{self.run.id}"

    def verify(self) -> Report:
        return self.store.verify()

    def found(self) -> list[tuple[str, str, int | None]]:
        return [(one.code, one.stream, one.seq) for one in self.verify().findings]

    def disarm(self) -> None:
        """Drop the triggers, as somebody who owns the database can."""
        for name in triggers.TRIGGERS[self.store.dialect]:
            table = name.rsplit("_", 1)[0]
            self.sql(f"DROP TRIGGER {name}" if self.store.dialect == "sqlite" else f"DROP TRIGGER {name} ON {table}")

    def rearm(self) -> None:
        """Put the triggers back, so that their absence gives nothing away."""
        for statement in triggers.ddl(self.store.dialect):
            self.sql(statement)

    def row(self, seq: int) -> dict[str, Any]:
        names = ["seq", "prev_hash", "leaf_hash", "ts_us", "actor_ref", "action", "subject", "body_digest"]
        (values,) = self.sql(
            f"SELECT {', '.join(names)} FROM gov_audit_entries WHERE stream = ? AND seq = ?", self.stream, seq
        )
        return dict(zip(names, values, strict=True))


@pytest.fixture
def sql(store: Store, store_url: str) -> Iterator[Sql]:
    """Run SQL as somebody who has the database but not our code."""
    connection: Any
    if store.dialect == "sqlite":
        connection = sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)
    else:
        import psycopg

        connection = psycopg.connect(store_url.replace("+psycopg", ""), autocommit=True)

    def run(text: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(connection.cursor()) as cursor:
            cursor.execute(
                text if store.dialect == "sqlite" else text.replace("?", "%s"), values or EMPTY[store.dialect]
            )
            return list(cursor.fetchall()) if cursor.description else []

    with closing(connection):
        yield run


def put(store: Store, run: Execution) -> Execution:
    with store.write() as tx:
        store.executions.insert(tx, run, (build.created_fact(run),), None)
    return run


def carry_on(store: Store, run: Execution, *changed: Any, **given: Any) -> Execution:
    step = build.step(run, *changed, **given)
    with store.write() as tx:
        store.executions.commit(tx, step, expected_version=run.version)
    return step.execution


@pytest.fixture
def history(store: Store, sql: Sql) -> History:
    with store.write() as tx:
        store.flows.add(tx, build.revision(1), (build.fact("flow.registered"),))
        store.flows.add(tx, build.revision(2), (build.fact("flow.registered"),))
    other = put(store, build.execution())
    run = put(store, build.rich_execution())
    first, second = build.task_run(run, 0, State.RUNNING), build.task_run(run, 1)
    run = carry_on(store, run, first, second, state=State.RUNNING)
    gate, closed = build.approval(run), build.approval(run, 1)
    done = build.finished(first, {"value": 1.5, "text": "Zoë \ud800", "n": 2**60})
    run = carry_on(store, run, done, approvals=(gate, closed), labels=(Label("team", "ops"),))
    vote = Vote("v1", gate.id, "bob", "Bob", "browser", Verdict.APPROVE, build.T0, gate.subject_digest)
    with store.write() as tx:
        ask = replace(vote, id="v0", verdict=Verdict.ASK_FOR_CHANGES)
        store.approvals.add_vote(tx, ask, (build.fact("approval.vote", "bob"),))
        store.approvals.decide(
            tx,
            gate.id,
            expected_version=0,
            status=ApprovalStatus.APPROVED,
            by="bob",
            at=build.T0,
            reason="fine",
            inputs={"comment": "x"},
            vote=vote,
            facts=(build.fact("approval.approved", "bob", reason="fine"),),
            event=None,
        )
    close = CloseApproval(closed.id, ApprovalStatus.WITHDRAWN, "system", required=False)
    step = build.step(run, dropped=(second.id,), commands=(close,), outputs={"a": 1}, state=State.SUCCESS)
    changes = {**step.facts[0].body["changes"], "approvals": [[closed.id, "WITHDRAWN", None]]}
    with store.write() as tx:
        recorded = replace(step, facts=(replace(step.facts[0], body={"changes": changes}),))
        store.executions.commit(tx, recorded, expected_version=run.version)
    return History(store, step.execution, other, sql)


def test_an_honest_history_is_proved(history: History) -> None:
    seen: list[tuple[int, int]] = []
    report = history.store.verify(lambda done, total: seen.append((done, total)))
    assert report.findings == ()
    assert (report.entries, report.streams) == (9, 3)
    assert seen[-1] == (9, 9)
    assert any("cut off" in limit for limit in report.limits)
    assert any("deleted as a whole" in limit for limit in report.limits)


def test_an_empty_store_is_proved(store: Store) -> None:
    assert store.verify().ok


@pytest.mark.parametrize("table", ["gov_audit_entries", "gov_audit_bodies", "gov_audit_actors"])
@pytest.mark.parametrize("act", ["UPDATE {t} SET {c} = {c}", "DELETE FROM {t}", "TRUNCATE {t} CASCADE"])
def test_triggers_refuse(history: History, table: str, act: str) -> None:
    if "TRUNCATE" in act and history.store.dialect == "sqlite":
        act = "INSERT OR REPLACE INTO {t} SELECT * FROM {t}"  # what SQLite has instead
        if table == "gov_audit_actors":
            return
    column = {"gov_audit_entries": "action", "gov_audit_bodies": "salt", "gov_audit_actors": "actor_id"}[table]
    statement = act.format(t=table, c=column)
    with pytest.raises(StoreError, match="GOV712"), history.store.write() as tx:
        tx.cursor.execute(statement)
    assert history.verify().ok


def test_edited_body(history: History) -> None:
    history.disarm()
    text = history.sql("SELECT body FROM gov_audit_bodies WHERE body LIKE '%fine%'")[0][0]
    history.sql("UPDATE gov_audit_bodies SET body = ? WHERE body = ?", text.replace("fine", "poor"), text)
    history.rearm()
    assert history.found() == [("GOV613", history.stream, 5)]
    (finding,) = history.verify().findings
    assert "entry 5" in finding.message
    assert "body was edited" in finding.message


def test_edited_row(history: History) -> None:
    history.disarm()
    history.sql("UPDATE gov_audit_entries SET action = 'other' WHERE stream = ? AND seq = 3", history.stream)
    history.rearm()
    assert history.found() == [("GOV610", history.stream, 3)]


def test_edited_row_with_its_hash_and_the_next_link_repaired(history: History) -> None:
    row = history.row(3)
    row["action"] = "other"
    forged = chain.leaf_hash(history.stream, *(row[name] for name in (
        "seq", "prev_hash", "ts_us", "actor_ref", "action", "subject", "body_digest",
    )))  # fmt: skip
    history.disarm()
    history.sql(
        "UPDATE gov_audit_entries SET action = 'other', leaf_hash = ? WHERE stream = ? AND seq = 3",
        forged,
        history.stream,
    )
    history.sql("UPDATE gov_audit_entries SET prev_hash = ? WHERE stream = ? AND seq = 4", forged, history.stream)
    history.rearm()
    assert history.found() == [("GOV610", history.stream, 4)]
    (finding,) = history.verify().findings
    assert "the one before it was" in finding.message


def test_edited_row_with_its_hash_repaired(history: History) -> None:
    row = history.row(3)
    forged = chain.leaf_hash(
        history.stream, 3, row["prev_hash"], row["ts_us"], row["actor_ref"], "other", row["subject"], row["body_digest"]
    )
    history.disarm()
    history.sql(
        "UPDATE gov_audit_entries SET action = 'other', leaf_hash = ? WHERE stream = ? AND seq = 3",
        forged,
        history.stream,
    )
    history.rearm()
    assert history.found() == [("GOV611", history.stream, 4)]


def delete(history: History, *seqs: int) -> None:
    history.disarm()
    for seq in seqs:
        wanted = "SELECT id FROM gov_audit_entries WHERE stream = ? AND seq = ?"
        history.sql(f"DELETE FROM gov_audit_bodies WHERE entry_id IN ({wanted})", history.stream, seq)
        history.sql("DELETE FROM gov_audit_entries WHERE stream = ? AND seq = ?", history.stream, seq)
    history.rearm()


def test_deleted_middle_entry(history: History) -> None:
    delete(history, 3)
    assert history.found() == [("GOV612", history.stream, 4)]
    (finding,) = history.verify().findings
    assert "entry 3 is missing" in finding.message


def test_deleted_first_entries(history: History) -> None:
    delete(history, 1, 2)
    assert history.found() == [("GOV612", history.stream, 3)]
    (finding,) = history.verify().findings
    assert "entries 1 to 2 are missing" in finding.message


def test_swapped_entries(history: History) -> None:
    history.disarm()
    for before, after in ((3, -3), (4, 3), (-3, 4)):
        history.sql("UPDATE gov_audit_entries SET seq = ? WHERE stream = ? AND seq = ?", after, history.stream, before)
    history.rearm()
    code, stream, seq = history.found()[0]
    assert (code, stream, seq) in {("GOV611", history.stream, 3), ("GOV610", history.stream, 3)}


def test_an_entry_from_elsewhere(history: History) -> None:
    forged = chain.seal(
        history.stream,
        7,
        "0" * 64,
        Fact("forged", "x", "eve", "os", {}),
        ts_us=1,
        actor_ref=history.row(1)["actor_ref"],
    )
    entry = forged.entry
    history.sql(
        "INSERT INTO gov_audit_entries"
        " (stream, seq, prev_hash, leaf_hash, ts_us, actor_ref, action, subject, body_digest)"
        " VALUES (?, 7, ?, ?, 1, ?, ?, ?, ?)",
        entry.stream, entry.prev_hash, entry.leaf_hash, entry.actor_ref, entry.action, entry.subject, entry.body_digest,
    )  # fmt: skip
    found = history.found()
    assert ("GOV611", history.stream, 7) in found
    assert ("GOV615", history.stream, 7) in found
    assert ("GOV614", history.stream, 7) in found


def test_a_body_that_vanished(history: History) -> None:
    history.sql("UPDATE gov_audit_bodies SET body = NULL, salt = NULL WHERE body LIKE '%fine%'")
    assert history.found() == [("GOV614", history.stream, 5)]


def test_an_erased_body_is_no_fault(history: History) -> None:
    with history.store.write() as tx:
        history.store.audit_log.erase(tx, history.stream, [5], build.fact("audit.erased"))
    assert history.verify().ok
    with history.store.read() as tx:
        assert history.store.audit_log.entries(tx, history.stream)[4].body == {}


def test_a_forgotten_person_is_no_fault(history: History) -> None:
    with history.store.write() as tx:
        history.store.audit_log.forget(tx, "bob", [build.fact("actor.forgotten")])
    assert history.verify().ok


STATE_EDITS = {
    "execution state": ("UPDATE gov_executions SET state = 'FAILED' WHERE id = ?", "GOV620", "SUCCESS"),
    "starter": ("UPDATE gov_executions SET starter = 'eve' WHERE id = ?", "GOV620", "starter"),
    "run_as": ("UPDATE gov_executions SET run_as = 'root' WHERE id = ?", "GOV620", "run_as"),
    "inputs": ("UPDATE gov_execution_data SET inputs = '{}' WHERE execution_id = ?", "GOV620", "inputs"),
    "execution outputs": ("UPDATE gov_execution_data SET outputs = '{}' WHERE execution_id = ?", "GOV620", "outputs"),
    "labels": (
        """UPDATE gov_executions SET labels = '[["team", "ops"]]' WHERE id = ?""",
        "GOV620",
        "labels",
    ),
    "task run state": (
        "UPDATE gov_task_runs SET state = 'FAILED' WHERE execution_id = ?",
        "GOV620",
        "state of task run",
    ),
    "task run attempts": (
        "UPDATE gov_task_runs SET attempts = '[[1, [], null, null, null]]' WHERE execution_id = ?",
        "GOV620",
        "attempts of task run",
    ),
    "task run outputs": (
        """UPDATE gov_task_runs SET outputs = '{"value":2}' WHERE execution_id = ?""",
        "GOV623",
        "outputs of task run",
    ),
    "task run removed": ("DELETE FROM gov_task_runs WHERE execution_id = ?", "GOV620", "not stored"),
    "gate reopened": (
        "UPDATE gov_approvals SET status = 'REJECTED' WHERE status = 'APPROVED' AND execution_id = ?",
        "GOV620",
        "status of approval",
    ),
    "who decided": (
        "UPDATE gov_approvals SET status_by = 'eve' WHERE status = 'APPROVED' AND execution_id = ?",
        "GOV620",
        "decision",
    ),
    "what was approved": ("UPDATE gov_approvals SET subject = '{}' WHERE execution_id = ?", "GOV623", "subject"),
    "deleted execution": ("DELETE FROM gov_executions WHERE id = ?", "GOV622", "deleted"),
}


@pytest.mark.parametrize("edit", STATE_EDITS)
def test_edited_state_tables(history: History, edit: str) -> None:
    statement, code, word = STATE_EDITS[edit]
    if history.store.dialect == "sqlite":
        history.sql("PRAGMA foreign_keys = ON")
    history.sql(statement, history.run.id)
    findings = history.verify().findings
    assert {one.code for one in findings} == {code}
    assert {one.stream for one in findings} == {history.stream}
    assert all(word in one.message for one in findings)


STUFFED = (
    "INSERT INTO gov_votes SELECT 'v9', approval_id, actor_id, actor_name, assurance, verdict, at_us,"
    " subject_digest, reason, inputs FROM gov_votes WHERE id = 'v0'"
)


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE gov_votes SET verdict = 'reject' WHERE id = 'v1'", "content of vote v1"),
        ("UPDATE gov_votes SET actor_id = 'eve' WHERE id = 'v0'", "content of vote v0"),
        ("DELETE FROM gov_votes WHERE id = 'v0'", "vote v0 is told of but not stored"),
        (STUFFED, "vote v9 is stored but never told of"),
    ],
)
def test_edited_votes(history: History, statement: str, word: str) -> None:
    history.sql(statement)
    (finding,) = history.verify().findings
    assert finding.code == "GOV620"
    assert word in finding.message


def test_edited_flow_text(history: History) -> None:
    history.sql("UPDATE gov_flow_revisions SET source = 'id: evil' WHERE revision = 1")
    (finding,) = history.verify().findings
    assert (finding.code, finding.stream) == ("GOV623", "flow/company.team/churn")
    assert "revision 1" in finding.message


def test_exchanged_flow_text(history: History) -> None:
    evil = build.revision(1, source="id: evil")
    history.sql("UPDATE gov_flow_revisions SET source = 'id: evil', digest = ? WHERE revision = 1", evil.digest)
    assert {code for code, _, _ in history.found()} <= {"GOV620", "GOV623"}
    assert history.found()


def test_an_execution_from_nowhere(history: History) -> None:
    columns = "namespace, flow_id, flow_revision, flow_digest, state, version, created_us, run_as, starter, fence,"
    columns += " next_seq, history, frame, labels"
    history.sql(
        f"INSERT INTO gov_executions (id, {columns}) SELECT 'forged', {columns} FROM gov_executions WHERE id = ?",
        history.run.id,
    )
    assert history.found() == [("GOV621", "execution/forged", None)]


def test_a_flow_from_nowhere(history: History) -> None:
    history.sql(
        "INSERT INTO gov_flow_revisions (namespace, flow_id, revision, source, digest, author, created_us,"
        " allow_unknown_types) SELECT 'forged', flow_id, revision, source, digest, author, created_us,"
        " allow_unknown_types FROM gov_flow_revisions"
    )
    assert history.found() == [("GOV621", "flow/forged/churn", None)]


def test_a_dropped_trigger(history: History) -> None:
    name = "gov_audit_entries_update"
    on = "" if history.store.dialect == "sqlite" else " ON gov_audit_entries"
    history.sql(f"DROP TRIGGER {name}{on}")
    (finding,) = history.verify().findings
    assert finding.code == "GOV630"
    assert name in finding.message


def test_a_trigger_without_teeth(history: History) -> None:
    if history.store.dialect == "sqlite":
        history.sql("DROP TRIGGER gov_audit_bodies_delete")
        history.sql("CREATE TRIGGER gov_audit_bodies_delete BEFORE DELETE ON gov_audit_bodies BEGIN SELECT 1; END")
        assert history.found() == [("GOV630", "", None)]
        return
    history.sql("ALTER TABLE gov_audit_entries DISABLE TRIGGER gov_audit_entries_delete")
    assert history.found() == [("GOV630", "", None)]
    history.sql("ALTER TABLE gov_audit_entries ENABLE TRIGGER gov_audit_entries_delete")
    history.sql(
        "CREATE OR REPLACE FUNCTION gov_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
    )
    assert history.found() == [("GOV630", "", None)]


def test_a_cut_tail_shows_while_its_states_are_left(history: History) -> None:
    delete(history, 6)
    found = history.found()
    assert {code for code, _, _ in found} == {"GOV620"}


def test_what_only_checkpoints_can_show(history: History) -> None:
    """A stream deleted with its rows leaves nothing behind: the report says so itself."""
    delete(history, 1, 2, 3, 4, 5, 6)
    if history.store.dialect == "sqlite":
        history.sql("PRAGMA foreign_keys = ON")
    history.sql("DELETE FROM gov_executions WHERE id = ?", history.run.id)
    report = history.verify()
    assert report.ok
    assert any("deleted as a whole" in limit for limit in report.limits)


def test_several_faults_are_all_named(history: History) -> None:
    history.disarm()
    history.sql("UPDATE gov_audit_entries SET subject = 'x' WHERE stream = ? AND seq = 2", history.stream)
    history.sql("UPDATE gov_executions SET state = 'FAILED' WHERE id = ?", history.other.id)
    found = history.found()
    assert ("GOV610", history.stream, 2) in found
    assert ("GOV620", f"execution/{history.other.id}", 1) in found
    assert [code for code, _, _ in found].count("GOV630") == len(triggers.TRIGGERS[history.store.dialect])


def test_bodies_are_stored_in_canonical_form(history: History) -> None:
    import rfc8785

    for (text,) in history.sql("SELECT body FROM gov_audit_bodies"):
        assert rfc8785.dumps(json.loads(text)).decode() == text


def test_a_stranger_can_verify_an_export(history: History) -> None:
    """With any RFC 8785 library and SHA-256, without our code and without the database."""
    import hashlib

    import rfc8785

    with history.store.write() as tx:
        history.store.audit_log.erase(tx, history.stream, [2], build.fact("audit.erased"))
        history.store.audit_log.forget(tx, "bob", [build.fact("actor.forgotten")])
    lines = [json.loads(json.dumps(record)) for record in history.store.history()]
    assert len(lines) == 11
    before: dict[str, tuple[int, str]] = {}
    for line in lines:
        names = ("stream", "seq", "prev_hash", "ts_us", "actor_ref", "action", "subject", "body_digest")
        hashed = rfc8785.dumps({name: line[name] for name in names})
        assert hashlib.sha256(b"\x00" + hashed).hexdigest() == line["leaf_hash"]
        if line["body"] is not None:
            text = line["salt"].encode() + rfc8785.dumps(line["body"])
            assert hashlib.sha256(text).hexdigest() == line["body_digest"]
        genesis = hashlib.sha256(b"jupyter_gov/genesis/" + line["stream"].encode()).hexdigest()
        seq, leaf_hash = before.get(line["stream"], (0, genesis))
        assert (line["seq"], line["prev_hash"]) == (seq + 1, leaf_hash)
        before[line["stream"]] = (line["seq"], line["leaf_hash"])
    assert {line["actor"] for line in lines} == {"ada", "system", None}
