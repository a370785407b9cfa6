"""Whatever the engine renders of a secret is hidden in the store, and the flow still works or says why not."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.sealed import is_sealed
from jupyter_gov.domain.states import State
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.secrets import from_settings
from tests.bad_input.conftest import contents
from tests.runtime.rig import Rig, run_of

KEY = base64.b64encode(bytes(range(32))).decode()
HUSH = 'Zebra-"12"-3456'
HEAD = "id: f\nnamespace: company.team\ntasks:\n"
CHILD = """\
id: child
namespace: company.team
inputs:
  - %s
tasks:
  - id: size
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.tok | length }} {{ inputs.tok }}"
"""
CALL = """\
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: child
    inputs: %s
"""
HANDED_ON = """{tok: "{{ secret('TOK') }}"}"""


def _loop(rig: Rig, *, key: str = KEY, hush: str = HUSH) -> None:
    encoded = base64.b64encode(hush.encode()).decode()
    rig.loop(settings={"encryption.key": key}, secrets=from_settings({"SECRET_TOK": encoded}, {}))


def _run(rig: Rig, tasks: str) -> Execution:
    return rig.wait(rig.start(HEAD + tasks))


def _assert_hidden(rig: Rig, text: str = "Zebra-") -> None:
    assert text not in repr(contents(rig.folder / "store.db"))


def _message(ended: Execution, task_id: str) -> str:
    failure = run_of(ended, task_id).failure
    assert failure is not None
    return f"{failure.code} {failure.message} {failure.details}"


def test_a_secret_that_is_handed_to_a_subflow_is_sealed_there(rig: Rig) -> None:
    _loop(rig)
    rig.register(CHILD % "{id: tok, type: SECRET}")
    ended = _run(rig, CALL % HANDED_ON)
    assert ended.state is State.SUCCESS, ended.failure
    child = rig.get((run_of(ended, "call").outputs or {})["executionId"])
    assert is_sealed(child.inputs["tok"])
    assert run_of(child, "size").outputs == {"value": "15 ********"}
    _assert_hidden(rig)


@pytest.mark.parametrize("declared", ["{id: tok, type: STRING}", "{id: creds.tok, type: SECRET}"])
def test_a_secret_is_sealed_whatever_the_input_of_the_subflow_is_called(rig: Rig, declared: str) -> None:
    _loop(rig)
    name = declared[5 : declared.index(",")]
    rig.register((CHILD % declared).replace("inputs.tok", f"inputs.{name}"))
    ended = _run(rig, CALL % HANDED_ON.replace("tok", name, 1))
    assert ended.state is State.SUCCESS, ended.failure
    child = rig.get((run_of(ended, "call").outputs or {})["executionId"])
    assert run_of(child, "size").outputs == {"value": "15 ********"}
    _assert_hidden(rig)


def test_without_a_key_the_subflow_task_fails_and_says_so(rig: Rig) -> None:
    _loop(rig, key="")
    rig.register(CHILD % "{id: tok, type: SECRET}")
    ended = _run(rig, CALL % HANDED_ON)
    assert run_of(ended, "call").state is State.FAILED
    assert _message(ended, "call").startswith("GOV210")
    _assert_hidden(rig)


@pytest.mark.parametrize("declared", ["{id: tok, type: JSON}", "{id: tok, type: INT}", "{id: tok, type: DATE}"])
def test_a_secret_where_none_can_be_sealed_fails_the_call_without_showing_it(rig: Rig, declared: str) -> None:
    # Longer than what an error text shows of a value: half a secret is a secret as well.
    long = "Zebra-" + "1234567890" * 40
    _loop(rig, hush=long)
    rig.register(CHILD % declared)
    ended = _run(rig, CALL % """{tok: "{{ {'k': secret('TOK')} | toJson }}"}""")
    assert run_of(ended, "call").state is State.FAILED
    assert "`tok`" in _message(ended, "call")
    _assert_hidden(rig)


def test_a_file_that_is_handed_to_a_subflow_keeps_its_name(rig: Rig) -> None:
    _loop(rig)
    (rig.folder / "Q3 data.csv").write_text("a,b")
    rig.register(CHILD.replace("{{ inputs.tok | length }} ", "") % "{id: tok, type: FILE}")
    tasks = "  - id: put\n    type: probe.Tell\n    secret: TOK\n"
    ended = _run(rig, tasks + CALL % '{tok: "{{ outputs.put.uri }}"}')
    child = rig.get((run_of(ended, "call").outputs or {})["executionId"])
    assert child.inputs["tok"].endswith("/a%20file.txt")
    assert child.inputs["tok"].startswith(f"kestra:///company/team/child/executions/{child.id}/inputs/tok/")
    other = rig.wait(rig.start(HEAD.replace("id: f", "id: g") + CALL % '{tok: "Q3 data.csv"}'))
    child = rig.get((run_of(other, "call").outputs or {})["executionId"])
    assert child.inputs["tok"].endswith("/Q3%20data.csv")


def test_the_texts_of_a_gate_are_masked_and_it_can_be_decided(rig: Rig) -> None:
    _loop(rig)
    execution_id = rig.start(
        HEAD
        + "  - id: gate\n    type: io.kestra.plugin.core.flow.Pause\n"
        + """    description: "tok {{ secret('TOK') }}"\n"""
    )
    rig.wait(execution_id, State.PAUSED)
    with rig.store.read() as tx:
        (gate,) = rig.store.approvals.list(tx, execution_id=execution_id)
    assert gate.description == "tok ********"
    assert gate.subject["gate"]["description"] == "tok ********"
    _assert_hidden(rig)
    rig.decide(execution_id)
    assert rig.wait(execution_id).state is State.SUCCESS
    _assert_hidden(rig)


def test_labels_are_masked(rig: Rig) -> None:
    _loop(rig)
    rig.register("id: child\nnamespace: company.team\ntasks:\n  - {id: a, type: io.kestra.plugin.core.debug.Return}\n")
    ended = _run(
        rig,
        "  - id: mark\n    type: io.kestra.plugin.core.execution.Labels\n"
        """    labels: {tok: "x-{{ secret('TOK') }}"}\n"""
        + CALL % "{}"
        + """    labels: {mine: "y-{{ secret('TOK') }}"}\n""",
    )
    assert ended.state is State.SUCCESS, ended.failure
    assert {label.key: label.value for label in ended.labels}["tok"] == "x-********"
    child = rig.get((run_of(ended, "call").outputs or {})["executionId"])
    assert {label.key: label.value for label in child.labels}["mine"] == "y-********"
    _assert_hidden(rig)


def test_the_value_of_a_switch_is_masked_after_it_has_chosen(rig: Rig) -> None:
    _loop(rig, hush="Zebra-blue")
    return_ = "[{id: %s, type: io.kestra.plugin.core.debug.Return}]"
    ended = _run(
        rig,
        "  - id: by\n    type: io.kestra.plugin.core.flow.Switch\n"
        """    value: "{{ secret('TOK') }}-{{ 'x' }}"\n"""
        f"    cases: {{other: {return_ % 'a'}}}\n    defaults: {return_ % 'b'}\n"
        "  - id: after\n    type: io.kestra.plugin.core.debug.Return\n"
        '    format: "{{ outputs.by.value }} {{ outputs.by.defaults }}"\n',
    )
    assert ended.state is State.SUCCESS, ended.failure
    assert run_of(ended, "by").outputs == {"value": "********-x", "defaults": True}
    assert run_of(ended, "after").outputs == {"value": "********-x true"}
    _assert_hidden(rig)


@pytest.mark.parametrize(
    "task",
    [
        """{type: io.kestra.plugin.core.flow.Switch, value: "{{ secret('TOK') }}", cases: {a: [{id: z, type: %s}]}}""",
        """{type: io.kestra.plugin.core.flow.If, condition: "{{ secret('TOK') | number }}", then: [{id: z, type: %s}]}""",
        """{type: io.kestra.plugin.core.flow.ForEach, values: "{{ secret('TOK') }}", tasks: [{id: z, type: %s}]}""",
        """{type: io.kestra.plugin.core.flow.Pause, pauseDuration: "{{ secret('TOK') }}"}""",
        """{type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: "{{ secret('TOK') }}"}""",
        """{type: io.kestra.plugin.core.debug.Return, runIf: "{{ secret('TOK') | number }}"}""",
    ],
    ids=["switch", "if", "foreach", "pause", "subflow", "runIf"],
)
def test_an_error_of_the_engine_shows_no_secret(rig: Rig, task: str) -> None:
    _loop(rig)
    ended = _run(rig, f"  - {task.replace('%s', 'io.kestra.plugin.core.debug.Return').replace('{', '{id: t, ', 1)}\n")
    assert ended.state is State.FAILED
    assert run_of(ended, "t").failure is not None
    _assert_hidden(rig)


@pytest.mark.parametrize(
    "values",
    [
        """["{{ secret('TOK') }}", b]""",
        """"{{ [secret('TOK'), 'b'] | toJson }}" """,
        """[{k: "{{ secret('TOK') }}"}]""",
    ],
)
def test_a_loop_over_secrets_is_refused_before_anything_of_it_is_stored(rig: Rig, values: str) -> None:
    _loop(rig)
    ended = _run(
        rig,
        f"  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n    values: {values}\n"
        "    tasks: [{id: say, type: io.kestra.plugin.core.debug.Return}]\n",
    )
    assert run_of(ended, "each").state is State.FAILED
    assert "GOV321" in _message(ended, "each")
    assert "secret" in _message(ended, "each")
    assert ended.find("say", ("b",)) is None
    _assert_hidden(rig)


def test_a_loop_over_names_of_secrets_works(rig: Rig) -> None:
    _loop(rig, hush="TOK")
    ended = _run(
        rig,
        "  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n    values: [TOK]\n"
        "    tasks:\n      - id: say\n        type: io.kestra.plugin.core.debug.Return\n"
        '        format: "{{ secret(taskrun.value) | length }}"\n',
    )
    assert ended.state is State.SUCCESS, ended.failure
    assert run_of(ended, "say", "TOK").outputs == {"value": "3"}


def test_what_is_masked_of_a_secret_of_several_lines_is_no_punctuation() -> None:
    masks = Masks()
    masks.add('{\n  "key": "abc"\n}\n')
    assert masks.apply('{"a": 1} "key": "abc"') == '{"a": 1} ********'


def test_a_secret_is_found_inside_of_json_text() -> None:
    masks = Masks()
    masks.add('pa"ss\\wörd')
    assert masks.apply(r'{"k": "pa\"ss\\w\u00f6rd", "l": "pa\"ss\\wörd"}') == '{"k": "********", "l": "********"}'
    assert masks.finds({"a": [1, ('x pa"ss\\wörd',)]})
    assert not masks.finds({"a": [1, None, True, ("x",)]})


def test_what_a_task_measures_holds_no_secret(rig: Rig, tmp_path: Path) -> None:
    _loop(rig)
    ended = _run(rig, "  - {id: t, type: probe.Tag, secret: TOK}\n")
    with rig.store.read() as tx:
        (found,) = rig.store.metrics.list(tx, ended.id)
    assert found.metric.tags == {"who": "********"}
    _assert_hidden(rig)
