"""Processes that run loops, and the laws that must hold whatever happened to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.states import State
from tests.runtime.rig import Rig, shown

ROOT = Path(__file__).parents[2]


class Looper:
    """One process with a loop of its own on the rig's store.

    ``provable``: others can see at once that it died; else they have to wait until its leases lapse.
    """

    def __init__(self, rig: Rig, url: str, *, provable: bool = False, **options: Any) -> None:
        owner = None if provable else f"process-{new_id()}"
        given = {"url": url, "files": str(rig.store.files.root), "owner": owner, **options}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.child", json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self) -> None:
        """Wait until its loop runs; a process that dies before has no loop to wait for."""
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def died(self, timeout: float = 30.0) -> bool:
        """Wait for its death by a fault point; return False if it lives."""
        try:
            return self._process.wait(timeout) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._close()

    def stop(self) -> None:
        """Let it end properly."""
        if self._process.poll() is None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._close()

    def _close(self) -> None:
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


def traces(path: Path) -> list[tuple[str, int]]:
    """Return (task run, attempt) for each time that a task really ran."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text().splitlines():
        run_id, _task, attempt, _pid = line.split()
        found.append((run_id, int(attempt)))
    return found


def check_laws(rig: Rig, executions: Iterable[str], trace: Path) -> None:
    """Assert what holds for every history: nothing ran twice, nothing was lost, the record agrees (DESIGN §11)."""
    ran = Counter(traces(trace))
    assert [key for key, times in ran.items() if times > 1] == [], "an attempt ran twice"
    for execution_id in executions:
        execution = rig.get(execution_id)
        assert execution.state.is_terminal, shown(execution)
        _check_attempts(execution, ran)
        _check_nothing_open(rig, execution)
        _check_history(rig, execution)


def _check_attempts(execution: Execution, ran: Counter[tuple[str, int]]) -> None:
    for run in execution.ordered():
        for run_id, number in ran:
            if run_id == run.id:
                assert number <= len(run.attempts), f"an attempt of {run.task_id} ran that nobody recorded"
        successes = [attempt.number for attempt in run.attempts if attempt.state is State.SUCCESS]
        assert len(successes) <= 1, f"{run.task_id} succeeded twice"
        if run.attempts and run.state is State.SUCCESS:
            assert successes == [len(run.attempts)], f"{run.task_id} ran again after its end was committed"
            if run.task_id.startswith("trace"):
                assert ran[run.id, successes[0]] == 1, f"{run.task_id} never ran"


def _check_nothing_open(rig: Rig, execution: Execution) -> None:
    with rig.store.read() as tx:
        assert rig.store.inbox.pending(tx, [execution.id]) == []
        holder = rig.store.leases.holder(tx, execution.id)
        assert holder is not None
        assert holder[0] is None, "a lease was left behind"
        assert [gate for gate in rig.store.approvals.list(tx, execution_id=execution.id) if gate.status == "OPEN"] == []


def _check_history(rig: Rig, execution: Execution) -> None:
    with rig.store.read() as tx:
        entries = rig.store.audit_log.entries(tx, f"execution/{execution.id}")
    versions = [
        entry.body["changes"]["execution"]["version"]
        for entry in entries
        if "execution" in entry.body.get("changes", {})
    ]
    # One entry per commit, none missing, none twice; the fold ends where the stored execution stands.
    assert versions == list(range(execution.version + 1)), shown(execution)
    folded: dict[str, tuple[str, int]] = {}
    for entry in entries:
        for run_id, _task, state, attempts, _digest in entry.body.get("changes", {}).get("taskRuns", []):
            folded[run_id] = (state, attempts)
    assert folded == {run.id: (str(run.state), len(run.attempts)) for run in execution.ordered()}


def wait_all(rig: Rig, executions: Iterable[str], timeout: float = 120.0) -> float:
    """Wait until all have ended; return how long it took."""
    begun = time.monotonic()
    left = set(executions)
    while left:
        with rig.store.read() as tx:
            ended = {one for one in left if (found := rig.store.executions.load(tx, one)) and found.state.is_terminal}
        left -= ended
        if left and time.monotonic() - begun > timeout:
            raise AssertionError("; ".join(shown(rig.get(one)) for one in left))
        if left:
            rig.store.wait(0.1)
    return time.monotonic() - begun
