"""The world as one attempt sees it; implements ``plugins.context.RunContext``."""

from __future__ import annotations

import shutil
import tempfile
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from re import fullmatch
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.events import AddedRun
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.sealed import sealed
from jupyter_gov.domain.states import State
from jupyter_gov.engine.context import build
from jupyter_gov.errors import TaskError
from jupyter_gov.lang.expr import render_typed, render_value
from jupyter_gov.lang.models.base import TASK_ID
from jupyter_gov.plugins.context import (
    Cache,
    Cancellation,
    Executions,
    Files,
    KeyValues,
    Metric,
    Notebooks,
    Processes,
    SharedFiles,
    TaskLogger,
)
from jupyter_gov.plugins.outputs import outputs_of
from jupyter_gov.runtime.caches import AttemptCache
from jupyter_gov.runtime.files import AttemptFiles
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.folders import shared_by
from jupyter_gov.runtime.kv import AttemptValues, task_fact
from jupyter_gov.runtime.limits import OUTPUT_BYTES
from jupyter_gov.runtime.records import called_by, logs_of
from jupyter_gov.runtime.sealing import Sealer
from jupyter_gov.runtime.shared_files import AttemptSharedFiles

if TYPE_CHECKING:
    from jupyter_gov.runtime.attempt import Job
    from jupyter_gov.runtime.world import World


ADDABLE = frozenset({State.SUCCESS, State.WARNING, State.FAILED, State.SKIPPED, State.KILLED, State.CANCELLED})
MOST_ADDED = 1000
LONGEST_ADDED = 200


