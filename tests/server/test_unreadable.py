"""A value that JSON or UTF-8 cannot carry spoils what it belongs to, never the answer: others still see their gates."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import FLOW, OWNER, Ask, open_gate
from tests.server.test_rest import decision

DEEP = {levels: '{"a":' * levels + "1" + "}" * levels for levels in (240, 450, 3000)}
VALUES = {
    "lone surrogate": r'{"who": "x\ud800y", "\udc00": [1]}',
    **{f"{levels} levels": text for levels, text in DEEP.items()},
    "no JSON": '{"who": ',
}
PLAIN = (
    FLOW.replace("      - {id: amount, type: INT}\n      - {id: note, type: STRING, required: false}\n", "")
    .replace("    onResume:\n", "")
    .replace("{{ outputs.gate.onResume.amount }}", "it")
)


async def put(service: Any, gate: Any, column: str, text: str) -> None:
    """Put a stored text behind a gate, as an older version or another program might have."""

    def update(gov: Any) -> None:
        with gov.parts.store.write() as tx:
            tx.cursor.execute(f"UPDATE gov_approvals SET {column} = ? WHERE id = ?", (text, gate.approval.id))

    await service(update)


@pytest.mark.parametrize("column", ["subject", "inputs", "form"])
@pytest.mark.parametrize("kind", VALUES)
async def test_one_gate_never_hides_the_others(ask: Ask, service: Any, kind: str, column: str) -> None:
    bad, good = await open_gate(service), await open_gate(service)
    text = f"[{VALUES[kind]}]" if column == "form" else VALUES[kind]
    await put(service, bad, column, text)
    listed = await ask("approvals")
    assert listed.status == 200
    rows = {row["id"]: row for row in listed.body["approvals"]}
    assert rows.keys() == {bad.approval.id, good.approval.id}
    assert rows[good.approval.id]["subject"]["inputs"] == {"who": "<script>alert(1)</script>"}
    shown = str(rows[bad.approval.id][column])
    told = {"lone surrogate": "ud800y", "240 levels": "1" + "}" * 240}.get(kind, "unreadable")
    assert told in shown, shown[:200]
    single = await ask(f"approvals/{bad.approval.id}")
    assert (single.status, single.body[column]) == (200, rows[bad.approval.id][column])
    reply = await ask(f"approvals/{good.approval.id}/decision", body=decision(good))
    assert reply.status == 200


async def test_a_decision_is_answered_whatever_it_is_about(ask: Ask, service: Any) -> None:
    """What was typed cannot be shown: the decision is made all the same, and the answer says so."""
    gate = await open_gate(service, PLAIN)
    await put(service, gate, "artefacts", r'[{"name": "x\ud800y", "uri": "kestra:///x"}]')
    body = {"verdict": "approve", "subjectDigest": gate.approval.subject_digest}
    reply = await ask(f"approvals/{gate.approval.id}/decision", body=body)
    assert (reply.status, reply.body["status"]) == (200, "APPROVED")
    assert reply.body["artefacts"] == [{"name": r"x\ud800y"}]
    assert (await service(lambda gov: gov.approvals.get(gate.approval.id, OWNER))).approval.status == "APPROVED"
