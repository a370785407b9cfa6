"""errors, finally and afterExecution, at the flow and at every flowable."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.commands import FreeSlot
from jupyter_gov.domain.events import Kill, Restart, SubflowEnded, SubflowStarted
from jupyter_gov.domain.states import State
from jupyter_gov.engine.flowables.sequential import Sequential
from jupyter_gov.engine.flowables.subflow import Subflow
from jupyter_gov.engine.graph import topology
from jupyter_gov.engine.restart import check_restart
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.check import check
from jupyter_gov.lang.models.flow import TaskDef
from jupyter_gov.plugins.registry import Registry
from tests.property.world import World, make_flow
from tests.unit.engine.play import Play, play

R = "type: io.kestra.plugin.core.debug.Return"
AFTER = f"""\
tasks:
  - {{id: work, {R}}}
  - {{id: more, {R}}}
errors:
  - {{id: clean, {R}}}
finally:
  - {{id: always, {R}}}
afterExecution:
  - {{id: tell, {R}, format: "{{{{ execution.state }}}}"}}
  - {{id: page, {R}, runIf: "{{{{ execution.state == 'FAILED' }}}}"}}
"""
BRANCHES = {
    "Sequential": "tasks: [{id: bad, %s}, {id: next, %s}]",
    "AllowFailure": "tasks: [{id: bad, %s}, {id: next, %s}]",
    "Parallel": "concurrent: 1\n    tasks: [{id: bad, %s}, {id: next, %s}]",
    "Dag": "tasks: [{task: {id: bad, %s}}, {task: {id: next, %s}, dependsOn: [bad]}]",
    "If": "condition: 'true'\n    then: [{id: bad, %s}, {id: next, %s}]",
    "Switch": "value: a\n    cases: {a: [{id: bad, %s}, {id: next, %s}]}",
    "ForEach": "values: [1, 2]\n    tasks: [{id: bad, %s}, {id: next, %s}]",
    "EachSequential": "value: [1, 2]\n    tasks: [{id: bad, %s}, {id: next, %s}]",
    "EachParallel": "value: [1, 2]\n    concurrent: 1\n    tasks: [{id: bad, %s}, {id: next, %s}]",
    "LoopUntil": "condition: 'true'\n    tasks: [{id: bad, %s}, {id: next, %s}]",
}


def nested(kind: str) -> Play:
    inner = BRANCHES[kind] % (R, R)
    return play(f"""\
tasks:
  - id: group
    type: io.kestra.plugin.core.flow.{kind}
    {inner}
    errors: [{{id: e1, {R}}}, {{id: e2, {R}}}]
    finally: [{{id: f1, {R}}}]
  - {{id: after, {R}}}
errors: [{{id: flow-e, {R}}}]
finally: [{{id: flow-f, {R}}}]
""")


@pytest.mark.parametrize("kind", BRANCHES)
def test_a_failure_runs_the_inner_branches_then_the_outer_ones(kind):
    world = nested(kind).drive({"bad": State.FAILED})
    if kind == "AllowFailure":
        assert world.ids() == ["group", "bad", "e1", "e2", "f1", "after", "flow-f"]
        assert world.states()["group"] == "WARNING"
        assert world.state is State.WARNING
        return
    assert world.ids() == ["group", "bad", "e1", "e2", "f1", "flow-e", "flow-f"]
    assert world.states()["group"] == "FAILED"
    assert world.state is State.FAILED


@pytest.mark.parametrize("kind", BRANCHES)
def test_without_a_failure_only_finally_runs(kind):
    world = nested(kind).drive()
    assert world.state is State.SUCCESS
    assert {"e1", "e2", "flow-e"}.isdisjoint(world.ids())
    assert world.ids()[-3:] == ["f1", "after", "flow-f"]


@pytest.mark.parametrize("kind", BRANCHES)
def test_a_failure_in_finally_fails_without_errors(kind):
    world = nested(kind).drive({"f1": State.FAILED})
    assert world.states()["group"] == ("WARNING" if kind == "AllowFailure" else "FAILED")
    assert {"e1", "e2"}.isdisjoint(world.ids())


def test_a_failure_in_errors_ends_the_branch_and_finally_still_runs():
    world = nested("Sequential").drive({"bad": State.FAILED, "e1": State.FAILED})
    assert world.ids() == ["group", "bad", "e1", "f1", "flow-e", "flow-f"]
    assert world.state is State.FAILED


def test_a_kill_runs_no_branch():
    world = nested("Sequential")
    world.send(Kill(by="ann"))
    world.drive()
    assert world.ids() == ["group", "bad"]
    assert world.state is State.KILLED


# --- what a failure holds back, and a restart lets go on ---------------------------------------------------------


@pytest.mark.parametrize("errors", ["", f"\n    errors: [{{id: e, {R}}}]"])
def test_several_iterations_stop_at_a_failure_and_go_on_after_a_restart(errors):
    world = play(f"""\
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2, 3, 4]
    concurrencyLimit: 2
    tasks: [{{id: a, {R}}}, {{id: b, {R}}}]{errors}
