"""W12: parse and validate flows of 10, 100 and 1,000 tasks."""

from __future__ import annotations

import statistics
import time
from typing import Any

from jupyter_gov.lang.check import check
from jupyter_gov.plugins.registry import Registry

ROUNDS = 5
TASK = """\
  - id: task-{n}
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ outputs['task-{before}'].value ?? 'none' }}}} and {{{{ execution.id }}}}"
"""
FIRST = """\
  - id: task-0
    type: io.kestra.plugin.core.log.Log
    message: first
"""


def flow(tasks: int) -> str:
    """Return the text of a flow with so many tasks, each reading the one before."""
    body = "".join(TASK.format(n=n, before=n - 1) for n in range(1, tasks))
    return f"id: many\nnamespace: bench\ntasks:\n{FIRST}{body}"


def run(store_url: str | None = None) -> dict[str, Any]:
    """Return milliseconds per check, the first (cold expression cache) and the median of the following."""
    registry = Registry()
    check(flow(2), registry)
    figures: dict[str, Any] = {}
    for size in (10, 100, 1000):
        text = flow(size)
        taken = []
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            checked = check(text, registry)
            taken.append((time.perf_counter() - started) * 1000)
            assert checked.flow is not None
        first, *rest = taken
        figures[f"{size}_tasks_ms"] = {
            "first": first,
            "median": statistics.median(rest),
            "min": min(rest),
            "max": max(rest),
        }
    return figures
