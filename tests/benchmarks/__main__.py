"""``python -m tests.benchmarks W1 [--store URL] [--json]``: run a workload and print its figures.

A workload is a module ``wN.py`` with ``run(store_url) -> dict``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sqlite3
import sys
import time
from importlib.metadata import version
from typing import Any

from tests.benchmarks.common import peak_rss_mb

_PACKAGES = ("jupyter_gov", "sqlalchemy", "sqlmodel", "pydantic", "jinja2", "psycopg")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            continue
    return found


def _load() -> tuple[int, list[float]]:
    return os.cpu_count() or 1, [round(one, 2) for one in os.getloadavg()]


def main() -> None:
    """Run one workload."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("workload", help="W1 … W12")
    parser.add_argument("--store", metavar="URL", help="a store; SQLite in a temporary folder if left out")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    name = options.workload.lower()
    try:
        module = importlib.import_module(f"tests.benchmarks.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"tests.benchmarks.{name}":
            raise
        sys.exit(f"there is no workload {options.workload}")
    begun = time.perf_counter()
    cores, load = _load()
    figures = module.run(options.store)
    report: dict[str, Any] = {
        "workload": options.workload.upper(),
        "what": (module.__doc__ or "").strip().splitlines()[0],
        "store": (options.store or "sqlite").split("@")[-1],
        "cores": cores,
        "load_before": load,
        "versions": _versions(),
        "peak_rss_mb": peak_rss_mb(),
        "seconds": round(time.perf_counter() - begun, 1),
        "figures": figures,
    }
    print(json.dumps(report) if options.json else json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
