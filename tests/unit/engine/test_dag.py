"""A Dag begins each task once all that it depends on has ended, and nothing more once one has failed."""

from __future__ import annotations

from jupyter_gov.domain.events import Restart
from jupyter_gov.domain.states import State
from jupyter_gov.engine.graph import topology
from tests.unit.engine.play import Play, play

DAG = """\
tasks:
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    {more}
    tasks:
      - task: {{id: d, type: io.kestra.plugin.core.debug.Return}}
        dependsOn: [b, c]
      - task: {{id: a, type: io.kestra.plugin.core.debug.Return}}
      - task: {{id: b, type: io.kestra.plugin.core.debug.Return, disabled: {disabled}}}
        dependsOn: [a]
      - task: {{id: c, type: io.kestra.plugin.core.debug.Return}}
      - task: {{id: e, type: io.kestra.plugin.core.debug.Return}}
        dependsOn: [b]
"""


def dag(more: str = "concurrent: 0", disabled: str = "false") -> Play:
    return play(DAG.format(more=more, disabled=disabled))


def ended(world: Play) -> list[str]:
    runs = [run for run in world.execution.ordered() if run.task_id != "dag" and run.state.is_terminal]
    return [run.task_id for run in sorted(runs, key=lambda run: run.history.moments[-1].at)]


def finish(world: Play, task_id: str, state: State = State.SUCCESS) -> None:
    world.finish_as(world.of(task_id).id, state)


def test_a_task_begins_when_all_that_it_needs_has_ended():
    world = dag()
    assert world.ids() == ["dag", "a", "c"]
    finish(world, "a")
    assert world.ids() == ["dag", "a", "c", "b"]
    finish(world, "b")
    assert world.ids() == ["dag", "a", "c", "b", "e"]
    finish(world, "c")
    assert world.ids()[-1] == "d"
    world.drive()
    assert world.state is State.SUCCESS


def test_concurrent_bounds_what_runs_at_once():
    world = dag("concurrent: 1")
    while world.running:
        assert len(world.running) == 1
        world.finish_as(next(iter(world.running)), State.SUCCESS)
    assert ended(world) == ["a", "b", "c", "d", "e"]
    assert world.state is State.SUCCESS


def test_after_a_failure_nothing_begins_and_errors_runs():
    world = dag("errors: [{id: x, type: io.kestra.plugin.core.debug.Return}]")
    finish(world, "c", State.FAILED)
    finish(world, "a")
    assert world.ids() == ["dag", "a", "c", "x"]
    world.drive()
    assert world.state is State.FAILED


def test_a_restart_begins_what_the_failure_held_back():
    world = dag()
    finish(world, "c", State.FAILED)
    finish(world, "a")
    assert world.state is State.FAILED
    world.send(Restart(by="ann"))
    world.drive()
    assert world.state is State.SUCCESS
    assert sorted(world.states()) == ["a", "b", "c", "d", "dag", "e"]


def test_who_needs_a_disabled_task_needs_what_that_one_needs():
    world = dag(disabled="true")
    finish(world, "c")
    assert world.ids() == ["dag", "a", "c"]
    finish(world, "a")
    assert set(world.ids()) == {"dag", "a", "c", "d", "e"}
    world.drive()
    assert world.state is State.SUCCESS


def test_a_dag_in_a_loop_looks_at_its_own_iteration_only():
    world = play("""\
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2]
    concurrencyLimit: 0
    tasks:
      - id: dag
        type: io.kestra.plugin.core.flow.Dag
        tasks:
          - task: {id: b, type: io.kestra.plugin.core.debug.Return}
            dependsOn: [a]
          - task: {id: a, type: io.kestra.plugin.core.debug.Return}
""")
    world.finish_as(world.of("a", "2").id, State.SUCCESS)
    assert world.execution.find("b", ("2",)) is not None
    assert world.execution.find("b", ("1",)) is None
    assert world.drive().state is State.SUCCESS


def test_the_graph_has_an_edge_for_each_dependency():
    flow = dag(disabled="true").flow
    edges = {(edge.source, edge.target) for edge in topology(flow).edges}
    assert edges == {("dag", "a"), ("dag", "c"), ("a", "d"), ("c", "d"), ("a", "e")}
