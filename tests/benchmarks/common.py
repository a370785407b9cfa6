"""What the workloads share: a store, a flow, a loop, and a stopwatch."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.canonical import digest_bytes
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import Start
from jupyter_gov.domain.flow import ExecutionFilter, FlowRevision
from jupyter_gov.domain.ids import new_id
from jupyter_gov.engine.start import create
from jupyter_gov.lang.check import check
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.loop import Loop
from jupyter_gov.store import Store

ACTOR = Actor("bench", "Bench", assurance=Assurance.OS)
RUN_AS = "bench"
RETURN = "io.kestra.plugin.core.debug.Return"
_POLL = 0.005


class Bench:
    """One store with one loop; with several runs on one server each uses a name of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.store = Store.open(url, files_root=folder / "files")
        self.registry = Registry()
        self.flows = FlowCache(self.store, self.registry)
        self.run_as = f"{RUN_AS}-{new_id()}"

    def loop(self, **options: Any) -> Loop:
        """Return a loop that is not started yet."""
        options.setdefault("settings", {})
        return Loop(self.store, self.registry, run_as=self.run_as, flows=self.flows, **options)

    def register(self, source: str) -> tuple[FlowRevision, Flow]:
        """Store a flow."""
        flow = check(source, self.registry).raise_for_errors()
        with self.store.write() as tx:
            newest = self.store.flows.get(tx, flow.namespace, flow.id)
            number = 1 if newest is None else newest.revision + 1
            digest = digest_bytes(source.encode())
            revision = FlowRevision(flow.namespace, flow.id, number, source, digest, "bench", datetime.now(UTC))
            self.store.flows.add(tx, revision, (Fact("flow.registered", flow.id, "bench", "os"),))
        return self.flows.add(revision)

    def start(self, revision: FlowRevision, flow: Flow) -> str:
        """Create an execution."""
        execution, facts = create(
            revision,
            flow,
            execution_id=new_id(),
            inputs={},
            actor=ACTOR,
            run_as=self.run_as,
            now=datetime.now(UTC),
            workdir=str(self.folder),
        )
        with self.store.write() as tx:
            self.store.executions.insert(tx, execution, facts, Start())
        return execution.id

    def finished(self, where: ExecutionFilter) -> int:
        """Return how many executions have ended."""
        with self.store.read() as tx:
            counts = self.store.executions.count_by_state(tx, where)
        return sum(count for state, count in counts.items() if state.is_terminal)

    def wait(self, where: ExecutionFilter, wanted: int, *, timeout: float = 600.0) -> float:
        """Wait until so many have ended, without slowing the loop down by watching it; return the time of the end."""
        deadline = time.perf_counter() + timeout
        while self.finished(where) < wanted:
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{self.finished(where)} of {wanted} have ended")
            time.sleep(_POLL)
        return time.perf_counter()

    def close(self) -> None:
        """Close the store."""
        self.store.close()


@contextlib.contextmanager
def bench(store_url: str | None) -> Iterator[Bench]:
    """Open a store: the given one, or SQLite in a temporary folder (``GOV_BENCH_DIR`` chooses the disk)."""
    with tempfile.TemporaryDirectory(prefix="gov-bench-", dir=os.environ.get("GOV_BENCH_DIR")) as name:
        folder = Path(name)
        made = Bench(store_url or str(folder / "gov.db"), folder)
        try:
            yield made
        finally:
            made.close()


def repeated(measure: Callable[[], Mapping[str, float]], runs: int = 3) -> dict[str, Any]:
    """Return median, min and max of each figure over several runs."""
    found = [measure() for _ in range(runs)]
    return {name: spread([run[name] for run in found]) for name in found[0]}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, min and max."""
    return {"median": round(statistics.median(values), 4), "min": round(min(values), 4), "max": round(max(values), 4)}


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which ``part`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(part * (len(ordered) - 1)))]


def peak_rss_mb() -> float:
    """Return the peak resident size of this process in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def chain(tasks: int) -> str:
    """Return a flow of no-op tasks one after the other."""
    body = "".join(f"  - id: t{number}\n    type: {RETURN}\n" for number in range(tasks))
    return f"id: chain-{tasks}\nnamespace: bench\ntasks:\n{body}"
