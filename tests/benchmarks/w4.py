"""W4: from a decision to the next task's start, in this process and from another one; what 1,000 open gates hold."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import ApprovalDecided
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.store import Store
from tests.benchmarks.common import Bench, bench, percentile

FLOW = """\
id: gated
namespace: bench
tasks:
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
  - id: after
    type: io.kestra.plugin.core.debug.Return
"""
_TIMES = 20
_GATES = 1_000


def decide(store: Store, execution_id: str) -> datetime:
    """Approve the open gate of an execution and return when the call was made."""
    called = datetime.now(UTC)
    with store.write() as tx:
        gate = store.approvals.list(tx, status=ApprovalStatus.OPEN, execution_id=execution_id)[0]
        store.approvals.decide(
            tx,
            gate.id,
            expected_version=gate.version,
            status=ApprovalStatus.APPROVED,
            by="bench",
            at=called,
            reason=None,
            inputs={},
            vote=None,
            facts=(Fact("approval.decided", gate.id, "bench", "os"),),
            event=ApprovalDecided(gate.id, gate.task_run_id, "APPROVED", "bench", called.isoformat()),
        )
    return called


def _delay_ms(made: Bench, execution_id: str, called: datetime) -> float:
    while True:
        with made.store.read() as tx:
            execution = made.store.executions.load(tx, execution_id)
        assert execution is not None
        if execution.state.is_terminal:
            after = execution.find("after")
            assert after is not None
            return 1000 * (after.attempts[0].history.started - called).total_seconds()
        time.sleep(0.005)


def _paused(made: Bench, count: int) -> list[str]:
    revision, flow = made.register(FLOW)
    loop = made.loop()
    loop.start()
    ids = [made.start(revision, flow) for _ in range(count)]
    loop.wake()
    while True:
        with made.store.read() as tx:
            counts = made.store.executions.count_by_state(tx, ExecutionFilter(states=frozenset({State.PAUSED})))
        if counts.get(State.PAUSED, 0) >= count:
            break
        time.sleep(0.01)
    loop.stop()
    return ids


def _same_process(made: Bench) -> dict[str, float]:
    ids = _paused(made, _TIMES)
    loop = made.loop()
    loop.start()
    time.sleep(0.2)
    delays = []
    for execution_id in ids:
        called = decide(made.store, execution_id)
        loop.wake()
        delays.append(_delay_ms(made, execution_id, called))
    loop.stop()
    return _figures(delays)


def _other_process(made: Bench) -> dict[str, float]:
    ids = _paused(made, _TIMES)
    loop = made.loop()
    loop.start()
    time.sleep(0.2)
    root = Path(__file__).parents[2]
    other = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.w4", made.url, str(made.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert other.stdin is not None
    assert other.stdout is not None
    other.stdout.readline()
    delays = []
    for execution_id in ids:
        other.stdin.write(execution_id + "\n")
        other.stdin.flush()
        called = datetime.fromisoformat(json.loads(other.stdout.readline()))
        delays.append(_delay_ms(made, execution_id, called))
    other.stdin.close()
    other.wait(10)
    loop.stop()
    return _figures(delays)


def _figures(delays: list[float]) -> dict[str, float]:
    return {name: round(percentile(delays, part), 2) for name, part in (("p50_ms", 0.5), ("p99_ms", 0.99))}


def _now() -> dict[str, float]:
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "threads": threading.active_count(),
        "processes": len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        "open_files": len(list(Path("/proc/self/fd").iterdir())),
        "rss_mb": int(status["VmRSS"].split()[0]) / 1024,
    }


def _held(made: Bench) -> dict[str, Any]:
    """Compare the same process with one open gate and with a thousand, a loop running."""
    loop = made.loop()
    loop.start()
    revision, flow = made.register(FLOW)
    found = []
    for wanted in (50, _GATES):
        for _ in range(wanted):
            made.start(revision, flow)
        loop.wake()
        while True:
            with made.store.read() as tx:
                counts = made.store.executions.count_by_state(tx, ExecutionFilter(flow_id="gated"))
            if set(counts) <= {State.PAUSED, State.SUCCESS}:
                break
            time.sleep(0.02)
        time.sleep(0.3)
        found.append(_now())
    cpu = time.process_time()
    time.sleep(3)
    idle = time.process_time() - cpu
    loop.stop()
    return {
        **{f"more_{name}": round(found[1][name] - found[0][name], 2) for name in found[0]},
        "idle_cpu_percent": round(100 * idle / 3, 3),
    }


def run(store_url: str | None) -> dict[str, Any]:
    """Measure."""
    with bench(store_url) as made:
        return {
            "same_process": _same_process(made),
            "other_process": _other_process(made),
            f"{_GATES}_gates_hold": _held(made),
        }


def _decider() -> None:
    store = Store.open(sys.argv[1], files_root=Path(sys.argv[2]) / "files")
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(decide(store, line.strip()).isoformat()), flush=True)
    store.close()


if __name__ == "__main__":
    _decider()
