"""Answers to a gate that are refused: the gate stays open, and nothing of the answer is stored."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.errors import InputError
from jupyter_gov.service.api import StartRequest
from tests.bad_input.cases import HEAD
from tests.bad_input.conftest import contents

GATE = "tasks:\n  - id: gate\n    type: io.kestra.plugin.core.flow.Pause\n    onResume:\n      - "


@pytest.mark.parametrize(
    ("declared", "given", "code"),
    [
        ("{id: x, type: SECRET}", "hush-hush", "GOV210"),
        ("{id: x, type: SECRET, validator: '[0-9]+'}", "hush-hush", "GOV203"),
        ("{id: x, type: FILE}", "nowhere.csv", "GOV207"),
        ("{id: x, type: FILE}", "/etc/passwd", "GOV207"),
        ("{id: x, type: FILE}", "kestra:///n/f/executions/other/inputs/x/" + "0" * 64 + "/x.csv", "GOV207"),
        ("{id: x, type: FILE}", "gov:///sha256/" + "0" * 64 + "/x.csv", "GOV207"),
        ("{id: x, type: YAML}", 'a: "\\UFFFFFFFF"', "GOV202"),
        ("{id: x, type: JSON}", '{"a": "\\ud800"}', "GOV202"),
        ("{id: x, type: JSON}", "[" * 101 + "]" * 101, "GOV202"),
        ("{id: x, type: JSON}", {"type": "io.kestra.datatype:aes_encrypted", "value": "AAAA"}, "GOV202"),
    ],
)
def test_a_wrong_answer_leaves_the_gate_open(gov, actor, tmp_path, declared, given, code):
    gov.flows.register(f"{HEAD}{GATE}{declared}\n", actor)
    execution = gov.executions.start(StartRequest("n", "f"), actor)
    assert gov.settle(60)
    (found,) = gov.approvals.list(actor, execution_id=execution.id)
    gate = found.approval
    before = contents(tmp_path / "data" / "gov.db")
    with pytest.raises(InputError) as caught:
        gov.approvals.decide(gate.id, Verdict.APPROVE, actor, subject_digest=gate.subject_digest, inputs={"x": given})
    assert caught.value.code == code
    assert "hush" not in str(caught.value)
    assert contents(tmp_path / "data" / "gov.db") == before
    assert gov.approvals.get(gate.id, actor).approval.status is ApprovalStatus.OPEN
