"""What people and tasks do to triggers, with a real loop beside them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.errors import AccessError, ExecutionError, InputError, NotFoundError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import Gov, StartRequest

ANN = Actor("ann", "Ann", frozenset(), Assurance.OS)
BOB = Actor("bob", "Bob", frozenset(), Assurance.BROWSER)
DAILY = """\
id: daily
namespace: n
inputs: [{id: size, type: INT, defaults: 1}]
tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger.date }}"}]
triggers:
  - {id: midnight, type: io.kestra.plugin.core.trigger.Schedule, cron: "@daily", timezone: UTC}
"""
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)
GATE = "tasks: [{id: wait, type: io.kestra.plugin.core.flow.Pause}]"
TASKS = DAILY.splitlines()[3]


@pytest.fixture
def gov(tmp_path: Path) -> Iterator[Gov]:
    service = open_gov(data_dir=str(tmp_path), run_as="ann")
    service.start_loop(background=True)
    yield service
    service.close()


def runs(gov: Gov, flow_id: str = "daily") -> list[Execution]:
    found = [gov.executions.get(one.id, ANN) for one in gov.executions.list(ANN, ExecutionFilter("n", flow_id))]
    return sorted(found, key=lambda one: str(one.trigger.variables.get("date")) if one.trigger else "")


def dates(gov: Gov) -> list[str]:
    return [str(one.trigger.variables["date"])[:10] for one in runs(gov) if one.trigger]


def actions(gov: Gov, flow_id: str = "daily") -> list[str]:
    return [one.action.removeprefix("trigger.") for one in gov.audit.entries(ANN, f"trigger/n/{flow_id}")]


def test_a_backfill_fires_for_each_date_and_the_schedule_goes_on(gov: Gov) -> None:
    gov.flows.register(DAILY, ANN)
    (before,) = gov.triggers.list(ANN)
    begun = gov.triggers.backfill(
        "n", "daily", "midnight", BOB, start=START, end=END, inputs={"size": "7"}, labels={"why": "again"}
    )
    assert (begun.backfill or {})["resume"] == (before.next or START).isoformat()
    assert gov.settle(60)
    assert dates(gov) == [f"2026-01-0{day}" for day in range(1, 6)]
    assert {one.state for one in runs(gov)} == {State.SUCCESS}
    assert {one.inputs["size"] for one in runs(gov)} == {7}
    assert all(("why", "again") in {(label.key, label.value) for label in one.labels} for one in runs(gov))
    (after,) = gov.triggers.list(ANN)
    assert (after.backfill, after.next, after.last) == (None, before.next, None)
    (entry,) = [one for one in gov.audit.entries(ANN, "trigger/n/daily") if one.action.endswith("backfill_started")]
    assert entry.body["start"] == START.isoformat()
    assert gov.audit.verify(ANN).ok


def test_the_same_dates_may_be_walked_again(gov: Gov) -> None:
    gov.flows.register(DAILY, ANN)
    for _ in range(2):
        gov.triggers.backfill("n", "daily", "midnight", ANN, start=START, end=END)
        assert gov.settle(60)
    assert len(runs(gov)) == 10


def test_a_backfill_is_held_goes_on_and_is_cancelled(gov: Gov) -> None:
    gov.flows.register(DAILY.replace(TASKS, GATE), ANN)
    (before,) = gov.triggers.list(ANN)
    gov.triggers.backfill("n", "daily", "midnight", ANN, start=START, end=END)
    assert gov.settle(60)
    paused = gov.triggers.change_backfill("n", "daily", "midnight", "pause", ANN)
    assert paused.next == before.next
    gov.executions.resume(runs(gov)[0].id, ANN)
    assert gov.settle(60)
    assert dates(gov) == ["2026-01-01"]
    gov.triggers.change_backfill("n", "daily", "midnight", "resume", ANN)
    assert gov.settle(60)
    assert dates(gov) == ["2026-01-01", "2026-01-02"]
    gov.triggers.change_backfill("n", "daily", "midnight", "cancel", ANN)
    gov.executions.resume(runs(gov)[1].id, ANN)
    assert gov.settle(60)
    (after,) = gov.triggers.list(ANN)
    assert (len(runs(gov)), after.next, after.backfill) == (2, before.next, None)
    told = [name for name in actions(gov) if name.startswith("backfill")]
    assert told == ["backfill_started", "backfill_paused", "backfill_resumed", "backfill_cancelled"]
    assert gov.audit.verify(ANN).ok


def test_what_is_turned_off_comes_back_with_its_next_date(gov: Gov) -> None:
    gov.flows.register(DAILY, ANN)
    off = gov.triggers.toggle("n", "daily", "midnight", True, BOB)
    assert (off.is_active, off.next) == (False, None)
    assert gov.triggers.get("n", "daily", "midnight", ANN).disabled
    assert gov.triggers.toggle("n", "daily", "midnight", True, BOB) == off
    gov.flows.register(DAILY.replace("trigger.date", "trigger.next"), ANN)
    assert not gov.triggers.list(ANN)[0].is_active
    on = gov.triggers.toggle("n", "daily", "midnight", False, BOB)
    assert on.next is not None
    assert timedelta() < on.next - datetime.now(UTC) <= timedelta(days=1)
    assert actions(gov) == ["registered", "toggled", "registered", "toggled"]
    assert gov.audit.verify(ANN).ok


def test_the_text_of_a_flow_has_the_last_word(gov: Gov) -> None:
    gov.flows.register(DAILY.replace("timezone: UTC}", "timezone: UTC, disabled: true}"), ANN)
    with pytest.raises(ExecutionError, match="GOV380"):
        gov.triggers.toggle("n", "daily", "midnight", False, ANN)
    with pytest.raises(NotFoundError, match="midnight"):
        gov.triggers.toggle("n", "daily", "noon", False, ANN)


def test_nobody_in_particular_changes_nothing(gov: Gov) -> None:
    gov.flows.register(DAILY, ANN)
    before = gov.triggers.list(ANN)
    nobody = Actor("anonymous@host", "anonymous", frozenset(), Assurance.ANONYMOUS)
    with pytest.raises(AccessError, match="GOV342"):
        gov.triggers.toggle("n", "daily", "midnight", True, nobody)
    with pytest.raises(AccessError, match="GOV342"):
        gov.triggers.backfill("n", "daily", "midnight", nobody, start=START, end=END)
    with pytest.raises(AccessError, match="GOV342"):
        gov.triggers.change_backfill("n", "daily", "midnight", "cancel", nobody)
    assert gov.triggers.list(ANN) == before


def test_two_who_toggle_at_once_do_not_fail(gov: Gov) -> None:
    gov.flows.register(DAILY, ANN)
    failed: list[Exception] = []

    def often(disabled: bool) -> None:
        try:
            for _ in range(10):
                gov.triggers.toggle("n", "daily", "midnight", disabled, ANN)
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)

    threads = [threading.Thread(target=often, args=(disabled,)) for disabled in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert gov.audit.verify(ANN).ok


def test_a_task_toggles(gov: Gov) -> None:
    gov.flows.register(DAILY, ANN)
    task = "{id: off, type: io.kestra.plugin.core.trigger.Toggle, flowId: daily, trigger: midnight}"
    gov.flows.register(f"id: stop\nnamespace: n\ntasks: [{task}]\n", ANN)
    for said in ("is off.", "is off already."):
        started = gov.executions.start(StartRequest("n", "stop"), ANN)
        ended = gov.executions.wait(started.id, ANN, until=lambda one: one.state.is_terminal, timeout=60)
        assert ended.state is State.SUCCESS, ended.failure
        assert any(said in line.message for line in gov.executions.logs(started.id, ANN))
    assert not gov.triggers.list(ANN)[0].is_active
    entry = gov.audit.entries(ANN, "trigger/n/daily")[-1]
    assert (entry.action, entry.body["executionId"] is not None) == ("trigger.toggled", True)
    gov.flows.register(f"id: stop\nnamespace: n\ntasks: [{task.replace('midnight', 'noon')}]\n", ANN)
    started = gov.executions.start(StartRequest("n", "stop"), ANN)
    ended = gov.executions.wait(started.id, ANN, until=lambda one: one.state.is_terminal, timeout=60)
    assert ended.state is State.FAILED


# --- webhooks -----------------------------------------------------------------------------------------------------

HOOK = """\
id: hook
namespace: n
inputs: [{id: size, type: INT, defaults: 1}]
tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger | json }}"}]
triggers:
  - id: call
    type: io.kestra.plugin.core.trigger.Webhook
    key: "{{ secret('HOOK') }}"
    inputs: {size: "{{ trigger.body.size ?? 1 }}"}
