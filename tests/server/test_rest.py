"""What the REST interface answers, on a plain Jupyter server whose users have no names."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from jupyter_gov import __version__
from tests.server.conftest import ASSIGNED, OWNER, Ask, open_gate

ROUTES = [
    ("GET", "health"),
    ("GET", "approvals"),
    ("GET", "approvals/x-1-g1"),
    ("POST", "approvals/x-1-g1/decision"),
    ("GET", "executions/x"),
    ("POST", "executions/x/kill"),
    ("POST", "executions/x/restart"),
    ("GET", "nothing/here"),
    ("POST", "nothing/here"),
]


def decision(gate: Any, **more: Any) -> dict[str, Any]:
    return {"verdict": "approve", "subjectDigest": gate.approval.subject_digest, "inputs": {"amount": 3}, **more}


async def test_health_is_the_handshake(ask: Ask) -> None:
    reply = await ask("health")
    assert (reply.status, reply.body["version"], reply.body["apiLevel"]) == (200, __version__, 1)
    assert (reply.body["status"], reply.body["problem"]) == ("ok", None)
    assert reply.body["actor"]["assurance"] == "anonymous"
    assert reply.body["actor"]["id"] == f"anonymous@{socket.gethostname()}"
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_gets_in_without_signing_in(ask: Ask, method: str, path: str) -> None:
    # The token header of a session would skip the XSRF check; a stranger has neither.
    headers = {"Cookie": "_xsrf=2|a|b", "X-XSRFToken": "2|a|b"}
    reply = await ask(path, method=method, headers=headers, body="{}" if method == "POST" else None)
    assert reply.status == 403
    assert reply.body["code"] == "GOV483"
    assert len(reply.body["request_id"]) == 12


async def test_a_decision_goes_through_and_the_run_goes_on(ask: Ask, service: Any) -> None:
    gate = await open_gate(service)
    listed = await ask("approvals", executionId=gate.approval.execution_id)
    assert [one["id"] for one in listed.body["approvals"]] == [gate.approval.id]
    reply = await ask(f"approvals/{gate.approval.id}/decision", body=decision(gate, reason="fine"))
    assert reply.status == 200
    assert (reply.body["status"], reply.body["reason"]) == ("APPROVED", "fine")
    assert reply.body["votes"][0]["assurance"] == "anonymous"
    ended = await service(
        lambda gov: gov.executions.wait(
            gate.approval.execution_id, OWNER, until=lambda now: now.state.is_terminal, timeout=30
        )
    )
    shown = await ask(f"executions/{ended.id}")
    assert (shown.body["state"], shown.body["approvals"][0]["status"]) == ("SUCCESS", "APPROVED")
    assert [run["taskId"] for run in shown.body["taskRuns"]] == ["gate", "done"]
    assert (await ask("approvals")).body["approvals"] == []
    assert len((await ask("approvals", status="any")).body["approvals"]) == 1


async def test_one_decision_counts(ask: Ask, service: Any) -> None:
    gate = await open_gate(service)
    path = f"approvals/{gate.approval.id}/decision"
    replies = await asyncio.gather(*(ask(path, body=decision(gate)) for _ in range(4)))
    assert sorted(reply.status for reply in replies) == [200, 409, 409, 409]
    late = await ask(path, body=decision(gate, verdict="reject", reason="no"))
    assert (late.status, late.body["code"]) == (409, "GOV409")
    assert (await ask(f"approvals/{gate.approval.id}")).body["status"] == "APPROVED"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_only_post_decides(ask: Ask, service: Any, method: str) -> None:
    gate = await open_gate(service)
    body = None if method in {"GET", "HEAD"} else decision(gate)
    reply = await ask(f"approvals/{gate.approval.id}/decision", method=method, body=body)
    assert reply.status == 405
    assert (await ask(f"approvals/{gate.approval.id}")).body["status"] == "OPEN"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"subjectDigest": "sha256:other"}, 412, "GOV412"),
        ({"inputs": {"amount": "many"}}, 422, None),
        ({"inputs": {}}, 422, None),
        ({"inputs": {"amount": 1, "amuont": 2}}, 422, None),
        ({"verdict": "reject"}, 422, "GOV221"),
        ({"verdict": "perhaps"}, 422, "GOV486"),
        ({"by": "somebody else"}, 422, "GOV486"),
        ({"reason": "x" * 10_001}, 422, "GOV486"),
        ({"subjectDigest": None}, 422, "GOV486"),
        ({"inputs": "amount"}, 422, "GOV486"),
    ],
)
async def test_a_wrong_decision_changes_nothing(
    ask: Ask, service: Any, change: dict[str, Any], status: int, code: str | None
) -> None:
    gate = await open_gate(service)
    reply = await ask(f"approvals/{gate.approval.id}/decision", body=decision(gate, **change))
    assert reply.status == status
    assert code is None or reply.body["code"] == code
    assert reply.body["message"]
    assert (await ask(f"approvals/{gate.approval.id}")).body["status"] == "OPEN"


async def test_a_wrong_answer_is_named_beside_its_field(ask: Ask, service: Any) -> None:
    gate = await open_gate(service)
    reply = await ask(f"approvals/{gate.approval.id}/decision", body=decision(gate, inputs={"amount": "many"}))
    assert [one["field"] for one in reply.body["problems"]] == ["amount"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ("{", {}, 400, "GOV480"),
        ("[1]", {}, 422, "GOV486"),
        ("[" * 100_000, {}, 400, "GOV480"),
        ("", {}, 400, "GOV480"),
        ("verdict=approve", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "GOV482"),
        ('{"reason": "' + "x" * 1_000_000 + '"}', {}, 413, "GOV481"),
    ],
)
async def test_a_malformed_request_is_refused(
    ask: Ask, jp_serverapp: Any, body: str, headers: dict[str, str], status: int, code: str
) -> None:
    token = {"Authorization": f"token {jp_serverapp.identity_provider.token}"}
    reply = await ask("approvals/x-1-g1/decision", body=body, method="POST", headers={**token, **headers})
    assert (reply.status, reply.body["code"]) == (status, code)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("approvals/no-such", 404, "GOV302"),
        ("executions/no-such", 404, "GOV302"),
        ("nothing/here", 404, "GOV484"),
        ("approvals?status=odd", 422, "GOV486"),
        ("approvals?limit=100000", 422, "GOV486"),
        ("approvals?unknown=1", 422, "GOV486"),
        ("executions/x?taskRuns=0", 422, "GOV486"),
    ],
)
async def test_what_is_not_there_or_not_allowed_is_said(ask: Ask, path: str, status: int, code: str) -> None:
    address, _, query = path.partition("?")
    reply = await ask(address, **dict(part.split("=") for part in query.split("&") if part))
    assert (reply.status, reply.body["code"]) == (status, code)


async def test_hostile_text_passes_as_data(ask: Ask, service: Any) -> None:
    gate = await open_gate(service, who="</script><img src=x onerror=alert(1)>")
    reply = await ask(f"approvals/{gate.approval.id}")
    assert "<img src=x onerror=alert(1)>" in reply.body["description"]
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    note = {"amount": 1, "note": "<script>alert(2)</script>"}
    done = await ask(f"approvals/{gate.approval.id}/decision", body=decision(gate, inputs=note))
    assert done.body["inputs"] == note


async def test_an_assigned_gate_needs_a_name(ask: Ask, service: Any) -> None:
    gate = await open_gate(service, ASSIGNED)
    seen = (await ask(f"approvals/{gate.approval.id}")).body
    assert (seen["canDecide"], seen["groups"]) == (False, ["risk"])
    reply = await ask(f"approvals/{gate.approval.id}/decision", body=decision(gate, inputs={}))
    assert (reply.status, reply.body["code"]) == (403, "GOV403")


async def test_a_kill_is_recorded_as_the_person_who_answers_gates(ask: Ask, service: Any) -> None:
    gate = await open_gate(service)
    execution_id = gate.approval.execution_id
    reply = await ask(f"executions/{execution_id}/kill", body={"reason": "wrong data"})
    assert (reply.status, reply.body["id"]) == (200, execution_id)
    ended = await service(
        lambda gov: gov.executions.wait(execution_id, OWNER, until=lambda now: now.state.is_terminal, timeout=30)
    )
    assert ended.state == "KILLED"
    entries = await service(lambda gov: gov.audit.entries(OWNER, f"execution/{execution_id}"))
    asked = next(entry for entry in entries if entry.action == "execution.kill_requested")
    assert (asked.actor_ref, asked.body["assurance"]) == (f"anonymous@{socket.gethostname()}", "anonymous")
    again = await ask(f"executions/{execution_id}/kill", body={})
    assert (again.status, again.body["code"]) == (409, "GOV306")
    gone_on = await ask(f"executions/{execution_id}/restart", body={})
    assert gone_on.status == 200


@pytest.mark.parametrize("verb", ["kill", "restart"])
async def test_reading_stops_nothing_and_a_body_has_no_name_in_it(ask: Ask, service: Any, verb: str) -> None:
    gate = await open_gate(service)
    path = f"executions/{gate.approval.execution_id}/{verb}"
    assert (await ask(path)).status == 405
    named = await ask(path, body={"by": "somebody else"})
    assert (named.status, named.body["code"]) == (422, "GOV486")
    assert (await ask(f"executions/no-such/{verb}", body={})).status == 404
    assert (await ask(f"executions/{gate.approval.execution_id}")).body["state"] == "PAUSED"


async def test_texts_of_others_turn_no_direction_and_move_no_cursor(ask: Ask, service: Any) -> None:
    """Whoever starts a run writes part of what its approver reads beside the buttons."""
    gate = await open_gate(service)
    deceptive = "Pay Alice\x1b[2K \u202eeciB yaP"

    def update(gov: Any) -> None:
        with gov.parts.store.write() as tx:
            tx.cursor.execute(
                "UPDATE gov_approvals SET title = ?, description = ?, subject = ? WHERE id = ?",
                (deceptive, deceptive, json.dumps({deceptive: [deceptive]}), gate.approval.id),
            )

    await service(update)
    reply = await ask(f"approvals/{gate.approval.id}")
    assert reply.status == 200
    told = json.dumps(reply.body, ensure_ascii=False)
    assert not set(told) & set("\x1b\u202e")
    assert "\\u001b" not in told
    assert reply.body["title"] == "Pay Alice␛[2K \\u202eeciB yaP"
    assert list(reply.body["subject"]) == ["Pay Alice␛[2K \\u202eeciB yaP"]
