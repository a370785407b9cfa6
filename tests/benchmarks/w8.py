"""W8: lists over 20,000 and 1,000,000 finished executions: latest 50 filtered, open one, count by state.

``GOV_BENCH_EXECUTIONS`` gives other sizes, such as ``20000,100000``. Rows are put in directly: what is measured is reading.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_gov.domain.execution import Label
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.states import State
from jupyter_gov.store import Store, tables
from jupyter_gov.store import execution_sql as sql
from jupyter_gov.store.rows import execution_data, execution_row, task_run_row
from tests.benchmarks.common import bench, percentile
from tests.contract import build

_STATES = (State.SUCCESS,) * 17 + (State.WARNING, State.FAILED, State.KILLED)
_NAMESPACES = tuple(f"company.team{number}" for number in range(20))
_CHUNK = 10_000
_FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_TIMES = 200


def run(store_url: str | None = None) -> dict[str, Any]:
    """Measure both sizes on one store, the larger one after the smaller one."""
    sizes = [int(size) for size in os.environ.get("GOV_BENCH_EXECUTIONS", "20000,1000000").split(",")]
    figures: dict[str, Any] = {}
    with bench(store_url) as made:
        have = 0
        for size in sizes:
            begun = time.perf_counter()
            ids = _fill(made.store, have, size)
            figures[f"{size} executions"] = {
                "filled_in_seconds": round(time.perf_counter() - begun, 1),
                **_questions(made.store, ids),
            }
            have = size
    return figures


def _fill(store: Store, start: int, end: int) -> list[str]:
    template = build.execution(labels=(Label("team", "risk"),), inputs={"day": "2026-01-01"}, outputs={"rows": 3})
    base, data = execution_row(template), execution_data(template)
    runs = [task_run_row(build.finished(build.task_run(template, n, State.RUNNING), {"n": n})) for n in range(3)]
    ids: list[str] = []
    for chunk in range(start, end, _CHUNK):
        executions, others, labels, task_runs = [], [], [], []
        for number in range(chunk, min(chunk + _CHUNK, end)):
            one = new_id()
            created = int((_FIRST + timedelta(seconds=number)).timestamp() * 1_000_000)
            state = _STATES[(number * 7) % len(_STATES)].value
            place = _NAMESPACES[(number // 20) % len(_NAMESPACES)]
            executions.append(
                base
                | {"id": one, "namespace": place, "flow_id": f"flow{(number // 20) % 60}", "state": state}
                | {"created_us": created, "ended_us": created + 5_000_000, "starter": f"user{number % 9}"}
            )
            others.append(data | {"execution_id": one})
            labels.append(
                {"execution_id": one, "key": "team", "value": f"t{(number // 7) % 50}", "created_us": created}
            )
            if number % 100 == 0:
                task_runs += [row | {"execution_id": one, "id": f"{one}-{row['seq']}"} for row in runs]
                ids.append(one)
        with store.write() as tx:
            tx.many(sql.INSERT, executions)
            tx.many(sql.PUT_DATA, others)
            tx.many(sql.PUT_LABEL, labels)
            tx.many(sql.PUT_RUN, task_runs)
    with store.write() as tx:
        tx.cursor.execute("ANALYZE" if store.dialect == "sqlite" else f"ANALYZE {tables.ExecutionRow.__tablename__}")
    return ids


def _questions(store: Store, ids: list[str]) -> dict[str, Any]:
    failed = frozenset({State.FAILED})

    def listed(where: ExecutionFilter, before: bool = False) -> Callable[[int], object]:
        def ask(number: int) -> object:
            with store.read() as tx:
                start = ids[number % len(ids)] if before else None
                return store.executions.list(tx, where, before=start, limit=50)

        return ask

    def opened(number: int) -> object:
        with store.read() as tx:
            return store.executions.load(tx, ids[number % len(ids)])

    def counted(where: ExecutionFilter) -> Callable[[int], object]:
        def ask(_number: int) -> object:
            with store.read() as tx:
                return store.executions.count_by_state(tx, where)

        return ask

    return {
        "latest_50": _timed(listed(ExecutionFilter())),
        "latest_50_of_state_and_namespace": _timed(listed(ExecutionFilter(namespace=_NAMESPACES[6], states=failed))),
        "latest_50_of_flow": _timed(listed(ExecutionFilter(namespace=_NAMESPACES[6], flow_id="flow6"))),
        "latest_50_of_starter_and_state": _timed(listed(ExecutionFilter(starter="user3", states=failed))),
        "latest_50_of_label": _timed(listed(ExecutionFilter(label=("team", "t7")))),
        "latest_50_of_label_and_rare_state": _timed(listed(ExecutionFilter(label=("team", "t7"), states=failed))),
        "50_somewhere_in_the_middle": _timed(listed(ExecutionFilter(namespace=_NAMESPACES[6]), before=True)),
        "open_one": _timed(opened),
        "count_by_state": _timed(counted(ExecutionFilter()), times=5),
        "count_by_state_of_namespace": _timed(counted(ExecutionFilter(namespace=_NAMESPACES[6])), times=20),
    }


def _timed(ask: Callable[[int], object], times: int = _TIMES) -> dict[str, float]:
    durations = []
    for number in range(times):
        begun = time.perf_counter()
        ask(number * 37)
        durations.append((time.perf_counter() - begun) * 1000)
    return {"ms_p50": round(percentile(durations, 0.5), 2), "ms_p99": round(percentile(durations, 0.99), 2)}
