"""What people type into a gate: secrets are sealed, files are checked and stored, and the flow can use both."""

from __future__ import annotations

import base64
import getpass
import json

import pytest

from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.domain.sealed import is_sealed
from jupyter_gov.errors import GovError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest
from jupyter_gov.service.identity import local_actor
from tests.bad_input.conftest import contents

KEY = base64.b64encode(bytes(range(32))).decode()
HUSH = "Zebra-123456"
ASKS = """\
id: asks
namespace: company.team
tasks:
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: tok, type: SECRET}
      - {id: creds.inner, type: SECRET, required: false}
      - {id: header, type: STRING, dependsOn: {inputs: [tok]}, defaults: "Bearer {{ inputs.tok }}"}
      - {id: note, type: STRING}
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "got {{ outputs.gate.onResume.tok }} and {{ outputs.gate.onResume.header }}"
  - id: size
    type: io.kestra.plugin.core.debug.Return
    format: >-
      {{ outputs.gate.onResume.tok | length }} {{ outputs.gate.onResume.creds.inner | upper | length }}
      {{ outputs.gate.onResume.header | length }} {{ outputs.gate.onResume.note }}
  - id: echo
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.gate.onResume.tok }}"
"""
LOADS = """\
id: loads
namespace: company.team
tasks:
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: report, type: FILE}
  - id: text
    type: io.kestra.plugin.core.debug.Return
    format: "{{ read(outputs.gate.onResume.report) }}"
"""


@pytest.fixture
def actor():
    return local_actor()


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def gov(tmp_path, work):
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    service = open_gov(
        data_dir=str(tmp_path / "data"),
        run_as=getpass.getuser(),
        encryption_key=KEY,
        allowed_paths=[str(allowed)],
    )
    service.start_loop()
    yield service
    service.close()


def wait_for_gate(gov, actor, text, work):
    revision = gov.flows.register(text, actor)
    execution = gov.executions.start(StartRequest(revision.namespace, revision.flow_id, workdir=str(work)), actor)
    assert gov.settle(60)
    (found,) = gov.approvals.list(actor, execution_id=execution.id)
    return found.approval


def approve(gov, actor, gate, **inputs):
    decided = gov.approvals.decide(gate.id, Verdict.APPROVE, actor, subject_digest=gate.subject_digest, inputs=inputs)
    assert gov.settle(60)
    return decided, gov.executions.get(gate.execution_id, actor)


def outputs_of(execution, task_id):
    return execution.find(task_id).outputs


def test_a_secret_of_a_form_is_nowhere_in_clear_and_opens_for_the_flow(gov, actor, work, tmp_path):
    gate = wait_for_gate(gov, actor, ASKS, work)
    decided, execution = approve(gov, actor, gate, tok=HUSH, **{"creds.inner": f"{HUSH}!"}, note="fine")
    assert execution.state == "SUCCESS", execution.failure
    assert is_sealed(decided.inputs["tok"])
    assert outputs_of(execution, "size")["value"].split() == ["12", "13", "19", "fine"]
    assert outputs_of(execution, "echo")["value"] == "********"
    lines = [line.message for line in gov.executions.logs(execution.id, actor)]
    assert any("got ******** and ********" in line for line in lines)
    gov.audit.export(actor, tmp_path / "export.jsonl")
    assert HUSH not in (tmp_path / "export.jsonl").read_text()
    assert HUSH not in repr(contents(tmp_path / "data" / "gov.db"))
    assert gov.audit.verify(actor).ok


def test_the_record_of_a_decision_holds_a_digest_and_no_ciphertext(gov, actor, work, tmp_path):
    gate = wait_for_gate(gov, actor, ASKS, work)
    decided, _ = approve(gov, actor, gate, tok=HUSH, note="fine")
    gov.audit.export(actor, tmp_path / "export.jsonl")
    records = (tmp_path / "export.jsonl").read_text()
    assert decided.inputs["tok"]["value"] not in records
    (decision,) = [line for line in records.splitlines() if '"approval.approved"' in line]
    assert '"note": "fine"' in decision or '"note":"fine"' in decision or r"\"note\":\"fine\"" in decision
    assert "sha256:" in json.dumps(json.loads(decision))


def test_a_secret_of_a_gate_in_a_loop_opens_for_its_own_iteration(gov, actor, work, tmp_path):
    text = """\
id: loop
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a]
    tasks:
      - id: gate
        type: io.kestra.plugin.core.flow.Pause
        onResume:
          - {id: tok, type: SECRET}
      - id: size
        type: io.kestra.plugin.core.debug.Return
        format: "{{ outputs.gate[taskrun.value].onResume.tok | length }}"
"""
    gate = wait_for_gate(gov, actor, text, work)
    _, execution = approve(gov, actor, gate, tok=HUSH)
    assert execution.state == "SUCCESS", execution.failure
    assert execution.find("size", ("a",)).outputs["value"] == "12"
    assert HUSH not in repr(contents(tmp_path / "data" / "gov.db"))


