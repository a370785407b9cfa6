"""FOREACH: one execution of a ForEach over 100, 1,000 and 10,000 values with one no-op task each, one after the other and eight at once; and of a Loop.

``ratio`` is the cost per value of the largest against that of the smallest.
"""

from __future__ import annotations

import os
from typing import Any

from tests.benchmarks.common import RETURN, bench, repeated
from tests.benchmarks.w2 import once

_SIZES = (100, 1_000, 10_000)


def loop_over(values: int, concurrent: int, kind: str = "ForEach") -> str:
    """Return a flow that walks so many values."""
    value = "item.value" if kind == "Loop" else "taskrun.value"
    return (
        f"id: each-{values}-{concurrent}\nnamespace: bench\ntasks:\n"
        f"  - id: each\n    type: io.kestra.plugin.core.flow.{kind}\n    concurrencyLimit: {concurrent}\n"
        f'    values: "{{{{ range(1, {values}) }}}}"\n    tasks:\n'
        f'      - id: one\n        type: {RETURN}\n        format: "{{{{ {value} }}}}"\n'
    )


def run(store_url: str | None) -> dict[str, Any]:
    """Measure; ``GOV_BENCH_SIZES`` gives other sizes."""
    sizes = [int(size) for size in os.environ.get("GOV_BENCH_SIZES", "").split(",") if size] or _SIZES
    figures: dict[str, Any] = {}
    for kind, concurrent in (("ForEach", 1), ("ForEach", 8), ("Loop", 1)):
        found = {}
        for values in sizes:
            with bench(store_url) as made:
                once(made, loop_over(10, concurrent, kind), 10)
                source = loop_over(values, concurrent, kind)
                found[str(values)] = repeated(
                    lambda made=made, source=source, values=values: once(made, source, values)
                )  # type: ignore[misc]
        costs = [size["ms_per_task"]["median"] for size in found.values()]
        name = f"{concurrent} at once" if kind == "ForEach" else f"{kind}, {concurrent} at once"
        figures[name] = {**found, "ratio": round(costs[-1] / costs[0], 2)}
    return figures
