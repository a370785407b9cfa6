"""A failed task is tried again in place, or the whole flow in a new execution."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jupyter_gov.domain.commands import FreeSlot, Notify, StartAgain, StartSubflow
from jupyter_gov.domain.events import Kill, Restart, SubflowEnded, SubflowStarted, TimerFired
from jupyter_gov.domain.execution import Failure
from jupyter_gov.domain.states import State
from jupyter_gov.engine import retry
from jupyter_gov.lang.models.flow import Retry
from tests.property.world import T0
from tests.unit.engine.play import Play, play

R = "type: io.kestra.plugin.core.debug.Return"
SUBFLOW = "type: io.kestra.plugin.core.flow.Subflow, namespace: n, flowId: g"
ANEW = "retry: {behavior: CREATE_NEW_EXECUTION, type: constant, interval: PT2S, maxAttempts: 3}"
IN_PLACE = "retry: {type: constant, interval: PT2S, maxAttempts: 4}"


def next_of(world: Play) -> Play:
    """Return the execution that goes on, started by its timer."""
    (command,) = world.successors
    later = Play(world.flow)
    later.execution = command.execution
    later.folded, later.now = {}, command.due
    later.send(TimerFired("start", "start", None, 1))
    return later


def lives(text: str, ends) -> list[Play]:
    """Return all executions of a flow, each driven to its end."""
    found = [play(text).drive(ends)]
    while found[-1].successors:
        found.append(next_of(found[-1]).drive(ends))
    return found


@pytest.mark.parametrize(
    "text",
    [f"tasks: [{{id: a, {R}, {ANEW}}}]\n", f"{ANEW}\ntasks: [{{id: a, {R}}}]\n",
     f"tasks: [{{id: s, type: io.kestra.plugin.core.flow.Sequential, {ANEW}, tasks: [{{id: a, {R}}}]}}]\n"],
    ids=["task", "flow", "flowable"],
)  # fmt: skip
def test_a_new_execution_tries_again_until_no_try_is_left(text):
    found = lives(text, {"a": State.FAILED})
    assert [one.state for one in found] == [State.RETRIED, State.RETRIED, State.FAILED]
    assert [one.states()["a"] for one in found] == ["RETRIED", "RETRIED", "FAILED"]
    first = found[0].execution
    assert len({one.execution.id for one in found}) == 3
    assert [one.execution.original_id for one in found] == [None, first.id, first.id]
    assert all(one.execution.labels == first.labels for one in found)
    assert found[1].execution.created + timedelta(seconds=2) == found[0].successors[0].due
    assert first.failure.details["taskId"] == "a"


def test_its_parents_end_retried_and_errors_wait_for_the_last():
    text = f"""\
tasks:
  - id: outer
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {{id: a, {R}, {ANEW}}}
      - {{id: b, {R}}}
    errors: [{{id: e, {R}}}]
    finally: [{{id: f, {R}}}]
