"""What the fuzz run has found, each as the smallest case."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jupyter_gov.domain.events import Pause
from jupyter_gov.engine.triggers import schedule, starting
from jupyter_gov.engine.triggers.parse import calendar_of, parse, rule_of
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import ExecutionError, GovError, InputError
from jupyter_gov.lang.check import check
from jupyter_gov.plugins.binding import bind
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.service.api import StartRequest
from tests.bad_input.cases import HEAD, LOG, RETURN
from tests.bad_input.fuzz.drive import Drive

TRIGGER = "triggers:\n  - id: s\n    type: io.kestra.plugin.core.trigger."
NOW = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)


def _trigger(written: str):
    flow = check(HEAD + LOG + TRIGGER + written, Registry()).raise_for_errors()
    [trigger] = flow.triggers
    return parse(trigger), Subject(starting.flow_context(flow), ZoneInfo("UTC"))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_date_at_the_edge_of_the_calendar_is_refused_with_a_reason(date, zone):
    parsed, subject = _trigger(f"ScheduleOnDates\n    timezone: {zone}\n    dates: ['{date}']\n")
    with pytest.raises(ExecutionError) as caught:
        rule_of(parsed, calendar_of(parsed.own, render=subject.render, default=subject.zone))
    assert caught.value.code == "GOV341"
    assert date[:4] in caught.value.message


def test_dates_that_are_far_away_and_possible_are_taken():
    parsed, subject = _trigger("ScheduleOnDates\n    dates: ['0002-01-01T00:00:00Z', '9998-12-31T23:59:59Z']\n")
    rule = rule_of(parsed, calendar_of(parsed.own, render=subject.render, default=subject.zone))
    assert schedule.next_date(rule, subject, None, now=NOW) == datetime(2, 1, 1, tzinfo=UTC)
    assert schedule.evaluate(rule, subject, datetime(2, 1, 1, tzinfo=UTC), now=NOW, exactly=True).due is not None
    assert schedule.after(rule, subject, datetime(9990, 1, 1, tzinfo=UTC)) == datetime(
        9998, 12, 31, 23, 59, 59, tzinfo=UTC
    )


def test_a_zone_that_an_expression_gives_and_nobody_knows_is_an_error_of_ours():
    parsed, subject = _trigger("Schedule\n    timezone: \"{{ 'Nowhere' }}\"\n    cron: 0 11 * * MON\n")
    with pytest.raises(ExecutionError) as caught:
        calendar_of(parsed.own, render=subject.render, default=subject.zone)
    assert caught.value.code == "GOV341"
    assert "Nowhere" in caught.value.message
    assert caught.value.hint


def test_every_property_that_takes_an_expression_takes_one_when_it_is_checked_and_refuses_words_as_ours():
    registry = Registry()
    for name in registry.names():
        info = registry.find(name)
        if info is None or info.kind != "runnable":
            continue
        for field, declared in info.model.model_fields.items():
            key = declared.alias or field
            for value in ("{{ outputs.t1.value }}", "words", -1, None, [], {}):
                text = check(f"{HEAD}tasks:\n  - id: t\n    type: {name}\n    {key}: {value!r}\n", registry)
                assert text.flow is not None or text.errors
                with suppress(GovError):
                    bind(registry.load(name), {key: value}, lambda given: given, registry)


def test_outputs_by_loop_value_hold_no_value_of_a_run_without_outputs(gov, actor):
    gov.flows.register(
        HEAD
        + """\
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - id: maybe
        type: io.kestra.plugin.core.debug.Return
        format: "of {{ taskrun.value }}"
        runIf: "{{ taskrun.value == 'b' }}"
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.maybe | length }} {{ outputs.maybe }}"
outputs:
  - id: all
    type: JSON
    value: "{{ outputs }}"
""",
        actor,
    )
    execution = gov.executions.start(StartRequest("n", "f"), actor)
    execution = gov.executions.wait(execution.id, actor, until=lambda found: found.state.is_terminal, timeout=30)
    assert execution.state == "SUCCESS", execution.failure
    assert execution.outputs["all"]["maybe"] == {"b": {"value": "of b"}}
    [after] = [run for run in execution.task_runs.values() if run.task_id == "after"]
    assert after.outputs == {"value": '1 {"b":{"value":"of b"}}'}


def test_what_runs_after_the_end_runs_also_if_somebody_paused_the_last_task():
    source = HEAD + LOG + "afterExecution:\n  - id: u\n    type: io.kestra.plugin.core.log.Log\n    message: bye\n"
    world = Drive(check(source, Registry()).raise_for_errors())
    world.start()
    world.send(Pause(by="ann"))
    world.finish(next(iter(world.running)))
    assert world.execution.state.is_terminal
    assert [world.execution.task_runs[run_id].task_id for run_id in world.running] == ["u"]
    world.finish(next(iter(world.running)))
    assert world.execution.is_over


@pytest.mark.parametrize(
    "path", ["x" * 300, "a/" * 3000, "a\\u0000b", "~" * 5000], ids=["long", "deep", "nul", "longer"]
)
@pytest.mark.parametrize("call", ["fileSize", "read", "fileExists", "fileURI", "isFileEmpty"])
def test_a_path_that_no_disk_takes_is_a_missing_file(call, path, gov, actor):
    gov.flows.register(f'{HEAD}{RETURN}"{{{{ {call}(vars.path) }}}}"\nvariables:\n  path: "{path}"\n', actor)
    execution = gov.executions.start(StartRequest("n", "f"), actor)
    execution = gov.executions.wait(execution.id, actor, until=lambda found: found.state.is_terminal, timeout=60)
    [run] = execution.task_runs.values()
    if call == "fileExists" or (run.failure is None and call == "fileURI"):
        assert execution.state == "SUCCESS", run.failure
    else:
        assert run.failure is not None
        assert run.failure.code in {"GOV861", "GOV862", "GOV104", "GOV878"}, run.failure
        assert len(run.failure.message) < 500


def test_a_missing_input_whose_description_is_empty_is_named(gov, actor):
    gov.flows.register(f"{HEAD}inputs:\n  - {{id: x, type: STRING, description: ' '}}\n{LOG}", actor)
    with pytest.raises(InputError) as caught:
        gov.executions.start(StartRequest("n", "f"), actor)
    assert caught.value.code == "GOV201"
