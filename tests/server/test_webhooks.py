"""Webhooks over HTTP: who knows the key starts the flow, everybody else learns nothing, and no log shows the key."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from jupyter_gov.server.base import MAX_BODY
from jupyter_gov.server.routes.webhooks import Limiter
from tests.server.conftest import OWNER, Fetch, Service

KEY = "k3y-that-nobody-guesses"
HOOK = f"""
id: hooked
namespace: tests.hooks
inputs: [{{id: amount, type: INT, required: false}}]
tasks: [{{id: t, type: io.kestra.plugin.core.debug.Return, format: "{{{{ trigger.body }}}}"}}]
triggers:
  - id: call
    type: io.kestra.plugin.core.trigger.Webhook
    key: {KEY}
    inputs: {{amount: "{{{{ trigger.body.amount ?? 1 }}}}"}}
    conditions:
      - type: io.kestra.plugin.core.condition.Expression
        expression: "{{{{ (trigger.parameters.skip ?? ['no']) | first == 'no' }}}}"
"""
PATH = "jupyter-gov/api/v1/executions/webhook/tests.hooks"


async def hook(service: Service) -> None:
    await service(lambda gov: gov.flows.register(HOOK, OWNER))


async def _runs(service: Service) -> list[Any]:
    return list(await service(lambda gov: gov.executions.list(OWNER)))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_who_knows_the_key_starts_the_flow(fetch: Fetch, service: Service, method: str) -> None:
    await hook(service)
    body = None if method == "GET" else json.dumps({"amount": 7})
    headers = {"Authorization": "Bearer of-somebody", "Cookie": "session=x", "X-Event": "push"}
    reply = await fetch(f"{PATH}/hooked/{KEY}", method=method, body=body, headers=headers, name="john")
    assert reply.code == 200, reply.body
    shown = json.loads(reply.body)
    assert (shown["namespace"], shown["flowId"], shown["revision"]) == ("tests.hooks", "hooked", 1)
    run = await service(
        lambda gov: gov.executions.wait(shown["id"], OWNER, until=lambda one: one.state.is_terminal, timeout=30)
    )
    variables = run.trigger.variables
    assert variables["parameters"] == {"name": ["john"]}
    assert variables["headers"]["X-Event"] == ["push"]
    assert not {"authorization", "cookie"} & {name.lower() for name in variables["headers"]}
    assert variables.get("body") == (None if body is None else {"amount": 7})
    assert run.inputs == {"amount": 1 if body is None else 7}
    assert (run.starter, run.trigger.id) == ("system", "call")
    assert (await service(lambda gov: gov.audit.verify(OWNER))).ok


async def test_a_wrong_key_and_an_unknown_flow_get_one_answer(fetch: Fetch, service: Service) -> None:
    await hook(service)
    answers = []
    for path in (f"hooked/{KEY}x", "hooked/x", f"unknown/{KEY}", f"../tests/hooked/{KEY}"):
        reply = await fetch(f"{PATH}/{path}", method="POST", body="{}")
        shown = json.loads(reply.body)
        shown.pop("request_id")
        answers.append((reply.code, shown))
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0][0], answers[0][1]["code"]) == (404, "GOV492")
    assert await _runs(service) == []


async def test_one_that_is_turned_off_is_not_there(fetch: Fetch, service: Service) -> None:
    await hook(service)
    await service(lambda gov: gov.flows.register(HOOK, OWNER))
    await service(lambda gov: gov.triggers.toggle("tests.hooks", "hooked", "call", True, OWNER))
    assert (await fetch(f"{PATH}/hooked/{KEY}", method="POST", body="")).code == 404
    await service(lambda gov: gov.triggers.toggle("tests.hooks", "hooked", "call", False, OWNER))
    assert (await fetch(f"{PATH}/hooked/{KEY}", method="POST", body="")).code == 200


async def test_conditions_that_do_not_hold_start_nothing(fetch: Fetch, service: Service) -> None:
    await hook(service)
    reply = await fetch(f"{PATH}/hooked/{KEY}", method="POST", body="", skip="yes")
    assert (reply.code, reply.body) == (204, b"")
    assert await _runs(service) == []


async def test_what_does_not_fit_the_inputs_is_refused(fetch: Fetch, service: Service) -> None:
    await hook(service)
    reply = await fetch(f"{PATH}/hooked/{KEY}", method="POST", body='{"amount": "many"}')
    assert reply.code == 422
    assert json.loads(reply.body)["problems"][0]["field"] == "amount"
    assert await _runs(service) == []


async def test_the_body_is_bounded(fetch: Fetch, service: Service) -> None:
    await hook(service)
    reply = await fetch(f"{PATH}/hooked/{KEY}", method="POST", body="x" * (MAX_BODY + 1))
    assert reply.code == 413
    assert await _runs(service) == []


@pytest.mark.parametrize("path", [f"hooked/{KEY}", f"unknown/{KEY}", f"hooked/{KEY}x"])
async def test_no_log_shows_the_key(
    fetch: Fetch, caplog: pytest.LogCaptureFixture, path: str, service: Service
) -> None:
    await hook(service)
    with caplog.at_level(logging.DEBUG):
        await fetch(f"{PATH}/{path}", method="POST", body='{"amount": "many"}', headers={"Referer": f"http://x/{KEY}"})
        await fetch(f"{PATH}/{path}", method="POST", body="{}", headers={"X-Original-URI": f"/{PATH}/{path}"})
    said = "\n".join([caplog.text, *(str(vars(record)) for record in caplog.records if "tornado" in record.name)])
    assert "webhook/tests.hooks" in said
    assert KEY not in said
    entries = await service(lambda gov: gov.audit.entries(OWNER, limit=1000))
    kept = [str(run.trigger) for run in [await _get(service, one.id) for one in await _runs(service)]]
    assert not any(KEY in text for text in [*map(str, entries), *kept])


async def _get(service: Service, execution_id: str) -> Any:
    return await service(lambda gov: gov.executions.get(execution_id, OWNER))


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
async def test_other_methods_are_refused(fetch: Fetch, method: str) -> None:
    assert (await fetch(f"{PATH}/hooked/{KEY}", method=method, body="{}")).code in {403, 405}


@pytest.mark.parametrize("path", ["executions/webhook/a/b", "executions/webhook/a/b/c/d", "executions/webhook"])
async def test_nothing_else_opens(fetch: Fetch, path: str) -> None:
    reply = await fetch(f"jupyter-gov/api/v1/{path}", method="GET")
    assert reply.code == 403


class TestStrictServer:
    """A server that lets nobody in who is not signed in, but for this."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["ServerApp"]["allow_unauthenticated_access"] = False
        return jp_server_config

    async def test_the_webhook_answers(self, fetch: Fetch, service: Service) -> None:
        await hook(service)
        assert (await fetch(f"{PATH}/hooked/{KEY}", method="POST", body="{}")).code == 200


class TestBusyServer:
    """A server that lets an address call twice a minute."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["JupyterGov"]["webhook_calls_per_minute"] = 2
        return jp_server_config

    async def test_who_calls_too_often_has_to_wait(self, fetch: Fetch, service: Service) -> None:
        replies = await asyncio.gather(*(fetch(f"{PATH}/hooked/wrong", method="POST", body="{}") for _ in range(4)))
        assert sorted(reply.code for reply in replies) == [404, 404, 429, 429]
        refused = next(reply for reply in replies if reply.code == 429)
        assert json.loads(refused.body)["code"] == "GOV493"
        assert 1 <= int(refused.headers["Retry-After"]) <= 31


def test_the_limiter_counts_by_address_and_forgets() -> None:
    now = [0.0]
    limiter = Limiter(2, lambda: now[0])
    assert [limiter.wait("a") for _ in range(3)] == [0.0, 0.0, 30.0]
    assert limiter.wait("b") == 0.0
    now[0] = 30.0
    assert limiter.wait("a") == 0.0
    assert limiter.wait("a") > 0
