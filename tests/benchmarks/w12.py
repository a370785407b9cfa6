"""W12: parse and validate flows of 10, 100 and 1,000 tasks; ``registered``: the same, and stored, through the service."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from jupyter_gov.lang.check import check
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.service import open_gov
from tests.benchmarks.common import ACTOR

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
    with tempfile.TemporaryDirectory(prefix="gov-bench-", dir=os.environ.get("GOV_BENCH_DIR")) as folder:
        gov = open_gov(data_dir=folder, **({"db_url": store_url} if store_url else {}))
        gov.flows.register(flow(2), ACTOR)
        for size in (10, 100, 1000):
            text = flow(size)
            figures[f"{size}_tasks_ms"] = _timed(lambda _round, text=text: check(text, registry).raise_for_errors())  # type: ignore[misc]
            # A comment makes each text new, so that each makes a revision.
            figures[f"{size}_tasks_registered_ms"] = _timed(
                lambda number, text=text: gov.flows.register(f"{text}# {number}\n", ACTOR)  # type: ignore[misc]
            )
        gov.close()
    return figures


def _timed(do: Callable[[int], object]) -> dict[str, float]:
    taken = []
    for number in range(ROUNDS + 1):
        started = time.perf_counter()
        do(number)
        taken.append((time.perf_counter() - started) * 1000)
    first, *rest = taken
    return {"first": first, "median": statistics.median(rest), "min": min(rest), "max": max(rest)}