""")
    world.finish_as(world.of("a", "1").id, State.FAILED)
    world.finish_as(world.of("a", "2").id, State.SUCCESS)
    assert world.execution.find("b", ("2",)) is None
    world.drive()
    assert world.state is State.FAILED
    world.send(Restart(by="ann"))
    assert len(world.running) == 2
    world.drive()
    assert world.state is State.SUCCESS
    assert world.ids().count("a") == world.ids().count("b") == 4


@pytest.mark.parametrize(
    ("kind", "key"), [("Parallel", ""), ("EachParallel", "value: [1]\n    "), ("Dag", "")], ids=lambda one: one
)
def test_places_are_filled_again_after_a_restart(kind, key):
    task = "{{task: {{id: {}, {}}}}}" if kind == "Dag" else "{{id: {}, {}}}"
    tasks = ", ".join(task.format(name, R) for name in "abcde")
    world = play(f"tasks:\n  - id: par\n    type: io.kestra.plugin.core.flow.{kind}\n    {key}concurrent: 2\n"
                 f"    tasks: [{tasks}]\n")  # fmt: skip
    first, second = list(world.running)
    world.finish_as(first, State.FAILED)
    world.finish_as(second, State.SUCCESS)
    assert world.state is State.FAILED
    world.send(Restart(by="ann"))
    assert len(world.running) == 2
    assert world.drive().state is State.SUCCESS
    assert set("abcde") < set(world.ids())


# --- afterExecution -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "state", "page"),
    [({}, "SUCCESS", "SKIPPED"), ({"work": State.FAILED}, "FAILED", "SUCCESS"), ({"more": State.WARNING}, "WARNING", "SKIPPED")],
)  # fmt: skip
def test_after_execution_sees_the_end_and_cannot_change_it(ends, state, page):
    world = play(AFTER).drive(ends)
    assert world.state == state
    assert world.of("tell").outputs == {"value": state}
    assert world.states()["page"] == page
    assert world.execution.is_over
    world = play(AFTER).drive({**ends, "tell": State.FAILED})
    assert world.state == state
    assert world.states()["tell"] == "FAILED"
    assert "page" not in world.states()
    assert world.execution.is_over


def test_the_end_is_decided_before_it_begins():
    world = play(AFTER)
    while not world.state.is_terminal:
        world.finish_as(next(iter(world.running)), State.SUCCESS)
    assert world.ids()[-1] == "tell"
    assert not world.execution.is_over
    with pytest.raises(ExecutionError, match="afterExecution"):
        check_restart(world.execution)
    before = world.execution
    world.send(Restart(by="ann"))
    world.send(Kill(by="ann"))
    assert world.execution is before
    world.crash()
    world.drive()
    assert world.execution.is_over


def test_a_killed_execution_has_an_end_too():
    world = play(AFTER)
    world.send(Kill(by="ann"))
    world.drive()
    assert world.states() == {"work": "KILLED", "tell": "SUCCESS", "page": "SKIPPED"}
    assert world.state is State.KILLED
    assert world.execution.is_over


def test_what_never_began_has_no_end():
    checked = check(f"id: f\nnamespace: n\n{AFTER}", Registry()).raise_for_errors()
    world = Play(checked)
    world.send(Kill(by="ann"))
    assert world.state is State.KILLED
    assert world.ids() == []
    assert world.execution.is_over


def test_a_restart_takes_it_back():
    world = play(AFTER).drive({"work": State.FAILED})
    assert world.ids() == ["work", "clean", "always", "tell", "page"]
    world.send(Restart(by="ann"))
    world.drive()
    assert world.ids() == ["work", "more", "always", "tell", "page"]
    assert world.of("tell").outputs == {"value": "SUCCESS"}


def test_the_end_is_told_to_others_when_it_is_decided():
    text = AFTER + "concurrency: {limit: 1}\n"
    world = play(text)
    freed = 0
    while world.running:
        run_id = next(iter(world.running))
        attempt = world.running[run_id]
        before = world.state
        result = world.finish(run_id)
        assert attempt
        count = sum(isinstance(command, FreeSlot) for command in result.commands)
        assert count == (not before.is_terminal and world.state.is_terminal)
        freed += count
    assert freed == 1


def test_the_graph_shows_it():
    edges = topology(play(AFTER).flow).edges
    assert ("always", "tell", "afterExecution") in {(edge.source, edge.target, edge.label) for edge in edges}


# --- flowables of others ------------------------------------------------------------------------------------------


class Odd(Sequential):
    """Raises in the middle of deciding."""

    type_name = "odd.Sequential"

    @classmethod
    def begin(cls, scope):
        if scope.task.id == "begin":
            raise RuntimeError("oh no")
        return super().begin(scope)

    @classmethod
    def proceed(cls, scope, ended):
        if scope.task.id == "proceed":
            raise RuntimeError("oh no")
        return super().proceed(scope, ended)

    @classmethod
    def end_state(cls, scope, state):
        if scope.task.id == "end":
            raise RuntimeError("oh no")
        return super().end_state(scope, state)


@pytest.mark.parametrize("where", ["begin", "proceed", "end"])
def test_a_flowable_that_raises_fails_and_nothing_else(where):
    child = TaskDef("child", "test.Work", "runnable", inline=True)
    odd = TaskDef(where, "odd.Sequential", "flowable", slots={"tasks": (child,)}, model=Odd)
    world = World(make_flow(odd, errors=(TaskDef("told", "test.Work", "runnable", inline=True),)))
    world.start()
    while world.running:
        world.finish(next(iter(world.running)))
    assert world.execution.state is State.FAILED
    run = world.execution.find(where)
    assert run.failure.code == "GOV311"
    assert "oh no" in run.failure.message
    assert world.execution.find("told").state is State.SUCCESS


def test_a_plugins_flowable_is_found_by_its_class():
    registry = Registry({"odd.Sequential": f"{__name__}:Odd"})
    text = f"id: f\nnamespace: n\ntasks:\n  - id: fine\n    type: odd.Sequential\n    tasks: [{{id: a, {R}}}]\n"
    world = Play(check(text, registry).raise_for_errors())
    world.start()
    assert world.drive().state is State.SUCCESS
    assert world.ids() == ["fine", "a"]


class OddCall(Subflow):
    """Raises when the called execution has ended."""

    type_name = "odd.Subflow"

    @classmethod
    def end_state(cls, scope, state):
        raise RuntimeError("oh no")


def test_a_call_that_raises_at_its_end_fails():
    props = {"namespace": "n", "flowId": "f"}
    world = World(make_flow(TaskDef("call", "odd.Subflow", "flowable", props=props, model=OddCall)))
    world.start()
    run = world.execution.find("call")
    world.send(SubflowStarted(run.id, "child"))
    world.send(SubflowEnded(run.id, "child", State.SUCCESS))
    assert world.execution.state is State.FAILED
    assert world.execution.find("call").failure.code == "GOV311"


def test_an_errors_branch_knows_the_innermost_failure():
    world = play("""\
