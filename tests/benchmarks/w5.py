"""W5: cold start, what a person waits for before anything happens."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROUNDS = 5
FLOW = """\
id: cold
namespace: bench
tasks:
  - id: only
    type: io.kestra.plugin.core.debug.Return
    format: done
"""
LOAD_EXT = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
started = time.perf_counter()
shell.run_line_magic("load_ext", "jupyter_gov")
print(time.perf_counter() - started)
"""
IMPORT = "import time; started = time.perf_counter(); import jupyter_gov; print(time.perf_counter() - started)"


def run(store_url: str | None = None) -> dict[str, Any]:
    """Return seconds: import, %load_ext, --help, and a fresh process to a finished 1-task flow."""
    with tempfile.TemporaryDirectory() as folder:
        flow = Path(folder) / "cold.yaml"
        flow.write_text(FLOW)
        environment = {**os.environ, "JUPYTER_GOV_DATA_DIR": folder}
        if store_url:
            environment["JUPYTER_GOV_DB_URL"] = store_url
        command = str(Path(sys.executable).parent / "jupyter-gov")
        return {
            "interpreter_s": _wall([sys.executable, "-c", "pass"], environment),
            "import_s": _printed(IMPORT, environment),
            "load_ext_s": _printed(LOAD_EXT, environment),
            "help_s": _wall([command, "--help"], environment),
            "cli_one_task_s": _wall([command, "run", str(flow)], environment),
        }


def _wall(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return _summary(taken)


def _printed(code: str, environment: dict[str, str]) -> dict[str, float]:
    taken = []
    for _ in range(ROUNDS):
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
        taken.append(float(done.stdout.split()[-1]))
    return _summary(taken)


def _summary(taken: list[float]) -> dict[str, float]:
    return {"median": statistics.median(taken), "min": min(taken), "max": max(taken)}
