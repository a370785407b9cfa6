"""Every verb in every state: what it does, or the code with which it is refused while nothing changes."""

from __future__ import annotations

import getpass

import pytest

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.approval import Verdict
from jupyter_gov.errors import GovError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest
from tests.bad_input.conftest import contents

ANN = Actor("ann", "Ann", frozenset({"risk"}), Assurance.TOKEN)
BOB = Actor("bob", "Bob", frozenset({"sales"}), Assurance.TOKEN)
NOBODY = Actor("anonymous@here", "somebody", frozenset(), Assurance.ANONYMOUS)
LOG = "{id: %s, type: io.kestra.plugin.core.log.Log, message: x}"
SLEEP = "{id: s, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}"
FLOWS = {
    "RUNNING": f"tasks:\n  - {SLEEP}\n",
    "PAUSED": "tasks:\n  - {id: gate, type: io.kestra.plugin.core.flow.Pause}\n  - " + LOG % "after" + "\n",
    "GUARDED": (
        "tasks:\n  - {id: gate, type: io.kestra.plugin.ee.flow.HumanTask, assignment: {groups: [risk]}}\n  - "
        + LOG % "after"
        + "\n"
    ),
    "SUCCESS": "tasks:\n  - " + LOG % "a" + "\n",
    "WARNING": "tasks:\n  - {id: f, type: io.kestra.plugin.core.execution.Fail, allowFailure: true}\n",
    "FAILED": "tasks:\n  - {id: f, type: io.kestra.plugin.core.execution.Fail}\n",
    "KILLED": f"tasks:\n  - {SLEEP}\n",
    "QUEUED": f"concurrency: {{limit: 1}}\ntasks:\n  - {SLEEP}\n",
}
OUTCOMES = {
    ("kill", "RUNNING"): "KILLED",
    ("kill", "PAUSED"): "KILLED",
    ("kill", "GUARDED"): "KILLED",
    ("kill", "QUEUED"): "KILLED",
    ("kill", "SUCCESS"): "GOV306",
    ("kill", "WARNING"): "GOV306",
    ("kill", "FAILED"): "GOV306",
    ("kill", "KILLED"): "GOV306",
    ("restart", "RUNNING"): "GOV303",
    ("restart", "PAUSED"): "GOV303",
    ("restart", "GUARDED"): "GOV303",
    ("restart", "QUEUED"): "GOV303",
    ("restart", "SUCCESS"): "GOV304",
    ("restart", "WARNING"): "GOV304",
    ("restart", "FAILED"): "FAILED",
    ("restart", "KILLED"): "RUNNING",
    ("resume", "RUNNING"): "GOV307",
    ("resume", "PAUSED"): "SUCCESS",
    ("resume", "GUARDED"): "GOV405",
    ("resume", "QUEUED"): "GOV307",
    ("resume", "SUCCESS"): "GOV307",
    ("resume", "WARNING"): "GOV307",
    ("resume", "FAILED"): "GOV307",
    ("resume", "KILLED"): "GOV307",
}


@pytest.fixture
def gov(tmp_path):
    service = open_gov(data_dir=str(tmp_path), run_as=getpass.getuser())
    service.start_loop()
    yield service
    service.close()


def bring(gov, kind):
    """Start an execution and bring it into a state."""
    gov.flows.register(f"id: f\nnamespace: n\n{FLOWS[kind]}", ANN)
    if kind == "QUEUED":
        first = gov.executions.start(StartRequest("n", "f"), ANN)
        settle(gov, first.id, "RUNNING")
    execution = gov.executions.start(StartRequest("n", "f"), ANN)
    if kind == "KILLED":
        settle(gov, execution.id, "RUNNING")
        gov.executions.kill(execution.id, ANN)
    settle(gov, execution.id, "PAUSED" if kind == "GUARDED" else kind)
    return execution.id


def settle(gov, execution_id, state):
    def reached(execution):
        runs = list(execution.task_runs.values())
        busy = state != "RUNNING" or any(run.state == "RUNNING" for run in runs)
        return execution.state == state and busy

    execution = gov.executions.wait(execution_id, ANN, until=reached, timeout=30)
    assert execution.state == state
    return execution


