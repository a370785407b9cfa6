"""Folders that several attempts share, one after the other, while this process holds them."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from threading import Lock, Thread

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.engine import places
from jupyter_gov.errors import TaskError


def shared_by(execution: Execution, run: TaskRun) -> str | None:
    """Return the task run whose folder an attempt of ``run`` works in, None if it has a folder of its own."""
    if places.errand_of(run) is not None:
        return run.id
    parent = None if run.parent_id is None else execution.task_runs.get(run.parent_id)
    if parent is not None and run.branch == "tasks" and places.holds_place(parent):
        return parent.id
    return None


class Folders:
    """The shared folders of one worker; they are gone with it.

    Parameters
    ----------
    parent
        Where they are made; the system's place for temporary files if None.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent
        self._lock = Lock()
        self._held: dict[str, dict[str, Path]] = defaultdict(dict)
        self._removing: list[Thread] = []

    def make(self, execution_id: str, run_id: str) -> Path:
        """Return a new, empty folder for the children of a task run."""
        path = Path(tempfile.mkdtemp(prefix="jupyter-gov-", dir=self._parent)).resolve()
        with self._lock:
            before = self._held[execution_id].pop(run_id, None)
            self._held[execution_id][run_id] = path
        if before is not None:
            self._remove(before)
        return path

    def get(self, execution_id: str, run_id: str) -> Path:
        """Return the folder of a task run.

        Raises
        ------
        TaskError
            ``GOV818``: it is not, or no longer, here.
        """
        with self._lock:
            found = self._held.get(execution_id, {}).get(run_id)
        if found is None:
            raise TaskError(
                "The shared folder is gone with its worker.",
                code="GOV818",
                hint="Restart the execution: all tasks of the folder run again.",
            )
        return found

    def needed(self, execution: Execution) -> bool:
        """Return whether an execution, as it is now, still works in a folder that is held here."""
        return any(not self._is_over(execution, run_id) for run_id in self._of(execution.id))

    def tidy(self, execution: Execution) -> None:
        """Delete the folders in which nothing of the execution works any more."""
        for run_id in self._of(execution.id):
            if self._is_over(execution, run_id):
                self._discard(execution.id, run_id)

    def leave(self, execution_id: str) -> None:
        """Delete all folders of an execution that is no longer ours."""
        for run_id in self._of(execution_id):
            self._discard(execution_id, run_id)

    def close(self) -> None:
        """Delete everything, and wait until it is gone."""
        for execution_id in list(self._held):
            self.leave(execution_id)
        while self._removing:
            self._removing.pop().join()

    def _of(self, execution_id: str) -> list[str]:
        with self._lock:
            return list(self._held.get(execution_id, ()))

    @staticmethod
    def _is_over(execution: Execution, run_id: str) -> bool:
        run = execution.task_runs.get(run_id)
        return run is None or not (places.holds_place(run) or places.errand_of(run) is not None)

    def _discard(self, execution_id: str, run_id: str) -> None:
        with self._lock:
            held = self._held.get(execution_id, {})
            path = held.pop(run_id, None)
            if not held:
                self._held.pop(execution_id, None)
        if path is not None:
            self._remove(path)

    def _remove(self, path: Path) -> None:
        # It may hold a whole environment: the loop must not wait for that. Who ends the process waits (no daemon).
        thread = Thread(target=shutil.rmtree, args=(path,), kwargs={"ignore_errors": True}, name="gov-folder")
        self._removing = [one for one in self._removing if one.is_alive()]
        self._removing.append(thread)
        thread.start()
