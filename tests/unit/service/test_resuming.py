"""Resuming by a task, and resuming only to stop: neither passes a gate with rules of its own."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.states import State
from jupyter_gov.service.api import StartRequest
from tests.unit.service.place import ANN, Place, refused

FORM = (
    "tasks: [{id: gate, type: io.kestra.plugin.core.flow.Pause, onResume: [{id: why, type: STRING}]}, "
    "{id: after, type: io.kestra.plugin.core.log.Log, message: '{{ outputs.gate.onResume.why }}'}]\n"
)
HUMAN = "tasks: [{id: gate, type: io.kestra.plugin.ee.flow.HumanTask, assignment: {groups: [risk]}}]\n"
RESUMES = """\
id: resumes
namespace: %s
inputs: [{id: which, type: STRING}]
tasks:
  - id: go
    type: io.kestra.plugin.core.execution.Resume
    executionId: "{{ inputs.which }}"
    inputs: {why: because}
"""


def resume(place: Place, which: str, namespace: str = "demo") -> object:
    place.gov.flows.register(RESUMES % namespace, ANN)
    started = place.gov.executions.start(StartRequest(namespace, "resumes", inputs={"which": which}), ANN)
    return place.wait(started.id)


def test_a_task_passes_a_plain_gate_and_the_decision_names_its_execution(place: Place) -> None:
    waiting = place.start(FORM, until=State.PAUSED)
    ended = resume(place, waiting.id)
    assert ended.state is State.SUCCESS  # type: ignore[attr-defined]
    waiting = place.wait(waiting.id)
    assert waiting.state is State.SUCCESS
    gate = waiting.find("gate")
    assert gate is not None
    assert gate.outputs is not None
    assert gate.outputs["resumed"]["by"] == f"execution/{ended.id}"  # type: ignore[attr-defined]
    assert place.logs(waiting.id) == ["INFO because"]
    assert place.gov.audit.verify(ANN).ok


def test_a_task_does_not_pass_a_gate_with_rules(place: Place) -> None:
    waiting = place.start(HUMAN, until=State.PAUSED)
    ended = resume(place, waiting.id)
    assert ended.state is State.FAILED  # type: ignore[attr-defined]
    assert ended.failure.code == "GOV405"  # type: ignore[attr-defined]
    assert place.gov.executions.get(waiting.id, ANN).state is State.PAUSED
    (gate,) = place.gov.approvals.list(ANN, execution_id=waiting.id)
    assert gate.approval.status is ApprovalStatus.OPEN


@pytest.mark.parametrize("namespace", ["demos", "other", "demo.below"])
def test_a_task_resumes_nothing_of_other_namespaces(place: Place, namespace: str) -> None:
    waiting = place.start(FORM, until=State.PAUSED)
    ended = resume(place, waiting.id, namespace)
    assert ended.state is State.FAILED  # type: ignore[attr-defined]
    assert ended.failure.code == "GOV873"  # type: ignore[attr-defined]
    assert place.gov.executions.get(waiting.id, ANN).state is State.PAUSED


def test_a_pause_is_resumed_to_be_stopped_and_its_gate_is_withdrawn(place: Place) -> None:
    waiting = place.start(FORM, until=State.PAUSED)
    (gate,) = place.gov.approvals.list(ANN, execution_id=waiting.id)
    place.gov.executions.resume(waiting.id, ANN, state=State.KILLING)
    ended = place.wait(waiting.id)
    states = [str(moment.state) for moment in ended.history.moments]
    assert states == ["CREATED", "RUNNING", "PAUSED", "RESTARTED", "KILLING", "KILLED"]
    assert place.gov.approvals.get(gate.approval.id, ANN).approval.status is ApprovalStatus.WITHDRAWN
    assert ended.find("after") is None
    assert place.gov.audit.verify(ANN).ok


@pytest.mark.parametrize("state", [State.SUCCESS, State.FAILED, State.WARNING, State.PAUSED])
@pytest.mark.parametrize("tasks", [FORM, HUMAN])
def test_a_pause_is_resumed_to_no_other_state(place: Place, tasks: str, state: State) -> None:
    waiting = place.start(tasks, until=State.PAUSED)
    assert refused(lambda: place.gov.executions.resume(waiting.id, ANN, state=state)).code == "GOV314"
    assert place.gov.executions.get(waiting.id, ANN).version == waiting.version


def test_what_does_not_wait_is_not_resumed_to_be_stopped(place: Place) -> None:
    ended = place.start("tasks: [{id: say, type: io.kestra.plugin.core.log.Log, message: hi}]\n")
    assert refused(lambda: place.gov.executions.resume(ended.id, ANN, state=State.KILLING)).code == "GOV307"
