"""Attempts that are lost with their worker: a few are made up for, a task that always takes its worker along is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jupyter_gov.domain.events import Kill, Restart
from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine import recovery
from jupyter_gov.lang.models.flow import Retry, TaskDef
from tests.property.world import World, make_flow

RETRY = Retry("constant", interval=timedelta(seconds=1))


def task(name: str = "a", **more: Any) -> TaskDef:
    return TaskDef(**{"id": name, "type": "probe", "kind": "runnable", "repeatable": True, **more})


def world(*tasks: TaskDef, **more: Any) -> World:
    found = World(make_flow(*tasks, **more))
    found.start()
    return found


def run_of(found: World, name: str = "a") -> TaskRun:
    return next(run for run in found.execution.task_runs.values() if run.task_id == name)


def begin(found: World) -> None:
    """Let the open attempt begin, after its retry delay if there is one."""
    if found.timers:
        found.fire(next(iter(found.timers)))
    for run_id in list(found.jobs):
        found.claim(run_id)
    assert found.running


def lose(found: World, times: int) -> None:
    for _ in range(times):
        begin(found)
        found.crash()


@pytest.mark.parametrize(
    "one", [task(), task(inline=True), task(repeatable=False, retry=RETRY), task(retry=RETRY)],
    ids=["repeatable", "inline", "retried", "both"],
)  # fmt: skip
class TestBound:
    def test_two_losses_are_made_up_for(self, one: TaskDef) -> None:
        found = world(one)
        lose(found, 2)
        begin(found)
        found.finish(run_of(found).id)
        assert found.execution.state is State.SUCCESS
        assert [attempt.state for attempt in run_of(found).attempts] == [State.LOST, State.LOST, State.SUCCESS]

    def test_the_third_loss_in_a_row_fails_it(self, one: TaskDef) -> None:
        found = world(one)
        lose(found, 3)
        run = run_of(found)
        assert (found.execution.state, run.state) == (State.FAILED, State.FAILED)
        assert [attempt.state for attempt in run.attempts] == 3 * [State.LOST]
        assert run.failure is not None
        assert run.failure.code == "GOV374"
        assert found.execution.failure is not None
        assert found.execution.failure.code == "GOV374"
        assert not found.jobs

    def test_a_restart_counts_anew(self, one: TaskDef) -> None:
        found = world(one)
        for _ in range(2):
            lose(found, 3)
            assert found.execution.state is State.FAILED
            found.send(Restart("bob"))
        lose(found, 2)
        begin(found)
        found.finish(run_of(found).id)
        assert found.execution.state is State.SUCCESS
        assert len(run_of(found).attempts) == 9


def test_a_failure_of_its_own_in_between_counts_anew() -> None:
    found = world(task(retry=RETRY))
    lose(found, 2)
    begin(found)
    found.finish(run_of(found).id, State.FAILED)
    lose(found, 2)
    begin(found)
    found.finish(run_of(found).id)
    assert found.execution.state is State.SUCCESS


def test_other_tasks_and_branches_go_on() -> None:
    found = world(task("a", allow_failure=True), task("b"))
    lose(found, 3)
    assert run_of(found, "a").state is State.WARNING
    lose(found, 2)
    begin(found)
    found.finish(run_of(found, "b").id)
    assert found.execution.state is State.WARNING


def test_what_is_being_killed_ends_killed() -> None:
    found = world(task())
    lose(found, 2)
    begin(found)
    found.send(Kill("bob"))
    found.crash()
    assert found.execution.state is State.KILLED


def test_attempts_that_were_stopped_in_order_do_not_count_against_the_task() -> None:
    found = world(task())
    for _ in range(5):
        begin(found)
        (lost,) = recovery.events(found.flow, found.execution, in_order=True)
        found.jobs.clear()
        found.running.clear()
        found.send(lost)
    assert {attempt.failure.code for attempt in run_of(found).attempts if attempt.failure} == {"GOV363"}
    lose(found, 3)
    assert run_of(found).failure is not None
    assert run_of(found).failure.code == "GOV374"
