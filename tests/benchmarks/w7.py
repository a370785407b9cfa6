"""W7: a notebook of three cells: by plain papermill, by our task cold, with a warm kernel, and 20 of them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUNS = 20

_FLOW = """\
id: notebooks
namespace: bench
inputs:
  - id: count
    type: INT
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ range(1, inputs.count) }}"
    concurrencyLimit: 1
    tasks:
      - id: notebook
        type: jupyter_gov.notebook.Papermill
        notebook: three.ipynb
        parameters:
          n: 7
"""


def _write(folder: Path) -> None:
    # Without nbformat: its import, a second of the first notebook task, belongs to what is measured.
    cells = [("n = 1", ["parameters"]), ("print(n)", []), ("n * 2", [])]
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}},
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "source": source,
                "metadata": {"tags": tags},
                "outputs": [],
                "execution_count": None,
            }
            for number, (source, tags) in enumerate(cells)
        ],
    }
    (folder / "three.ipynb").write_text(json.dumps(document), "utf-8")


def _plain(folder: Path) -> Mapping[str, float]:
    """Return seconds of plain papermill: a process of its own each time, and one process that goes on."""
    command = [sys.executable, "-m", "papermill", "three.ipynb", "out.ipynb", "-p", "n", "7"]
    begun = time.perf_counter()
    subprocess.run(
        [*command, "--no-progress-bar", "--log-level", "ERROR"], cwd=folder, check=True, stderr=subprocess.DEVNULL
    )
    whole = time.perf_counter() - begun
    code = textwrap.dedent("""\
        import papermill, time
        for _ in range(4):
            begun = time.perf_counter()
            papermill.execute_notebook("three.ipynb", "out.ipynb", {"n": 7}, progress_bar=False)
            print(time.perf_counter() - begun)
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True)
    each = [float(line) for line in done.stdout.split()]
    return {"plain_papermill_process_s": whole, "plain_papermill_imported_s": statistics.median(each)}


class _Ours:
    """A service over a store, with its loop running, and the flow registered."""

    def __init__(self, folder: Path, store_url: str | None) -> None:
        from jupyter_gov.service import open_gov
        from jupyter_gov.service.identity import local_actor

        self._folder = folder
        url = store_url or f"sqlite:///{folder / 'gov.db'}"
        self._gov = open_gov(db_url=url, files_root=str(folder / "files"))
        self._actor = local_actor()
        self._gov.flows.register(_FLOW, self._actor)
        self._gov.start_loop()

    def run(self, count: int) -> tuple[float, list[float]]:
        """Return the seconds of the whole flow, and of each notebook task run."""
        from jupyter_gov.service.api import StartRequest

        request = StartRequest("bench", "notebooks", inputs={"count": count}, workdir=str(self._folder))
        begun = time.perf_counter()
        started = self._gov.executions.start(request, self._actor)
        execution = self._gov.executions.wait(
            started.id, self._actor, until=lambda found: found.state.is_terminal, timeout=120
        )
        whole = time.perf_counter() - begun
        if execution.state.name != "SUCCESS":
            raise RuntimeError(f"the workload failed: {execution.failure}")
        runs = [run for run in execution.ordered() if run.task_id == "notebook"]
        return whole, [(run.history.moments[-1].at - run.history.moments[0].at).total_seconds() for run in runs]

    def close(self) -> None:
        self._gov.close()


def run(store_url: str | None = None) -> dict[str, Any]:
    """Measure and return the figures in seconds."""
    with tempfile.TemporaryDirectory(prefix="w7-") as name:
        folder = Path(name)
        _write(folder)
        figures: dict[str, Any] = dict(_plain(folder))
        ours = _Ours(folder, store_url)
        try:
            _, (figures["task_cold_s"],) = ours.run(1)
            warm = []
            for _ in range(5):
                time.sleep(1.5)  # The pool fills; what is measured is a task that finds a kernel.
                warm += ours.run(1)[1]
            figures["task_warm_s"] = statistics.median(warm)
            time.sleep(1.5)
            whole, each = ours.run(RUNS)
            figures[f"{RUNS}_in_a_row_s"] = whole
            figures[f"{RUNS}_in_a_row_each_s"] = whole / RUNS
            figures[f"{RUNS}_in_a_row_median_s"] = statistics.median(each)
        finally:
            ours.close()
    figures["cpus"] = os.cpu_count()
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}
