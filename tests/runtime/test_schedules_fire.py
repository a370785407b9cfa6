"""Schedules fire: once for each date, in order, with what the execution needs; late, missed and past dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_gov.domain.actor import SYSTEM
from jupyter_gov.domain.states import State
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.loop import Loop
from jupyter_gov.runtime.scheduler import Scheduler
from tests.runtime.rig import RUN_AS, Rig, chain
from tests.runtime.when import NINE, RETURN, Hands, Timed, scheduled

HOUR = timedelta(hours=1)
GATE = "tasks: [{id: wait, type: io.kestra.plugin.core.flow.Pause}]\n"


@pytest.fixture
def timed(rig: Rig) -> Timed:
    return Timed(rig)


def test_a_date_fires_once_and_the_next_one_follows(timed: Timed) -> None:
    timed.register(scheduled("hours"))
    timed.loop()
    timed.settle()
    assert timed.runs("hours") == []
    timed.pass_to(HOUR)
    (run,) = timed.runs("hours")
    assert run.state is State.SUCCESS
    assert run.trigger is not None
    assert (run.trigger.id, run.trigger.type) == ("hourly", "io.kestra.plugin.core.trigger.Schedule")
    assert run.trigger.variables == {
        "date": "2026-03-02T10:00:00+00:00",
        "next": "2026-03-02T11:00:00+00:00",
        "previous": "2026-03-02T09:00:00+00:00",
    }
    assert (run.starter, run.run_as) == (SYSTEM.id, RUN_AS)
    kept = timed.trigger("hours", "hourly")
    assert (kept.last, kept.next, kept.running) == (NINE + HOUR, NINE + 2 * HOUR, run.id)
    timed.pass_to(HOUR)
    assert timed.dates("hours") == ["2026-03-02T10:00", "2026-03-02T11:00"]
    timed.check()


def test_the_record_names_cause_and_registrar(timed: Timed) -> None:
    timed.register(scheduled("hours"))
    timed.loop()
    timed.pass_to(HOUR)
    (run,) = timed.runs("hours")
    (fired,) = timed.told("hours", "fired")
    assert fired.body["execution"] == run.id
    with timed.rig.store.read() as tx:
        created = timed.rig.store.audit_log.entries(tx, f"execution/{run.id}")[0]
    assert created.body["trigger"]["id"] == "hourly"
    assert created.body["trigger"]["registeredBy"] == "ada"


def test_inputs_and_labels_are_rendered_and_typed(timed: Timed) -> None:
    more = [
        "inputs: {count: \"{{ trigger.date | date('H') }}\"}",
        'labels: {hour: "{{ trigger.date }}", bad: "{{ no }}"}',
    ]
    timed.register(scheduled("hours", *more, rest="labels: {team: a}\ninputs: [{id: count, type: INT}]\n" + RETURN))
    timed.loop()
    timed.pass_to(HOUR)
    (run,) = timed.runs("hours")
    labels = {label.key: label.value for label in run.labels if not label.key.startswith("system.")}
    assert run.inputs == {"count": 10}
    assert labels == {"team": "a", "hour": "2026-03-02T10:00:00+00:00"}


@pytest.mark.parametrize(
    ("line", "code"),
    [("inputs: {count: many}", "GOV203"), ('when: "{{ nothing.there }}"', "GOV151")],
)
def test_what_cannot_be_evaluated_makes_a_failed_execution_that_says_so(timed: Timed, line: str, code: str) -> None:
    timed.register(scheduled("hours", line, rest="inputs: [{id: count, type: INT, defaults: 1}]\n" + RETURN))
    timed.loop()
    timed.pass_to(HOUR)
    (run,) = timed.runs("hours")
    assert run.state is State.FAILED
    assert run.failure is not None
    assert run.failure.code
    (line,) = timed.rig.logs(run.id)
    assert line == f"ERROR {run.failure.code} {run.failure.message}"
    assert timed.trigger("hours", "hourly").next == NINE + 2 * HOUR
    timed.check()


def test_expressions_read_the_dates_by_their_older_name_too(timed: Timed) -> None:
    log = "tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: '{{ schedule.date == trigger.date }}'}]\n"
    timed.register(scheduled("hours", rest=log))
    timed.loop()
    timed.pass_to(HOUR)
    (run,) = timed.runs("hours")
    assert [one.outputs for one in run.ordered()] == [{"value": "true"}]


def test_conditions_are_asked_at_each_date(timed: Timed) -> None:
    weekend = ["conditions:", "  - type: io.kestra.plugin.core.condition.Weekend"]
    timed.register(scheduled("hours", *weekend, cron="0 12 * * *"))
    timed.loop()
    timed.pass_to(datetime(2026, 3, 6, 13, tzinfo=UTC))
    assert timed.runs("hours") == []
    timed.pass_to(datetime(2026, 3, 7, 12, tzinfo=UTC))
    assert timed.dates("hours") == ["2026-03-07T12:00"]


def test_one_after_the_other(timed: Timed) -> None:
    """While its last execution runs (or waits at a gate) a schedule does not fire; then it catches up."""
    timed.register(scheduled("gated", rest=GATE))
    timed.loop()
    timed.pass_to(HOUR)
    timed.pass_to(3 * HOUR)
    (run,) = timed.runs("gated")
    assert run.state is State.PAUSED
    timed.rig.decide(run.id)
    timed.rig.wait(run.id)
    timed.settle()
    assert timed.dates("gated") == ["2026-03-02T10:00", "2026-03-02T11:00"]
    timed.check()


def test_all_at_once_where_the_author_says_so(timed: Timed) -> None:
    timed.register(scheduled("gated", "allowConcurrent: true", rest=GATE))
    timed.loop()
    timed.pass_to(3 * HOUR)
    assert len(timed.runs("gated")) == 3


def test_a_late_date_says_by_how_much(timed: Timed) -> None:
    timed.register(scheduled("hours"))
    timed.loop()
    timed.pass_to(HOUR + timedelta(minutes=7))
    (fired,) = timed.told("hours", "fired")
    assert fired.body["lateSeconds"] == 420


def test_dates_that_are_too_late_are_passed_over_and_counted(timed: Timed) -> None:
    timed.register(scheduled("hours", "lateMaximumDelay: PT30M"))
    timed.loop()
    timed.settle()
    timed.pass_to(3 * HOUR + timedelta(minutes=10))
    assert timed.dates("hours") == ["2026-03-02T12:00"]
    (missed,) = timed.told("hours", "missed")
    assert (missed.body["dates"], missed.body["reason"]) == (2, "lateMaximumDelay")


@pytest.mark.parametrize(
    ("recover", "dates", "missed"),
    [
        ("ALL", ["2026-03-02T10:00", "2026-03-02T11:00", "2026-03-02T12:00"], []),
        ("LAST", ["2026-03-02T12:00"], [2]),
        ("NONE", [], [3]),
    ],
)
def test_dates_that_passed_while_no_loop_was_there(
    timed: Timed, recover: str, dates: list[str], missed: list[int]
) -> None:
    timed.register(scheduled("hours", f"recoverMissedSchedules: {recover}"))
    timed.move(3 * HOUR + timedelta(minutes=10))
    timed.loop()
    timed.settle()
    assert timed.dates("hours") == dates
    assert [one.body["dates"] for one in timed.told("hours", "missed")] == missed
    timed.pass_to(HOUR)
    assert timed.dates("hours")[len(dates) :] == ["2026-03-02T13:00"]
    timed.check()


def test_summer_time_comes(rig: Rig) -> None:
    """In Berlin the clocks of 2026-03-29 go from 2 to 3: what falls between runs right after."""
    timed = Timed(rig, datetime(2026, 3, 28, 12, tzinfo=UTC))
    timed.register(scheduled("nights", cron="30 2 * * *").replace("timezone: UTC", "timezone: Europe/Berlin"))
    timed.loop()
    timed.pass_to(datetime(2026, 3, 29, 1, tzinfo=UTC))
    assert timed.dates("nights") == ["2026-03-29T03:00"]
    timed.pass_to(datetime(2026, 3, 30, 0, 30, tzinfo=UTC))
    assert timed.dates("nights") == ["2026-03-29T03:00", "2026-03-30T02:30"]


def test_given_dates(timed: Timed) -> None:
    source = f"""\
