"""Tasks that change the course of their own execution: variables, an early end, a task from a template."""

from __future__ import annotations

import base64

import pytest

from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.sealed import MASK
from jupyter_gov.domain.states import State
from jupyter_gov.service.api import StartRequest
from tests.unit.service.place import ANN, Place, refused

SET = "{id: set%s, type: io.kestra.plugin.core.execution.SetVariables, variables: {%s}%s}"
UNSET = "{id: unset, type: io.kestra.plugin.core.execution.UnsetVariables, variables: [%s]%s}"
SAY = "{id: say%s, type: io.kestra.plugin.core.debug.Return, format: '%s'}"
EXIT = "{id: exit, type: io.kestra.plugin.core.execution.Exit, state: %s}"
NAP = "{id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: %s}"


def tasks(*items: str) -> str:
    return "variables: {a: 1, b: two}\ntasks:\n" + "".join(f"  - {item}\n" for item in items)


def test_variables_are_set_for_what_follows_and_the_flow_stays(place: Place) -> None:
    text = tasks(SAY % (1, "{{ vars.a }}"), SET % ("", "a: 2, c: {d: [x]}", ""), SAY % (2, "{{ vars }}"))
    for _ in range(2):
        ended = place.start(text)
        first, _, last = (run.outputs or {} for run in ended.ordered())
        assert first["value"] == "1"
        assert last["value"] == '{"a":2,"b":"two","c":{"d":["x"]}}'
    assert place.gov.audit.verify(ANN).ok


def test_variables_go_also_those_of_the_flow(place: Place) -> None:
    ended = place.start(tasks(UNSET % ("a", ""), SAY % ("", "{{ vars }}")))
    assert (ended.ordered()[1].outputs or {})["value"] == '{"b":"two"}'


@pytest.mark.parametrize(
    ("task", "named"),
    [
        (SET % ("", "a: 2", ", overwrite: false"), "a"),
        (UNSET % ("nothing", ""), "nothing"),
    ],
)
def test_a_variable_that_may_not_be_changed_is_named(place: Place, task: str, named: str) -> None:
    ended = place.start(tasks(task))
    assert ended.state is State.FAILED
    assert ended.failure is not None
    assert (ended.failure.code, named in ended.failure.message) == ("GOV887", True)
    assert not ended.variables


def test_one_that_is_missing_may_be_ignored(place: Place) -> None:
    assert place.start(tasks(UNSET % ("nothing", ", ignoreMissing: true"))).state is State.SUCCESS


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", base64.b64encode(b"xyzzyc").decode())


@pytest.mark.usefixtures("token")  # before the loop reads the environment
def test_no_secret_is_kept_in_a_variable(place: Place) -> None:
    ended = place.start(tasks(SET % ("", "c: \"{{ secret('TOKEN') }}!\"", ""), SAY % ("", "{{ vars.c }}")))
    assert ended.variables["c"] == f"{MASK}!"
    assert b"xyzzyc" not in (place.folder / "gov.db").read_bytes()


def test_variables_of_branches_that_end_together_are_all_kept(place: Place) -> None:
    both = f"{{id: p, type: io.kestra.plugin.core.flow.Parallel, tasks: [{SET % (1, 'x: 1', '')}, {SET % (2, 'y: 2', '')}]}}"
    ended = place.start(tasks(both, SAY % ("", "{{ vars.x }}{{ vars.y }}")))
    assert (ended.ordered()[-1].outputs or {})["value"] == "12"


@pytest.mark.parametrize("state", ["SUCCESS", "WARNING", "FAILED", "CANCELED", "KILLED"])
def test_an_exit_ends_the_execution_in_its_state_and_nothing_more_begins(place: Place, state: str) -> None:
    inner = f"{{id: seq, type: io.kestra.plugin.core.flow.Sequential, tasks: [{EXIT % state}, {SAY % (1, 'x')}]}}"
    side = "errors: [{id: e, type: io.kestra.plugin.core.debug.Return}]\n"
    after = "afterExecution: [{id: last, type: io.kestra.plugin.core.debug.Return}]\n"
    ended = place.start(tasks(inner, SAY % (2, "y")) + side + after)
    wanted = State("CANCELLED" if state == "CANCELED" else state)
    assert ended.state is wanted
    place.gov.settle(30)
    ended = place.gov.executions.get(ended.id, ANN)
    assert [run.task_id for run in ended.ordered()] == ["seq", "exit", "last"]
    assert ended.ordered()[0].state is wanted
    assert place.gov.audit.verify(ANN).ok


