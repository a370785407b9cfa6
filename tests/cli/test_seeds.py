"""The three published flows, unchanged, through the command line and in papermill batches."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from jupyter_gov.service.words import short_id
from tests.cli.conftest import Cli
from tests.faces import AGENT, DEPLOYMENT, NULLS, SEEDS, TRAINING, Approver, Mailbox, open_gate, seed


@pytest.mark.parametrize(("file", "code"), [("users.parquet", 0), ("users-with-nulls.parquet", 1)])
def test_training(cli: Cli, data: Path, file: str, code: int) -> None:
    ended = cli("run", str(SEEDS / f"{TRAINING}.yaml"), "-i", f"data_uri=data/{file}")
    assert ended.code == code, ended.err
    assert (f'at task "fail-on-bad-data": {NULLS}' in ended.err) is bool(code)
    assert "errorMessage" in ended.err


@pytest.mark.parametrize(("answer", "code"), [("approve", 0), ("reject", 0)])
def test_deployment(cli: Cli, answer: str, code: int) -> None:
    assert cli("run", str(SEEDS / f"{DEPLOYMENT}.yaml"), "--no-wait").code == 3
    assert cli(answer, "last", "--reason", "as agreed").code == code
    states = {task["taskId"]: task["state"] for task in cli("show", "last", "--json").json["tasks"]}
    assert states.get("deploy-model") == ("SUCCESS" if answer == "approve" else None)


def test_agent(cli: Cli, data: Path, provider: None, mailbox: Mailbox) -> None:
    assert cli("run", str(SEEDS / f"{AGENT}.yaml"), "-i", "sales_data_uri=data/sales.csv", "--no-wait").code == 3
    assert not mailbox.messages
    assert cli("approve", "last").code == 0
    assert len(mailbox.messages) == 1


def notebook(folder: Path, options: str, flow: str) -> str:
    cells = ["%load_ext jupyter_gov", f"%%govflow --as run {options}\n{flow}", "print('after:', run.state)"]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    made = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=metadata)
    nbformat.write(made, folder / "batch.ipynb")
    return "batch.ipynb"


@pytest.mark.parametrize(("file", "code"), [("users.parquet", 0), ("users-with-nulls.parquet", 1)])
def test_training_in_a_batch(cli: Cli, home: Path, data: Path, file: str, code: int) -> None:
    ended = cli("run", notebook(home, f"-i data_uri=data/{file}", seed(TRAINING)))
    assert "of 3 cells" in ended.err
    assert ended.code == code, ended.err
    assert (NULLS in ended.err) is bool(code)
    states = {run["flow"]: run["state"] for run in cli("runs", "--json").json}
    assert states == {TRAINING: "FAILED" if code else "SUCCESS", "batch": "FAILED" if code else "SUCCESS"}


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.APPROVE, 0), (Verdict.REJECT, 4)])
def test_deployment_in_a_batch(cli: Cli, home: Path, gov: Gov, verdict: Verdict, code: int) -> None:
    approver = Approver(gov, verdict)
    ended = cli("run", notebook(home, "", seed(DEPLOYMENT)))
    approver.join()
    assert ended.code == code, ended.err


def test_a_batch_that_is_ended_says_that_its_gate_still_waits(cli: Cli, home: Path, gov: Gov) -> None:
    process = cli.start("run", notebook(home, "", seed(DEPLOYMENT)))
    gate = open_gate(gov).approval
    process.send_signal(signal.SIGTERM)
    ended = cli.end(process)
    assert ended.code == 128 + signal.SIGTERM
    assert f"still waits: jupyter gov approve {short_id(gate.id)}" in ended.err
    assert gov.approvals.get(gate.id, local_actor()).approval.status is ApprovalStatus.OPEN


def test_a_batch_that_waits_too_long_exits_3(cli: Cli, home: Path) -> None:
    ended = cli("run", notebook(home, "", seed(DEPLOYMENT)), "--timeout", "PT2S")
    assert ended.code == 3
    # The notebook's words reach the terminal while it waits, not only when it has given up.
    assert 'Waiting for approval at gate "human-approval-gate"' in ended.err
    assert "jupyter gov approve" in ended.err
    assert cli("approve", "last").code == 0


def test_agent_in_a_batch_of_papermill_itself(
    cli: Cli, home: Path, data: Path, gov: Gov, provider: None, mailbox: Mailbox
) -> None:
    source = notebook(home, "-i sales_data_uri=data/sales.csv", seed(AGENT))
    approver = Approver(gov)
    command = [sys.executable, "-m", "papermill", source, "out.ipynb", "--engine", "jupyter_gov", "--no-progress-bar"]
    ended = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=120, check=False)
    approver.join()
    assert ended.returncode == 0, ended.stderr
    assert len(mailbox.messages) == 1
    executed = nbformat.read(home / "out.ipynb", 4)
    assert "after: SUCCESS" in executed.cells[-1].outputs[0].text
    record = next(run for run in cli("runs", "--json").json if run["namespace"] == "notebooks")
    assert record["state"] == "SUCCESS"
    assert "<script" not in nbformat.writes(executed)
    assert str(home) not in nbformat.writes(executed)


def test_parameters_of_a_notebook_are_typed_and_on_record(cli: Cli, workspace: Path) -> None:
    ended = cli("run", "report.ipynb", "-p", "data=data/users-with-nulls.parquet", "-o", "done.ipynb", "--json")
    assert ended.code == 0, ended.err
    record = ended.json["execution"]
    assert record["inputs"]["data"] == "data/users-with-nulls.parquet"
    assert (workspace / "done.ipynb").is_file()
    cells = record["tasks"][0]["outputs"]["cells"]
    assert cells
    wrong = cli("run", "report.ipynb", "-p", "dta=1")
    assert (wrong.code, "GOV841" in wrong.err) == (2, True)


@pytest.mark.parametrize(("text", "code"), [("[1, 2", "GOV840"), ("[]", "GOV840"), ('{"metadata": {}}', "GOV844")])
def test_what_is_no_notebook_is_refused(cli: Cli, home: Path, text: str, code: str) -> None:
    (home / "broken.ipynb").write_text(text)
    cli("db", "upgrade")
    broken = cli("run", "broken.ipynb")
    assert (broken.code, code in broken.err) == (1, True)
    assert cli("runs", "--json").json == []
