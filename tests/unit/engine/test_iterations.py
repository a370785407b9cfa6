"""The Loop of Kestra 2: isolated iterations, what they see, what they hand out, and what becomes of a failure."""

from __future__ import annotations

import time

import pytest

from jupyter_gov.domain.events import Kill, Restart
from jupyter_gov.domain.states import State
from jupyter_gov.engine.graph import mermaid, states_by_task, topology
from jupyter_gov.errors import GovError
from jupyter_gov.lang.check import check
from tests.unit.engine.play import REGISTRY, play

LOOP = """\
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: [a, b, a]
    outputs:
      - {id: said, type: STRING, value: "{{ outputs.two.value }}"}
    tasks:
      - {id: one, type: io.kestra.plugin.core.debug.Return, format: "{{ item.index }}{{ item.value }}"}
      - {id: two, type: io.kestra.plugin.core.debug.Return, format: "<{{ outputs.one.value }}>"}
  - {id: end, type: io.kestra.plugin.core.debug.Return, format: "{{ loopOutputs(outputs.loop.outputs, 'said') }}"}
"""


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def with_values(values: str, *more: tuple[str, str]) -> str:
    return changed(LOOP, ("values: [a, b, a]", f"values: {values}"), *more)


def test_every_value_is_an_iteration_of_its_own_also_one_that_was_there_before():
    world = play(LOOP).drive()
    assert world.ids() == ["loop", *["loop", "one", "two"] * 3, "end"]
    assert world.of("end").outputs == {"value": '["<0a>","<1b>","<2a>"]'}
    assert world.of("loop").outputs == {
        "iterationCount": 3,
        "terminatedIterations": {"SUCCESS": 3},
        "outputs": [
            {"item": {"value": value, "index": n, "iteration": n}, "outputs": {"said": f"<{n}{value}>"}}
            for n, value in enumerate("aba")
        ],
    }
    assert world.state is State.SUCCESS


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ("'{{ [1, 2] }}'", ["<01>", "<12>"]),
        ("[1, {k: v}]", ["<01>", '<1{"k":"v"}>']),
        ("'[1, true]'", ["<01>", "<1true>"]),
        ("'{{ range(5, 6) }}'", ["<05>", "<16>"]),
        ("[]", []),
    ],
)
def test_values_are_texts(values, seen):
    world = play(with_values(values)).drive()
    assert [one["outputs"]["said"] for one in world.of("loop").outputs["outputs"]] == seen
    assert world.of("loop").outputs["iterationCount"] == len(seen)


@pytest.mark.parametrize("values", ["{dev: d.example, prod: 2}", """'{"dev": "d.example", "prod": 2}'"""])
def test_a_map_gives_keys(values):
    world = play(with_values(values, ("{{ item.index }}", "{{ item.key }}="))).drive()
    assert [one["outputs"]["said"] for one in world.of("loop").outputs["outputs"]] == ["<dev=d.example>", "<prod=2>"]
    assert world.of("loop").outputs["outputs"][1]["item"] == {"value": "2", "index": 1, "iteration": 1, "key": "prod"}


@pytest.mark.parametrize("values", ["text", "'[1, null]'", "'{{ 1 }}'", "'{{ missing }}'"])
def test_other_values_fail_the_loop(values):
    world = play(with_values(values)).drive()
    failure = world.of("loop").failure
    assert world.state is State.FAILED
    assert failure.code in {"GOV323", "GOV151"}
    assert world.ids() == ["loop"]


def test_nothing_outside_sees_what_is_inside():
    world = play(changed(LOOP, ("{{ loopOutputs(outputs.loop.outputs, 'said') }}", "{{ outputs }}"))).drive()
    assert '"one"' not in world.of("end").outputs["value"]
    world = play(changed(LOOP, ("{{ loopOutputs(outputs.loop.outputs, 'said') }}", "x"))).drive()
    for text in ("{{ outputs.one.value }}", "{{ outputs.one['0'].value }}", "{{ item.value }}"):
        with pytest.raises(GovError, match="Unable to find"):
            world.render(text, world.of("end"))


