"""W1: one execution of 100, 1,000 and 10,000 no-op tasks one after the other, every transition durable."""

from __future__ import annotations

import os
import time
from typing import Any

from jupyter_gov.domain.flow import ExecutionFilter
from tests.benchmarks.common import Bench, bench, chain, peak_rss_mb, repeated

_SIZES = (100, 1_000, 10_000)


def _once(made: Bench, tasks: int) -> dict[str, float]:
    revision, flow = made.register(chain(tasks))
    before = made.finished(ExecutionFilter())
    made.start(revision, flow)
    loop = made.loop()
    cpu, begun = time.process_time(), time.perf_counter()
    loop.start()
    wall = made.wait(ExecutionFilter(), before + 1) - begun
    used = time.process_time() - cpu
    loop.stop()
    return {
        "wall_s": wall,
        "tasks_per_s": tasks / wall,
        "ms_per_task": 1000 * wall / tasks,
        "cpu_ms_per_task": 1000 * used / tasks,
        "commits": loop.commits,
        "peak_rss_mb": peak_rss_mb(),
    }


def run(store_url: str | None) -> dict[str, Any]:
    """Measure; ``GOV_BENCH_SIZES`` narrows the sizes."""
    sizes = [int(size) for size in os.environ.get("GOV_BENCH_SIZES", "").split(",") if size] or _SIZES
    figures = {}
    for tasks in sizes:
        with bench(store_url) as made:
            _once(made, 10)
            figures[str(tasks)] = repeated(lambda made=made, tasks=tasks: _once(made, tasks))  # type: ignore[misc]
    return figures