"""


@pytest.fixture
def hook(gov: Gov, monkeypatch: pytest.MonkeyPatch) -> Gov:
    monkeypatch.setenv("SECRET_HOOK", "czNjcjN0LWtleQ==")  # s3cr3t-key
    gov.flows.register(HOOK, ANN)
    return gov


def test_a_webhook_whose_key_is_a_secret(hook: Gov) -> None:
    body = '{"size": 3, "again": "s3cr3t-key"}'
    found = hook.triggers.webhook("n", "hook", "s3cr3t-key", body=body, headers={"X-Url": "/n/hook/s3cr3t-key"})
    assert found is not None
    assert found.inputs == {"size": 3}
    ended = hook.executions.wait(found.id, ANN, until=lambda one: one.state.is_terminal, timeout=60)
    assert ended.state is State.SUCCESS
    assert "s3cr3t-key" not in str(ended)
    assert "s3cr3t-key" not in str([one.body for one in hook.audit.entries(ANN)])
    assert actions(hook, "hook") == ["registered", "fired"]
    assert hook.audit.verify(ANN).ok


@pytest.mark.parametrize("place", [("n", "hook", "wrong"), ("n", "hook", ""), ("n", "none", "s3cr3t-key")])
def test_nothing_is_learnt_without_the_key(hook: Gov, place: tuple[str, str, str]) -> None:
    with pytest.raises(NotFoundError) as refused:
        hook.triggers.webhook(*place)
    assert refused.value.code == "GOV492"
    assert refused.value.message == "there is no flow with such a webhook"
    assert hook.executions.list(ANN) == []


def test_a_webhook_refuses_what_does_not_fit(hook: Gov) -> None:
    with pytest.raises(InputError, match="size"):
        hook.triggers.webhook("n", "hook", "s3cr3t-key", body='{"size": "many"}')
    assert hook.executions.list(ANN) == []


@pytest.mark.parametrize("body", ["[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "[" * 100_000])
def test_a_body_that_is_nested_without_end_is_a_text(hook: Gov, body: str) -> None:
    found = hook.triggers.webhook("n", "hook", "s3cr3t-key", body=body, headers={})
    assert found is not None
    assert found.trigger is not None
    assert found.trigger.variables["body"] == body


def test_a_missing_secret_opens_nothing(gov: Gov) -> None:
    gov.flows.register(HOOK, ANN)
    for key in ("", "s3cr3t-key", "{{ secret('HOOK') }}"):
        with pytest.raises(NotFoundError):
            gov.triggers.webhook("n", "hook", key)
