"""Loops over values: ForEach, its older forms, and what their tasks see."""

from __future__ import annotations

import time

import pytest

from jupyter_gov.domain.states import State
from jupyter_gov.lang.check import check
from tests.unit.engine.play import REGISTRY, play

FLOW = "io.kestra.plugin.core.flow."
RETURN = "io.kestra.plugin.core.debug.Return"
EACH = """\
tasks:
  - id: each
    type: {type}
    {more}
    tasks:
      - {{id: a, type: io.kestra.plugin.core.debug.Return, format: "{{{{ taskrun.value }}}}"}}
      - {{id: b, type: io.kestra.plugin.core.debug.Return, format: "{{{{ outputs.a[taskrun.value].value }}}}!"}}
  - {{id: end, type: io.kestra.plugin.core.debug.Return}}
"""


def each(kind: str, more: str):
    return play(EACH.format(type=kind, more=more))


@pytest.mark.parametrize("kind", [FLOW + "EachSequential", "io.kestra.core.tasks.flows.EachSequential"])
@pytest.mark.parametrize("value", ["""'["x", "y"]'""", "[x, y]", """'{{ ["x", "y"] }}'"""])
def test_each_sequential_takes_one_value_after_the_other(kind, value):
    world = each(kind, f"value: {value}")
    assert world.ids() == ["each", "a"]
    world.drive()
    assert world.ids() == ["each", "a", "b", "a", "b", "end"]
    assert world.of("b", "y").outputs == {"value": "y!"}
    assert world.state is State.SUCCESS


@pytest.mark.parametrize("kind", [FLOW + "EachParallel", "io.kestra.core.tasks.flows.EachParallel"])
def test_each_parallel_begins_all_tasks_of_all_values(kind):
    world = each(kind, "value: [1, {k: v}]")
    runs = [(run.task_id, run.value, run.iteration) for run in world.execution.ordered()]
    assert runs == [("each", None, None), ("a", "1", 0), ("b", "1", 0), ("a", '{"k":"v"}', 1), ("b", '{"k":"v"}', 1)]


def test_each_parallel_keeps_to_its_limit():
    world = each(FLOW + "EachParallel", "{value: [1, 2, 3], concurrent: 2}"[1:-1].replace(", con", "\n    con"))
    most = 0
    while world.running:
        most = max(most, len(world.running))
        world.finish_as(next(iter(world.running)), State.SUCCESS)
    assert most == 2
    assert world.state is State.SUCCESS
    assert world.ids().count("a") == world.ids().count("b") == 3


def test_older_forms_are_read_with_a_warning():
    text = "id: f\nnamespace: n\n" + EACH.format(type=FLOW + "EachSequential", more="value: [1]")
    found = [(one.code, one.location.line) for one in check(text, REGISTRY).diagnostics]
    assert found == [("GOV160", 5)]


def test_an_empty_list_and_a_null():
    assert each(FLOW + "EachParallel", "value: []").drive().state is State.SUCCESS
    world = each(FLOW + "EachSequential", "value: '[1, null]'")
    assert world.state is State.FAILED
    assert "Found '1' null values on Each, with values=[1, null]" in world.of("each").failure.message


@pytest.mark.parametrize("kind", ["ForEach", "EachSequential", "EachParallel"])
def test_thousands_of_values_cost_no_more_each_than_hundreds(kind):
    key = "values" if kind == "ForEach" else "value"

    def seconds(count: int) -> float:
        world = each(FLOW + kind, f"{key}: {list(range(count))}")
        world.check = lambda: None  # the invariants look at all task runs after each step
        begun = time.process_time()
        world.drive()
        assert world.state is State.SUCCESS
        return (time.process_time() - begun) / count

    few = min(seconds(300) for _ in range(2))
    assert seconds(3_000) < 3 * few
