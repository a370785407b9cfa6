"""The task that runs before a gate opens."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.states import State
from jupyter_gov.lang.check import check
from tests.unit.engine.play import REGISTRY, play

GATE = """\
tasks:
  - id: gate
    type: %s
    description: "{{ flow.id }}"
    onPause:
      id: tell
      type: io.kestra.plugin.core.debug.Return
      format: "asked {{ flow.id }}"
%s
  - {id: after, type: io.kestra.plugin.core.log.Log, message: x}
"""
PAUSE = GATE % ("io.kestra.plugin.core.flow.Pause", "")


def test_it_runs_before_the_gate_opens():
    world = play(PAUSE).drive()
    assert (world.state, world.of("tell").state, world.of("gate").state) == ("PAUSED", "SUCCESS", "PAUSED")
    assert len(world.open_approvals()) == 1
    world.approve()
    assert world.drive().state is State.SUCCESS
    assert world.of("after").state is State.SUCCESS


def test_a_failure_of_it_fails_the_gate_which_never_opens():
    world = play(PAUSE).drive(ends={"tell": State.FAILED})
    assert (world.state, world.of("gate").state, world.open_approvals()) == ("FAILED", "FAILED", [])


def test_an_allowed_failure_of_it_lets_the_gate_open():
    text = PAUSE.replace("format:", "allowFailure: true\n      format:")
    world = play(text).drive(ends={"tell": State.FAILED})
    assert world.state is State.PAUSED
    world.approve()
    assert world.drive().state is State.SUCCESS


def test_a_disabled_one_is_as_if_it_were_not_there():
    text = PAUSE.replace("format:", "disabled: true\n      format:")
    assert play(text).drive().state is State.PAUSED


def test_the_old_tasks_run_after_it_all_the_same():
    more = "    tasks:\n      - {id: inside, type: io.kestra.plugin.core.log.Log, message: x}"
    world = play(GATE % ("io.kestra.plugin.core.flow.Pause", more)).drive()
    world.approve()
    assert world.drive().state is State.SUCCESS
    assert [run.task_id for run in world.execution.ordered()] == ["gate", "tell", "inside", "after"]


@pytest.mark.parametrize("written", ["[]", "text", "{id: tell}"])
def test_it_is_one_task(written):
    text = f"id: f\nnamespace: n\ntasks:\n  - id: gate\n    type: io.kestra.plugin.core.flow.Pause\n    onPause: {written}\n"
    found = check(text, REGISTRY).errors
    assert found
    assert found[0].location.line == 6
