"""W11: µs per rendering of an expression, first (compiled) and cached."""

from __future__ import annotations

import time
from typing import Any

from jupyter_gov.lang import expr
from jupyter_gov.lang.expr.environment import ENVIRONMENT
from tests.benchmarks.common import repeated

ROWS = [{"id": number, "name": f"Row {number}", "score": number / 7} for number in range(50)]
CONTEXT = {
    "name": "World",
    "flow": {"id": "flow", "namespace": "bench"},
    "inputs": {"day": "2024-03-05", "limit": 20},
    "outputs": {"extract": {"rows": ROWS, "uri": "gov:///a/b/report.parquet"}},
    "taskrun": {"value": "v1"},
}
PATH = "{{ outputs.extract.uri | substringAfterLast('/') | upper | replace({'.PARQUET': ''}) }}"
_LINE = (
    "Report {{ flow.namespace }}.{{ flow.id }} of {{ inputs.day | date('dd MMM yyyy') }}: "
    "{% if outputs.extract.rows | length > inputs.limit %}long{% else %}short{% endif %}, "
    "{{ outputs.extract.rows[3].name ?? 'none' }} and some text to read in between, up to the end.\n"
)
LONG = _LINE * (10_000 // len(_LINE) + 1)
TEMPLATES = {"simple_variable": "{{ name }}", "short_path": "{{ inputs.limit }}", "path_with_filters": PATH, "10_kB_template": LONG}  # fmt: skip
LOOP = "{% for row in outputs.extract.rows %}{{ loop.index }};{{ row.name }};{{ row.score }}\n{% endfor %}"


def _cached(template: str, seconds: float = 0.3) -> float:
    expr.render(template, CONTEXT)
    count, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < seconds:
        for _ in range(10):
            expr.render(template, CONTEXT)
        count += 10
    return taken / count * 1e6


def _first(template: str, times: int = 20) -> float:
    total = 0.0
    for number in range(times):
        # A comment that differs makes a template that was never seen.
        fresh = f"{template}{{# {number} {time.perf_counter_ns()} #}}"
        started = time.perf_counter()
        expr.render(fresh, CONTEXT)
        total += time.perf_counter() - started
    return total / times * 1e6


def _measure() -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, template in {**TEMPLATES, "loop_over_50_rows": LOOP}.items():
        figures[f"{name}_cached_us"] = _cached(template)
        figures[f"{name}_first_us"] = _first(template)
    return figures


def run(store_url: str | None = None) -> dict[str, Any]:
    """Return median, min and max in microseconds; the store is not used."""
    ENVIRONMENT.compiled("{{ warm }}")
    return {"template_bytes": len(LONG), **repeated(_measure)}
