"""A working directory whose worker is gone, at every moment of its life; and people who point into it."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.events import Kill, Restart
from jupyter_gov.domain.states import State
from jupyter_gov.engine import marks
from jupyter_gov.engine.work import Work
from jupyter_gov.errors import ExecutionError
from tests.unit.engine.play import Play, play

TEXT = """\
tasks:
  - id: dir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*"]
    tasks:
      - {id: one, type: io.kestra.plugin.core.http.Request, uri: "http://localhost"}
      - {id: two, type: io.kestra.plugin.core.http.Request, uri: "http://localhost"}
    errors:
      - {id: explain, type: io.kestra.plugin.core.http.Request, uri: "http://localhost"}
  - {id: behind, type: io.kestra.plugin.core.http.Request, uri: "http://localhost"}
"""


def begin(found: Play) -> None:
    """Let what waits for a worker begin."""
    found.claim(next(iter(found.jobs)))


def end(found: Play) -> None:
    """Let what runs succeed."""
    found.finish_as(next(iter(found.running)), State.SUCCESS)


def opened() -> Play:
    """Return an execution whose folder is open, and whose first task waits for a worker."""
    found = play(TEXT)
    begin(found)
    assert found.states() == {"dir": "RUNNING"}
    end(found)
    return found


class TestLost:
    def test_while_it_is_opened_it_is_opened_again(self) -> None:
        found = play(TEXT)
        begin(found)
        found.crash()
        assert [attempt.state for attempt in found.of("dir").attempts] == [State.LOST]
        found.drive()
        assert (found.state, found.states()["dir"]) == (State.SUCCESS, "SUCCESS")
        assert [attempt.state for attempt in found.of("dir").attempts] == [State.LOST, State.SUCCESS]

    def test_before_it_is_opened_nothing_is_lost(self) -> None:
        found = play(TEXT)
        found.crash()
        found.drive()
        assert [attempt.state for attempt in found.of("dir").attempts] == [State.SUCCESS]

    def test_before_a_task_began_it_is_opened_again(self) -> None:
        found = opened()
        found.crash()
        assert found.states() == {"dir": "RUNNING"}
        found.drive()
        assert found.state is State.SUCCESS
        assert found.ids() == ["dir", "one", "two", "behind"]

    def test_three_times_in_a_row_fails_it(self) -> None:
        found = play(TEXT)
        for _ in range(3):
            begin(found)
            found.crash()
        found.drive()
        assert (found.state, found.states()["dir"]) == (State.FAILED, "FAILED")

    def test_in_a_task_it_fails_and_its_errors_run(self) -> None:
        found = opened()
        begin(found)
        found.crash()
        found.drive()
        assert found.states() == {"dir": "FAILED", "one": "FAILED", "explain": "SUCCESS"}
        assert [attempt.state for attempt in found.of("one").attempts] == [State.LOST]
        failure = found.of("dir").failure
        assert failure is not None
        assert failure.code == "GOV818"

    def test_between_two_tasks_what_had_ended_stays(self) -> None:
        found = opened()
        begin(found)
        end(found)
        found.crash()
        found.drive()
        assert found.states() == {"dir": "FAILED", "one": "SUCCESS", "two": "FAILED", "explain": "SUCCESS"}

    def test_while_it_is_closed_its_tasks_stay_ended(self) -> None:
        found = opened()
        for _ in range(2):
            begin(found)
            end(found)
        begin(found)
        found.crash()
        found.drive()
        assert found.states() == {"dir": "FAILED", "one": "SUCCESS", "two": "SUCCESS", "explain": "SUCCESS"}

    def test_a_restart_runs_all_of_it_again(self) -> None:
        found = opened()
        begin(found)
        found.crash()
        found.drive()
        found.send(Restart("bob"))
        found.drive()
        assert found.states() == {"dir": "SUCCESS", "one": "SUCCESS", "two": "SUCCESS", "behind": "SUCCESS"}

    def test_a_kill_ends_it(self) -> None:
        found = opened()
        begin(found)
        found.send(Kill("bob"))
        found.crash()
        found.drive()
        assert found.state is State.KILLED
        assert found.states() == {"dir": "KILLED", "one": "KILLED"}

    def test_a_kill_waits_for_the_errand(self) -> None:
        found = play(TEXT)
        begin(found)
        found.send(Kill("bob"))
        assert found.state is State.KILLING
        found.drive()
        assert found.state is State.KILLED


def test_a_part_of_it_cannot_be_marked() -> None:
    found = opened()
    begin(found)
    found.finish_as(next(iter(found.running)), State.FAILED)
    found.drive()
    assert found.state is State.FAILED
    work = Work(found.flow, found.execution, now=found.now, host=None, worker="")
    with pytest.raises(ExecutionError, match="folder") as caught:
        marks.mark_task(work, found.of("one").id, State.SUCCESS, "bob")
    assert caught.value.code == "GOV312"


def test_the_tasks_know_the_value_of_the_whole() -> None:
    found = play(
        "tasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n    values: [a]\n    tasks:\n      - id: dir\n"
        "        type: io.kestra.plugin.core.flow.WorkingDirectory\n        tasks:\n"
        "          - {id: one, type: io.kestra.plugin.core.debug.Return,"
        " format: '{{ taskrun.value }} {{ workerTaskrun.value }} {{ parent.taskrun.value }}'}\n"
    )
    found.drive()
    assert (found.of("one", "a").outputs or {})["value"] == "a a a"
