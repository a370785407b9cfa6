"""What the tests of all faces share: a store of the test's own, real data, and somebody elsewhere who decides."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from jupyter_gov.cli.workspace import make_data
from jupyter_gov.domain.approval import Verdict
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import ApprovalDetail, Gov
from jupyter_gov.service.identity import local_actor

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "tests" / "data" / "seed"
PATIENCE = 60.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, whose database every process of this test uses."""
    monkeypatch.setenv("JUPYTER_GOV_DB_URL", str(tmp_path / "store" / "gov.db"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def gov(home: Path) -> Iterator[Gov]:
    """The service of another process on the same store: it runs no loop, it only looks and decides."""
    opened = open_gov()
    yield opened
    opened.close()


@pytest.fixture
def data(home: Path) -> Path:
    """Real Parquet files."""
    make_data(home / "data")
    return home / "data"


@pytest.fixture
def workspace(home: Path, data: Path) -> Path:
    """The examples, as ``jupyter gov demo`` lays them out."""
    shutil.copytree(ROOT / "examples", home, dirs_exist_ok=True)
    return home


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return the first true result of ``condition``, asked again and again."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {patience} s")


def open_gate(gov: Gov, task: str | None = None) -> ApprovalDetail:
    """Wait for a gate that is open, and return it."""
    actor = local_actor()

    def found() -> ApprovalDetail | None:
        gates = [gate for gate in gov.approvals.list(actor) if task in {None, gate.approval.task_id}]
        return gates[0] if gates else None

    return until(found, "a gate")


def decide(gov: Gov, detail: ApprovalDetail, verdict: Verdict = Verdict.APPROVE, **inputs: Any) -> None:
    gate = detail.approval
    gov.approvals.decide(
        gate.id, verdict, local_actor(), subject_digest=gate.subject_digest, reason="seen by the test", inputs=inputs
    )


class Approver:
    """Somebody elsewhere who answers the next gates, in a thread."""

    def __init__(self, gov: Gov, verdict: Verdict = Verdict.APPROVE, **inputs: Any) -> None:
        self.error: BaseException | None = None

        def answer() -> None:
            try:
                decide(gov, open_gate(gov), verdict, **inputs)
            except BaseException as error:  # noqa: BLE001 - raised again in join
                self.error = error

        self._thread = threading.Thread(target=answer)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(PATIENCE)
        if self.error:
            raise self.error


@dataclass
class Mailbox:
    """What a real mail server received."""

    host: str
    port: int
    messages: list[Message] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.messages.append(message_from_bytes(envelope.content))
        return "250 kept"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A real SMTP server on this machine, which the settings of every process of this test name."""
    found = Mailbox("127.0.0.1", 0)
    with socket.create_server((found.host, 0)) as free:
        found.port = free.getsockname()[1]
    controller = Controller(found, hostname=found.host, port=found.port)
    controller.start()
    monkeypatch.setenv("JUPYTER_GOV_MAIL_HOST", found.host)
    monkeypatch.setenv("JUPYTER_GOV_MAIL_PORT", str(found.port))
    yield found
    controller.stop()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings name a scripted provider for agents that name none."""
    monkeypatch.setenv("JUPYTER_GOV_AI_PROVIDER", '{"type": "jupyter_gov.provider.Scripted"}')


def seed(name: str) -> str:
    """Return a published flow, unchanged."""
    return (SEEDS / f"{name}.yaml").read_text(encoding="utf-8")


TRAINING, DEPLOYMENT, AGENT = "governed-model-training", "model-deployment-with-approval", "governed-ai-agent"
NULLS = "Data quality check failed: Found NULL user_id values."
