"""Gates: one decision each, and everything that belongs to it in one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jupyter_gov.domain.approval import Approval, ApprovalStatus, Verdict, Vote
from jupyter_gov.domain.commands import CloseApproval
from jupyter_gov.domain.events import ApprovalDecided
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.errors import ConflictError
from jupyter_gov.store import Store
from tests.contract import build
from tests.contract.build import T0


@pytest.fixture
def gate(store: Store) -> Approval:
    run = build.execution()
    gate = build.approval(run)
    with store.write() as tx:
        store.executions.insert(tx, run, (build.created_fact(run),), None)
        opened = build.step(run, build.task_run(run, 0, State.PAUSED), approvals=(gate,))
        store.executions.commit(tx, opened, expected_version=0)
    return gate


def run_of(store: Store, gate: Approval) -> Execution:
    with store.read() as tx:
        found = store.executions.load(tx, gate.execution_id)
    assert found is not None
    return found


def vote(gate: Approval, verdict: Verdict = Verdict.APPROVE, number: int = 0, **given: Any) -> Vote:
    values: dict[str, Any] = {
        "id": f"vote-{number}",
        "approval_id": gate.id,
        "actor_id": "bob",
        "actor_name": "Bób",
        "assurance": "browser",
        "verdict": verdict,
        "at": T0,
        "subject_digest": gate.subject_digest,
        "reason": "looks \x00 good",
        "inputs": {"comment": "x"},
    }
    return Vote(**(values | given))


def decide(store: Store, gate: Approval, status: ApprovalStatus = ApprovalStatus.APPROVED, **given: Any) -> Approval:
    event = ApprovalDecided(gate.id, gate.task_run_id, status.value, "bob", T0.isoformat(), "fine", {"comment": "x"})
    values: dict[str, Any] = {
        "expected_version": gate.version,
        "status": status,
        "by": "bob",
        "at": T0,
        "reason": "fine",
        "inputs": {"comment": "x"},
        "vote": vote(gate),
        "facts": (build.fact("approval.approved", "bob"),),
        "event": event,
    }
    with store.write() as tx:
        return store.approvals.decide(tx, gate.id, **(values | given))


def test_a_gate_is_read_as_it_was_opened(store: Store, gate: Approval) -> None:
    with store.read() as tx:
        assert store.approvals.get(tx, gate.id) == gate
        assert store.approvals.list(tx, status=ApprovalStatus.OPEN) == [gate]
        assert store.approvals.list(tx, execution_id=gate.execution_id, namespace=gate.namespace) == [gate]
        assert store.approvals.list(tx, status=ApprovalStatus.REJECTED) == []
        assert store.approvals.list(tx, namespace="elsewhere") == []
        assert store.approvals.counts(tx) == {ApprovalStatus.OPEN: 1}
        (summary,) = store.executions.list(tx)
    assert summary.open_approvals == 1


def test_a_decision_is_one_transaction(store: Store, gate: Approval) -> None:
    decided = decide(store, gate)
    assert decided.status is ApprovalStatus.APPROVED
    assert (decided.status_by, decided.status_at, decided.reason) == ("bob", T0, "fine")
    assert decided.inputs == {"comment": "x"}
    assert decided.version == gate.version + 1
    with store.read() as tx:
        assert store.approvals.get(tx, gate.id) == decided
        ((_, _, event),) = store.inbox.pending(tx, [gate.execution_id])
        assert isinstance(event, ApprovalDecided)
        (cast,) = store.approvals.votes(tx, gate.id)
        entry = store.audit_log.entries(tx, f"execution/{gate.execution_id}")[-1]
    assert cast == vote(gate, reason="looks \ufffd good")
    assert entry.action == "approval.approved"
    assert entry.actor_ref == "bob"
    changes = entry.body["changes"]
    assert changes["approvals"] == [[gate.id, "APPROVED", gate.subject_digest]]
    assert [row[0] for row in changes["decisions"]] == [gate.id]
    assert [row[0] for row in changes["votes"]] == ["vote-0"]


def test_a_gate_is_decided_once(store: Store, gate: Approval) -> None:
    first = decide(store, gate)
    with pytest.raises(ConflictError):
        decide(store, first, ApprovalStatus.REJECTED, vote=vote(gate, number=1))
    with pytest.raises(ConflictError), store.write() as tx:
        store.approvals.add_vote(tx, vote(gate, number=2), (build.fact("approval.vote", "bob"),))
    with store.read() as tx:
        assert store.approvals.get(tx, gate.id) == first
        assert len(store.approvals.votes(tx, gate.id)) == 1
        assert len(store.inbox.pending(tx, [gate.execution_id])) == 1


def test_a_changed_subject_refuses_the_decision(store: Store, gate: Approval) -> None:
    changed = replace(gate, subject={"other": 1}, subject_digest="sha256:" + "1" * 64, version=1)
    run = run_of(store, gate)
    with store.write() as tx:
        store.executions.commit(tx, build.step(run, approvals=(changed,)), expected_version=run.version)
    with pytest.raises(ConflictError):
        decide(store, gate)
    with store.read() as tx:
        assert store.approvals.get(tx, gate.id) == changed


def test_a_vote_may_leave_the_gate_open(store: Store, gate: Approval) -> None:
    ask = vote(gate, Verdict.ASK_FOR_CHANGES, reason=None)
    with store.write() as tx:
        store.approvals.add_vote(tx, ask, (build.fact("approval.vote", "bob"),))
    with store.read() as tx:
        assert store.approvals.votes(tx, gate.id) == [ask]
        assert store.approvals.get(tx, gate.id) == gate
        assert store.audit_log.entries(tx, f"execution/{gate.execution_id}")[-1].action == "approval.vote"


def test_a_deadline_does_not_undo_a_decision(store: Store, gate: Approval) -> None:
    run = run_of(store, gate)
    decide(store, gate)
    expired = build.step(run, commands=(CloseApproval(gate.id, ApprovalStatus.EXPIRED, "timer", required=True),))
    with pytest.raises(ConflictError, match="decided before") as caught, store.write() as tx:
        store.executions.commit(tx, expired, expected_version=run.version)
    assert caught.value.code == "GOV702"
    assert run_of(store, gate) == run
    late = replace(gate, status=ApprovalStatus.EXPIRED)
    with pytest.raises(ConflictError), store.write() as tx:
        store.executions.commit(tx, build.step(run, approvals=(late,)), expected_version=run.version)


def test_the_end_of_an_execution_withdraws_what_is_open(store: Store, gate: Approval) -> None:
    run = run_of(store, gate)
    close = CloseApproval(gate.id, ApprovalStatus.WITHDRAWN, "system", required=False)
    with store.write() as tx:
        store.executions.commit(tx, build.step(run, commands=(close,)), expected_version=run.version)
    with store.read() as tx:
        found = store.approvals.get(tx, gate.id)
    assert found is not None
    assert (found.status, found.status_by) == (ApprovalStatus.WITHDRAWN, "system")


def test_withdrawing_a_decided_gate_does_nothing(store: Store, gate: Approval) -> None:
    run = run_of(store, gate)
    decided = decide(store, gate)
    close = CloseApproval(gate.id, ApprovalStatus.WITHDRAWN, "system", required=False)
    step = build.step(run, commands=(close,))
    claimed = {**step.facts[0].body["changes"], "approvals": [[gate.id, "WITHDRAWN", None]]}
    step = replace(step, facts=(replace(step.facts[0], body={"changes": claimed}),))
    with store.write() as tx:
        store.executions.commit(tx, step, expected_version=run.version)
    with store.read() as tx:
        assert store.approvals.get(tx, gate.id) == decided
        entry = store.audit_log.entries(tx, f"execution/{gate.execution_id}")[-1]
    assert not entry.body["changes"].get("approvals"), "the record must not say what did not happen"
