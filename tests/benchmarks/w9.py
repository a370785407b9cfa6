"""W9: the history: entries appended per second, and verified per second (GOV_BENCH_ENTRIES entries, 1,000,000 by default).

Inclusion proofs come with the checkpoints of a later release. ``verify`` is measured with stored states behind the
entries: executions of ten task steps each, so it hashes, checks links, folds and compares.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.states import State
from jupyter_gov.store import Store
from tests.benchmarks.common import bench, percentile, repeated, spread
from tests.contract import build

_STEPS = 10
_PER_TRANSACTION = 500


def run(store_url: str | None = None) -> dict[str, Any]:
    """Measure."""
    entries = int(os.environ.get("GOV_BENCH_ENTRIES", "1000000"))
    with bench(store_url) as made:
        store = made.store
        appended = repeated(lambda: _append(store))
        steps = repeated(lambda: _step(store))
        begun = time.perf_counter()
        fill(store, entries // (_STEPS + 1))
        filled = time.perf_counter() - begun
        checked = [store.verify() for _ in range(3)]
    assert all(report.ok for report in checked)
    return {
        "append": appended,
        "step": steps,
        "verify_entries_per_second": spread([report.entries / report.seconds for report in checked]),
        "verify_seconds": spread([report.seconds for report in checked]),
        "entries": checked[0].entries,
        "streams": checked[0].streams,
        "filled_in_seconds": round(filled, 1),
    }


def _append(store: Store) -> dict[str, float]:
    """Append single entries, each durable, and many in one transaction."""
    fact = Fact("benchmark", "subject", "ada", "os", {"n": 1})
    begun, durations = time.perf_counter(), []
    for _ in range(300):
        one = time.perf_counter()
        with store.write() as tx:
            store.audit_log.append(tx, "bench", [fact])
        durations.append(time.perf_counter() - one)
    single = 300 / (time.perf_counter() - begun)
    begun = time.perf_counter()
    with store.write() as tx:
        store.audit_log.append(tx, "bench", [fact] * 5000)
    batched = 5000 / (time.perf_counter() - begun)
    return {
        "durable_per_second": single,
        "durable_ms_p50": percentile(durations, 0.5) * 1000,
        "durable_ms_p99": percentile(durations, 0.99) * 1000,
        "in_one_transaction_per_second": batched,
    }


def _step(store: Store) -> dict[str, float]:
    """Commit steps as the loop does: one execution row, two task runs, one entry, one note for watchers."""
    steps = list(_steps(300))
    run_id = steps[0].execution.id
    first = build.execution(id=run_id)
    with store.write() as tx:
        store.executions.insert(tx, first, (build.created_fact(first),), None)
    durations, used = [], time.process_time()
    for number, step in enumerate(steps):
        begun = time.perf_counter()
        with store.write() as tx:
            store.executions.commit(tx, step, expected_version=number, fence=0)
        durations.append(time.perf_counter() - begun)
    return {
        "commit_ms_p50": percentile(durations, 0.5) * 1000,
        "commit_ms_p99": percentile(durations, 0.99) * 1000,
        "commit_cpu_ms": (time.process_time() - used) / len(steps) * 1000,
    }


def _steps(count: int) -> Iterator[Any]:
    run = build.execution(id=new_id())
    before = None
    for number in range(count):
        changed = [build.task_run(run, number, State.RUNNING)]
        if before is not None:
            changed.append(build.finished(before, {"value": "x" * 50}))
        step = build.step(run, *changed)
        run, before = step.execution, step.execution.task_runs[changed[0].id]
        yield step


def fill(store: Store, executions: int) -> None:
    """Store finished executions of ten steps each, many per transaction."""
    for start in range(0, executions, _PER_TRANSACTION):
        with store.write() as tx:
            for _ in range(min(_PER_TRANSACTION, executions - start)):
                steps = list(_steps(_STEPS))
                first = build.execution(id=steps[0].execution.id)
                store.executions.insert(tx, first, (build.created_fact(first),), None)
                for number, step in enumerate(steps):
                    store.executions.commit(tx, step, expected_version=number)