@pytest.mark.parametrize(("verb", "kind"), OUTCOMES)
def test_each_verb_in_each_state(verb, kind, gov, tmp_path):
    execution_id = bring(gov, kind)
    expected = OUTCOMES[verb, kind]
    act = getattr(gov.executions, verb)
    before = gov.executions.get(execution_id, ANN)
    if not expected.startswith("GOV"):
        act(execution_id, ANN)
        gov.executions.wait(execution_id, ANN, until=lambda found: found.version > before.version, timeout=30)
        settle(gov, execution_id, expected)
        assert gov.audit.verify(ANN).ok
        return
    rows = contents(tmp_path / "gov.db") if kind not in {"RUNNING", "QUEUED"} else None
    with pytest.raises(GovError) as caught:
        act(execution_id, ANN)
    assert caught.value.code == expected
    assert gov.executions.get(execution_id, ANN).version == before.version
    assert rows is None or contents(tmp_path / "gov.db") == rows


def test_an_assigned_gate_is_answered_only_by_those_it_is_assigned_to(gov, tmp_path):
    execution_id = bring(gov, "GUARDED")
    (gate,) = gov.approvals.list(ANN, execution_id=execution_id)
    rows = contents(tmp_path / "gov.db")
    for actor in (BOB, NOBODY, Actor("eve", "Ann", frozenset({"Risk"}), Assurance.BROWSER)):
        detail = gov.approvals.get(gate.approval.id, actor)
        assert not detail.can_decide
        assert "risk" in (detail.why_not or "") or "name" in (detail.why_not or "")
        for verdict in Verdict:
            with pytest.raises(GovError) as caught:
                gov.approvals.decide(
                    gate.approval.id, verdict, actor, subject_digest=gate.approval.subject_digest, reason="let me"
                )
            assert caught.value.code == "GOV403"
    assert contents(tmp_path / "gov.db") == rows
    gov.approvals.decide(gate.approval.id, Verdict.APPROVE, ANN, subject_digest=gate.approval.subject_digest)
    execution = settle(gov, execution_id, "SUCCESS")
    assert execution.find("gate").outputs["resumed"]["by"] == "ann"


def test_a_killed_gate_is_withdrawn_and_cannot_be_approved_any_more(gov):
    execution_id = bring(gov, "PAUSED")
    (gate,) = gov.approvals.list(ANN, execution_id=execution_id)
    gov.executions.kill(execution_id, BOB, "wrong data")
    execution = settle(gov, execution_id, "KILLED")
    assert execution.find("after") is None
    assert "wrong data" in execution.failure.message
    assert gov.approvals.get(gate.approval.id, ANN).approval.status == "WITHDRAWN"
    with pytest.raises(GovError) as caught:
        gov.approvals.decide(gate.approval.id, Verdict.APPROVE, ANN, subject_digest=gate.approval.subject_digest)
    assert caught.value.code == "GOV409"


def test_a_freed_slot_lets_the_oldest_queued_execution_start(gov):
    gov.flows.register(f"id: f\nnamespace: n\n{FLOWS['QUEUED']}", ANN)
    ids = [gov.executions.start(StartRequest("n", "f"), ANN).id for _ in range(3)]
    settle(gov, ids[0], "RUNNING")
    assert [gov.executions.get(found, ANN).state for found in ids[1:]] == ["QUEUED", "QUEUED"]
    gov.executions.kill(ids[0], ANN)
    settle(gov, ids[1], "RUNNING")
    assert gov.executions.get(ids[2], ANN).state == "QUEUED"


@pytest.mark.parametrize(("behavior", "state"), [("CANCEL", "CANCELLED"), ("FAIL", "FAILED")])
def test_one_execution_too_many_is_cancelled_or_failed(behavior, state, gov):
    gov.flows.register(
        f"id: f\nnamespace: n\nconcurrency: {{limit: 1, behavior: {behavior}}}\ntasks:\n  - {SLEEP}\n", ANN
    )
    gov.executions.start(StartRequest("n", "f"), ANN)
    second = gov.executions.start(StartRequest("n", "f"), ANN)
    assert second.state == state
    assert second.failure.code == "GOV360"
    assert gov.audit.verify(ANN).ok
