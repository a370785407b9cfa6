"""kill -9 at every named point and at any moment: nothing committed runs again, nothing is lost."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from jupyter_gov.domain.states import State
from jupyter_gov.runtime.faults import POINTS
from tests.crash import flows
from tests.crash.processes import Looper, check_laws, traces, wait_all
from tests.runtime.rig import PATIENCE, Rig, run_of

_SAMPLE = random.Random(7)
# Those of triggers are reached in tests of their own: no flow here has one.
_POINTS = [point for point in POINTS if not point.startswith("trigger.")]
_EVERY = [(point, n) for point in _POINTS for n in (1, 2, 3, 5, 8, 13, 21)]
_SOME = [(point, 1 if point.startswith("claim") else _SAMPLE.choice((1, 2, 3, 5))) for point in _POINTS]


def _begin(rig: Rig, trace: Path) -> list[str]:
    rig.register(flows.inline(trace))
    begun = (flows.worker(trace), flows.mixed(trace), flows.inline(trace), flows.looped(trace))
    return [rig.start(flow) for flow in begun]


def _died_or_done(rig: Rig, victim: Looper, executions: list[str]) -> bool:
    """Wait until the fault point was met, or everything has ended without it."""
    deadline = time.monotonic() + PATIENCE
    while not victim.died(0.05):
        if all(rig.get(one).state.is_terminal for one in executions):
            return victim.died(0.2)
        assert time.monotonic() < deadline
    return True


def _crash_and_heal(rig: Rig, url: str, loopers: list[Looper], point: str, n: int) -> bool:
    trace = rig.folder / "trace"
    executions = _begin(rig, trace)
    victim = Looper(rig, url, fault=[point, n])
    loopers.append(victim)
    victim.ready()
    died = _died_or_done(rig, victim, executions)
    if not died:
        victim.stop()
    heir = Looper(rig, url)
    loopers.append(heir)
    wait_all(rig, executions)
    called = run_of(rig.get(executions[1]), "call").outputs
    assert called is not None
    heir.stop()
    check_laws(rig, [*executions, called["executionId"]], trace)
    return died


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("point", "n"), _SOME)
def test_kill_at_a_point(rig: Rig, url: str, loopers: list[Looper], point: str, n: int) -> None:
    assert _crash_and_heal(rig, url, loopers, point, n)


@pytest.mark.full
@pytest.mark.parametrize(("point", "n"), _EVERY)
def test_kill_at_every_point(rig: Rig, url: str, loopers: list[Looper], point: str, n: int) -> None:
    _crash_and_heal(rig, url, loopers, point, n)


def _storm(rig: Rig, url: str, loopers: list[Looper], seed: int, kills: int) -> None:
    chance = random.Random(seed)
    trace = rig.folder / "trace"
    executions = [one for _ in range(3) for one in _begin(rig, trace)]
    for number in range(kills):
        victim = Looper(rig, url, provable=number % 2 == 0)
        loopers.append(victim)
        victim.ready()
        victim.died(chance.uniform(0.0, 0.25))
        victim.kill()
    heir = Looper(rig, url)
    loopers.append(heir)
    wait_all(rig, executions)
    heir.stop()
    check_laws(rig, executions, trace)


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_at_random_moments(rig: Rig, url: str, loopers: list[Looper], seed: int) -> None:
    _storm(rig, url, loopers, seed, kills=4)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 130))
def test_kill_at_many_random_moments(rig: Rig, url: str, loopers: list[Looper], seed: int) -> None:
    _storm(rig, url, loopers, seed, kills=8)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_task_that_must_not_be_repeated_fails_and_can_be_restarted(rig: Rig, url: str, loopers: list[Looper]) -> None:
    trace = rig.folder / "trace"
    execution_id = rig.start(flows.once(trace))
    victim = Looper(rig, url)
    loopers.append(victim)
    rig.wait(execution_id, lambda _: bool(traces(trace)))
    victim.kill()
    heir = Looper(rig, url)
    loopers.append(heir)
    failed = rig.wait(execution_id)
    run = run_of(failed, "trace_once")
    assert (failed.state, [attempt.state for attempt in run.attempts]) == (State.FAILED, [State.LOST])
    assert run.failure is not None
    assert run.failure.code == "GOV372"
    assert len(traces(trace)) == 1
    rig.restart(execution_id)
    assert rig.wait(execution_id, State.SUCCESS)
    assert len(traces(trace)) == 2


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_task_that_ends_every_process_is_given_up(rig: Rig, url: str, loopers: list[Looper]) -> None:
    trace = rig.folder / "trace"
    execution_id = rig.start(flows.poison(trace))
    for _ in range(3):
        victim = Looper(rig, url, provable=True)
        loopers.append(victim)
        assert victim.died()
    survivor = Looper(rig, url, provable=True)
    loopers.append(survivor)
    failed = rig.wait(execution_id)
    run = run_of(failed, "trace_poison")
    assert (failed.state, [attempt.state for attempt in run.attempts]) == (State.FAILED, 3 * [State.LOST])
    assert run.failure is not None
    assert run.failure.code == "GOV374"
    assert len(traces(trace)) == 3
    assert rig.wait(rig.start(flows.inline(rig.folder / "other", 1)), State.SUCCESS)
    survivor.stop()
