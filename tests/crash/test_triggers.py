"""Triggers fire exactly once, however many processes loop and wherever one is killed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.runtime.clock import utc_now
from tests.crash.processes import Looper
from tests.runtime.rig import PATIENCE, Rig, chain
from tests.runtime.when import Timed, scheduled

_TTL = 1.5


def _dates(rig: Rig, flow_id: str) -> list[datetime]:
    where = ExecutionFilter("company.team", flow_id)
    with rig.store.read() as tx:
        listed = rig.store.executions.list(tx, where, limit=1000)
        found = [rig.store.executions.load(tx, one.id) for one in listed]
    causes = [one.trigger.variables for one in found if one is not None and one.trigger is not None]
    return sorted(datetime.fromisoformat(str(cause["date"])) for cause in causes)


def _wait_for(rig: Rig, flow_id: str, count: int) -> list[datetime]:
    deadline = time.monotonic() + PATIENCE
    while len(found := _dates(rig, flow_id)) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} dates fired"
        rig.store.wait(0.2)
    return found


def _each_second(rig: Rig) -> None:
    timed = Timed(rig)
    timed.clock.now = utc_now()
    timed.register(scheduled("often", "withSeconds: true", "allowConcurrent: true", cron="* * * * * *"))


def _check(rig: Rig, dates: list[datetime]) -> None:
    """Assert that every second of the time had its execution, and only one."""
    assert len(set(dates)) == len(dates), "a date fired twice"
    steps = {(later - earlier).total_seconds() for earlier, later in pairwise(dates)}
    assert steps == {1.0}, "a date was left out"
    report = rig.store.verify()
    assert report.ok, report.findings


@pytest.mark.parametrize("point", ["trigger.before", "trigger.inside", "trigger.after"])
def test_a_process_dies_while_it_fires(rig: Rig, url: str, loopers: list[Looper], point: str) -> None:
    _each_second(rig)
    first = Looper(rig, url, ttl=_TTL, provable=True, fault=[point, 2])
    loopers.append(first)
    assert first.died()
    loopers.append(Looper(rig, url, ttl=_TTL, provable=True))
    _wait_for(rig, "often", 4)
    loopers[-1].stop()
    _check(rig, _dates(rig, "often"))


def test_three_processes_fire_each_date_once(rig: Rig, url: str, loopers: list[Looper]) -> None:
    _each_second(rig)
    loopers += [Looper(rig, url, ttl=10) for _ in range(3)]
    _wait_for(rig, "often", 4)
    loopers[0].kill()
    _wait_for(rig, "often", 7)
    for looper in loopers[1:]:
        looper.stop()
    _check(rig, _dates(rig, "often"))


@pytest.mark.parametrize("point", ["trigger.before", "trigger.inside", "trigger.after"])
def test_a_process_dies_while_it_reacts(rig: Rig, url: str, loopers: list[Looper], point: str) -> None:
    Timed(rig, datetime.now(UTC)).register(
        "id: after\nnamespace: company.team\ntasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: x}]\n"
        "triggers: [{id: listen, type: io.kestra.plugin.core.trigger.Flow}]\n"
    )
    first = Looper(rig, url, ttl=_TTL, provable=True, fault=[point, 1])
    loopers.append(first)
    started = rig.start(chain(1))
    assert first.died()
    loopers.append(Looper(rig, url, ttl=_TTL, provable=True))
    rig.wait(started)
    where = ExecutionFilter("company.team", "after")
    deadline = time.monotonic() + PATIENCE
    while True:
        with rig.store.read() as tx:
            found = rig.store.executions.list(tx, where, limit=10)
            waiting = rig.store.triggers.waiting(tx, "ada", 10)
        if found and not waiting:
            break
        assert time.monotonic() < deadline
        rig.store.wait(0.2)
    rig.wait(found[0].id)
    loopers[-1].stop()
    assert len(found) == 1
    assert rig.store.verify().ok
