"""Real notebooks in real kernels."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_gov.plugins.testing import TaskResult, TestContext, run_task
from jupyter_gov.runtime.notebook_engine import NotebookRunner
from jupyter_gov.runtime.watchdog import Watchdog
from jupyter_gov.tasks.notebook import Papermill

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


HAND_BACK = "from jupyter_gov.notebook import output, metric\n"


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for something that another thread or process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def write_notebook(path: Path, *cells: str, parameters: str | None = None, kernel: str | None = "python3") -> Path:
    """Write a notebook; a cell that begins with ``# %%`` is markdown."""
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}} if kernel else {}
    nb = nbformat.v4.new_notebook(metadata=metadata)
    if parameters is not None:
        nb.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for source in cells:
        if source.startswith("# %%"):
            nb.cells.append(nbformat.v4.new_markdown_cell(source[4:].strip()))
        else:
            nb.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(nb, path)
    return path


@pytest.fixture(scope="session")
def engine() -> Iterator[NotebookRunner]:
    watchdog = Watchdog()
    runner = NotebookRunner(identity="tester", watchdog=watchdog)
    yield runner
    runner.close()
    watchdog.close()


@dataclass
class Bench:
    """Runs notebooks as tasks in one folder."""

    folder: Path
    engine: NotebookRunner
    options: dict[str, Any] = field(default_factory=dict)
    last: TestContext | None = None

    def notebook(self, *cells: str, name: str = "work.ipynb", **options: Any) -> str:
        start = self.folder / "start"
        start.mkdir(exist_ok=True)
        write_notebook(start / name, *cells, **options)
        return name

    def context(self, **options: Any) -> TestContext:
        self.last = TestContext(
            self.folder, environment=ENVIRONMENT, notebook_engine=self.engine, **{**self.options, **options}
        )
        return self.last

    def run(
        self,
        *cells: str,
        parameters: str | None = None,
        given: dict[str, Any] | None = None,
        context: TestContext | None = None,
        **props: Any,
    ) -> TaskResult:
        """Run a notebook with these cells; ``parameters`` is the source of its parameters cell."""
        name = props.pop("notebook", None) or self.notebook(*cells, parameters=parameters)
        if given is not None:
            props["parameters"] = given
        return run_task(Papermill, {"notebook": name, **props}, context=context or self.context())

    def saved(self, uri: str) -> Any:
        assert self.last is not None
        return nbformat.read(self.last.files.get(uri), as_version=4)


@pytest.fixture
def bench(tmp_path: Path, engine: NotebookRunner) -> Bench:
    return Bench(tmp_path, engine)
