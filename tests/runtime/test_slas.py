"""A longest duration is kept by whoever is there when it is over."""

from __future__ import annotations

from jupyter_gov.domain.states import State
from tests.runtime.rig import Rig

SLOW = """\
id: slow
namespace: company.team
sla:
  - {id: quick, type: MAX_DURATION, duration: PT0.5S, behavior: CANCEL, labels: {late: "yes"}}
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT60S}
"""
WAITS = SLOW.replace("io.kestra.plugin.core.flow.Sleep, duration: PT60S", "io.kestra.plugin.core.flow.Pause")


def test_what_runs_too_long_is_stopped_and_the_log_says_why(rig: Rig) -> None:
    rig.loop()
    ended = rig.wait(rig.start(SLOW))
    assert ended.state is State.CANCELLED
    assert ended.failure is not None
    assert ended.failure.code == "GOV361"
    assert "late" in {label.key for label in ended.labels}
    assert any(line.startswith("ERROR SLA 'quick' is broken") for line in rig.logs(ended.id))


def test_another_loop_keeps_the_promise_of_one_that_is_gone(rig: Rig) -> None:
    loop = rig.loop()
    execution_id = rig.start(WAITS)
    rig.wait(execution_id, State.PAUSED)
    loop.stop()
    assert rig.get(execution_id).state is State.PAUSED
    rig.loop()
    assert rig.wait(execution_id).state is State.CANCELLED