def beside(state: str, other: str) -> str:
    return tasks(f"{{id: p, type: io.kestra.plugin.core.flow.Parallel, tasks: [{other}, {EXIT % state}]}}")


def test_what_runs_beside_an_exit_comes_to_its_end(place: Place) -> None:
    ended = place.start(beside("SUCCESS", NAP % "PT0.3S"))
    nap = ended.find("nap")
    assert ended.state is State.SUCCESS
    assert nap is not None
    assert nap.state in {State.SUCCESS, State.KILLED}  # killed if it had not begun


def test_what_runs_beside_an_exit_with_killed_is_stopped(place: Place) -> None:
    ended = place.start(beside("KILLED", NAP % "PT600S"))
    assert ended.state is State.KILLED
    assert all(run.state in {State.KILLED, State.SUCCESS} for run in ended.ordered())


def test_a_gate_beside_an_exit_is_withdrawn_and_not_passed(place: Place) -> None:
    ended = place.start(beside("SUCCESS", "{id: gate, type: io.kestra.plugin.core.flow.Pause}"))
    assert ended.state is State.SUCCESS
    gates = place.gov.approvals.list(ANN, status=None, execution_id=ended.id)
    assert [one.approval.status for one in gates] in ([ApprovalStatus.WITHDRAWN], [])
    gate = ended.find("gate")
    assert gate is None or gate.state is State.KILLED


def templated(spec: str) -> str:
    lines = "".join(f"      {line}\n" for line in spec.splitlines())
    return f"tasks:\n  - id: t\n    type: io.kestra.plugin.core.templating.TemplatedTask\n    spec: |\n{lines}"


def test_a_task_from_a_template_runs_in_its_place(place: Place) -> None:
    text = templated("id: inner\ntype: io.kestra.plugin.core.debug.Return\nformat: '{{ flow.id }} {{ 1 + 1 }}'")
    ended = place.start(text)
    assert (ended.ordered()[0].outputs or {})["value"] == "played 2"


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("type: io.kestra.plugin.core.flow.Sequential\ntasks: []", "GOV887"),
        ("type: io.kestra.plugin.core.templating.TemplatedTask\nspec: x", "GOV887"),
        ("just text", "GOV887"),
        ("format: x", "GOV887"),
        ("a: [", "GOV887"),
        ("type: io.kestra.plugin.core.debug.Nothing", "GOV901"),
        ("type: io.kestra.plugin.core.log.Log\nmessage: x\nlevel: LOUD", "GOV801"),
    ],
)
def test_what_is_no_task_fails_and_says_why(place: Place, spec: str, code: str) -> None:
    ended = place.start(templated(spec))
    assert ended.state is State.FAILED
    assert ended.failure is not None
    assert ended.failure.code == code


def test_a_label_that_is_no_text_is_refused_to_people_and_written_out_for_programs(place: Place) -> None:
    text = "tasks: [{id: say, type: io.kestra.plugin.core.log.Log, message: hi}]\n"
    place.start(text)
    request = StartRequest("demo", "played", labels={"team": "\ud800"})
    assert refused(lambda: place.gov.executions.start(request, ANN)).code == "GOV346"
    half = '{{ json("\\"\\\\ud800\\"") }}'
    place.gov.flows.register(f"id: inner\nnamespace: demo\n{text}", ANN)
    ended = place.start(f"""\
tasks:
  - id: mark
    type: io.kestra.plugin.core.execution.Labels
    labels: {{team: '{half}'}}
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: demo
    flowId: inner
    labels: {{team: '{half}'}}
""")
    assert ended.state is State.SUCCESS, ended.failure
    assert {label.key: label.value for label in ended.labels}["team"] == "\\ud800"
    inner = place.gov.executions.get((ended.ordered()[1].outputs or {})["executionId"], ANN)
    assert {label.key: label.value for label in inner.labels}["team"] == "\\ud800"
    assert place.gov.audit.verify(ANN).ok
