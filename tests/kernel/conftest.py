"""A store of the test's own, and real kernels that use it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from jupyter_gov.cli.workspace import make_data
from jupyter_gov.domain.approval import Verdict
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import ApprovalDetail, Gov
from jupyter_gov.service.identity import local_actor

ROOT = Path(__file__).parents[2]
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
class Cell:
    """What a cell showed: live outputs by display id, as a front-end would have them."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    seconds: float = 0.0

    @property
    def text(self) -> str:
        parts = [
            output["text"] if "text" in output else output["data"].get("text/plain", "") for output in self.outputs
        ]
        if self.error:
            parts += self.error["traceback"]
        return "\n".join(parts)

    @property
    def html(self) -> str:
        return "\n".join(output["data"].get("text/html", "") for output in self.outputs if "data" in output)


class Kernel:
    """A real kernel, driven as a front-end does (``attended``) or as a batch client does."""

    def __init__(self, folder: Path, *, attended: bool = True, env: Mapping[str, str] | None = None) -> None:
        self.attended = attended
        self._manager = KernelManager()
        self._manager.start_kernel(cwd=str(folder), env={**os.environ, **(env or {})})
        self.client: BlockingKernelClient = self._manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        self._shown: dict[str, dict[str, Any]] = {}
        self.comms: list[dict[str, Any]] = []
        self._cells: dict[str, Cell] = {}
        self._idle: set[str] = set()

    def begin(self, code: str) -> str:
        message = self.client.execute(code, allow_stdin=self.attended)
        self._cells[message] = Cell()
        return message

    def run(self, code: str, patience: float = PATIENCE) -> Cell:
        """Run a cell to its end."""
        return self.end(self.begin(code), patience)

    def end(self, message: str, patience: float = PATIENCE) -> Cell:
        began = time.monotonic()
        until(lambda: self.poll() or message in self._idle, "the end of the cell", patience)
        self._cells[message].seconds = time.monotonic() - began
        return self._cells[message]

    def so_far(self, message: str) -> Cell:
        """Return what a running cell has shown."""
        return self._cells[message]

    def ok(self, code: str) -> Cell:
        cell = self.run(code)
        assert cell.error is None, cell.text
        return cell

    def poll(self) -> None:
        """Take what the kernel has said."""
        try:
            while True:
                self._take(self.client.get_iopub_msg(timeout=0.05))
        except Empty:
            return

    def _take(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        parent = message["parent_header"].get("msg_id", "")
        cell = self._cells.get(parent, Cell())
        match kind:
            case "stream":
                cell.outputs.append({"text": content["text"]})
            case "display_data" | "execute_result":
                output = {"data": content["data"]}
                cell.outputs.append(output)
                shown_as = content.get("transient", {}).get("display_id")
                if shown_as:
                    self._shown[shown_as] = output
            case "update_display_data":
                self._shown[content["transient"]["display_id"]]["data"] = content["data"]
            case "error":
                cell.error = content
            case "status" if content["execution_state"] == "idle":
                self._idle.add(parent)
            case "comm_open" | "comm_msg" | "comm_close":
                self.comms.append({"type": kind, **content})

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def close(self) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel process for all tests; each begins with an empty namespace and a store of its own."""
    folder = tmp_path_factory.mktemp("kernel")
    started = Kernel(folder, env={"IPYTHONDIR": str(folder / "ipython")})
    yield started
    started.close()


@contextmanager
def session_in(process: Kernel, home: Path, *, attended: bool) -> Iterator[Kernel]:
    """Load the extension in ``home`` over the store of this test, and unload it afterwards."""
    process.attended = attended
    process.comms.clear()
    names = [name for name in os.environ if name.startswith("JUPYTER_")]
    values = {name: os.environ[name] for name in names}
    process.ok(f"%reset -f\nimport os; os.chdir({str(home)!r}); os.environ.update({values!r})\n%load_ext jupyter_gov")
    yield process
    process.ok("%unload_ext jupyter_gov")


@pytest.fixture
def kernel(process: Kernel, home: Path) -> Iterator[Kernel]:
    """A kernel with a person in front of it; the extension is loaded."""
    with session_in(process, home, attended=True) as ready:
        yield ready


@pytest.fixture
def batch(process: Kernel, home: Path) -> Iterator[Kernel]:
    """A kernel that nobody sits at; the extension is loaded."""
    with session_in(process, home, attended=False) as ready:
        yield ready
