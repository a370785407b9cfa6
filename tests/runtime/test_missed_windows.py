"""Windows that end without what they needed: `onMiss` makes an execution of each, or puts it on record only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_gov.domain.states import State
from tests.runtime.rig import Rig
from tests.runtime.test_flow_triggers_fire import listener, plain, run
from tests.runtime.when import Timed

HOUR = timedelta(hours=1)


@pytest.fixture
def timed(rig: Rig) -> Timed:
    # Ahead of the real time, which executions of the rig are created at: all that happens is at the clock's time.
    tomorrow = datetime.now(UTC).replace(hour=12, minute=10, second=0, microsecond=0) + timedelta(days=1)
    return Timed(rig, tomorrow)


def hourly(behavior: str, *more: str) -> str:
    return listener(
        "after",
        "dependsOn: [{flowId: one}, {flowId: two}]",
        "window: {every: PT1H, timezone: UTC}",
        f"onMiss: {{behavior: {behavior}, labels: {{late: very}}}}",
        *more,
    )


@pytest.mark.parametrize("behavior", ["FAIL", "CANCEL"])
def test_each_window_that_is_missed_makes_an_execution(timed: Timed, behavior: str) -> None:
    timed.register(hourly(behavior))
    timed.loop()
    run(timed, plain("one"))
    timed.pass_to(HOUR)
    (missed,) = timed.runs("after")
    assert missed.state is {"FAIL": State.FAILED, "CANCEL": State.CANCELLED}[behavior]
    assert missed.failure is not None
    assert missed.failure.code == "GOV386"
    assert missed.trigger is not None
    assert missed.trigger.variables["missing"] == ["*.two"]
    assert ("late", "very") in {(label.key, label.value) for label in missed.labels}
    assert "GOV386" in timed.rig.logs(missed.id)[0]
    timed.pass_to(2 * HOUR)
    assert [len(one.trigger.variables["missing"]) for one in timed.runs("after") if one.trigger] == [1, 2, 2]
    timed.check()


def test_none_is_on_record_only(timed: Timed) -> None:
    timed.register(hourly("NONE"))
    timed.loop()
    timed.pass_to(HOUR)
    assert timed.runs("after") == []
    (told,) = timed.told("after", "missed")
    assert told.body["missing"] == ["*.one", "*.two"]
    timed.check()


def test_a_window_that_was_met_is_not_missed(timed: Timed) -> None:
    timed.register(hourly("FAIL"))
    timed.loop()
    run(timed, plain("one"))
    run(timed, plain("two"))
    timed.pass_to(HOUR)
    (met,) = timed.runs("after")
    assert met.state is State.SUCCESS
    assert timed.told("after", "missed") == []
    timed.check()


def test_what_comes_after_the_end_counts_for_the_next_one(timed: Timed) -> None:
    """Nobody looks at the end of the window: what came after it is found first, and must not hide that it was met."""
    timed.register(hourly("FAIL"))
    stays = timed.loop()
    run(timed, plain("one"))
    run(timed, plain("two"))
    stays.stop()
    timed.rig.loops.remove(stays)
    timed.clock.now += HOUR
    leaves = timed.rig.loop(clock=timed.clock)
    run(timed, plain("one"))
    assert [one.state for one in timed.runs("after")] == [State.SUCCESS]
    marks = timed.trigger("after", "listen").windows["listen"]["marks"]
    assert list(marks) == ["*.one"]
    leaves.stop()
    timed.check()


def test_what_is_turned_off_misses_nothing(timed: Timed) -> None:
    timed.register(hourly("FAIL", "disabled: true"))
    timed.loop()
    timed.pass_to(2 * HOUR)
    assert timed.runs("after") == []
