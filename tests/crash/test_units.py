"""kill -9 while tasks share a folder, and while a flow is called for many batches."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from tests.crash.processes import Looper, check_laws, traces, wait_all
from tests.runtime.rig import PATIENCE, Rig, run_of, states

DIRECTORY = """\
id: together
namespace: crash
tasks:
  - id: dir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*"]
    tasks:
      - {{id: one, type: probe.Once, file: '{trace}'}}
      - {{id: two, type: probe.Touch, file: '{trace}', seconds: {seconds}}}
"""
CALLED = """\
id: called
namespace: crash
tasks:
  - {{id: trace_call, type: probe.Touch, file: '{trace}', seconds: 0.01}}
"""
CALLER = """\
id: caller
namespace: crash
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEachItem
    items: rows.txt
    namespace: crash
    flowId: called
"""
ROWS = 30


def test_a_directory_dies_with_its_worker_and_restarts_as_a_whole(rig: Rig, url: str, loopers: list[Looper]) -> None:
    trace = rig.folder / "trace"
    execution_id = rig.start(DIRECTORY.format(trace=trace, seconds=60))
    victim = Looper(rig, url, provable=True)
    loopers.append(victim)
    deadline = time.monotonic() + PATIENCE
    while len(traces(trace)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    victim.kill()
    heir = Looper(rig, url, provable=True)
    loopers.append(heir)
    wait_all(rig, [execution_id])
    execution = rig.get(execution_id)
    # The task that might run again by itself does not: the files that it found are gone.
    assert states(execution) == {"dir": "FAILED", "one": "SUCCESS", "two": "FAILED"}
    assert [attempt.state for attempt in run_of(execution, "two").attempts] == [State.LOST]
    failure = run_of(execution, "dir").failure
    assert failure is not None
    assert failure.code == "GOV818"
    check_laws(rig, [execution_id], trace)
    rig.restart(execution_id)
    rig.wait(execution_id, lambda found: len(traces(trace)) == 4)
    assert Counter(number for _, number in traces(trace)) == {1: 4}
    rig.kill(execution_id)
    wait_all(rig, [execution_id])


def _called(rig: Rig) -> list[Execution]:
    with rig.store.read() as tx:
        found = rig.store.executions.list(tx, ExecutionFilter(flow_id="called"), limit=1000)
    return [rig.get(one.id) for one in found]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("point", "n"), [("commit.before", 5), ("commit.after", 4), ("commit.inside", 9)])
def test_each_batch_is_called_once(rig: Rig, url: str, loopers: list[Looper], point: str, n: int) -> None:
    trace: Path = rig.folder / "trace"
    (rig.folder / "rows.txt").write_text("".join(f"{number}\n" for number in range(ROWS)))
    rig.register(CALLED.format(trace=trace))
    execution_id = rig.start(CALLER)
    victim = Looper(rig, url, fault=[point, n])
    loopers.append(victim)
    victim.ready()
    assert victim.died(PATIENCE)
    heir = Looper(rig, url)
    loopers.append(heir)
    wait_all(rig, [execution_id])
    execution = rig.get(execution_id)
    assert execution.state is State.SUCCESS
    assert (run_of(execution, "each_items").outputs or {})["iterations"] == {
        "CREATED": 0,
        "RUNNING": 0,
        "SUCCESS": ROWS,
    }
    children = _called(rig)
    assert sorted(one.batch for one in children if one.batch is not None) == list(range(ROWS))
    heir.stop()
    check_laws(rig, [execution_id, *(one.id for one in children)], trace)