errors: [{{id: flow-e, {R}}}]
afterExecution: [{{id: tell, {R}, format: "{{{{ execution.state }}}}"}}]
outputs: [{{id: o, type: STRING, value: "{{{{ outputs.b.value }}}}"}}]
"""
    found = lives(text, {"a": State.FAILED})
    assert found[0].ids() == ["outer", "a", "f", "tell"]
    assert found[0].states() == {"outer": "RETRIED", "a": "RETRIED", "f": "SUCCESS", "tell": "SUCCESS"}
    assert found[0].of("tell").outputs == {"value": "RETRIED"}
    assert found[2].ids() == ["outer", "a", "e", "f", "flow-e", "tell"]
    assert found[2].state is State.FAILED


def test_what_runs_beside_it_ends_first():
    world = play(f"tasks: [{{id: p, type: io.kestra.plugin.core.flow.Parallel, tasks: [{{id: a, {R}, {ANEW}}},"
                 f" {{id: b, {R}}}]}}, {{id: c, {R}}}]\n")  # fmt: skip
    world.finish_as(world.of("a").id, State.FAILED)
    assert world.state is State.RUNNING
    assert not world.successors
    world.drive()
    assert world.state is State.RETRIED
    assert world.ids() == ["p", "a", "b"]


def test_the_duration_counts_from_the_first_execution():
    text = f"tasks: [{{id: a, {R}, {ANEW.replace('maxAttempts: 3', 'maxDuration: PT5S')}}}]\n"
    found = lives(text, {"a": State.FAILED})
    assert [one.state for one in found] == [State.RETRIED, State.RETRIED, State.FAILED]
    assert found[-1].now < T0 + timedelta(seconds=5)


def test_a_success_ends_it():
    first = play(f"{ANEW}\ntasks: [{{id: a, {R}}}]\n").drive({"a": State.FAILED})
    second = next_of(first).drive()
    assert second.state is State.SUCCESS
    assert not second.successors


@pytest.mark.parametrize("branch", ["errors", "afterExecution"])
def test_not_where_the_end_is_known_already(branch):
    world = play(f"tasks: [{{id: a, {R}}}]\n{branch}: [{{id: b, {R}, {ANEW}}}]\n")
    world.drive({"a": State.FAILED, "b": State.FAILED})
    assert world.state is State.FAILED
    assert world.states()["b"] == "FAILED"


def test_allow_failure_counts_once_no_try_is_left():
    found = lives(f"tasks: [{{id: a, {R}, allowFailure: true, {ANEW}}}]\n", {"a": State.FAILED})
    assert [one.state for one in found] == [State.RETRIED, State.RETRIED, State.WARNING]


def test_a_start_timer_starts_once():
    first = play(f"{ANEW}\ntasks: [{{id: a, {R}}}]\n").drive({"a": State.FAILED})
    second = next_of(first)
    before = second.execution
    second.send(TimerFired("start", "start", None, 1))
    assert second.execution is before


def test_the_slot_and_the_caller_go_on_to_the_next():
    text = f"concurrency: {{limit: 1}}\n{ANEW}\ntasks: [{{id: a, {R}}}]\n"
    world = play(text)
    world.execution = called(world.execution)
    result = world.finish(next(iter(world.running)), State.FAILED)
    assert not [one for one in result.commands if isinstance(one, FreeSlot)]
    (told,) = [one for one in result.commands if isinstance(one, Notify)]
    (again,) = [one for one in result.commands if isinstance(one, StartAgain)]
    assert (told.execution_id, told.event) == ("P", SubflowStarted("P-0", again.execution.id))
    assert (again.execution.parent_id, again.execution.parent_task_run_id) == ("P", "P-0")
    # A kill that has missed it is handed on.
    killed = world.send(Kill(by="system"))
    assert next(one for one in killed.commands if isinstance(one, Notify)).execution_id == again.execution.id
    later = next_of(world)
    result = later.finish(next(iter(later.running)))
    assert [one.event.state for one in result.commands if isinstance(one, Notify)] == [State.SUCCESS]
    assert [one for one in result.commands if isinstance(one, FreeSlot)]


def called(execution):
    from dataclasses import replace

    return replace(execution, parent_id="P", parent_task_run_id="P-0")


def test_one_that_is_killed_before_it_begins_frees_its_slot():
    world = play(f"concurrency: {{limit: 1}}\n{ANEW}\ntasks: [{{id: a, {R}}}]\n").drive({"a": State.FAILED})
    later = Play(world.flow)
    later.execution = world.successors[0].execution
    result = later.send(Kill(by="ann"))
    assert later.state is State.KILLED
    assert [one for one in result.commands if isinstance(one, FreeSlot)]


# --- in place ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [f"tasks: [{{id: a, {R}, {IN_PLACE}}}]\n", f"{IN_PLACE}\ntasks: [{{id: a, {R}}}]\n"])
def test_a_policy_of_the_flow_retries_its_tasks(text):
    world = play(text).drive({"a": State.FAILED})
    assert world.state is State.FAILED
    assert len(world.of("a").attempts) == 4
    world = play(text).drive({"a": [State.FAILED, State.SUCCESS]})
    assert world.state is State.SUCCESS


def test_a_call_is_tried_again_too():
    world = play(f"{IN_PLACE}\ntasks: [{{id: call, {SUBFLOW}}}]\n")
    run = world.of("call")
    for number in range(1, 5):
        run = world.of("call")
        assert (run.state, len(run.attempts)) == (State.RUNNING, number)
        world.send(SubflowStarted(run.id, f"child{number}"))
        result = world.send(SubflowEnded(run.id, f"child{number}", State.FAILED))
        if number < 4:
            assert world.state is State.RETRYING
            asked = world.fire(f"{run.id}-retry")
            assert [one.child_id for one in asked.commands if isinstance(one, StartSubflow)] != []
    assert world.state is State.FAILED
    assert not [one for one in result.commands if isinstance(one, StartAgain)]


def test_a_call_that_cannot_start_is_tried_again_and_a_restart_too():
    world = play(f"tasks: [{{id: call, {SUBFLOW}, {IN_PLACE.replace('4', '2')}, allowFailure: false}}]\n")
    for _ in range(2):
        world.send(SubflowStarted(world.of("call").id, None, Failure("GOV370", "no such flow")))
        world.drive()
    assert world.state is State.FAILED
    assert [attempt.state for attempt in world.of("call").attempts] == [State.FAILED, State.FAILED]
    world.send(Restart(by="ann"))
    assert len(world.of("call").attempts) == 3


def test_new_executions_without_a_bound_of_their_own_come_to_an_end():
    policy = Retry("constant", interval=timedelta(0), behavior="CREATE_NEW_EXECUTION")
    assert retry.next_execution(policy, "x", 99, T0, T0) == T0
    assert retry.next_execution(policy, "x", 100, T0, T0) is None
    longer = replace(policy, max_duration=timedelta(days=1))
    assert retry.next_execution(longer, "x", 1000, T0, T0) == T0
