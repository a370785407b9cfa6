"""A gate whose deadline is over takes no answer, whether or not some loop was there to act on it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.errors import GovError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest
from tests.bad_input.conftest import contents

ANN = Actor("ann", "Ann", frozenset(), Assurance.OS)
BOB = Actor("bob", "Bob", frozenset(), Assurance.OS)
FLOW = """\
id: late
namespace: n
tasks:
  - id: gate
    type: {type}
    pauseDuration: PT1.5S
    {rest}
  - id: deploy
    type: io.kestra.plugin.core.debug.Return
    format: deployed
"""
ASSIGNED = ("io.kestra.plugin.ee.flow.HumanTask", "assignment: {users: [ann]}")
PLAIN = ("io.kestra.plugin.core.flow.Pause", "behavior: {behavior}")


def waiting(folder, kind, rest):
    """Bring a flow to its gate, and let its loop end there."""
    gov = open_gov(data_dir=str(folder), run_as="ann")
    gov.start_loop()
    gov.flows.register(FLOW.format(type=kind, rest=rest), ANN)
    execution = gov.executions.start(StartRequest("n", "late"), ANN)
    gov.executions.wait(execution.id, ANN, until=lambda found: found.state == "PAUSED", timeout=30)
    (detail,) = gov.approvals.list(ANN, execution_id=execution.id)
    gov.close()
    return detail.approval


def pass_by(gate):
    time.sleep(max(0.0, (gate.deadline - datetime.now(UTC)).total_seconds()) + 0.01)


@pytest.fixture
def gov(tmp_path):
    service = open_gov(data_dir=str(tmp_path), run_as="ann")
    yield service
    service.close()


def test_before_its_deadline_a_gate_takes_an_answer(gov, tmp_path):
    gate = waiting(tmp_path, *ASSIGNED)
    detail = gov.approvals.get(gate.id, ANN)
    assert (detail.can_decide, detail.why_not) == (True, None)
    gov.approvals.decide(gate.id, Verdict.APPROVE, ANN, subject_digest=gate.subject_digest)
    pass_by(gate)
    gov.start_loop()
    ended = gov.executions.wait(gate.execution_id, ANN, until=lambda found: found.state.is_terminal, timeout=30)
    assert ended.state == "SUCCESS", "what a person decided in time is not undone by the timer"
    assert ended.find("deploy").outputs == {"value": "deployed"}


def test_after_its_deadline_a_gate_takes_no_answer(gov, tmp_path):
    gate = waiting(tmp_path, *ASSIGNED)
    pass_by(gate)
    rows = contents(tmp_path / "gov.db")
    for verdict in Verdict:
        with pytest.raises(GovError, match="its time is over since") as caught:
            gov.approvals.decide(gate.id, verdict, ANN, subject_digest=gate.subject_digest, reason="late")
        assert caught.value.code == "GOV409"
    with pytest.raises(GovError) as caught:
        gov.approvals.decide(gate.id, Verdict.APPROVE, BOB, subject_digest=gate.subject_digest)
    assert caught.value.code == "GOV403"
    assert contents(tmp_path / "gov.db") == rows
    (listed,) = gov.approvals.list(ANN)
    for detail in (listed, gov.approvals.get(gate.id, ANN)):
        assert detail.approval.status is ApprovalStatus.OPEN
        assert not detail.can_decide
        assert "its time is over since" in detail.why_not
    gov.start_loop()
    ended = gov.executions.wait(gate.execution_id, ANN, until=lambda found: found.state.is_terminal, timeout=30)
    assert (ended.state, ended.find("deploy")) == ("FAILED", None)
    assert gov.approvals.get(gate.id, ANN).approval.status is ApprovalStatus.EXPIRED
    assert gov.audit.verify(ANN).ok


@pytest.mark.parametrize(("behavior", "state"), [("RESUME", "SUCCESS"), ("FAIL", "FAILED"), ("CANCEL", "CANCELLED")])
def test_what_happens_after_the_deadline_is_up_to_the_timer(behavior, state, gov, tmp_path):
    gate = waiting(tmp_path, PLAIN[0], PLAIN[1].format(behavior=behavior))
    pass_by(gate)
    with pytest.raises(GovError, match="its time is over since") as caught:
        gov.executions.resume(gate.execution_id, ANN)
    assert caught.value.code == "GOV409"
    gov.start_loop()
    ended = gov.executions.wait(gate.execution_id, ANN, until=lambda found: found.state.is_terminal, timeout=30)
    assert ended.state == state
    assert ended.find("gate").outputs["resumed"]["by"] == "timer"
