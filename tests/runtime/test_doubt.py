"""A worker that doubts its lease for a moment, since the renewal came late: nothing hangs."""

from __future__ import annotations

from typing import Any

from jupyter_gov.domain.states import State
from tests.runtime.rig import Rig, run_of


class LateRenewal:
    """Lets the leases look as if they had not been renewed in time, when the first attempt is about to begin."""

    def __init__(self) -> None:
        self.loop: Any = None

    def reach(self, point: str) -> None:
        if point == "attempt.before" and self.loop is not None:
            leases = self.loop._crew.leases
            leases._until = dict.fromkeys(leases._until, 0.0)
            self.loop = None


def test_an_attempt_that_was_not_begun_in_doubt_is_lost_and_tried_again(rig: Rig) -> None:
    faults = LateRenewal()
    loop = rig.loop(faults=faults, lease_ttl=1.0, background=True)
    faults.loop = loop
    trace = rig.folder / "trace"
    text = f"id: f\nnamespace: n\ntasks:\n  - {{id: one, type: probe.Touch, file: '{trace}'}}\n"
    execution = rig.wait(rig.start(text))
    assert execution.state is State.SUCCESS
    assert [attempt.state for attempt in run_of(execution, "one").attempts] == [State.LOST, State.SUCCESS]
    assert len(trace.read_text().splitlines()) == 1
