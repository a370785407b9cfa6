"""A retry with CREATE_NEW_EXECUTION: the executions follow each other in the store."""

from __future__ import annotations

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.ids import next_execution_id
from jupyter_gov.domain.states import State
from tests.runtime.rig import Rig

FAILS = """\
id: fails
namespace: company.team
inputs: [{id: word, type: STRING}]
labels: {team: risk}
retry: {behavior: CREATE_NEW_EXECUTION, type: constant, interval: PT0.2S, maxAttempts: 3}
tasks:
  - id: bad
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: "{{ inputs.word }}"
"""
CALLS = """\
id: calls
namespace: company.team
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: fails
    inputs: {word: oh}
"""


def following(rig: Rig, execution: Execution) -> Execution:
    return rig.wait(next_execution_id(execution.id), lambda found: found.is_over)


def test_each_begins_when_it_is_due_and_the_last_one_fails(rig: Rig) -> None:
    rig.loop()
    first = rig.wait(rig.start(FAILS, {"word": "oh"}))
    second = following(rig, first)
    third = following(rig, second)
    assert [one.state for one in (first, second, third)] == [State.RETRIED, State.RETRIED, State.FAILED]
    assert second.original_id == third.original_id == first.id
    assert second.inputs == first.inputs
    assert second.labels == first.labels
    began = [moment.at for moment in second.history.moments if moment.state is State.RUNNING]
    assert (began[0] - first.history.moments[-1].at).total_seconds() >= 0.15
    with rig.store.read() as tx:
        assert len(rig.store.executions.list(tx, ExecutionFilter("company.team", "fails"), limit=10)) == 3


def test_another_loop_starts_what_the_first_one_created(rig: Rig) -> None:
    loop = rig.loop()
    first = rig.wait(rig.start(FAILS.replace("PT0.2S", "PT1S"), {"word": "oh"}))
    loop.stop()
    assert rig.get(next_execution_id(first.id)).state is State.CREATED
    rig.loop()
    assert following(rig, first).state is State.RETRIED


def test_a_caller_waits_for_the_last_one(rig: Rig) -> None:
    rig.loop()
    rig.register(FAILS)
    caller = rig.wait(rig.start(CALLS))
    assert caller.state is State.FAILED
    call = caller.find("call")
    assert call is not None
    assert call.outputs is not None
    last = rig.get(call.outputs["executionId"])
    assert last.state is State.FAILED
    assert last.original_id is not None
    assert last.parent_id == caller.id
    assert rig.get(last.original_id).state is State.RETRIED
