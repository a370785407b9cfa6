"""``checks`` of a flow: tested before anything runs."""

from __future__ import annotations

import base64

import pytest

from jupyter_gov.domain.sealed import MASK
from jupyter_gov.domain.states import State
from jupyter_gov.errors import ExecutionError
from jupyter_gov.service.api import StartRequest
from tests.unit.service.place import Place

FLOW = """\
id: checked
namespace: demo
inputs: [{{id: size, type: STRING, defaults: small}}]
checks:
  - {key}: "{condition}"
    message: "{message}"
    behavior: {behavior}
    style: WARNING
tasks: [{{id: say, type: io.kestra.plugin.core.log.Log, message: hi}}]
"""
CALLS = """\
id: calls
namespace: demo
tasks: [{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: demo, flowId: checked, inputs: {size: big}}]
"""


def flow(
    behavior: str = "BLOCK_EXECUTION",
    condition: str = "{{ inputs.size != 'big' }}",
    message: str = "no {{ inputs.size }} ones",
    key: str = "condition",
) -> str:
    return FLOW.format(behavior=behavior, condition=condition, message=message, key=key)


BIG = StartRequest("demo", "checked", inputs={"size": "big"})


@pytest.mark.parametrize("key", ["condition", "when"])
def test_one_that_blocks_lets_nothing_start_and_says_why(place: Place, key: str) -> None:
    place.gov.flows.register(flow(key=key), place.actor)
    with pytest.raises(ExecutionError, match="no big ones") as caught:
        place.gov.executions.start(BIG, place.actor)
    assert caught.value.code == "GOV338"
    assert not place.gov.executions.list(place.actor)
    place.gov.executions.start(StartRequest("demo", "checked"), place.actor)


def test_one_that_fails_leaves_a_failed_execution_of_which_nothing_ran(place: Place) -> None:
    place.gov.flows.register(flow("FAIL_EXECUTION"), place.actor)
    made = place.gov.executions.start(BIG, place.actor)
    found = place.gov.executions.get(made.id, place.actor)
    assert found.state is State.FAILED
    assert found.failure is not None
    assert (found.failure.code, "no big ones" in found.failure.message) == ("GOV339", True)
    assert not found.task_runs
    assert [line.message for line in place.gov.executions.logs(made.id, place.actor)] == ["no big ones"]


def test_one_that_only_warns_lets_it_start_and_is_in_the_log(place: Place) -> None:
    place.gov.flows.register(flow("CREATE_EXECUTION"), place.actor)
    made = place.gov.executions.start(BIG, place.actor)
    assert place.wait(made.id).state is State.SUCCESS
    line = place.gov.executions.logs(made.id, place.actor)[0]
    assert (line.level, line.message) == ("WARN", "no big ones")


@pytest.mark.parametrize("condition", ["{{ inputs.nothing }}", "{{ 'yes' }}"])
def test_what_is_not_true_or_cannot_be_told_is_not_met(place: Place, condition: str) -> None:
    place.gov.flows.register(flow(condition=condition), place.actor)
    with pytest.raises(ExecutionError) as caught:
        place.gov.executions.start(BIG, place.actor)
    assert caught.value.code == "GOV338"


def test_a_message_shows_no_secret(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_WORD", base64.b64encode(b"abracadabra").decode(), place.actor)
    place.gov.flows.register(flow(message="say {{ secret('WORD') }}"), place.actor)
    with pytest.raises(ExecutionError) as caught:
        place.gov.executions.start(BIG, place.actor)
    assert "abracadabra" not in str(caught.value)
    assert MASK in str(caught.value)


@pytest.mark.parametrize(("behavior", "code"), [("BLOCK_EXECUTION", "GOV338"), ("FAIL_EXECUTION", "GOV371")])
def test_a_call_that_does_not_meet_it_fails_the_calling_task(place: Place, behavior: str, code: str) -> None:
    place.gov.flows.register(flow(behavior), place.actor)
    place.gov.flows.register(CALLS, place.actor)
    ended = place.wait(place.gov.executions.start(StartRequest("demo", "calls"), place.actor).id)
    run = ended.find("call")
    assert ended.state is State.FAILED
    assert run is not None
    assert run.failure is not None
    assert run.failure.code == code
