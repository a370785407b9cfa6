"""One run of a flow and everything in it, as an immutable value.

``Execution.task_runs`` is a persistent map (rpds), so that a step which touches two task runs costs the same
whether the execution has ten of them or a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from rpds import HashTrieMap

from jupyter_gov.domain.states import History, State


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed: a code of ours, one sentence, and the details a person needs (a traceback, a cell)."""

    code: str
    message: str
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a task run; ``number`` counts from 1, ``worker`` names who ran it."""

    number: int
    history: History
    worker: str | None = None
    failure: Failure | None = None
    log_file: str | None = None

    @property
    def state(self) -> State:
        """The present state of the attempt."""
        return self.history.state


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a flowable (or the flow itself) stands among its children; small, rewritten at every child's end.

    Attributes
    ----------
    phase
        Which list runs: ``main``, ``errors``, ``finally`` or ``after``.
    branch
        The slot that the main phase walks, such as ``tasks``, ``then`` or ``cases:EU``.
    cursor
        Index of the next child (or iteration) that was not started yet.
    open
        How many children have not ended.
    tally
        How many children of the main phase and of ``finally`` ended in each state.
    data
        What this flowable remembers besides (kept small: it is rewritten with every child).
    """

    phase: str = "main"
    branch: str = "tasks"
    cursor: int = 0
    open: int = 0
    tally: Mapping[str, int] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One run of one task within an execution.

    Attributes
    ----------
    seq
        Order of creation within the execution, from 0.
    path
        The loop values around this task run, outermost first, its own ``value`` last; of an iteration of a Loop, whose
        values may be equal, its number stands there.
    branch, index
        Slot of the parent that holds the task, and its place in that slot's list.
    outputs_digest
        Digest of ``outputs``, taken once at the end of the attempt.
    frame
        Only for flowables.
    items
        Values of a loop; written once.
    """

    id: str
    execution_id: str
    task_id: str
    seq: int
    history: History
    parent_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    path: tuple[str, ...] = ()
    branch: str = "tasks"
    index: int = 0
    attempts: tuple[Attempt, ...] = ()
    outputs: Mapping[str, Any] | None = None
    outputs_digest: str | None = None
    frame: Frame | None = None
    items: tuple[str, ...] | None = None
    failure: Failure | None = None

    @property
    def state(self) -> State:
        """The present state."""
        return self.history.state

    @property
    def version(self) -> int:
        """What a timer of this task run remembers."""
        return self.history.version


@dataclass(frozen=True, slots=True)
class Label:
    """A key and a text; keys that start with ``system.`` are ours."""

    key: str
    value: str


BATCH = "taskRunIteration"
"""Trigger variable of an execution that was called for one batch of many: its number."""


@dataclass(frozen=True, slots=True)
class TriggerInfo:
    """What started an execution that no person started: a schedule, a subflow call, another flow."""

    id: str
    type: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a flow revision.

    Attributes
    ----------
    version
        Counts commits; the compare-and-set of the store.
    run_as
        Identity (or named pool) whose workers may run the tasks; fixed at start.
    workdir
        Folder in which it was started: relative paths of inputs resolve there.
    next_seq
        Number of task runs created so far.
    latest
        ``(task id, *path)`` -> id of the newest task run of that task for these loop values.
    """

    id: str
    namespace: str
    flow_id: str
    flow_revision: int
    flow_digest: str
    history: History
    run_as: str
    starter: str
    version: int = 0
    inputs: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[Label, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    trigger: TriggerInfo | None = None
    parent_id: str | None = None
    parent_task_run_id: str | None = None
    original_id: str | None = None
    supersedes: str | None = None
    workdir: str | None = None
    outputs: Mapping[str, Any] | None = None
    failure: Failure | None = None
    frame: Frame = Frame()
    next_seq: int = 0
    task_runs: HashTrieMap[str, TaskRun] = field(default_factory=HashTrieMap, repr=False)
    latest: HashTrieMap[tuple[str, ...], str] = field(default_factory=HashTrieMap, repr=False)

    @property
    def state(self) -> State:
        """The present state."""
        return self.history.state

    @property
    def batch(self) -> int | None:
        """Number of the batch for which it was called, None if it was not called for one of many."""
        return None if self.trigger is None else self.trigger.variables.get(BATCH)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs any more; what runs after its end cannot change its state."""
        return self.state.is_terminal and self.frame.phase != "after"

    @property
    def created(self) -> datetime:
        """When it was created."""
        return self.history.started

    def ordered(self) -> list[TaskRun]:
        """Return all task runs in order of creation."""
        return sorted(self.task_runs.values(), key=lambda run: run.seq)

    def children(self, parent_id: str | None) -> Iterator[TaskRun]:
        """Yield the direct children of a task run (``None``: of the flow); walks all task runs."""
        return (run for run in self.task_runs.values() if run.parent_id == parent_id)

    def find(self, task_id: str, path: tuple[str, ...] = ()) -> TaskRun | None:
        """Return the newest task run of a task for the given loop values."""
        found = self.latest.get((task_id, *path))
        return None if found is None else self.task_runs.get(found)

    def put(self, *runs: TaskRun) -> Execution:
        """Return this execution with task runs added or replaced."""
        task_runs, latest = self.task_runs, self.latest
        for run in runs:
            task_runs = task_runs.insert(run.id, run)
            key = (run.task_id, *run.path)
            if latest.get(key) != run.id:
                latest = latest.insert(key, run.id)
        return replace(self, task_runs=task_runs, latest=latest)

    def drop(self, ids: Iterable[str]) -> Execution:
        """Return this execution without these task runs (a restart removes those of errors branches)."""
        task_runs, latest = self.task_runs, self.latest
        for run_id in ids:
            run = task_runs.get(run_id)
            if run is None:
                continue
            task_runs = task_runs.remove(run_id)
            key = (run.task_id, *run.path)
            if latest.get(key) == run_id:
                latest = latest.remove(key)
        return replace(self, task_runs=task_runs, latest=latest)
