"""Executions that are created now and begin at a date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.errors import ExecutionError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest

ANN = Actor("ann", "Ann", assurance=Assurance.OS)
LOG = "tasks:\n  - {id: a, type: io.kestra.plugin.core.log.Log, message: x}\n"
CALLER = """\
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: n
    flowId: f
    scheduleDate: "{{ %s }}"
"""


@pytest.fixture
def gov(tmp_path):
    service = open_gov(data_dir=str(tmp_path / "data"), run_as="ann")
    service.start_loop()
    yield service
    service.close()


def start(gov, flow_id="f", **more):
    return gov.executions.start(StartRequest("n", flow_id, **more), ANN)


def in_(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def end(gov, execution):
    return gov.executions.wait(execution.id, ANN, until=lambda found: found.state.is_terminal, timeout=30)


def test_it_waits_for_its_date_and_begins_then(gov):
    gov.flows.register(f"id: f\nnamespace: n\n{LOG}", ANN)
    date = in_(1)
    execution = start(gov, schedule_date=date)
    assert execution.state == "CREATED"
    ended = end(gov, execution)
    assert ended.state == "SUCCESS"
    assert ended.history.moments[1].at >= date
    created = next(entry for entry in gov.audit.entries(ANN, f"execution/{execution.id}"))
    assert created.body["scheduleDate"] == date.isoformat()
    assert gov.audit.verify(ANN).ok


def test_a_past_date_means_now_and_a_date_without_zone_is_refused(gov):
    gov.flows.register(f"id: f\nnamespace: n\n{LOG}", ANN)
    assert end(gov, start(gov, schedule_date=in_(-60))).state == "SUCCESS"
    with pytest.raises(ExecutionError) as caught:
        start(gov, schedule_date=datetime.fromisoformat("2099-01-01"))
    assert caught.value.code == "GOV317"
    assert len(gov.executions.list(ANN)) == 1


def test_it_can_be_killed_before_it_begins(gov):
    gov.flows.register(f"id: f\nnamespace: n\n{LOG}", ANN)
    execution = start(gov, schedule_date=in_(3600))
    gov.executions.kill(execution.id, ANN)
    killed = end(gov, execution)
    assert (killed.state, len(killed.task_runs)) == ("KILLED", 0)


def test_it_holds_no_slot_before_it_begins_and_waits_for_one_then(gov):
    sleep = "tasks:\n  - {id: s, type: io.kestra.plugin.core.flow.Sleep, duration: PT1.5S}\n"
    gov.flows.register(f"id: f\nnamespace: n\nconcurrency: {{limit: 1}}\n{sleep}", ANN)
    later = start(gov, schedule_date=in_(0.5))
    first = start(gov)
    assert first.state == "CREATED"
    ended = end(gov, later)
    first = end(gov, first)
    assert (first.state, ended.state) == ("SUCCESS", "SUCCESS")
    states = [moment.state.value for moment in ended.history.moments]
    assert states == ["CREATED", "QUEUED", "RUNNING", "SUCCESS"]
    assert ended.history.moments[2].at >= first.history.moments[-1].at


def test_a_call_with_a_date(gov):
    gov.flows.register(f"id: f\nnamespace: n\n{LOG}", ANN)
    gov.flows.register("id: caller\nnamespace: n\n" + CALLER % "now() | dateAdd(1, 'SECONDS')", ANN)
    caller = end(gov, start(gov, "caller"))
    assert caller.state == "SUCCESS"
    (child,) = gov.executions.list(ANN, ExecutionFilter("n", "f"))
    moments = gov.executions.get(child.id, ANN).history.moments
    assert (moments[1].at - moments[0].at).total_seconds() > 0.9


def test_a_call_with_what_is_no_date_fails(gov):
    gov.flows.register(f"id: f\nnamespace: n\n{LOG}", ANN)
    gov.flows.register("id: caller\nnamespace: n\n" + CALLER % "'soon'", ANN)
    caller = end(gov, start(gov, "caller"))
    assert (caller.state, caller.failure.code) == ("FAILED", "GOV318")
    assert not gov.executions.list(ANN, ExecutionFilter("n", "f"))
