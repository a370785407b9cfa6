"""Files of executions while files are cleaned up: handed on, cached, of batches under way, or not told of yet."""

from __future__ import annotations

import os
import time
from datetime import timedelta

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.runtime.files import files_of
from jupyter_gov.store import garbage
from tests.runtime.probe import Wait
from tests.runtime.rig import PATIENCE, Rig, run_of
from tests.runtime.test_batches import WAITS, caller, write
from tests.runtime.test_directory import flow

FACT = Fact(garbage.COLLECTED, "files", "ada", "os", {})


def collect(rig: Rig) -> garbage.Garbage:
    """Clean up as if everything stored so far were old."""
    moment = time.time() - 3 * 86400
    for blob in (rig.store.files.root / "sha256").glob("??/*"):
        os.utime(blob, (moment, moment))
    return garbage.collect(rig.store, FACT, grace=timedelta(days=1), apply=True, limit=10_000)


def all_there(rig: Rig, execution: Execution) -> bool:
    return all(rig.store.files.exists(uri) for uri in files_of(execution))


def test_files_of_executions_stay(rig: Rig) -> None:
    rig.loop()
    text = flow("{id: one, type: probe.Here}", outputFiles=["*"], cache={"patterns": ["*"]}, inputFiles={"a": "b"})
    execution = rig.wait(rig.start(text + "  - {id: gate, type: io.kestra.plugin.core.flow.Pause}\n"), State.PAUSED)
    assert files_of(execution)
    assert collect(rig).deleted == 0
    assert all_there(rig, execution)
    rig.decide(execution.id)
    assert rig.wait(execution.id).state is State.SUCCESS
    assert collect(rig).deleted == 0
    assert rig.store.verify(files=True).findings == ()


def test_batches_under_way_stay(rig: Rig) -> None:
    rig.loop()
    rig.register(WAITS)
    write(rig, 3)
    execution_id = rig.start(caller(1))
    execution = rig.wait(execution_id, lambda found: found.find("each_items") is not None)
    assert collect(rig).deleted == 0
    assert all(rig.store.files.exists(uri) for uri in run_of(execution, "each_items").items or ())


def test_what_a_running_attempt_has_stored_stays(rig: Rig) -> None:
    Wait.started.clear()
    rig.loop()
    execution_id = rig.start(flow("{id: wait, type: probe.Wait}"))
    assert Wait.started.wait(PATIENCE)
    uri = rig.store.files.put("kestra:///not/told/of/yet", b"x", "x")
    later = time.time() + 0.01
    os.utime(rig.store.files.path(uri), (later, later))
    found = garbage.collect(rig.store, FACT, grace=timedelta(0), apply=True, limit=10)
    assert found.deleted == 0
    rig.kill(execution_id)
    rig.wait(execution_id)
