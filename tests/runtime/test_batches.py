"""A flow for each batch of a file: how it is split, how many calls are open, what is counted, killed, and run again."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.engine.batches import AT_ONCE
from jupyter_gov.lang.check import check
from jupyter_gov.lang.diagnostics import FlowError
from tests.runtime.rig import PATIENCE, Rig, run_of, states

CALLED = """\
id: called
namespace: company.team
inputs:
  - {id: rows, type: STRING}
  - {id: number, type: INT}
tasks:
  - {id: look, type: io.kestra.plugin.core.debug.Return, format: "{{ read(inputs.rows) }}"}
outputs:
  - {id: text, type: STRING, value: "{{ outputs.look.value | trim }}"}
  - {id: number, type: INT, value: "{{ inputs.number }}"}
"""
WAITS = CALLED.replace("    format", "    format").replace(
    '{id: look, type: io.kestra.plugin.core.debug.Return, format: "{{ read(inputs.rows) }}"}',
    "{id: look, type: io.kestra.plugin.core.flow.Pause}",
).replace('  - {id: text, type: STRING, value: "{{ outputs.look.value | trim }}"}\n', "")  # fmt: skip
SOME_FAIL = CALLED.replace(
    "tasks:\n",
    "tasks:\n  - {id: mood, type: probe.Touch, file: 'FILE'}\n"
    "  - {id: maybe, type: io.kestra.plugin.core.execution.Fail, runIf: \"{{ inputs.number == 1 and not fileExists('GOOD') }}\"}\n",
)


def caller(rows: int, **more: Any) -> str:
    """Return a flow that calls `called` for the rows of the file `rows.txt`."""
    task = {
        "id": "each", "type": "io.kestra.plugin.core.flow.ForEachItem", "items": "rows.txt", "batch": {"rows": rows},
        "namespace": "company.team", "flowId": "called",
        "inputs": {"rows": "{{ taskrun.items }}", "number": "{{ taskrun.iteration }}"}, **more,
    }  # fmt: skip
    return str(yaml.safe_dump({"id": "caller", "namespace": "company.team", "tasks": [task]}, sort_keys=False))


def write(rig: Rig, rows: int) -> None:
    (rig.folder / "rows.txt").write_text("".join(f"row {number}\n" for number in range(rows)))


def children(rig: Rig) -> list[Execution]:
    """Return the called executions, oldest first."""
    with rig.store.read() as tx:
        found = rig.store.executions.list(tx, ExecutionFilter(flow_id="called"), limit=5000)
    return [rig.get(one.id) for one in reversed(found)]


def outputs_of(execution: Execution, task: str = "each_items") -> dict[str, Any]:
    return dict(run_of(execution, task).outputs or {})


class TestBatches:
    def test_outputs_are_merged_in_order(self, rig: Rig) -> None:
        rig.loop()
        rig.register(CALLED)
        write(rig, 7)
        execution = rig.wait(rig.start(caller(3)))
        assert states(execution) == dict.fromkeys(("each", "each_split", "each_items", "each_merge"), "SUCCESS")
        merged = rig.store.files.path(outputs_of(execution, "each_merge")["subflowOutputs"]).read_text()
        lines = [json.loads(line) for line in merged.splitlines()]
        assert [line["number"] for line in lines] == [0, 1, 2]
        assert [line["text"] for line in lines] == ["row 0\nrow 1\nrow 2", "row 3\nrow 4\nrow 5", "row 6"]
        assert outputs_of(execution) == {"numberOfBatches": 3, "iterations": {"CREATED": 0, "RUNNING": 0, "SUCCESS": 3}}

    @pytest.mark.parametrize(
        ("batch", "sizes"),
        [({"bytes": "13"}, [2, 2, 2, 1]), ({"partitions": 3}, [3, 2, 2]), ({"separator": "w"}, 8 * [None])],
    )
    def test_ways_to_split(self, rig: Rig, batch: dict[str, Any], sizes: list[int]) -> None:
        rig.loop()
        rig.register(CALLED)
        write(rig, 7)
        execution = rig.wait(rig.start(caller(1, batch=batch)))
        assert execution.state is State.SUCCESS
        assert outputs_of(execution)["numberOfBatches"] == len(sizes)
        if sizes[0] is not None:
            texts = [str((one.outputs or {})["text"]) for one in children(rig)]
            assert sorted(text.count("row") for text in texts) == sorted(sizes)

    def test_a_size_that_is_none_is_refused(self, rig: Rig) -> None:
        rig.loop()
        rig.register(CALLED)
        write(rig, 7)
        execution = rig.wait(rig.start(caller(0)))
        assert states(execution) == {"each": "FAILED", "each_split": "FAILED"}
        failure = run_of(execution, "each_split").failure
        assert failure is not None
        assert failure.code == "GOV874"

    def test_calls_know_their_caller(self, rig: Rig) -> None:
        rig.loop()
        rig.register(CALLED)
        write(rig, 2)
        execution = rig.wait(rig.start(caller(1, labels={"a": "{{ taskrun.iteration }}"})))
        found = children(rig)
        triggers = [one.trigger for one in found]
        assert all(one is not None for one in triggers)
        assert {one.variables["executionId"] for one in triggers if one} == {execution.id}
        assert sorted(one.variables["taskRunIteration"] for one in triggers if one) == [0, 1]
        labels = [{label.key: label.value for label in one.labels} for one in found]
        assert {one["system.correlationId"] for one in labels} == {execution.id}
        assert sorted(one["a"] for one in labels) == ["0", "1"]

    def test_a_flow_that_does_not_exist_fails_all(self, rig: Rig) -> None:
        rig.loop()
        write(rig, 120)
        execution = rig.wait(rig.start(caller(1)))
        assert states(execution) == {"each": "FAILED", "each_split": "SUCCESS", "each_items": "FAILED"}
        assert outputs_of(execution)["iterations"]["FAILED"] == 120
        failure = run_of(execution, "each_items").failure
        assert failure is not None
        assert failure.code == "GOV302"

    def test_inputs_that_cannot_be_rendered_fail_it(self, rig: Rig) -> None:
        rig.loop()
        rig.register(CALLED)
        write(rig, 3)
        execution = rig.wait(rig.start(caller(1, inputs={"rows": "{{ taskrun.itemz }}", "number": 1})))
        assert execution.state is State.FAILED
        assert not children(rig)

    def test_without_waiting_nothing_is_merged(self, rig: Rig) -> None:
        rig.loop()
        rig.register(WAITS)
        write(rig, AT_ONCE + 7)
        execution = rig.wait(rig.start(caller(1, wait=False)))
        assert execution.state is State.SUCCESS
        assert outputs_of(execution) == {"numberOfBatches": AT_ONCE + 7, "iterations": {"SUCCESS": AT_ONCE + 7}}
        assert run_of(execution, "each_merge").outputs is None
        assert len(children(rig)) == AT_ONCE + 7

    def test_a_name_of_its_own_task_runs_is_taken(self, rig: Rig) -> None:
        text = caller(1) + "- {id: each_items, type: probe.Here}\n"
        with pytest.raises(FlowError, match="each_items"):
            check(text, rig.registry).raise_for_errors()


class TestBound:
    def test_a_bounded_number_is_open_and_all_are_killed(self, rig: Rig) -> None:
        rig.loop()
        rig.register(WAITS)
        write(rig, AT_ONCE + 20)
        execution_id = rig.start(caller(1))
        rig.wait(execution_id, lambda found: found.find("each_items") is not None)
        deadline = time.monotonic() + PATIENCE
        while Counter(one.state for one in children(rig))[State.PAUSED] < AT_ONCE:
            assert time.monotonic() < deadline
            rig.store.wait(0.2)
        assert len(children(rig)) == AT_ONCE
        rig.kill(execution_id)
        assert rig.wait(execution_id).state is State.KILLED
        for one in children(rig):
            rig.wait(one.id, State.KILLED)
        assert len(children(rig)) == AT_ONCE


class TestRestart:
    def test_only_what_had_not_ended_well_runs_again(self, rig: Rig) -> None:
        rig.loop()
        good, trace = rig.folder / "good", rig.folder / "trace"
        rig.register(SOME_FAIL.replace("FILE", str(trace)).replace("GOOD", str(good)))
        write(rig, 4)
        execution_id = rig.start(caller(1))
        execution = rig.wait(execution_id)
        assert execution.state is State.FAILED
        assert outputs_of(execution)["iterations"] == {"CREATED": 0, "RUNNING": 0, "SUCCESS": 3, "FAILED": 1}
        good.touch()
        rig.restart(execution_id)
        execution = rig.wait(execution_id, State.SUCCESS)
        assert len(Path(trace).read_text().splitlines()) == 5
        assert outputs_of(execution)["iterations"] == {"CREATED": 0, "RUNNING": 0, "SUCCESS": 4}
        merged = rig.store.files.path(outputs_of(execution, "each_merge")["subflowOutputs"]).read_text()
        assert [json.loads(line)["number"] for line in merged.splitlines()] == [0, 1, 2, 3]

    def test_failures_that_do_not_matter(self, rig: Rig) -> None:
        rig.loop()
        rig.register(SOME_FAIL.replace("FILE", str(rig.folder / "trace")).replace("GOOD", str(rig.folder / "good")))
        write(rig, 3)
        execution = rig.wait(rig.start(caller(1, transmitFailed=False)))
        assert execution.state is State.SUCCESS
        assert outputs_of(execution)["iterations"]["FAILED"] == 1


def test_many_batches(rig: Rig) -> None:
    """The frame is what each call's end writes: it holds the open ones and a bit for each, whatever is done already."""
    rig.loop()
    rig.register(CALLED)
    write(rig, 400)
    execution = rig.wait(rig.start(caller(1)))
    assert execution.state is State.SUCCESS
    assert outputs_of(execution)["iterations"]["SUCCESS"] == 400
    frame = run_of(execution, "each_items").frame
    assert frame is not None
    assert len(json.dumps(dict(frame.data))) < 1000
