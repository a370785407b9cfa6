"""W3: 200 and 2,000 executions of a two-task flow, started as fast as the caller can, one runner."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from tests.benchmarks.common import Bench, bench, percentile, repeated

FLOW = """\
id: two
namespace: bench
tasks:
  - id: values
    type: io.kestra.plugin.core.output.OutputValues
    values:
      greeting: hello
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.values.values.greeting }}"
"""


def _once(made: Bench, count: int) -> dict[str, float]:
    revision, flow = made.register(FLOW)
    before = made.finished(ExecutionFilter())
    loop = made.loop()
    loop.start()
    cpu, begun = time.process_time(), time.perf_counter()
    ids = []
    for _ in range(count):
        ids.append(made.start(revision, flow))
        loop.wake()
    submitted = time.perf_counter() - begun
    wall = made.wait(ExecutionFilter(), before + count) - begun
    used = time.process_time() - cpu
    loop.stop()
    delays = []
    with made.store.read() as tx:
        for execution_id in ids:
            execution = made.store.executions.load(tx, execution_id)
            assert execution is not None
            assert execution.state is State.SUCCESS
            first = execution.ordered()[0].attempts[0].history.started
            delays.append(1000 * (first - execution.created).total_seconds())
    return {
        "wall_s": wall,
        "submit_s": submitted,
        "executions_per_s": count / wall,
        "cpu_ms_per_execution": 1000 * used / count,
        "submit_to_start_ms_p50": percentile(delays, 0.5),
        "submit_to_start_ms_p99": percentile(delays, 0.99),
        "commits": loop.commits,
    }


def run(store_url: str | None) -> dict[str, Any]:
    """Measure; ``GOV_BENCH_SIZES`` narrows the sizes."""
    sizes = [int(size) for size in os.environ.get("GOV_BENCH_SIZES", "").split(",") if size] or (200, 2_000)
    figures = {}
    for count in sizes:
        with bench(store_url) as made:
            _once(made, 10)
            figures[str(count)] = repeated(lambda made=made, count=count: _once(made, count))  # type: ignore[misc]
    assert threading.active_count() < 20
    return figures