NESTED = """\
tasks:
  - {id: before, type: io.kestra.plugin.core.debug.Return}
  - id: outer
    type: io.kestra.plugin.core.flow.Loop
    values: [x, y]
    outputs:
      - {id: all, value: "{{ loopOutputs(outputs.inner.outputs, 'row') }}"}
    tasks:
      - {id: o, type: io.kestra.plugin.core.debug.Return, format: "{{ item.value }}"}
      - id: inner
        type: io.kestra.plugin.core.flow.Loop
        values: {k: 1, l: 2}
        concurrencyLimit: 0
        outputs:
          - {id: row, value: "{{ outputs.deep.value }}"}
        tasks:
          - id: if
            type: io.kestra.plugin.core.flow.If
            condition: "{{ item.key == 'k' or item.parent.index == 1 }}"
            then:
              - id: deep
                type: io.kestra.plugin.core.debug.Return
                format: "{{ outputs.before.value }} {{ item.parent.value }}{{ item.parents[0].index }} {{ item.key }}"
            else:
              - {id: deep2, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.o.value }}"}
"""


def test_a_loop_in_a_loop_knows_the_items_around_it():
    world = play(NESTED.replace("outputs.deep.value }}", "outputs.deep.value ?? outputs.deep2.value }}")).drive()
    assert world.state is State.SUCCESS
    rows = [one["outputs"]["all"] for one in world.of("outer").outputs["outputs"]]
    assert rows == ['["before x0 k","x"]', '["before y1 k","before y1 l"]']


FAILING = """\
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: [good, bad, ugly]
    tasks:
      - id: if
        type: io.kestra.plugin.core.flow.If
        condition: "{{ item.value == 'bad' }}"
        then: [{id: fails, type: io.kestra.plugin.core.debug.Return}]
        else: [{id: works, type: io.kestra.plugin.core.debug.Return, format: "{{ item.value }}"}]
    errors:
      - {id: sorry, type: io.kestra.plugin.core.debug.Return, format: "{{ item.value }}"}
    finally:
      - {id: last, type: io.kestra.plugin.core.debug.Return, format: "{{ item.value }}"}
"""
BAD = {"fails": State.FAILED}


def test_a_failure_ends_the_loop_after_the_branches_of_its_own_iteration():
    world = play(FAILING).drive(BAD)
    names = ["loop", "loop", "if", "works", "last", "loop", "if", "fails", "sorry", "last"]
    assert world.ids() == names
    assert world.of("sorry", "1").outputs == {"value": "bad"}
    assert world.of("last", "0").outputs == {"value": "good"}
    assert world.of("loop").outputs["terminatedIterations"] == {"SUCCESS": 1, "FAILED": 1}
    assert world.state is State.FAILED


def test_without_transmit_failed_all_values_run_and_the_loop_succeeds():
    world = play(changed(FAILING, ("values:", "transmitFailed: false\n    values:"))).drive(BAD)
    assert world.of("loop").outputs["terminatedIterations"] == {"SUCCESS": 2, "FAILED": 1}
    assert world.of("loop", "1").state is State.FAILED
    assert world.of("works", "2").outputs == {"value": "ugly"}
    assert world.of("loop").state is world.state is State.SUCCESS
    assert states_by_task(world.execution)["loop"] is State.SUCCESS


@pytest.mark.parametrize(("more", "state"), [("allowFailure: true", "WARNING"), ("runIf: 'false'", "SUCCESS")])
def test_what_all_tasks_have_is_said_of_the_loop_as_a_whole(more, state):
    world = play(changed(FAILING, ("values:", f"{more}\n    values:"))).drive(BAD)
    assert str(world.state) == state
    if more.startswith("allow"):
        assert world.of("loop").state is State.WARNING
        assert world.of("loop", "1").state is State.FAILED
        assert world.execution.find("loop", ("2",)) is None
    else:
        assert world.ids() == ["loop"]


def test_a_restart_goes_on_inside_the_failed_iteration():
    world = play(FAILING).drive(BAD)
    kept = world.of("works", "0")
    world.send(Restart(by="ann"))
    world.drive()
    assert world.state is State.SUCCESS
    assert world.of("works", "0") == kept
    assert len(world.of("fails", "1").attempts) == 2
    assert world.of("works", "2").outputs == {"value": "ugly"}
    assert world.of("loop").outputs["terminatedIterations"] == {"SUCCESS": 3}


