"""W6: kill -9 in the middle of W1, start again: tasks that ran twice, that were lost, the time until it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.loop import Loop
from jupyter_gov.store import Store
from tests.benchmarks.common import Bench, bench, repeated

_TASKS = 300


def _victim(made: Bench) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.w6", made.url, str(made.folder), made.run_as],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def _ended(made: Bench, execution_id: str) -> int:
    with made.store.read() as tx:
        execution = made.store.executions.load(tx, execution_id)
    assert execution is not None
    return sum(1 for run in execution.task_runs.values() if run.state is State.SUCCESS)


def _once(made: Bench, trace: Path, number: int) -> dict[str, float]:
    body = "".join(f"  - {{id: t{n}, type: probe.Blink, file: '{trace}{number}'}}\n" for n in range(_TASKS))
    revision, flow = made.register(f"id: crash\nnamespace: bench\ntasks:\n{body}")
    before = made.finished(ExecutionFilter())
    execution_id = made.start(revision, flow)
    victim = _victim(made)
    while _ended(made, execution_id) < _TASKS // 3:
        time.sleep(0.002)
    victim.kill()
    victim.wait()
    killed, at_kill = time.perf_counter(), _ended(made, execution_id)
    loop = made.loop()
    loop.start()
    while _ended(made, execution_id) <= at_kill:
        time.sleep(0.002)
    goes_on = time.perf_counter() - killed
    made.wait(ExecutionFilter(), before + 1)
    loop.stop()
    with made.store.read() as tx:
        execution = made.store.executions.load(tx, execution_id)
    assert execution is not None
    successes = [
        sum(1 for attempt in run.attempts if attempt.state is State.SUCCESS) for run in execution.task_runs.values()
    ]
    # A task ran twice if it ran again after an attempt of it was recorded as successful.
    ran: dict[tuple[str, str], int] = {}
    for line in Path(f"{trace}{number}").read_text().splitlines():
        run_id, _, attempt, _ = line.split()
        ran[run_id, attempt] = ran.get((run_id, attempt), 0) + 1
    return {
        "finished_at_kill": at_kill,
        "ran_twice": sum(1 for found in successes if found > 1) + sum(1 for times in ran.values() if times > 1),
        "lost": _TASKS - sum(1 for found in successes if found == 1),
        "goes_on_after_s": goes_on,
    }


def run(store_url: str | None) -> dict[str, Any]:
    """Measure; the heir is on the same machine and sees that the owner is dead (elsewhere: the lease, 15 s)."""
    with bench(store_url) as made:
        made.registry = Registry({"probe.Blink": "tests.runtime.probe:Blink"})
        made.flows = type(made.flows)(made.store, made.registry)
        counter = iter(range(1000))
        return repeated(lambda: _once(made, made.folder / "trace", next(counter)))


def _main() -> None:
    url, folder, run_as = sys.argv[1:]
    store = Store.open(url, files_root=Path(folder) / "files")
    loop = Loop(
        store,
        Registry({"probe.Blink": "tests.runtime.probe:Blink"}),
        settings={},
        run_as=run_as,
    )
    loop.start()
    time.sleep(600)


if __name__ == "__main__":
    _main()