tasks:
  - id: seq
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {id: fine, type: io.kestra.plugin.core.debug.Return}
      - {id: bad, type: io.kestra.plugin.core.debug.Return}
    errors:
      - {id: near, type: io.kestra.plugin.core.debug.Return, format: "{{ error.taskId }}: {{ error.message }}"}
errors:
  - id: group
    type: io.kestra.plugin.core.flow.Sequential
    tasks: [{id: far, type: io.kestra.plugin.core.debug.Return, format: "{{ error.taskId }}"}]
finally:
  - {id: last, type: io.kestra.plugin.core.debug.Return, format: "{{ error is defined }}"}
""")
    world.drive({"bad": State.FAILED})
    assert (world.of("near").outputs or {})["value"] == "bad: x"
    assert (world.of("far").outputs or {})["value"] == "bad"
    assert (world.of("last").outputs or {})["value"] == "false"


def test_an_errors_branch_knows_a_flowable_that_could_not_begin():
    world = play("""\
tasks:
  - {id: each, type: io.kestra.plugin.core.flow.ForEach, values: "{{ 1 / 0 }}", tasks: [
      {id: in, type: io.kestra.plugin.core.debug.Return}]}
errors:
  - {id: e, type: io.kestra.plugin.core.debug.Return, format: "{{ error.taskId }}"}
""")
    assert (world.drive().of("e").outputs or {})["value"] == "each"
