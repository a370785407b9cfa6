"""Live progress of the tasks that run in this process: shown, never stored."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock


class ProgressBoard:
    """How far each running task run is, and a counter that says whether anything moved."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._reports: dict[str, dict[str, tuple[int, int, str]]] = {}
        self._ticks = 0

    @property
    def ticks(self) -> int:
        """How many reports there were: a watcher redraws when it has grown."""
        return self._ticks

    def report(self, execution_id: str, task_run_id: str, done: int, total: int, label: str) -> None:
        """Remember how far a task run is."""
        with self._lock:
            self._reports.setdefault(execution_id, {})[task_run_id] = (done, total, label)
            self._ticks += 1

    def forget(self, execution_id: str, task_run_id: str) -> None:
        """Drop what an ended attempt reported."""
        with self._lock:
            runs = self._reports.get(execution_id)
            if runs is None or runs.pop(task_run_id, None) is None:
                return
            self._ticks += 1
            if not runs:
                del self._reports[execution_id]

    def of(self, execution_id: str) -> Mapping[str, tuple[int, int, str]]:
        """Return ``task run id -> (done, total, label)``."""
        with self._lock:
            return dict(self._reports.get(execution_id, {}))
