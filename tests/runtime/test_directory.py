"""Tasks that share a folder: what they find there, what is kept of it, and that nothing is left behind."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_gov.domain.events import Pause, Resume
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.lang.diagnostics import FlowError
from jupyter_gov.plugins.registry import Registry
from tests.runtime.probe import Wait
from tests.runtime.rig import PATIENCE, Rig, run_of, states

DIRECTORY = "io.kestra.plugin.core.flow.WorkingDirectory"


def flow(*tasks: str, after: str = "", **props: Any) -> str:
    """Return a flow with one working directory."""
    listed = "".join(f"      - {task}\n" for task in tasks)
    more = "".join(
        f"    {name}: {yaml.safe_dump(value, default_flow_style=True).strip()}\n" for name, value in props.items()
    )
    return f"id: together\nnamespace: company.team\ntasks:\n  - id: dir\n    type: {DIRECTORY}\n{more}    tasks:\n{listed}{after}"


def folder_of(execution: Execution, task: str = "one") -> Path:
    """Return where a Here task ran."""
    outputs = run_of(execution, task).outputs
    assert outputs is not None
    return Path(outputs["folder"])


def gone(path: Path) -> bool:
    """Return whether a folder goes away."""
    deadline = time.monotonic() + PATIENCE
    while path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


ONE, TWO = "{id: one, type: probe.Here, write: first}", "{id: two, type: probe.Here, write: second}"


class TestFolder:
    def test_is_shared_in_turn_and_deleted(self, rig: Rig) -> None:
        rig.loop()
        after = "  - {id: outside, type: probe.Here}\n"
        execution = rig.wait(rig.start(flow(ONE, TWO, after=after, inputFiles={"given.txt": "x"})))
        assert execution.state is State.SUCCESS
        outputs = [run_of(execution, task).outputs or {} for task in ("one", "two", "outside")]
        assert [one["found"] for one in outputs] == [["given.txt"], ["first", "given.txt"], []]
        assert outputs[0]["folder"] == outputs[1]["folder"] != outputs[2]["folder"]
        assert gone(folder_of(execution))

    def test_the_attempt_of_the_directory_names_its_worker(self, rig: Rig) -> None:
        loop = rig.loop()
        run = run_of(rig.wait(rig.start(flow(ONE))), "dir")
        assert [(attempt.state, attempt.worker) for attempt in run.attempts] == [(State.SUCCESS, loop.owner)]

    def test_what_is_named_is_kept_also_of_a_failed_one(self, rig: Rig) -> None:
        rig.loop()
        broken = "{id: broken, type: probe.Fail}"
        execution = rig.wait(rig.start(flow(ONE, broken, TWO, outputFiles=["*"])))
        assert states(execution) == {"dir": "FAILED", "one": "SUCCESS", "broken": "FAILED"}
        kept = (run_of(execution, "dir").outputs or {})["outputFiles"]
        assert list(kept) == ["first"]
        assert rig.store.files.path(kept["first"]).read_text() == "one"

    def test_errors_run_outside_of_it(self, rig: Rig) -> None:
        rig.loop()
        text = flow(ONE, "{id: broken, type: probe.Fail}") + "    errors:\n      - {id: explain, type: probe.Here}\n"
        execution = rig.wait(rig.start(text))
        assert (run_of(execution, "explain").outputs or {})["found"] == []
        assert gone(folder_of(execution))

    def test_a_file_that_may_not_be_read_fails_it_before_any_task(self, rig: Rig) -> None:
        rig.loop()
        execution = rig.wait(rig.start(flow(ONE, inputFiles={"a": "kestra:///x/executions/other/" + "0" * 64 + "/a"})))
        assert states(execution) == {"dir": "FAILED"}
        failure = run_of(execution, "dir").failure
        assert failure is not None
        assert failure.code == "GOV862"

    def test_a_name_that_leads_out_is_refused(self, rig: Rig) -> None:
        rig.loop()
        execution = rig.wait(rig.start(flow(ONE, inputFiles={"../a": "x"})))
        failure = run_of(execution, "dir").failure
        assert failure is not None
        assert failure.code == "GOV816"

    def test_a_retried_task_finds_the_same_folder(self, rig: Rig) -> None:
        rig.loop()
        again = "{id: again, type: probe.Here, write: third, attempts: 2, retry: {type: constant, interval: PT0.05S, maxAttempts: 3}}"
        execution = rig.wait(rig.start(flow(ONE, again)))
        assert execution.state is State.SUCCESS
        assert (run_of(execution, "again").outputs or {})["found"] == ["first", "third"]

    def test_stays_while_somebody_has_paused_the_execution(self, rig: Rig) -> None:
        rig.loop()
        slow = "{id: slow, type: probe.Touch, file: trace, seconds: 0.3}"
        execution_id = rig.start(flow(ONE, slow, TWO).replace("file: trace", f"file: '{rig.folder / 'trace'}'"))
        rig.wait(execution_id, lambda found: found.find("slow") is not None)
        rig.tell(execution_id, Pause("ada"))
        rig.wait(execution_id, lambda found: found.state is State.PAUSED and run_of(found, "slow").state.is_terminal)
        rig.tell(execution_id, Resume("ada"))
        execution = rig.wait(execution_id)
        assert execution.state is State.SUCCESS
        assert folder_of(execution, "two") == folder_of(execution)

    def test_goes_with_a_kill(self, rig: Rig) -> None:
        Wait.started.clear()
        rig.loop()
        execution_id = rig.start(flow(ONE, "{id: wait, type: probe.Wait}", TWO, outputFiles=["*"]))
        assert Wait.started.wait(PATIENCE)
        rig.kill(execution_id)
        execution = rig.wait(execution_id)
        assert states(execution) == {"dir": "KILLED", "one": "SUCCESS", "wait": "KILLED"}
        assert gone(folder_of(execution))

    def test_a_restart_runs_all_of_it_again(self, rig: Rig) -> None:
        rig.loop()
        execution_id = rig.start(flow(ONE, "{id: broken, type: probe.Fail}"))
        first = rig.wait(execution_id)
        rig.restart(execution_id)
        second = rig.wait(
            execution_id, lambda found: len(run_of(found, "dir").attempts) == 2 and found.state.is_terminal
        )
        assert [run.task_id for run in second.ordered()] == ["dir", "one", "broken"]
        assert run_of(second, "one").id != run_of(first, "one").id
        assert folder_of(second) != folder_of(first)

    def test_a_stopped_loop_leaves_none(self, rig: Rig) -> None:
        Wait.started.clear()
        loop = rig.loop(settings={"paths.work": str(rig.folder)})
        rig.start(flow(ONE, "{id: wait, type: probe.Wait}"))
        assert Wait.started.wait(PATIENCE)
        loop.stop()
        assert not list(rig.folder.glob("jupyter-gov-*"))


class TestLost:
    def test_a_directory_whose_worker_is_gone_fails_and_restarts(self, rig: Rig) -> None:
        Wait.started.clear()
        first = rig.loop()
        waits = "{id: wait, type: probe.Wait, allowFailure: true}"
        execution_id = rig.start(flow(ONE, waits, TWO))
        assert Wait.started.wait(PATIENCE)
        first.stop()
        rig.loop()
        execution = rig.wait(execution_id)
        # What was allowed to fail has failed for another reason: the folder in which TWO would go on is gone.
        assert states(execution) == {"dir": "FAILED", "one": "SUCCESS", "wait": "WARNING"}
        failure = run_of(execution, "dir").failure
        assert failure is not None
        assert failure.code == "GOV818"
        assert run_of(execution, "dir").attempts[0].state is State.LOST
        assert run_of(execution, "wait").attempts[0].state is State.LOST


class TestCache:
    CACHED = flow("{id: look, type: probe.Here, write: kept.txt}", cache={"patterns": ["*.txt"], "ttl": "PT1H"})

    def test_the_next_execution_finds_the_files(self, rig: Rig) -> None:
        rig.loop()
        revision = rig.register(self.CACHED)
        found = [(run_of(rig.wait(rig.start(revision)), "look").outputs or {})["found"] for _ in range(3)]
        assert found == [[], ["kept.txt"], ["kept.txt"]]

    def test_the_same_files_are_stored_once(self, rig: Rig) -> None:
        rig.loop()
        revision = rig.register(self.CACHED)
        for _ in range(3):
            assert rig.wait(rig.start(revision)).state is State.SUCCESS
        with rig.store.read() as tx:
            told = rig.store.audit_log.entries(tx, "kv/cache:company.team", 0, 100)
        assert [entry.action for entry in told] == ["cache.stored"]

    def test_each_loop_value_has_its_own(self, rig: Rig) -> None:
        rig.loop()
        text = (
            "id: looped\nnamespace: company.team\ntasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n"
            '    values: ["a", "b"]\n    tasks:\n'
            f"      - id: dir\n        type: {DIRECTORY}\n        cache: {{patterns: ['**']}}\n        tasks:\n"
            "          - {id: look, type: probe.Here, write: 'kept'}\n"
            "          - {id: name, type: probe.Here, write: 'x'}\n"
        )
        revision = rig.register(text)
        rig.wait(rig.start(revision))
        execution = rig.wait(rig.start(revision))
        assert (run_of(execution, "look", "a").outputs or {})["found"] == ["kept", "x"]
        assert (run_of(execution, "look", "b").outputs or {})["found"] == ["kept", "x"]
        with rig.store.read() as tx:
            assert len(rig.store.kv.keys(tx, "cache:company.team", now=rig.store.now(tx))) == 2


@pytest.mark.parametrize("number", [0, 1])
def test_example(rig: Rig, number: int) -> None:
    rig.loop()
    task = yaml.safe_load(Registry().load(DIRECTORY).examples[number])
    text = yaml.safe_dump({"id": "example", "namespace": "company.team", "tasks": [task]}, sort_keys=False)
    execution = rig.wait(rig.start(text))
    assert execution.state is State.SUCCESS, rig.logs(execution.id)


def test_the_flow_of_the_readme(rig: Rig) -> None:
    rig.loop()
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    text = next(one for one in readme.split("```yaml\n")[1:] if one.startswith("id: shared-folder")).partition("```")[0]
    execution = rig.wait(rig.start(text))
    assert execution.state is State.SUCCESS, rig.logs(execution.id)
    assert 'INFO {"sum":3}' in [line.strip() for line in rig.logs(execution.id)]


@pytest.mark.parametrize(
    ("task", "named"),
    [
        ("{id: inner, type: io.kestra.plugin.core.flow.Sequential, tasks: [{id: a, type: probe.Fail}]}", '"inner"'),
        ("{id: inner, type: probe.Fail, workerGroup: {key: x}}", "Worker Group"),
    ],
)
def test_what_cannot_be_inside_is_refused(rig: Rig, task: str, named: str) -> None:
    with pytest.raises(FlowError) as caught:
        rig.register(flow(task))
    assert "GOV118" in str(caught.value)
    assert named in str(caught.value)


class TestReported:
    def run(self, rig: Rig, task: str) -> Execution:
        rig.loop()
        return rig.wait(
            rig.start(f"id: f\nnamespace: company.team\ntasks:\n  - {task}\n  - {{id: end, type: probe.Here}}\n")
        )

    def test_task_runs_stand_below_their_task(self, rig: Rig) -> None:
        execution = self.run(rig, "{id: one, type: probe.Forge, task: model}")
        assert execution.state is State.SUCCESS
        assert [run.task_id for run in execution.ordered()] == ["one", "model", "end"]
        added = run_of(execution, "model")
        assert (added.parent_id, added.state, added.outputs) == (
            run_of(execution, "one").id,
            State.SUCCESS,
            {"value": "reported"},
        )

    @pytest.mark.parametrize("more", ["task: end", "task: 'a b'", "task: x, state: RUNNING"])
    def test_what_is_no_task_run_of_its_own_is_refused(self, rig: Rig, more: str) -> None:
        execution = self.run(rig, f"{{id: one, type: probe.Forge, {more}}}")
        failure = run_of(execution, "one").failure
        assert failure is not None
        assert failure.code == "GOV857"

    def test_a_reported_failure_does_not_hinder_a_restart(self, rig: Rig) -> None:
        execution = self.run(rig, "{id: one, type: probe.Forge, task: model, state: FAILED}")
        assert states(execution) == {"one": "SUCCESS", "model": "FAILED", "end": "SUCCESS"}

    def test_an_output_that_was_not_sealed_here_is_refused(self, rig: Rig) -> None:
        execution = self.run(
            rig, "{id: one, type: probe.Forge, output: {a: [{type: 'io.kestra.datatype:aes_encrypted', value: x}]}}"
        )
        failure = run_of(execution, "one").failure
        assert failure is not None
        assert failure.code == "GOV856"
