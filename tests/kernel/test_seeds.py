"""The three published flows, unchanged, in a cell of a real kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_gov.domain.approval import Verdict
from jupyter_gov.service.api import Gov
from tests.faces import AGENT, DEPLOYMENT, NULLS, TRAINING, Mailbox, decide, open_gate, seed
from tests.kernel.conftest import Kernel


def test_training_runs_on_complete_data(kernel: Kernel, data: Path) -> None:
    shown = kernel.ok(f"%%govflow --as run -i data_uri=data/users.parquet\n{seed(TRAINING)}")
    assert "✔ SUCCESS" in shown.text
    for corrected in ('is read as "errorMessage"', 'input "data_uri" is used and not declared'):
        assert corrected in " ".join(shown.text.split())
    assert "Data quality check passed" in kernel.ok("run.logs('train-model').message.str.cat()").text


def test_training_stops_on_missing_ids(kernel: Kernel, data: Path) -> None:
    failed = kernel.run(f"%%govflow --as run -i data_uri=data/users-with-nulls.parquet\n{seed(TRAINING)}")
    assert failed.error["ename"] == "RunFailedError"
    assert NULLS in failed.text
    assert "train-model" not in kernel.ok("print([run.task_id for run in run.execution.ordered()])").text


def test_training_needs_its_input(kernel: Kernel, data: Path) -> None:
    missing = kernel.run(f"%%govflow\n{seed(TRAINING)}")
    assert "data_uri" in missing.text
    assert missing.error is not None


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
def test_deployment_waits_for_approval(kernel: Kernel, gov: Gov, verdict: Verdict) -> None:
    kernel.ok(f"%%govflow --as run\n{seed(DEPLOYMENT)}")
    decide(gov, open_gate(gov), verdict)
    ended = kernel.run("run.wait()")
    if verdict is Verdict.APPROVE:
        assert "Approval received" in kernel.ok("run.logs('deploy-model').message.str.cat()").text
    else:
        assert ended.error["ename"] == "RunRefusedError"
        assert "deploy-model" not in kernel.ok("print([run.task_id for run in run.execution.ordered()])").text


def test_the_agents_draft_is_shown_and_mailed(provider: None, mailbox: Mailbox, kernel: Kernel, data: Path) -> None:
    shown = kernel.ok(f"%%govflow --as run -i sales_data_uri=data/sales.csv\n{seed(AGENT)}")
    assert "Dear leadership team" in shown.html
    assert not mailbox.messages
    kernel.ok("run.approve(reason='draft read').wait()")
    (mail,) = mailbox.messages
    assert mail["Subject"] == "Weekly Sales Summary"
    body = mail.get_payload(decode=True) or mail.get_payload(0).get_payload(decode=True)
    assert "Dear leadership team,<br" in body.decode()