def test_an_output_that_cannot_be_rendered_fails_its_iteration():
    world = play(changed(LOOP, ("{{ outputs.two.value }}", "{{ outputs.two.nothing }}"))).drive()
    assert world.state is State.FAILED
    assert world.of("loop", "0").failure.code == "GOV151"
    world.send(Restart(by="ann"))
    assert world.ids().count("one") == 1  # anew: what decides again begins at its beginning
    assert world.drive().state is State.FAILED


@pytest.mark.parametrize(("limit", "most"), [("0", 4), ("1", 1), ("3", 3)])
def test_no_more_iterations_at_once_than_the_limit(limit, most):
    world = play(with_values(f"[1, 2, 3, 4]\n    concurrencyLimit: {limit}"))
    found = 0
    while world.running:
        found = max(found, len(world.running))
        world.finish_as(next(iter(world.running)), State.SUCCESS)
    assert found == most
    assert world.state is State.SUCCESS


def test_a_gate_pauses_its_iteration_and_a_kill_ends_all():
    text = """\
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: [1, 2]
    concurrencyLimit: 0
    tasks:
      - {id: gate, type: io.kestra.plugin.core.flow.Pause}
"""
    world = play(text)
    assert world.state is State.PAUSED
    assert len(world.open_approvals()) == 2
    world.decide(world.open_approvals()[0], "APPROVED")
    assert world.state is State.PAUSED
    world.send(Kill(by="ann"))
    assert world.state is State.KILLED
    assert not world.open_approvals()
    assert {str(run.state) for run in world.execution.ordered()} == {"SUCCESS", "KILLED"}


def test_a_for_each_inside_sees_its_own_values_only():
    text = """\
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: [1, 2]
    outputs:
      - {id: both, value: "{{ outputs.a.x.value }}{{ outputs.a.y.value }}"}
    tasks:
      - id: each
        type: io.kestra.plugin.core.flow.ForEach
        values: [x, y]
        tasks:
          - {id: a, type: io.kestra.plugin.core.debug.Return, format: "{{ item.value }}{{ taskrun.value }}"}
          - id: b
            type: io.kestra.plugin.core.debug.Return
            format: "{{ outputs.a[taskrun.value].value }}{{ currentEachOutput(outputs.a).value }}"
"""
    world = play(text).drive()
    assert [one["outputs"]["both"] for one in world.of("loop").outputs["outputs"]] == ["1x1y", "2x2y"]
    assert world.of("b", "1", "y").outputs == {"value": "2y2y"}


def test_the_graph_shows_the_loop_once():
    world = play(LOOP).drive()
    found = topology(world.flow)
    assert [node.id for node in found.nodes] == ["loop", "one", "two", "end"]
    assert "✔" in mermaid(world.flow, world.execution) or "loop" in mermaid(world.flow, world.execution)


def test_what_is_wrong_with_a_loop_is_said_at_its_place():
    text = "id: f\nnamespace: n\n" + changed(
        LOOP, ("values: [a, b, a]", "concurrencyLimit: -1"), ("id: said", "id: said, nothing: 1")
    )
    found = {(one.code, one.location.line) for one in check(text, REGISTRY).errors}
    assert found == {("GOV113", 4), ("GOV120", 6), ("GOV112", 8)}


def test_thousands_of_values_cost_no_more_each_than_hundreds():
    def seconds(count: int) -> float:
        world = play(with_values(str(list(range(count)))))
        world.check = lambda: None  # the invariants look at all task runs after each step
        begun = time.process_time()
        world.drive()
        assert world.state is State.SUCCESS
        return (time.process_time() - begun) / count

    few = min(seconds(300) for _ in range(2))
    assert seconds(3_000) < 3 * few


def test_the_output_of_a_sibling_is_found_inside_of_a_branch_too():
    text = """\
id: f
namespace: n
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [x, y]
    tasks:
      - {id: a, type: io.kestra.plugin.core.debug.Return, format: "{{ taskrun.value }}"}
      - id: if
        type: io.kestra.plugin.core.flow.If
        condition: "{{ true }}"
        then:
          - {id: b, type: io.kestra.plugin.core.debug.Return, format: "{{ currentEachOutput(outputs.a).value }}"}
"""
    world = play(text).drive()
    assert [run.outputs["value"] for run in world.execution.ordered() if run.task_id == "b"] == ["x", "y"]
