"""Dates of schedules: changes of the clock, conditions, late and missed dates, backfills; and windows as a fold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from jupyter_gov.domain.execution import Execution, Label
from jupyter_gov.domain.states import State, begin
from jupyter_gov.engine.triggers import schedule, upstream, windows
from jupyter_gov.engine.triggers.conditions import judge
from jupyter_gov.engine.triggers.cron import dates
from jupyter_gov.engine.triggers.parse import calendar_of, parse, rule_of
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.lang.models.flow import TriggerDef

PARIS = ZoneInfo("Europe/Paris")
CORE = "io.kestra.plugin.core."
ANYTHING = Subject({}, PARIS)


def moment(text):
    return datetime.fromisoformat(text)


def rule(**props):
    parsed = parse(TriggerDef("t", CORE + "trigger.Schedule", props={"timezone": "Europe/Paris", **props}))
    return rule_of(parsed, calendar_of(parsed.own, render=str, default=UTC))


def first(count, *args, **kwargs):
    return [at.isoformat() for at in islice(dates(*args, **kwargs), count)]


def test_what_falls_into_the_skipped_hour_runs_after_it():
    found = first(2, "30 2 * * *", moment("2026-03-28T12:00:00+01:00"), PARIS)
    assert found == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]


def test_what_falls_into_the_repeated_hour_runs_once():
    found = first(2, "30 2 * * *", moment("2026-10-24T12:00:00+02:00"), PARIS)
    assert found == ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    second_pass = datetime(2026, 10, 25, 2, 15, tzinfo=PARIS, fold=1)
    assert first(1, "30 2 * * *", second_pass, PARIS) == ["2026-10-26T02:30:00+01:00"]


@pytest.mark.parametrize("back", [False, True])
def test_every_hour_goes_by_elapsed_time(back):
    start = moment("2026-10-25T04:30:00+01:00" if back else "2026-10-24T23:30:00+02:00")
    found = list(islice(dates("@hourly", start, PARIS, back=back), 6))
    steps = {abs(one.timestamp() - other.timestamp()) for one, other in pairwise(found)}
    assert steps == {3600.0}


def test_the_first_of_six_fields_is_seconds():
    found = first(2, "*/20 * * * * *", moment("2026-01-01T00:00:05+01:00"), PARIS, with_seconds=True)
    assert found == ["2026-01-01T00:00:20+01:00", "2026-01-01T00:00:40+01:00"]


def test_the_calendar_has_an_end():
    assert first(1, "@yearly", moment("9999-06-05T00:00:00Z"), UTC) == []
    assert first(1, "@yearly", moment("0001-01-01T00:00:00Z"), UTC, back=True) == []


def test_a_condition_that_never_holds_again_ends_the_search():
    past = {"type": CORE + "condition.DateTimeBetween", "before": "2020-01-01T00:00:00Z"}
    assert schedule.after(rule(cron="* * * * *", conditions=[past]), ANYTHING, moment("2026-01-01T00:00:00Z")) is None


def test_days_that_do_not_count_are_passed_over_at_once():
    monday = {"type": CORE + "condition.DayWeekInMonth", "dayOfWeek": "MONDAY", "dayInMonth": "FIRST"}
    every_second = rule(cron="* * * * * *", withSeconds=True, conditions=[monday])
    found = schedule.after(every_second, ANYTHING, moment("2026-01-06T12:00:00+01:00"))
    assert found == moment("2026-02-02T00:00:00+01:00")
    assert schedule.before(every_second, ANYTHING, found) == moment("2026-01-05T23:59:59+01:00")


def test_the_old_name_of_conditions_counts_too():
    weekend = {"type": CORE + "condition.Weekend"}
    found = schedule.after(rule(cron="@daily", scheduleConditions=[weekend]), ANYTHING, moment("2026-01-05T12:00:00Z"))
    assert found == moment("2026-01-10T00:00:00+01:00")


def test_a_condition_that_cannot_be_evaluated_uses_the_date_up():
    wrong = {"type": CORE + "condition.Expression", "expression": "{{ nothing.here }}"}
    at = moment("2026-01-05T00:00:00+01:00")
    found = schedule.evaluate(rule(cron="@daily", conditions=[wrong]), ANYTHING, at, now=at)
    assert (found.due, found.problem.code) == (None, "GOV151")


def test_a_date_in_the_future_is_not_due():
    at = moment("2026-01-05T00:00:00+01:00")
    assert schedule.evaluate(rule(cron="@daily"), ANYTHING, at, now=at - timedelta(minutes=1)).due is None
    assert schedule.evaluate(rule(cron="@daily"), ANYTHING, at, now=at).due.date == at


@pytest.mark.parametrize(
    ("recover", "expected", "missed"),
    [("ALL", "2026-01-02T00:00:00+01:00", 0), ("LAST", "2026-01-05T00:00:00+01:00", 3),
     ("NONE", "2026-01-06T00:00:00+01:00", 4)],
)  # fmt: skip
def test_what_becomes_of_missed_dates(recover, expected, missed):
    last, now = moment("2026-01-01T00:00:00+01:00"), moment("2026-01-05T12:00:00+01:00")
    found = schedule.recovered(rule(cron="@daily", recoverMissedSchedules=recover), ANYTHING, last, now=now)
    assert (found.next, found.missed) == (moment(expected), missed)


def test_dates_that_are_too_late_are_told_of():
    last, now = moment("2026-01-01T00:00:00+01:00"), moment("2026-01-01T00:20:30+01:00")
    late = rule(cron="* * * * *", lateMaximumDelay="PT5M")
    found = schedule.recovered(late, ANYTHING, last, now=now)
    assert (found.next, found.missed) == (moment("2026-01-01T00:16:00+01:00"), 15)


def test_a_backfill_walks_to_its_end_and_back():
    resume = moment("2026-02-01T00:00:00+01:00")
    daily = rule(cron="@daily")
    start, end = moment("2026-01-01T00:00:00+01:00"), moment("2026-01-03T12:00:00+01:00")
    backfill = schedule.begin_backfill(daily, ANYTHING, start, end, resume)
    seen = []
    while backfill is not None:
        seen.append(backfill.current.day)
        assert backfill.resume == resume
        backfill = schedule.advance_backfill(daily, ANYTHING, backfill)
    assert seen == [1, 2, 3]


def test_dates_of_a_list_come_in_order_the_first_even_when_past():
    props = {"dates": ["2026-03-01T00:00:00Z", "2026-01-01T00:00:00Z"], "timezone": "UTC"}
    parsed = parse(TriggerDef("t", CORE + "trigger.ScheduleOnDates", props=props))
    listed = rule_of(parsed, calendar_of(parsed.own, render=str, default=UTC))
    now = moment("2026-02-01T00:00:00Z")
    found = schedule.next_date(listed, ANYTHING, None, now=now)
    assert found == moment("2026-01-01T00:00:00Z")
    assert schedule.next_date(listed, ANYTHING, found, now=now) == moment("2026-03-01T00:00:00Z")
    assert schedule.next_date(listed, ANYTHING, moment("2026-03-01T00:00:00Z"), now=now) is None


def test_a_trigger_stops_after_the_states_that_it_names():
    parsed = parse(TriggerDef("t", CORE + "trigger.Schedule", props={"cron": "@daily", "stopAfter": ["FAILED"]}))
    assert parsed.stops_after("FAILED")
    assert not parsed.stops_after("SUCCESS")


# --- flow triggers ----------------------------------------------------------------------------------------------


def ended(state=State.SUCCESS, flow="a", **more):
    return Execution(
        id="e", namespace="n", flow_id=flow, flow_revision=1, flow_digest="", history=begin(state, datetime.now(UTC)),
        run_as="u", starter="u", **more,
    )  # fmt: skip


def group(**preconditions):
    props = {"preconditions": {"id": "both", **preconditions}}
    (found,) = upstream.groups(parse(TriggerDef("t", CORE + "trigger.Flow", props=props)), UTC)
    return found


def test_preconditions_name_what_they_wait_for():
    written = group(
        flows=[{"namespace": "n", "flowId": "a", "states": ["SUCCESS"], "labels": {"k": "v"}}, {"namespace": "n"}],
        where=[{"id": "x", "filters": [{"field": "FLOW_ID", "type": "STARTS_WITH", "value": "b"}]}],
    )
    labelled = ended(labels=(Label("k", "v"),))
    assert written.span.names == {"n.a", "n", "x"}
    assert written.met_by(Subject({}, UTC, labelled)) == {"n.a", "n"}
    assert written.met_by(Subject({}, UTC, ended(State.FAILED, "b"))) == {"n", "x"}


def test_an_expression_is_asked_for_its_truth():
    filters = [{"field": "EXPRESSION", "type": "IS_TRUE", "value": "{{ trigger.state == 'SUCCESS' }}"}]
    written = group(where=[{"id": "x", "operand": "OR", "filters": filters}])
    assert written.met_by(Subject({"trigger": {"state": "SUCCESS"}}, UTC, ended())) == {"x"}
    assert written.met_by(Subject({}, UTC, ended())) == frozenset()


def test_conditions_on_executions_cannot_be_asked_of_a_date():
    status = {"type": CORE + "condition.ExecutionStatus", "in": ["SUCCESS"]}
    parsed = parse(TriggerDef("t", CORE + "trigger.Schedule", props={"cron": "@daily", "conditions": [status]}))
    verdict = judge(parsed.conditions, None, ANYTHING)
    assert (verdict.holds, verdict.problem.code) == (False, "GOV341")


NOON = datetime(2026, 1, 5, 12, 7, tzinfo=UTC)
BOTH = frozenset({"a", "b"})


def test_a_window_is_complete_once_and_begins_anew():
    span = windows.Span(BOTH, UTC)
    one = windows.observe(span, None, NOON, "1", ["a"])
    two = windows.observe(span, one.window, NOON + timedelta(hours=1), "2", ["b"])
    assert (one.is_complete, two.is_complete, two.window.results) == (False, True, {})


def test_a_window_that_does_not_reset_fires_on_every_further_match():
    span = windows.Span(BOTH, UTC, resets=False)
    full = windows.observe(span, None, NOON, "1", BOTH)
    assert windows.observe(span, full.window, NOON + timedelta(hours=1), "2", ["a"]).is_complete


def test_a_window_that_ran_out_is_told_of():
    span = windows.Span(BOTH, UTC)
    one = windows.observe(span, None, NOON, "1", ["a"])
    later = windows.observe(span, one.window, NOON + timedelta(days=1), "2", ["b"])
    assert (later.is_complete, later.expired, later.window.results) == (False, one.window, {"b": True})


def test_windows_lie_on_a_grid_that_holds_the_moment():
    span = windows.Span(BOTH, UTC, length=timedelta(minutes=15), advance=timedelta(minutes=-5))
    for minute in range(60):
        at = NOON.replace(minute=minute)
        found = windows.fresh(span, at)
        assert found.holds(at)
        assert found.start.minute in {10, 25, 40, 55}
        assert found.end.minute in {9, 24, 39, 54}


def test_a_sliding_window_forgets_what_is_too_old():
    span = windows.Span(BOTH, UTC, "SLIDING_WINDOW", timedelta(hours=1))
    one = windows.observe(span, None, NOON, "1", ["a"])
    assert windows.observe(span, one.window, NOON + timedelta(minutes=59), "2", ["b"]).is_complete
    late = windows.observe(span, one.window, NOON + timedelta(minutes=61), "2", ["b"])
    assert (late.is_complete, late.expired, late.window.results) == (False, None, {"b": True})


def test_what_comes_after_the_deadline_completes_nothing():
    span = windows.Span(BOTH, UTC, "DAILY_TIME_DEADLINE", ends=NOON.time())
    late = windows.observe(span, None, NOON + timedelta(seconds=1), "1", BOTH)
    assert not late.is_complete
    assert windows.current(span, late.window, NOON + timedelta(seconds=2)).results == {}
