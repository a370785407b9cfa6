"""Verbs that begin again or say how something ended: in every state, and never past a gate with rules of its own."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.approval import Verdict
from jupyter_gov.domain.states import State
from jupyter_gov.errors import GovError
from jupyter_gov.service.api import StartRequest
from tests.unit.service.test_verbs import ANN, BOB, bring, gov, settle  # noqa: F401

ENDED = ("SUCCESS", "WARNING", "FAILED", "KILLED")
OPEN = ("RUNNING", "PAUSED", "GUARDED", "QUEUED")
RETURN = "  - {id: %s, type: io.kestra.plugin.core.debug.Return, format: %s}\n"
FAIL = "  - {id: b, type: io.kestra.plugin.core.execution.Fail}\n"
HUMAN = "{id: gate, type: io.kestra.plugin.ee.flow.HumanTask, assignment: {groups: [risk]}}"


def first_run(gov, execution_id):  # noqa: F811
    return next((run.id for run in gov.executions.get(execution_id, ANN).ordered()), "none")


CALLS = {
    "replay_from": lambda it, one: it.executions.replay(one, ANN, first_run(it, one)),
    "change_status": lambda it, one: it.executions.change_status(one, State.FAILED, ANN, "checked by hand"),
    "mark_task": lambda it, one: it.executions.mark_task(one, first_run(it, one), State.FAILED, ANN),
    "set_labels": lambda it, one: it.executions.set_labels(one, {"team": "risk"}, ANN),
}


@pytest.mark.parametrize("kind", ENDED + OPEN)
@pytest.mark.parametrize("verb", CALLS)
def test_each_verb_in_each_state(verb, kind, gov):  # noqa: F811
    execution_id = bring(gov, kind)
    before = gov.executions.get(execution_id, ANN)
    if kind in OPEN:
        with pytest.raises(GovError) as caught:
            CALLS[verb](gov, execution_id)
        assert caught.value.code == "GOV309"
        assert gov.executions.get(execution_id, ANN).version == before.version
        return
    CALLS[verb](gov, execution_id)
    assert gov.audit.verify(ANN).ok


@pytest.mark.parametrize("kind", ENDED + OPEN)
def test_only_a_queued_execution_leaves_the_queue_and_only_what_waits_is_forced(kind, gov):  # noqa: F811
    execution_id = bring(gov, kind)
    forced = {"QUEUED": "RUNNING", "PAUSED": "SUCCESS", "RUNNING": "RUNNING", "GUARDED": "GOV405"}.get(kind, "GOV306")
    if kind != "QUEUED":
        assert refused(lambda: gov.executions.unqueue(execution_id, ANN)) == "GOV315"
    if forced.startswith("GOV"):
        assert refused(lambda: gov.executions.force_run(execution_id, BOB)) == forced
    else:
        gov.executions.force_run(execution_id, BOB)
        settle(gov, execution_id, forced)
        assert gov.audit.verify(ANN).ok


def refused(call):
    with pytest.raises(GovError) as caught:
        call()
    return caught.value.code


def started(gov, tasks, until):  # noqa: F811
    gov.flows.register(f"id: f\nnamespace: n\ntasks:\n{tasks}", ANN)
    execution = gov.executions.start(StartRequest("n", "f", labels={"team": "risk"}), ANN)
    return settle(gov, execution.id, until)


def test_a_replay_keeps_what_ended_before_and_runs_the_rest_again(gov):  # noqa: F811
    old = started(gov, RETURN % ("a", "1") + RETURN % ("b", '"{{ outputs.a.value }}2"'), "SUCCESS")
    new = gov.executions.replay(old.id, BOB, old.find("b").id)
    assert (new.state, new.starter, new.parent_id, new.original_id) == ("RESTARTED", "bob", old.id, old.id)
    new = settle(gov, new.id, "SUCCESS")
    assert [run.task_id for run in new.ordered()] == ["a", "b"]
    assert new.find("a").history == old.find("a").history
    assert new.find("b").outputs["value"] == "12"
    assert new.labels == old.labels
    whole = settle(gov, gov.executions.replay(new.id, BOB).id, "SUCCESS")
    assert (whole.parent_id, whole.original_id) == (new.id, old.id)
    assert gov.executions.get(old.id, ANN) == old
    assert gov.audit.verify(ANN).ok


def test_a_restart_with_a_revision_goes_on_as_a_new_execution(gov):  # noqa: F811
    old = started(gov, RETURN % ("a", "1") + FAIL, "FAILED")
    gov.flows.register(f"id: f\nnamespace: n\ntasks:\n{RETURN % ('a', '1')}{RETURN % ('b', '2')}", ANN)
    new = gov.executions.restart(old.id, BOB, revision=2)
    new = settle(gov, new.id, "SUCCESS")
    assert (new.flow_revision, new.parent_id, new.find("b").outputs["value"]) == (2, old.id, "2")
    gov.flows.register(f"id: f\nnamespace: n\ntasks:\n{RETURN % ('other', '1')}", ANN)
    assert refused(lambda: gov.executions.restart(old.id, BOB, revision=3)) == "GOV313"
    assert refused(lambda: gov.executions.restart(old.id, BOB, revision=9)) == "GOV302"
    assert gov.audit.verify(ANN).ok


def test_a_task_marked_as_succeeded_lets_the_flow_go_on(gov):  # noqa: F811
    old = started(gov, FAIL + RETURN % ("c", "3"), "FAILED")
    gov.executions.mark_task(old.id, old.find("b").id, State.SUCCESS, BOB, "done by hand")
    found = settle(gov, old.id, "SUCCESS")
    assert found.find("c").outputs["value"] == "3"
    (entry,) = [one for one in gov.audit.entries(ANN, f"execution/{old.id}") if one.action == "task_run.marked"]
    assert (entry.body["reason"], entry.body["state"]) == ("done by hand", "SUCCESS")
    assert gov.audit.verify(ANN).ok


def test_a_task_marked_in_the_middle_does_not_run_again_what_ran_behind_it(gov):  # noqa: F811
    old = started(gov, RETURN % ("a", "1") + RETURN % ("b", "2") + RETURN % ("c", "3"), "SUCCESS")
    gov.executions.mark_task(old.id, old.find("a").id, State.WARNING, BOB)
    found = settle(gov, old.id, "WARNING")
    assert [run.task_id for run in found.ordered()] == ["a", "b", "c"]
    assert found.find("c").history == old.find("c").history


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
def test_nothing_passes_a_gate_with_rules_of_its_own(verdict, gov):  # noqa: F811
    tasks = f"  - {HUMAN}\n" + FAIL
    execution = started(gov, tasks, "PAUSED")
    (gate,) = gov.approvals.list(ANN, execution_id=execution.id)
    digest = gate.approval.subject_digest
    gov.approvals.decide(gate.approval.id, verdict, ANN, subject_digest=digest, reason="seen")
    execution = settle(gov, execution.id, "FAILED")
    gate_run = execution.find("gate").id
    if verdict is Verdict.REJECT:
        assert refused(lambda: gov.executions.change_status(execution.id, State.SUCCESS, BOB)) == "GOV405"
        assert refused(lambda: gov.executions.mark_task(execution.id, gate_run, State.SUCCESS, BOB)) == "GOV405"
    else:
        behind = execution.find("b").id
        assert refused(lambda: gov.executions.replay(execution.id, BOB, behind)) == "GOV405"
        assert refused(lambda: gov.executions.restart(execution.id, BOB, revision=1)) == "GOV405"
    again = gov.executions.replay(execution.id, BOB, gate_run)
    assert settle(gov, again.id, "PAUSED").find("b") is None
    assert gov.audit.verify(ANN).ok


def test_a_paused_execution_begins_nothing_until_it_is_resumed(gov):  # noqa: F811
    tasks = "  - {id: s, type: io.kestra.plugin.core.flow.Sleep, duration: PT0.6S}\n" + RETURN % ("b", "2")
    execution = started(gov, tasks, "RUNNING")
    gov.executions.pause(execution.id, BOB, "look at it first")
    settle(gov, execution.id, "PAUSED")
    held = gov.executions.wait(execution.id, ANN, until=lambda one: one.find("b") is not None, timeout=30)
    assert (held.state, held.find("s").state, held.find("b").state) == ("PAUSED", "SUCCESS", "CREATED")
    assert refused(lambda: gov.executions.pause(execution.id, BOB)) == "GOV316"
    assert gov.settle(30)
    gov.executions.resume(execution.id, BOB)
    found = settle(gov, execution.id, "SUCCESS")
    assert [str(one.state) for one in found.history.moments][2:] == ["PAUSED", "RESTARTED", "RUNNING", "SUCCESS"]
    assert gov.audit.verify(ANN).ok


def test_a_paused_execution_can_be_killed_and_restarted(gov):  # noqa: F811
    tasks = "  - {id: s, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}\n"
    execution = started(gov, tasks, "RUNNING")
    gov.executions.pause(execution.id, BOB)
    settle(gov, execution.id, "PAUSED")
    gov.executions.kill(execution.id, BOB)
    settle(gov, execution.id, "KILLED")
    gov.executions.restart(execution.id, BOB)
    settle(gov, execution.id, "RUNNING")


@pytest.mark.parametrize("kind", [*ENDED, "PAUSED", "GUARDED", "QUEUED"])
def test_only_what_runs_is_paused(kind, gov):  # noqa: F811
    execution_id = bring(gov, kind)
    assert refused(lambda: gov.executions.pause(execution_id, ANN)) == "GOV316"


@pytest.mark.parametrize("labels", [{}, {None: None}, {"a": None}, {"system.x": "y"}])
def test_labels_need_a_key_of_ones_own_and_a_value(labels, gov):  # noqa: F811
    execution_id = bring(gov, "SUCCESS")
    assert refused(lambda: gov.executions.set_labels(execution_id, labels, ANN)) in {"GOV230", "GOV231"}
    assert refused(lambda: gov.executions.set_labels("missing", {"a": "b"}, ANN)) == "GOV302"
    assert refused(lambda: gov.executions.change_status(execution_id, State.RUNNING, ANN)) == "GOV314"
