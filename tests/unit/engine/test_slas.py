"""Promises about executions: what is broken when, and what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyter_gov.domain.commands import WriteLog
from jupyter_gov.domain.events import Restart, Start, TimerFired
from jupyter_gov.domain.states import State
from jupyter_gov.lang.check import check
from tests.unit.engine.play import REGISTRY, Play, play

WORK = "io.kestra.plugin.core.debug.Return"
TWO = f"""\
tasks:
  - {{id: one, type: {WORK}, format: "1"}}
  - {{id: two, type: {WORK}, format: "2"}}
"""
GATE = """\
tasks:
  - {id: gate, type: io.kestra.plugin.core.flow.Pause}
"""


def longest(behavior: str, more: str = "") -> str:
    return f"sla:\n  - {{id: quick, type: MAX_DURATION, duration: PT1H, behavior: {behavior}{more}}}\n"


def asserting(condition: str, behavior: str = "FAIL", more: str = "") -> str:
    return f'sla:\n  - {{id: good, type: EXECUTION_ASSERTION, assert: "{condition}", behavior: {behavior}{more}}}\n'


def labels(world: Play) -> dict[str, str]:
    return {label.key: label.value for label in world.execution.labels if not label.key.startswith("system.")}


@pytest.mark.parametrize(("behavior", "state"), [("FAIL", State.FAILED), ("CANCEL", State.CANCELLED)])
def test_an_execution_that_takes_too_long_is_stopped(behavior: str, state: State) -> None:
    world = play(longest(behavior, ", labels: {late: 'yes'}") + GATE)
    began = world.now
    assert world.timers["sla-0"].due == began + timedelta(hours=1)
    world.fire("sla-0")
    assert world.state is state
    assert world.of("gate").state is State.KILLED
    assert world.execution.failure is not None
    assert world.execution.failure.code == "GOV361"
    assert "quick" in world.execution.failure.message
    assert labels(world) == {"late": "yes"}
    assert not world.open_approvals()


def test_one_that_only_labels_lets_it_go_on() -> None:
    world = play(longest("NONE", ", labels: {late: 'yes'}") + GATE)
    world.fire("sla-0")
    assert (world.state, labels(world)) == (State.PAUSED, {"late": "yes"})
    world.approve()
    assert world.state is State.SUCCESS


def test_no_errors_branch_runs_and_what_runs_after_the_end_does() -> None:
    side = f"errors: [{{id: e, type: {WORK}}}]\nafterExecution: [{{id: a, type: {WORK}}}]\n"
    world = play(longest("FAIL") + side + GATE)
    world.fire("sla-0")
    assert world.drive().ids() == ["gate", "a"]
    assert world.state is State.FAILED


def test_its_timer_goes_with_the_end() -> None:
    world = play(longest("FAIL") + TWO).drive(timers=0)
    assert world.state is State.SUCCESS
    assert not world.timers


def test_a_late_timer_of_the_time_before_a_restart_does_nothing() -> None:
    world = play(longest("FAIL") + GATE)
    late = world.timers["sla-0"]
    world.fire("sla-0")
    world.send(Restart(by="ann"))
    assert world.state is State.PAUSED
    assert world.timers["sla-0"].due > late.due
    assert world.send(TimerFired("sla-0", "sla", None, late.state_version)).is_noop
    world.fire("sla-0")
    assert world.state is State.FAILED


def test_an_assertion_that_does_not_hold_at_the_start_lets_nothing_run() -> None:
    world = play(asserting("{{ 1 == 2 }}", "CANCEL") + TWO)
    assert world.state is State.CANCELLED
    assert not world.jobs
    assert all(run.state is State.KILLED for run in world.execution.ordered())


def test_an_assertion_is_looked_at_when_a_task_has_ended_before_the_next_begins() -> None:
    world = play(asserting("{{ (outputs.one.value ?? 'x') != '1' }}") + TWO).drive(timers=0)
    assert world.state is State.FAILED
    assert "two" not in [run.task_id for run in world.execution.ordered() if run.attempts]


def test_one_that_cannot_be_evaluated_is_broken_and_says_what_is_missing() -> None:
    world = play(asserting("{{ outputs.one.value == '1' }}") + TWO)
    assert world.state is State.FAILED
    assert "one" in str(world.execution.failure)
    assert "cannot be evaluated" in str(world.execution.failure)


def test_each_is_broken_once_and_what_only_labels_hides_nothing_that_stops() -> None:
    both = asserting("{{ 1 == 2 }}", "NONE", ", labels: {a: b}") + asserting("{{ 1 == 2 }}", "CANCEL").split("\n", 1)[1]
    flow = check(f"id: f\nnamespace: n\n{both}{TWO}", REGISTRY).raise_for_errors()
    world = Play(flow)
    first = world.send(Start())
    assert [command.level for command in first.commands if isinstance(command, WriteLog)] == ["WARN"]
    assert (world.state, labels(world)) == (State.RUNNING, {"a": "b"})
    world.drive(timers=0)
    assert world.state is State.CANCELLED


def test_it_is_on_record_which_promise_was_broken() -> None:
    world = play(longest("FAIL") + GATE)
    step = world.fire("sla-0")
    assert step.facts[0].body["sla"] == "quick"