class Context:
    """Built for one attempt, closed after it.

    Attributes
    ----------
    labels, variables, removed
        What the task set, or took away; goes to the execution if it succeeds.
    exits
        The state in which the task ends the execution, if it does.
    added
        The task runs that the task reported besides its own.
    sealed
        The ciphertexts that the task has made.
    warned
        Whether the task asked to end WARNING.
    """

    def __init__(self, job: Job, world: World) -> None:
        self._job = job
        self._world = world
        self._host = world.host(job.execution, job.masks, job.flow.dialect)
        self._working_dir: Path | None = None
        self._shared = shared_by(job.execution, job.run)
        self.labels: dict[str, str] = {}
        self.sealed: set[str] = set()
        self.added: list[AddedRun] = []
        self.variables: dict[str, Any] = {}
        self.removed: list[str] = []
        self.exits: State | None = None
        self.warned = False
        for declared in job.flow.inputs:
            value = job.execution.inputs.get(declared.id)
            if declared.type == "SECRET" and isinstance(value, str):
                job.masks.add(value)

    @property
    def execution(self) -> Execution:
        """The execution as it was when the attempt began."""
        return self._job.execution

    @property
    def task_run(self) -> TaskRun:
        """The task run as it was when the attempt began."""
        return self._job.run

    @property
    def attempt(self) -> int:
        """Number of the attempt, from 1."""
        return self._job.number

    @property
    def logger(self) -> TaskLogger:
        """Log lines of this attempt."""
        return self._job.log

    @property
    def cancellation(self) -> Cancellation:
        """Whether the attempt must stop."""
        return self._job.cancellation

    @cached_property
    def processes(self) -> Processes:
        """Child processes of this attempt."""
        from jupyter_gov.runtime.process import ProcessRunner  # noqa: PLC0415 - few tasks start processes

        limit = int(self._world.settings.get("process.max_output_bytes") or OUTPUT_BYTES)
        return ProcessRunner(self._job.cancellation, watchdog=self._world.watchdog(), output_limit=limit)

    @property
    def notebooks(self) -> Notebooks:
        """Kernels that execute notebooks."""
        return self._world.notebooks()

    @cached_property
    def files(self) -> Files:
        """Files of the execution."""
        job, store, access = self._job, self._world.store, self._host.files
        folder, clock = (lambda: self.working_dir), self._world.clock
        return AttemptFiles(store, access, job.execution, job.run, working_dir=folder, clock=clock)

    @cached_property
    def namespace_files(self) -> SharedFiles:
        """Files of namespaces."""
        return AttemptSharedFiles(self._world.store, self._job.execution, self._job.run, clock=self._world.clock)

    @cached_property
    def cache(self) -> Cache:
        """The file that this task keeps for the next execution."""
        return AttemptCache(self._world.store, self._job.execution, self._job.run, clock=self._world.clock)

    @cached_property
    def kv(self) -> KeyValues:
        """Values of namespaces."""
        job, world = self._job, self._world
        return AttemptValues(world.store, job.execution, job.run, clock=world.clock, masks=job.masks)

    @cached_property
    def executions(self) -> Executions:
        """Other executions, as far as this one may act on them."""
        if self._world.reach is None:
            raise TaskError(
                "Tasks of this process cannot act on executions.",
                code="GOV879",
                hint="Let the loop of the service carry the execution on.",
            )
        return self._world.reach(self._job.execution, self._job.run)

    def toggle_trigger(self, namespace: str, flow_id: str, trigger_id: str, *, disabled: bool) -> bool:
        """Turn a trigger off, or on again; return whether that changed anything."""
        from jupyter_gov.runtime import toggling  # noqa: PLC0415 - calendars load late

        world, job = self._world, self._job
        key = (namespace, flow_id, trigger_id)
        fact = task_fact("trigger.toggled", "/".join(key), job.execution, job.run)
        fact = replace(fact, body={"trigger": trigger_id, "disabled": disabled, **fact.body})
        flows, now = FlowCache(world.store, world.registry), world.clock()
        before = toggling.find(world.store, flows, world.trigger_host, key)[0]
        after = toggling.persistently(
            lambda: toggling.toggle(world.store, flows, world.trigger_host, key, disabled, fact, now)
        )
        return before.disabled is not after.disabled

    @property
    def working_dir(self) -> Path:
        """A fresh folder of this attempt, removed afterwards, or the one that it shares with its siblings."""
        if self._working_dir is None:
            if self._shared is not None:
                return self._world.folders.get(self._job.execution.id, self._shared)
            parent = self._world.settings.get("paths.work")
            self._working_dir = Path(tempfile.mkdtemp(prefix="jupyter-gov-", dir=parent)).resolve()
        return self._working_dir

    @property
    def start_dir(self) -> Path:
        """Folder in which the execution was started."""
        return self._host.files.start_dir

    @property
    def environment(self) -> Mapping[str, str]:
        """The allow-listed environment for children."""
        return self._world.environment

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the installation by dotted name."""
        return self._world.settings

    @cached_property
    def _variables(self) -> Mapping[str, Any]:
        job, world = self._job, self._world
        return build(job.flow, job.execution, job.run, envs=world.envs, globals_=world.globals_, host=self._host)

    def called(self, task_id: str) -> Iterator[Mapping[str, Any]]:
        """Yield the outputs of the executions that a task of this execution has called, in order of their batches."""
        caller = self._job.execution.find(task_id, self._job.run.path)
        return iter(()) if caller is None else called_by(self._world.store, caller)

    def logs(self, execution_id: str | None = None) -> Iterator[LogLine]:
        """Yield the stored log lines of this execution, or of another one of the same namespace."""
        return logs_of(self._world.store, self._job.execution, execution_id)

    def render(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Render texts at any depth of ``value``; names in ``extra`` hide those of the context."""
        variables = self._variables if extra is None else _overlay(extra, self._variables)
        return render_value(value, variables, self._host)

    def render_typed(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Render as ``render`` does, but let a text that is one single expression become its native value."""
        match value:
            case str():
                variables = self._variables if extra is None else _overlay(extra, self._variables)
                return render_typed(value, variables, self._host)
            case Mapping():
                return {self.render(key, extra): self.render_typed(item, extra) for key, item in value.items()}
            case list() | tuple():
                return [self.render_typed(item, extra) for item in value]
            case _:
                return value

    def secret(self, name: str) -> str:
        """Return a secret; from now on it is masked in logs and outputs."""
        return self._host.secret(name)

    def seal(self, text: str) -> dict[str, str]:
        """Return ``text`` encrypted, in the form in which outputs hold what is secret."""
        ciphertext = Sealer(str(self._world.settings.get("encryption.key") or "")).seal(text)
        self.sealed.add(ciphertext)
        return sealed(ciphertext)

    def mask(self, text: str) -> None:
        """Mask ``text`` in everything that this attempt logs or hands back."""
        self._job.masks.add(text)

    def redact(self, text: str) -> str:
        """Return ``text`` with everything masked that this attempt knows to be secret."""
        return self._job.masks.apply(text)

    def metric(self, metric: Metric) -> None:
        """Report a number."""
        masks = self._job.masks
        self._job.metrics.append(replace(metric, name=masks.apply(metric.name), tags=masks.apply_deep(metric.tags)))

    def progress(self, done: int, total: int, label: str = "") -> None:
        """Report progress of long work; shown live, not stored."""
        text = self._job.masks.apply(label)
        self._world.progress.report(self._job.execution.id, self._job.run.id, done, total, text)

    def set_variables(self, variables: Mapping[str, Any], *, remove: Sequence[str] = ()) -> None:
        """Give ``vars`` of the execution new values, and take some away, when this attempt succeeds."""
        self.variables.update({str(key): value for key, value in variables.items()})
        self.removed.extend(remove)

    def exit(self, state: State) -> None:
        """End the execution in ``state`` when this attempt succeeds."""
        self.exits = state

    def set_labels(self, labels: Mapping[str, str]) -> None:
        """Add labels to the execution when this attempt succeeds."""
        self.labels.update({str(key): str(value) for key, value in labels.items()})

    def add_task_run(self, task_id: str, state: State, outputs: Mapping[str, Any] | None = None) -> None:
        """Report something that this attempt did as an ended task run of its own.

        Raises
        ------
        TaskError
            ``GOV857``: the flow has a task of this name, it is no name, the state is none to end in, or there are too
            many. ``GOV802``: the outputs are no JSON.
        """
        if problem := self._why_not_added(task_id, state):
            raise TaskError(f"The task run {task_id[:80]!r} cannot be added: {problem}.", code="GOV857")
        shown = None if outputs is None else self._job.masks.apply_deep(outputs_of(outputs))
        self.added.append(AddedRun(task_id, state, shown))

    def _why_not_added(self, task_id: str, state: State) -> str | None:
        if len(self.added) >= MOST_ADDED:
            return f"an attempt may add {MOST_ADDED}"
        if not fullmatch(TASK_ID[1:-1], task_id) or len(task_id) > LONGEST_ADDED:
            return "an id has letters, digits, - and _"
        # Else a task could hand back outputs in the name of another one.
        if task_id in self._job.flow.index:
            return "the flow has a task of this id"
        return None if state in ADDABLE else f"it cannot end {state}"

    def warn(self, message: str) -> None:
        """Log a warning and let the task run end WARNING instead of SUCCESS."""
        self.warned = True
        self._job.log.warn(message)  # noqa: G010 - no logging.Logger

    def now(self) -> datetime:
        """Return the present time."""
        return self._world.clock()

    def close(self) -> None:
        """Remove the working directory and what was shown of the progress."""
        self._world.progress.forget(self._job.execution.id, self._job.run.id)
        if self._working_dir is not None:
            shutil.rmtree(self._working_dir, ignore_errors=True)


def _overlay(extra: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapping[str, Any]:
    # ChainMap writes only to its first mapping, and nobody writes here.
    return ChainMap(dict(extra), variables)  # type: ignore[arg-type]
