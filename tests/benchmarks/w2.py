"""W2: one execution that fans out to 200 parallel no-op tasks, eight at a time, and joins."""

from __future__ import annotations

import os
import time
from typing import Any

from jupyter_gov.domain.flow import ExecutionFilter
from tests.benchmarks.common import RETURN, Bench, bench, peak_rss_mb, repeated

_WIDTH, _CONCURRENT = 200, 8


def fan_out(width: int) -> str:
    """Return a flow: one task, so many side by side, one task."""
    body = "".join(f"      - id: t{number}\n        type: {RETURN}\n" for number in range(width))
    return (
        f"id: fan-{width}\nnamespace: bench\ntasks:\n  - id: before\n    type: {RETURN}\n"
        f"  - id: wide\n    type: io.kestra.plugin.core.flow.Parallel\n    concurrent: {_CONCURRENT}\n    tasks:\n{body}"
        f"  - id: after\n    type: {RETURN}\n"
    )


def once(made: Bench, source: str, tasks: int) -> dict[str, float]:
    """Run one execution of a flow; ``tasks`` is what the figures are divided by."""
    revision, flow = made.register(source)
    before = made.finished(ExecutionFilter())
    execution_id = made.start(revision, flow)
    loop = made.loop()
    cpu, begun = time.process_time(), time.perf_counter()
    loop.start()
    wall = made.wait(ExecutionFilter(), before + 1) - begun
    used = time.process_time() - cpu
    loop.stop()
    with made.store.read() as tx:
        [found] = made.store.executions.list(tx, ExecutionFilter(), limit=1)
    assert (found.id, str(found.state)) == (execution_id, "SUCCESS"), found.state
    return {
        "wall_s": wall,
        "tasks_per_s": tasks / wall,
        "ms_per_task": 1000 * wall / tasks,
        "cpu_ms_per_task": 1000 * used / tasks,
        "commits": loop.commits,
        "peak_rss_mb": peak_rss_mb(),
    }


def run(store_url: str | None) -> dict[str, Any]:
    """Measure; ``GOV_BENCH_SIZES`` gives other widths."""
    sizes = [int(size) for size in os.environ.get("GOV_BENCH_SIZES", "").split(",") if size] or [_WIDTH]
    figures = {}
    for width in sizes:
        with bench(store_url) as made:
            once(made, fan_out(10), 12)
            figures[str(width)] = repeated(lambda made=made, width=width: once(made, fan_out(width), width + 2))  # type: ignore[misc]
    return figures
