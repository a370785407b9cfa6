"""A store of the test's own, and real kernels that use it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from tests.faces import PATIENCE, data, gov, home, mailbox, provider, until, workspace

__all__ = ["data", "gov", "home", "mailbox", "provider", "workspace"]


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
