"""Deleting executions: what goes, what stays, and what may not go."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import Verdict
from jupyter_gov.domain.states import State
from jupyter_gov.errors import NotFoundError
from jupyter_gov.service.api import StartRequest
from tests.faces import open_gate
from tests.unit.service.place import ANN, Place, refused

SAY = "tasks: [{id: say, type: io.kestra.plugin.core.log.Log, message: hi}]\n"
NAP = "tasks: [{id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT60S}]\n"
PAUSE = "tasks: [{id: gate, type: io.kestra.plugin.core.flow.Pause}]\n"
HUMAN = "tasks: [{id: gate, type: io.kestra.plugin.ee.flow.HumanTask, assignment: {groups: [risk]}}]\n"
CALL = "tasks: [{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: demo, flowId: inner}]\n"
NOBODY = Actor("anonymous@here", "somebody")


def entries(place: Place, execution_id: str) -> list[str]:
    return [entry.action for entry in place.gov.audit.entries(ANN, f"execution/{execution_id}")]


def test_it_goes_with_its_log_and_its_history_says_by_whom(place: Place) -> None:
    ended = place.start(SAY)
    gone = place.gov.executions.delete(ended.id, ANN, reason="too old")
    assert gone["logs"] == 1
    assert isinstance(refused(lambda: place.gov.executions.get(ended.id, ANN)), NotFoundError)
    assert not place.logs(ended.id)
    told = place.gov.audit.entries(ANN, f"execution/{ended.id}")
    assert told[-1].action == "execution.deleted"
    assert told[-1].body is not None
    assert (told[-1].body["reason"], told[-1].body["state"]) == ("too old", "SUCCESS")
    assert len(told) > 2
    assert place.gov.audit.verify(ANN).ok
    assert refused(lambda: place.gov.executions.delete(ended.id, ANN)).code == "GOV302"


def test_log_and_metrics_may_stay(place: Place) -> None:
    ended = place.start(SAY)
    place.gov.executions.delete(ended.id, ANN, logs=False, metrics=False)
    assert place.logs(ended.id) == ["INFO hi"]
    assert place.gov.audit.verify(ANN).ok


@pytest.mark.parametrize(("tasks", "state"), [(NAP, State.RUNNING), (PAUSE, State.PAUSED)])
def test_what_has_not_ended_stays(place: Place, tasks: str, state: State) -> None:
    running = place.start(tasks, until=state)
    before = entries(place, running.id)
    assert refused(lambda: place.gov.executions.delete(running.id, ANN)).code == "GOV343"
    assert entries(place, running.id) == before
    assert place.gov.executions.get(running.id, ANN).version == running.version


def test_nobody_in_particular_deletes_nothing(place: Place) -> None:
    ended = place.start(SAY)
    assert refused(lambda: place.gov.executions.delete(ended.id, NOBODY)).code == "GOV342"
    assert place.gov.executions.get(ended.id, ANN).state is State.SUCCESS


@pytest.mark.parametrize("verb", ["mark_task", "change_status", "force_run"])
def test_nobody_in_particular_rewrites_nothing(place: Place, verb: str) -> None:
    ended = place.start(SAY)
    run = next(iter(ended.task_runs))
    given = {"mark_task": (run, State.FAILED), "change_status": (State.FAILED,), "force_run": ()}[verb]
    act = getattr(place.gov.executions, verb)
    assert refused(lambda: act(ended.id, *given, NOBODY)).code == "GOV342"
    assert place.gov.executions.get(ended.id, ANN).version == ended.version


def test_rows_deleted_by_hand_are_still_found_out(place: Place) -> None:
    import sqlite3

    ended = place.start(SAY)
    with sqlite3.connect(place.folder / "gov.db") as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM gov_executions WHERE id = ?", (ended.id,))
    findings = place.gov.audit.verify(ANN).findings
    assert [finding.code for finding in findings] == ["GOV622"]


def test_rows_that_come_back_after_a_deletion_are_found_out(place: Place) -> None:
    import sqlite3

    ended = place.start(SAY)
    connection = sqlite3.connect(place.folder / "gov.db")
    row = connection.execute("SELECT * FROM gov_executions WHERE id = ?", (ended.id,)).fetchone()
    place.gov.executions.delete(ended.id, ANN)
    connection.execute(f"INSERT INTO gov_executions VALUES ({', '.join('?' * len(row))})", row)
    connection.commit()
    connection.close()
    assert not place.gov.audit.verify(ANN).ok


def test_a_gate_with_rules_is_not_got_around_by_deleting_where_it_stands(place: Place) -> None:
    place.gov.flows.register(f"id: inner\nnamespace: demo\n{HUMAN}", ANN)
    outer = place.start(CALL, until=State.RUNNING)
    gate = open_gate(place.gov, "gate")
    digest = gate.approval.subject_digest
    place.gov.approvals.decide(gate.approval.id, Verdict.REJECT, ANN, subject_digest=digest, reason="no")
    outer = place.wait(outer.id)
    inner = gate.approval.execution_id
    assert outer.state is State.FAILED
    assert refused(lambda: place.gov.executions.delete(inner, ANN)).code == "GOV344"
    call = next(iter(outer.task_runs))
    assert refused(lambda: place.gov.executions.mark_task(outer.id, call, State.SUCCESS, ANN)).code == "GOV405"
    place.gov.executions.delete(outer.id, ANN)
    place.gov.executions.delete(inner, ANN)
    assert place.gov.audit.verify(ANN).ok


def test_a_caller_that_is_gone_does_not_hold_up_what_it_called(place: Place) -> None:
    place.gov.flows.register(f"id: inner\nnamespace: demo\n{PAUSE}", ANN)
    outer = place.start(CALL.replace("flowId: inner", "flowId: inner, wait: false"))
    inner = (outer.ordered()[0].outputs or {})["executionId"]
    place.gov.executions.delete(outer.id, ANN)
    place.wait(inner, State.PAUSED)
    place.gov.executions.resume(inner, ANN)
    assert place.wait(inner).state is State.SUCCESS


def test_a_flow_purges_old_executions_and_is_named_in_their_history(place: Place) -> None:
    old = [place.start(SAY).id for _ in range(3)]
    other = place.gov.flows.register(f"id: other\nnamespace: demoX\n{SAY}".replace("demoX", "demos"), ANN)
    kept = place.wait(place.gov.executions.start(StartRequest(other.namespace, other.flow_id), ANN).id)
    purge = """\
