"""What a trigger would do, asked through the service: nothing is started by the question."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.errors import NotFoundError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest

ANN = Actor("ann", "Ann", frozenset(), Assurance.OS)
TASKS = "tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: done}]\n"
DAILY = f"""\
id: daily
namespace: n
inputs: [{{id: count, type: INT}}]
{TASKS}
triggers:
  - id: midnight
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "@daily"
    timezone: UTC
    inputs: {{count: "{{{{ trigger.date | date('d') }}}}"}}
"""
AFTER = f"""\
id: after
namespace: n
{TASKS}
triggers:
  - id: both
    type: io.kestra.plugin.core.trigger.Flow
    preconditions:
      id: pair
      flows:
        - {{namespace: n, flowId: one}}
        - {{namespace: n, flowId: two}}
"""
AT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def gov(tmp_path):
    service = open_gov(data_dir=str(tmp_path), run_as="ann")
    yield service
    service.close()


def test_a_schedule_gives_typed_inputs_and_starts_nothing(gov):
    gov.flows.register(DAILY, ANN)
    found = gov.triggers.preview("n", "daily", "midnight", ANN, date=AT)
    assert (found.fires, found.inputs) == (True, {"count": 5})
    assert found.variables["next"] == "2026-01-06T00:00:00+00:00"
    assert gov.executions.list(ANN) == []


def test_an_input_that_does_not_fit_is_named(gov):
    gov.flows.register(DAILY.replace("date('d')", "date('EEEE')"), ANN)
    found = gov.triggers.preview("n", "daily", "midnight", ANN, date=AT)
    assert (found.fires, found.problem.code) == (False, "GOV202")


def test_a_window_shows_what_has_come(gov):
    gov.flows.register(AFTER, ANN)
    gov.start_loop()
    runs = {}
    for name in ("one", "two"):
        gov.flows.register(f"id: {name}\nnamespace: n\n{TASKS}", ANN)
        started = gov.executions.start(StartRequest("n", name), ANN)
        runs[name] = gov.executions.wait(started.id, ANN, until=lambda found: found.state.is_terminal, timeout=30)
        gov.settle(30)
        if name == "one":
            assert gov.triggers.get("n", "after", "both", ANN).window.results == {"n.one": True}
            assert not gov.triggers.preview("n", "after", "both", ANN, upstream=runs["one"]).fires
    # Both have come: the next window is empty, and whatever is missing in it is missing again.
    assert gov.triggers.get("n", "after", "both", ANN).window.results == {}
    assert list(gov.triggers.expired("n", "after", "both", ANN)) == []


def test_a_trigger_that_is_not_there_is_told_with_those_that_are(gov):
    gov.flows.register(DAILY, ANN)
    with pytest.raises(NotFoundError, match="midnight"):
        gov.triggers.preview("n", "daily", "noon", ANN)


def test_dependencies_hand_on_the_outputs_of_all_that_came(gov):
    for name in ("sales", "costs"):
        outputs = f'outputs: [{{id: rows, type: INT, value: "{len(name)}"}}]\n'
        gov.flows.register(f"id: {name}\nnamespace: n\n{outputs}{TASKS}", ANN)
    text = AFTER.partition("    preconditions:")[0].replace(TASKS, f"inputs: [{{id: sum, type: INT}}]\n{TASKS}")
    text += "    dependsOn: [{flowId: sales}, {flowId: costs}]\n    window: {every: P1D}\n"
    text += '    inputs: {sum: "{{ trigger.outputs.sales.rows * 10 + trigger.outputs.costs.rows }}"}\n'
    gov.flows.register(text.replace("costs.rows }}", "rows }}"), ANN)
    gov.start_loop(background=True)
    ended = []
    for name in ("sales", "costs"):
        started = gov.executions.start(StartRequest("n", name), ANN)
        ended.append(gov.executions.wait(started.id, ANN, until=lambda found: found.state.is_terminal, timeout=30))
    gov.settle(10)
    found = gov.triggers.preview("n", "after", "both", ANN, upstream=ended[1])
    assert (found.fires, found.problem) == (True, None)
    assert found.inputs == {"sum": 55}
    assert found.variables["outputs"] == {"rows": 5, "sales": {"rows": 5}, "costs": {"rows": 5}}