def test_a_file_of_a_form_is_stored_under_the_execution(gov, actor, work):
    (work / "Q3 report.csv").write_text("a,b")
    gate = wait_for_gate(gov, actor, LOADS, work)
    decided, execution = approve(gov, actor, gate, report="Q3 report.csv")
    uri = decided.inputs["report"]
    assert uri.startswith(f"kestra:///company/team/loads/executions/{execution.id}/")
    assert uri.endswith("/Q3%20report.csv")
    assert gov.executions.file(execution.id, uri, actor).read_text() == "a,b"
    assert outputs_of(execution, "text")["value"] == "a,b"
    (decision,) = [entry for entry in gov.audit.entries(actor) if entry.action == "approval.approved"]
    assert uri in repr(decision.body)


def test_a_file_of_an_allowed_folder_or_of_the_execution_itself_may_be_given(gov, actor, work, tmp_path):
    (tmp_path / "allowed" / "x.csv").write_text("allowed")
    gate = wait_for_gate(gov, actor, LOADS, work)
    first, execution = approve(gov, actor, gate, report=str(tmp_path / "allowed" / "x.csv"))
    assert outputs_of(execution, "text")["value"] == "allowed"
    other = wait_for_gate(gov, actor, LOADS, work)
    with pytest.raises(GovError) as caught:
        approve(gov, actor, other, report=first.inputs["report"])
    assert caught.value.code == "GOV207"


@pytest.mark.parametrize("given", ["nowhere.csv", "/etc/hostname", "../secret.csv", "nsfile:///x.csv", "link.csv"])
def test_a_file_that_may_not_be_read_is_refused_and_the_gate_stays_open(gov, actor, work, tmp_path, given):
    (tmp_path / "secret.csv").write_text("not yours")
    (work / "link.csv").symlink_to(tmp_path / "secret.csv")
    gate = wait_for_gate(gov, actor, LOADS, work)
    before = contents(tmp_path / "data" / "gov.db")
    with pytest.raises(GovError) as caught:
        approve(gov, actor, gate, report=given)
    assert caught.value.code == "GOV207"
    assert contents(tmp_path / "data" / "gov.db") == before
    assert gov.approvals.get(gate.id, actor).approval.status is ApprovalStatus.OPEN
    assert not list((tmp_path / "data").glob("files/sha256/**/*"))


def test_a_dotted_secret_input_of_a_flow_is_sealed_too(gov, actor, work, tmp_path):
    text = """\
id: dotted
namespace: company.team
inputs:
  - {id: creds.tok, type: SECRET}
  - {id: url, type: STRING, dependsOn: {inputs: [creds.tok]}, defaults: "https://x/{{ inputs.creds.tok }}"}
tasks:
  - id: size
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.creds.tok | length }} {{ inputs.url | length }}"
"""
    gov.flows.register(text, actor)
    execution = gov.executions.start(
        StartRequest("company.team", "dotted", inputs={"creds": {"tok": HUSH}}, workdir=str(work)), actor
    )
    assert gov.settle(60)
    found = gov.executions.get(execution.id, actor)
    assert outputs_of(found, "size") == {"value": "12 22"}
    assert HUSH not in repr(contents(tmp_path / "data" / "gov.db"))


def test_nobody_can_pass_a_stolen_ciphertext_off_as_data(gov, actor, work):
    text = """\
id: forged
namespace: company.team
inputs:
  - {id: data, type: JSON}
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.data }}"
"""
    gov.flows.register(text, actor)
    stolen = {"type": "io.kestra.datatype:aes_encrypted", "value": "AAAA"}
    with pytest.raises(GovError) as caught:
        gov.executions.start(StartRequest("company.team", "forged", inputs={"data": stolen}), actor)
    assert caught.value.code == "GOV202"


def test_an_input_that_depends_on_another_one_sees_it(gov, actor, work):
    text = """\
id: depends
namespace: company.team
inputs:
  - {id: kind, type: STRING}
  - {id: full, type: STRING, dependsOn: {inputs: [kind]}, defaults: "{{ inputs.kind }} of {{ flow.id }}"}
  - {id: why, type: STRING, dependsOn: {inputs: [kind], condition: "{{ inputs.kind == 'other' }}"}}
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ inputs.full }}"
"""
    gov.flows.register(text, actor)
    request = StartRequest("company.team", "depends", inputs={"kind": "plain"}, workdir=str(work))
    assert gov.executions.start(request, actor).inputs == {"kind": "plain", "full": "plain of depends"}
    with pytest.raises(GovError) as caught:
        gov.executions.start(StartRequest("company.team", "depends", inputs={"kind": "other"}), actor)
    assert caught.value.code == "GOV201"