id: given
namespace: company.team
{RETURN}triggers:
  - id: days
    type: io.kestra.plugin.core.trigger.ScheduleOnDates
    timezone: UTC
    dates: ["2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z"]
"""
    timed.register(source)
    timed.loop()
    timed.pass_to(2 * HOUR)
    timed.pass_to(2 * HOUR)
    assert timed.dates("given") == ["2026-03-02T10:00", "2026-03-02T12:00"]
    assert timed.trigger("given", "days").next is None


def test_seconds(timed: Timed) -> None:
    timed.register(scheduled("often", "withSeconds: true", "allowConcurrent: true", cron="*/20 * * * * *"))
    timed.loop()
    timed.pass_to(timedelta(minutes=1))
    assert len(timed.runs("often")) == 3


def test_an_end_in_a_state_of_stop_after_turns_it_off(timed: Timed) -> None:
    failing = chain(1, "io.kestra.plugin.core.execution.Fail").partition("tasks:")[2]
    timed.register(scheduled("hours", "stopAfter: [FAILED]", rest=f"tasks:{failing}"))
    timed.loop()
    timed.pass_to(HOUR)
    kept = timed.trigger("hours", "hourly")
    assert (kept.disabled, kept.next) == (True, None)
    (stopped,) = timed.told("hours", "stopped")
    assert stopped.body["state"] == "FAILED"
    timed.pass_to(HOUR)
    assert len(timed.runs("hours")) == 1
    timed.check()


def test_several_loops_fire_once(timed: Timed) -> None:
    timed.register(scheduled("often", "withSeconds: true", "allowConcurrent: true", cron="* * * * * *"))
    for _ in range(3):
        timed.loop()
    timed.settle()
    timed.pass_to(timedelta(seconds=30))
    assert len(timed.runs("often")) == 30
    assert len(set(timed.dates("often"))) == 1
    assert len(timed.told("often", "fired")) == 30
    timed.check()


def test_only_loops_of_who_registered_it(timed: Timed) -> None:
    timed.register(scheduled("hours"), run_as="bob")
    timed.loop()
    timed.pass_to(HOUR)
    assert timed.runs("hours") == []
    timed.loop(run_as="bob")
    timed.settle()
    (run,) = timed.runs("hours")
    assert run.run_as == "bob"


def test_a_loop_that_will_end_leaves_dates_to_others(timed: Timed) -> None:
    timed.register(scheduled("hours"))
    timed.rig.loop(clock=timed.clock)
    timed.pass_to(HOUR)
    assert timed.runs("hours") == []


def test_a_flow_whose_trigger_is_disabled_in_its_text_does_not_fire(timed: Timed) -> None:
    timed.register(scheduled("hours", "disabled: true"))
    timed.register(scheduled("whole", rest="disabled: true\n" + RETURN))
    timed.loop()
    timed.pass_to(HOUR)
    assert timed.runs("hours") == timed.runs("whole") == []
    timed.register(scheduled("hours"))
    timed.pass_to(HOUR)
    assert timed.dates("hours") == ["2026-03-02T11:00"]


def test_a_new_revision_goes_on_unless_the_schedule_is_another(timed: Timed) -> None:
    timed.register(scheduled("hours"))
    timed.loop()
    timed.pass_to(HOUR)
    timed.register(scheduled("hours", rest=RETURN.replace("done", "other")))
    kept = timed.trigger("hours", "hourly")
    assert (kept.revision, kept.last, kept.next) == (2, NINE + HOUR, NINE + 2 * HOUR)
    timed.register(scheduled("hours", cron="30 * * * *"))
    assert timed.trigger("hours", "hourly").next == NINE + timedelta(hours=1, minutes=30)
    timed.register(f"id: hours\nnamespace: company.team\n{RETURN}")
    with timed.rig.store.read() as tx:
        assert timed.rig.store.triggers.of_flow(tx, "company.team", "hours") == []
    timed.check()


def test_the_same_text_again_changes_nothing(timed: Timed) -> None:
    timed.register(scheduled("hours"))
    before = timed.trigger("hours", "hourly")
    timed.clock.now += HOUR * 2
    rig = timed.rig
    flow = rig.flows.find("company.team", "hours", None)
    from jupyter_gov.runtime import trigger_registry
    from tests.runtime.rig import ADA

    made = trigger_registry.drafts(rig.store, flow[1], flow[0], timed.clock.host(rig), now=timed.clock.now)
    with rig.store.write() as tx:
        trigger_registry.sync(tx, rig.store, flow[1], flow[0], made, ADA, RUN_AS)
    assert timed.trigger("hours", "hourly") == before


def test_what_was_altered_in_the_table_is_found(timed: Timed) -> None:
    timed.register(scheduled("hours"))
    with timed.rig.store.write() as tx:
        tx.cursor.execute("UPDATE gov_triggers SET run_as = 'eve'")
    (finding,) = timed.rig.store.verify().findings
    assert finding.stream == "trigger/company.team/hours"


def test_one_that_cannot_be_looked_at_keeps_nothing_else_waiting(
    timed: Timed, caplog: pytest.LogCaptureFixture
) -> None:
    """A flow whose plugin is not installed where the loop runs."""
    timed.register(scheduled("strange", rest="tasks: [{id: t, type: probe.Here}]\n"))
    timed.register(scheduled("hours"))
    store, registry = timed.rig.store, Registry()
    loop = Loop(
        store,
        registry,
        settings={},
        run_as=RUN_AS,
        clock=timed.clock,
        background=True,
        flows=FlowCache(store, registry),
    )
    timed.rig.loops.append(loop)
    loop.start()
    timed.pass_to(HOUR)
    assert timed.dates("hours") == ["2026-03-02T10:00"]
    assert timed.runs("strange") == []
    assert [one for one in caplog.messages if "company.team/strange/hourly cannot be looked at here" in one]
    timed.pass_to(HOUR)
    assert len(timed.runs("hours")) == 2


def test_nobody_asks_for_dates_before_they_come() -> None:
    """The loop reads its clock now and then, since that may be set or the machine may sleep, but not the database."""
    clock = Hands()
    scheduler = Scheduler(clock)
    scheduler.looked(NINE + HOUR)
    assert (scheduler.seconds(), scheduler.is_due()) == (60.0, False)
    clock.now += HOUR - timedelta(seconds=5)
    assert (scheduler.seconds(), scheduler.is_due()) == (5.0, False)
    clock.now += timedelta(seconds=5)
    assert (scheduler.seconds(), scheduler.is_due()) == (0.0, True)
