"""LoopUntil runs its tasks until the condition holds or a limit is reached, and keeps the last round only."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyter_gov.domain.events import Kill, Restart, TimerFired
from jupyter_gov.domain.states import State
from jupyter_gov.lang.check import check
from tests.property.world import T0
from tests.unit.engine.play import REGISTRY, Play, play

LOOP = """\
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.{kind}
    condition: "{{{{ {condition} }}}}"
    {more}
    tasks:
      - {{id: seq, type: io.kestra.plugin.core.flow.Sequential, tasks: [
          {{id: count, type: io.kestra.plugin.core.debug.Return, format: "{{{{ outputs.loop.iterationCount + 1 }}}}"}}]}}
      - {{id: last, type: io.kestra.plugin.core.debug.Return}}
  - {{id: end, type: io.kestra.plugin.core.debug.Return}}
"""


def loop(condition: str = "outputs.count.value == '3'", more: str = "runIf: 'true'", kind: str = "LoopUntil") -> Play:
    return play(LOOP.format(condition=condition, more=more, kind=kind))


def test_it_waits_between_rounds_and_keeps_the_last():
    world = loop()
    world.drive(timers=0)
    (timer,) = world.timers.values()
    assert timer.due == world.now + timedelta(minutes=1)
    assert world.ids() == ["loop", "seq", "count", "last"]
    assert world.of("count").outputs == {"value": "1"}
    assert world.state is State.RUNNING
    world.drive()
    assert world.ids() == ["loop", "seq", "count", "last", "end"]
    assert world.of("count").outputs == {"value": "3"}
    assert world.of("loop").outputs == {"iterationCount": 3}
    assert world.state is State.SUCCESS


@pytest.mark.parametrize(("fail", "state"), [("false", State.SUCCESS), ("true", State.FAILED)])
def test_iterations_are_bounded(fail, state):
    world = loop("false", "{checkFrequency: {maxIterations: 4}}"[1:-1] + f"\n    failOnMaxReached: {fail}").drive()
    assert world.of("loop").outputs == {"iterationCount": 4}
    assert world.state is state
    assert (world.of("loop").failure is not None) == (state is State.FAILED)


def test_the_duration_is_bounded():
    world = loop("false", "checkFrequency: {interval: PT10S, maxDuration: PT35S}\n    failOnMaxReached: true").drive()
    assert world.state is State.FAILED
    assert world.of("loop").failure.code == "GOV322"
    assert world.of("loop").outputs == {"iterationCount": 5}


def test_wait_for_has_the_limits_of_its_time():
    world = loop("false", kind="WaitFor")
    world.drive(timers=0)
    assert next(iter(world.timers.values())).due == world.now + timedelta(seconds=1)
    world.drive()
    assert world.of("loop").outputs == {"iterationCount": 100}
    assert world.now < T0 + timedelta(minutes=3)
    text = "id: f\nnamespace: n\n" + LOOP.format(condition="1", more="runIf: 'true'", kind="WaitFor")
    assert [one.code for one in check(text, REGISTRY).diagnostics] == ["GOV160"]


def test_a_failing_child_ends_it():
    world = loop().drive({"count": [State.FAILED]})
    assert world.state is State.FAILED
    assert world.ids() == ["loop", "seq", "count"]


def test_a_condition_that_cannot_be_evaluated_fails_it():
    world = loop("nothing.here").drive()
    assert world.state is State.FAILED
    assert world.ids() == ["loop", "seq", "count", "last"]


def test_a_timer_of_another_round_does_nothing():
    world = loop()
    world.drive(timers=1)
    loop_id = world.of("loop").id
    before = world.execution
    for number in (0, 1, 3):
        world.send(TimerFired("x", "again", loop_id, number))
    assert world.execution is before


def test_a_round_does_not_touch_what_runs_beside_it():
    world = play("""\
tasks:
  - id: both
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - id: loop
        type: io.kestra.plugin.core.flow.LoopUntil
        condition: "{{ outputs.loop.iterationCount == 2 }}"
        tasks: [{id: a, type: io.kestra.plugin.core.debug.Return}]
      - id: beside
        type: io.kestra.plugin.core.flow.Sequential
        tasks:
          - {id: b, type: io.kestra.plugin.core.debug.Return}
          - {id: c, type: io.kestra.plugin.core.debug.Return}
""").drive()
    assert world.state is State.SUCCESS
    assert sorted(world.ids()) == ["a", "b", "beside", "both", "c", "loop"]


@pytest.mark.parametrize("how", ["limit", "killed"])
def test_a_restart_begins_it_anew(how):
    world = loop("outputs.loop.iterationCount == 3", "checkFrequency: {maxIterations: 2}\n    failOnMaxReached: true")
    world.drive(timers=0 if how == "killed" else 10)
    if how == "killed":
        world.send(Kill(by="ann"))
    assert world.state is (State.KILLED if how == "killed" else State.FAILED)
    world.send(Restart(by="ann"))
    assert world.ids() == ["loop", "seq", "count"]
    assert world.of("loop").outputs == {"iterationCount": 0}
    world.drive()
    assert world.state is State.FAILED
    assert world.of("loop").outputs == {"iterationCount": 2}


def test_it_is_checked():
    more = "checkFrequency: {interval: PT0S, maxIterations: 0, maxDuration: soon, maxTries: 3}"
    text = "id: f\nnamespace: n\n" + LOOP.format(condition="1", more=more, kind="LoopUntil")
    found = check(text, REGISTRY).errors
    assert sorted({one.code for one in found}) == ["GOV112", "GOV120", "GOV121"]
    assert {one.location.line for one in found} == {7}
