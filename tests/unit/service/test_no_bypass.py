"""Gates with rules of their own, and every way around them that somebody may think of."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.approval import Verdict
from jupyter_gov.domain.states import State
from tests.faces import open_gate
from tests.unit.service.place import ANN, BOB, Place, refused

HUMAN = "{id: gate, type: io.kestra.plugin.ee.flow.HumanTask, assignment: {groups: [risk]}}"
FAIL = "{id: bad, type: io.kestra.plugin.core.execution.Fail}"
SAY = "{id: after, type: io.kestra.plugin.core.log.Log, message: released}"
CALL = "{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: demo, flowId: inner}"
CALLS = {
    "subflow": f"tasks:\n  - {CALL}\n  - {SAY}\n",
    "loop": f"tasks:\n  - {{id: each, type: io.kestra.plugin.core.flow.Loop, values: [1], tasks: [{CALL}]}}\n  - {SAY}\n",
    "items": f"""\
tasks:
  - id: write
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["echo a > rows.txt"]
    outputFiles: [rows.txt]
  - id: call
    type: io.kestra.plugin.core.flow.ForEachItem
    items: "{{{{ outputs.write.outputFiles['rows.txt'] }}}}"
    namespace: demo
    flowId: inner
    wait: true
    transmitFailed: true
  - {SAY}
""",
}
UNTIL = f"""\
tasks:
  - id: until
    type: io.kestra.plugin.core.flow.LoopUntil
    condition: "{{{{ outputs.round.value == 'second' }}}}"
    checkFrequency: {{interval: PT0.1S, maxIterations: 3}}
    tasks:
      - {{id: round, type: io.kestra.plugin.core.debug.Return, format: "{{{{ kv('seen') == null ? 'first' : 'second' }}}}"}}
      - {{runIf: "{{{{ kv('seen') == null }}}}", {HUMAN[1:]}
      - {{id: note, type: io.kestra.plugin.core.kv.Set, key: seen, value: 'yes'}}
  - {FAIL}
"""


def decide(place: Place, verdict: Verdict) -> str:
    gate = open_gate(place.gov, "gate").approval
    place.gov.approvals.decide(gate.id, verdict, ANN, subject_digest=gate.subject_digest, reason="seen")
    return gate.execution_id


@pytest.mark.parametrize("outer", CALLS)
def test_what_a_called_gate_rejected_is_passed_by_no_deletion_and_no_mark(place: Place, outer: str) -> None:
    place.gov.flows.register(f"id: inner\nnamespace: demo\ntasks: [{HUMAN}]", ANN)
    caller = place.start(CALLS[outer], until=State.RUNNING)
    inner = decide(place, Verdict.REJECT)
    caller = place.wait(caller.id)
    run = next(one for one in caller.ordered() if one.task_id in {"call", "each"})
    for _ in range(2):
        assert refused(lambda: place.gov.executions.mark_task(caller.id, run.id, State.SUCCESS, BOB)).code == "GOV405"
        assert refused(lambda: place.gov.executions.delete(inner, BOB)).code == "GOV344"
    assert caller.find("after") is None


@pytest.mark.parametrize("outer", CALLS)
def test_a_replay_does_not_begin_behind_a_called_gate(place: Place, outer: str) -> None:
    place.gov.flows.register(f"id: inner\nnamespace: demo\ntasks: [{HUMAN}]", ANN)
    caller = place.start(CALLS[outer], until=State.RUNNING)
    decide(place, Verdict.APPROVE)
    caller = place.wait(caller.id)
    after = caller.find("after")
    assert after is not None
    assert refused(lambda: place.gov.executions.replay(caller.id, BOB, after.id)).code == "GOV405"


def test_a_replay_does_not_begin_behind_a_gate_of_a_round_that_is_over(place: Place) -> None:
    ended = place.start(UNTIL, until=State.PAUSED)
    decide(place, Verdict.APPROVE)
    ended = place.wait(ended.id)
    bad = ended.find("bad")
    assert bad is not None
    assert refused(lambda: place.gov.executions.replay(ended.id, BOB, bad.id)).code == "GOV405"


@pytest.mark.parametrize("held", [HUMAN, CALL])
def test_a_whole_with_a_gate_that_was_not_reached_is_no_success(place: Place, held: str) -> None:
    place.gov.flows.register(f"id: inner\nnamespace: demo\ntasks: [{HUMAN}]", ANN)
    whole = f"{{id: whole, type: io.kestra.plugin.core.flow.Sequential, tasks: [{FAIL}, {held}]}}"
    ended = place.start(f"tasks:\n  - {whole}\n  - {SAY}\n")
    run, bad = ended.find("whole"), ended.find("bad")
    assert run is not None
    assert bad is not None
    assert refused(lambda: place.gov.executions.mark_task(ended.id, run.id, State.SUCCESS, BOB)).code == "GOV405"
    place.gov.executions.mark_task(ended.id, bad.id, State.SUCCESS, BOB)
    assert open_gate(place.gov, "gate").approval.guarded


def test_a_gate_that_could_not_open_is_no_success(place: Place) -> None:
    broken = HUMAN.replace("id: gate", "id: gate, pauseDuration: '{{ nothing }}'")
    ended = place.start(f"tasks:\n  - {broken}\n  - {SAY}\n")
    run = ended.ordered()[0]
    assert ended.state is State.FAILED
    assert refused(lambda: place.gov.executions.mark_task(ended.id, run.id, State.SUCCESS, BOB)).code == "GOV405"


def test_what_was_approved_the_second_time_is_no_longer_rejected(place: Place) -> None:
    ended = place.start(f"tasks:\n  - {HUMAN}\n  - {FAIL}\n", until=State.PAUSED)
    decide(place, Verdict.REJECT)
    place.wait(ended.id)
    place.gov.executions.restart(ended.id, ANN)
    place.wait(ended.id, State.PAUSED)
    decide(place, Verdict.APPROVE)
    place.wait(ended.id, State.FAILED)
    assert place.gov.executions.change_status(ended.id, State.SUCCESS, ANN).state is State.SUCCESS
    assert place.gov.audit.verify(ANN).ok


@pytest.mark.parametrize("people", ["users: ['{{ inputs.who }}']", "groups: '{{ inputs.who }}'"])
def test_a_gate_assigned_to_nobody_is_not_everybodys(place: Place, people: str) -> None:
    gate = HUMAN.replace("groups: [risk]", people)
    flow = f"inputs: [{{id: who, type: STRING, required: false}}]\ntasks:\n  - {gate}\n  - {SAY}\n"
    ended = place.start(flow, {"who": ""})
    assert ended.state is State.FAILED
    assert ended.find("after") is None
