"""What goes wrong around the loop: a store that refuses, a lease that is gone, a thousand gates, nothing to do."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from jupyter_gov.domain.states import State
from jupyter_gov.errors import ConflictError, StoreError
from jupyter_gov.runtime.clock import steady
from jupyter_gov.runtime.faults import KillAt
from jupyter_gov.runtime.leases import LeaseKeeper
from tests.runtime.probe import Wait
from tests.runtime.rig import RUN_AS, Rig, chain, run_of, states

GATE = """\
id: gate
namespace: company.team
tasks:
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
"""


class RaiseAt:
    """Raises at a point for some passes, as a full disk or a locked file would."""

    def __init__(self, point: str, passes: set[int], error: type[StoreError] = StoreError) -> None:
        self._point, self._passes, self._error = point, passes, error
        self.passed = 0

    def reach(self, point: str) -> None:
        if point == self._point:
            self.passed += 1
            if self.passed in self._passes:
                raise self._error("the disk is full")


def test_a_store_that_refuses_for_a_while_loses_nothing(rig: Rig, tmp_path: Path) -> None:
    faults = RaiseAt("commit.inside", {2, 3, 5})
    rig.loop(faults=faults)
    first = rig.start(chain(3, "probe.Blink", file=f"{tmp_path}/inline"))
    second = rig.start(chain(3, "probe.Touch", file=f"{tmp_path}/worker"))
    assert rig.wait(first).state is State.SUCCESS
    assert rig.wait(second).state is State.SUCCESS
    assert faults.passed > 5
    for name in ("inline", "worker"):
        assert len((tmp_path / name).read_text().splitlines()) == 3


def test_a_claim_that_fails_is_tried_again(rig: Rig) -> None:
    rig.loop(faults=RaiseAt("claim.inside", {1}))
    assert rig.wait(rig.start(chain(2))).state is State.SUCCESS


def test_a_conflict_in_a_group_hits_only_the_one_that_is_lost(rig: Rig, tmp_path: Path) -> None:
    """Someone takes one execution over; the others of the same transaction go on."""
    loop = rig.loop(workers=8, lease_ttl=30)
    trace = tmp_path / "trace"
    ids = [rig.start(chain(2, "probe.Touch", file=str(trace), seconds=0.5)) for _ in range(4)]
    for one in ids:
        rig.wait(one, lambda execution: states(execution).get("t0") == "RUNNING")
    victim = ids[0]
    with rig.store.write() as tx:
        holder = rig.store.leases.holder(tx, victim)
        assert holder is not None
        assert rig.store.leases.release(tx, victim, loop.owner, holder[1])
        assert rig.store.leases.claim(tx, victim, "thief", 60) is not None
    for one in ids[1:]:
        assert rig.wait(one).state is State.SUCCESS
    assert rig.holder(victim) == "thief"
    assert run_of(rig.get(victim), "t0").state is State.RUNNING


def test_a_lost_lease_stops_what_runs_and_reports_nothing(rig: Rig) -> None:
    Wait.started.clear()
    loop = rig.loop(lease_ttl=0.9)
    execution_id = rig.start(chain(1, "probe.Wait"))
    assert Wait.started.wait(20)
    with rig.store.write() as tx:
        holder = rig.store.leases.holder(tx, execution_id)
        assert holder is not None
        rig.store.leases.release(tx, execution_id, loop.owner, holder[1])
        rig.store.leases.claim(tx, execution_id, "thief", 60)
    deadline = time.monotonic() + 20
    while loop._crew.board.running() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert loop._crew.board.running() == 0
    assert run_of(rig.get(execution_id), "t0").state is State.RUNNING


def test_leases_are_trusted_for_less_than_they_last(rig: Rig) -> None:
    lost: list[str] = []
    keeper = LeaseKeeper(rig.store, "me", 0.5, on_lost=lost.append)
    keeper.add("gone", steady() - 1)
    assert not keeper.holds("gone")
    keeper.add("unknown to the store", steady())
    assert keeper.holds("unknown to the store")
    deadline = time.monotonic() + 10
    while len(lost) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(lost) == ["gone", "unknown to the store"]
    keeper.close()


def test_renewal_that_fails_gives_up_before_the_lease_lapses(rig: Rig) -> None:
    """The database is locked by somebody who does not finish."""
    lost: list[tuple[str, float]] = []
    execution_id = rig.start(chain(1))
    ttl = 1.0
    with rig.store.write() as tx:
        asked = steady()
        rig.store.leases.claim(tx, execution_id, "me", ttl)
    keeper = LeaseKeeper(rig.store, "me", ttl, on_lost=lambda one: lost.append((one, steady())))
    keeper.add(execution_id, asked)
    rig.store.close()
    deadline = time.monotonic() + 10
    while not lost and time.monotonic() < deadline:
        time.sleep(0.01)
    keeper.close()
    assert lost[0][0] == execution_id
    assert lost[0][1] < asked + ttl


def test_a_thousand_open_gates_hold_nothing(rig: Rig) -> None:
    loop = rig.loop()
    revision = rig.register(GATE)
    before = threading.active_count()
    ids = [rig.start(revision) for _ in range(1000)]
    for one in ids:
        rig.wait(one, State.PAUSED)
    assert len(loop._crew.estate._owned) == 0
    # The listener at most: it hears of decisions that other processes store.
    assert threading.active_count() <= before + 1
    assert all(rig.holder(one) is None for one in ids[::50])
    rig.decide(ids[500])
    assert rig.wait(ids[500]).state is State.SUCCESS


def test_an_idle_loop_listens_to_nobody_and_sleeps(rig: Rig) -> None:
    rig.loop()
    assert rig.wait(rig.start(chain(1))).state is State.SUCCESS
    deadline = time.monotonic() + 20
    while _threads() != {"gov-loop"} and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _threads() == {"gov-loop"}
    used = time.thread_time_ns()
    cpu = time.process_time()
    time.sleep(1.0)
    assert time.process_time() - cpu < 0.02
    assert time.thread_time_ns() >= used


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("gov-")} - {"gov-worker"}


def test_a_decision_of_another_process_is_heard(rig: Rig, tmp_path: Path) -> None:
    from jupyter_gov.store import Store

    rig.loop()
    execution_id = rig.start(GATE)
    rig.wait(execution_id, State.PAUSED)
    with Store.open(tmp_path / "store.db", files_root=tmp_path / "files") as other:
        elsewhere = Rig(other, tmp_path)
        elsewhere.decide(execution_id)
        assert elsewhere.wait(execution_id).state is State.SUCCESS


def test_an_orphan_is_found_although_nobody_tells(rig: Rig) -> None:
    with rig.store.write() as tx:
        pass
    execution_id = rig.start(chain(1))
    with rig.store.write() as tx:
        assert rig.store.leases.claim(tx, execution_id, "dead", 0.8) is not None
    rig.loop(lease_ttl=0.9)
    assert rig.wait(execution_id).state is State.SUCCESS


def test_an_error_of_our_own_does_not_stop_the_loop(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    faults = RaiseAt("commit.before", {1}, error=_SurpriseError)
    rig.loop(faults=faults)
    assert rig.wait(rig.start(chain(2))).state is State.SUCCESS
    assert "an error of its own" in caplog.text


class _SurpriseError(RuntimeError):
    pass


def test_a_conflict_without_a_reason_drops_the_execution_until_it_is_claimed_again(rig: Rig) -> None:
    rig.loop(faults=RaiseAt("commit.inside", {2}, error=ConflictError), lease_ttl=0.9)
    ended = rig.wait(rig.start(chain(3)))
    assert ended.state is State.SUCCESS
    assert ended.run_as == RUN_AS


def test_fault_points_have_names() -> None:
    with pytest.raises(ValueError, match="no fault point"):
        KillAt("nowhere")
