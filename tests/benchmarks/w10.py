"""W10: 40 Python script tasks (Fibonacci of 10), one after the other in a ForEach, each in a process of its own.

``interpreter_ms`` is what starting Python for the same script costs without us; ``over_ms`` is what a task costs beyond.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from tests.benchmarks.common import bench, repeated
from tests.benchmarks.w2 import once

_TASKS = 40
_SCRIPT = """\
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

print(fibonacci(10))
"""


def _flow() -> str:
    body = "".join(f"          {line}\n" if line else "\n" for line in _SCRIPT.splitlines())
    return (
        "id: scripts\nnamespace: bench\ntasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n"
        f'    values: "{{{{ range(1, {_TASKS}) }}}}"\n    concurrencyLimit: 1\n    tasks:\n'
        "      - id: script\n        type: io.kestra.plugin.scripts.python.Script\n        script: |\n" + body
    )


def _bare() -> float:
    begun = time.perf_counter()
    for _ in range(_TASKS):
        subprocess.run([sys.executable, "-c", _SCRIPT], check=True, capture_output=True)
    return 1000 * (time.perf_counter() - begun) / _TASKS


def run(store_url: str | None) -> dict[str, Any]:
    """Measure."""
    with bench(store_url) as made:

        def measure() -> dict[str, float]:
            bare = _bare()
            found = once(made, _flow(), _TASKS)
            return {**found, "interpreter_ms": bare, "over_ms": found["ms_per_task"] - bare}

        return repeated(measure)