tasks:
  - id: tidy
    type: io.kestra.plugin.core.execution.PurgeExecutions
    namespace: demo
    endDate: "{{ now() }}"
"""
    ended = place.start(purge)
    assert ended.state is State.SUCCESS
    outputs = ended.ordered()[0].outputs or {}
    assert (outputs["executionsCount"], outputs["logsCount"]) == (3, 3)
    for execution_id in old:
        entry = place.gov.audit.entries(ANN, f"execution/{execution_id}")[-1]
        assert entry.action == "execution.deleted"
        assert entry.body is not None
        assert entry.body["executionId"] == ended.id
    assert place.gov.executions.get(kept.id, ANN).state is State.SUCCESS
    assert place.gov.audit.verify(ANN).ok


def test_only_what_belongs_to_an_execution_may_be_purged(place: Place) -> None:
    old = place.start(SAY)
    purge = """\
tasks:
  - {id: tidy, type: io.kestra.plugin.core.execution.PurgeExecutions, endDate: "{{ now() }}", purgeExecution: false}
"""
    place.start(purge)
    assert place.gov.executions.get(old.id, ANN).state is State.SUCCESS
    assert not place.logs(old.id)
    assert "execution.cleared" in entries(place, old.id)
    assert place.gov.audit.verify(ANN).ok


def test_log_lines_of_a_level_go_and_the_history_of_who_purged_says_so(place: Place) -> None:
    old = place.start(SAY.replace("message: hi", "message: hi, level: DEBUG") + "")
    place.start(SAY)
    purge = """\
tasks:
  - {id: tidy, type: io.kestra.plugin.core.log.PurgeLogs, endDate: "{{ now() }}", logLevels: [DEBUG], namespace: demo}
"""
    ended = place.start(purge)
    assert (ended.ordered()[0].outputs or {})["count"] == 1
    assert not place.logs(old.id)
    assert "logs.deleted" in entries(place, ended.id)


def test_executions_are_counted_by_flow_and_by_namespace(place: Place) -> None:
    place.start(SAY)
    place.start(SAY)
    count = """\
tasks:
  - id: count
    type: io.kestra.plugin.core.execution.Count
    states: [SUCCESS]
    flows: [{namespace: demo, flowId: played}, {namespace: demo, flowId: never}]
    expression: "{{ count == 0 }}"
  - {id: all, type: io.kestra.plugin.core.execution.Count, states: [SUCCESS], expression: "{{ true }}"}
"""
    ended = place.start(count)
    first, second = (run.outputs or {} for run in ended.ordered())
    assert first["results"] == [{"namespace": "demo", "flowId": "never", "count": 0}]
    assert (first["total"], second["total"]) == (0, 2)
