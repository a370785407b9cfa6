"""A kit for those who write task types: run one task on a real context in a temporary folder, without a store.

Examples
--------
>>> from jupyter_gov.tasks.core.debug import Return
>>> run_task(Return, {"format": "Hello {{ vars.who }}"}, variables={"vars": {"who": "Ada"}}).outputs
{'value': 'Hello Ada'}
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_gov.domain.execution import Attempt, Execution, TaskRun
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.ids import new_id, task_run_id
from jupyter_gov.domain.sealed import MASK, sealed
from jupyter_gov.domain.states import State, begin
from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import CHECKING, NOTES, RunnableTask
from jupyter_gov.plugins.binding import bind, outputs_of, problems
from jupyter_gov.plugins.context import LogLevel, Metric, Notebooks, Processes
from jupyter_gov.plugins.testing_stores import TestCache, TestExecutions, TestSharedFiles, TestValues


@dataclass(frozen=True)
class TaskResult:
    """What a task did: outputs, and everything that it told its context."""

    outputs: dict[str, Any]
    logs: list[tuple[str, str]]
    metrics: list[Metric]
    labels: dict[str, str]
    warnings: list[str]
    progress: list[tuple[int, int, str]]
    context: TestContext

    def lines(self, level: str | None = None) -> list[str]:
        """Return the log lines, of one level if it is given."""
        return [line for found, line in self.logs if level in (None, found)]

    def path(self, uri: str) -> Path:
        """Return where a file is that the task stored."""
        return self.context.files.get(uri)


class TestCancellation:
    """Implements ``plugins.context.Cancellation``; a test calls ``request``."""

    __test__ = False

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._callbacks: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        """Whether the task must stop."""
        return self._reason is not None

    @property
    def reason(self) -> str | None:
        """Why the task must stop."""
        return self._reason

    def request(self, reason: str = "killed") -> None:
        """Ask the task to stop: ``killed``, ``timeout`` or ``lease``."""
        with self._lock:
            self._reason = reason
            callbacks, self._callbacks = self._callbacks, []
        self._event.set()
        for callback in callbacks:
            callback()

    def raise_if_requested(self) -> None:
        """Raise ``TaskError`` if the task must stop."""
        if self._reason is not None:
            raise TaskError(f"The task was stopped: {self._reason}.", code="GOV811")

    def wait(self, seconds: float) -> bool:
        """Sleep; return True at once when the task must stop."""
        return self._event.wait(seconds)

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the task must stop, at once if it already must."""
        with self._lock:
            if self._reason is None:
                self._callbacks.append(callback)
                return
        callback()


class TestFiles:
    """Implements ``plugins.context.Files`` in a folder."""

    __test__ = False

    def __init__(self, folder: Path, directories: Sequence[Path]) -> None:
        self._folder = folder
        self._directories = [directory.resolve() for directory in directories]

    def put(self, source: Path, name: str | None = None) -> str:
        """Store a file and return its URI."""
        return self.put_bytes(source.read_bytes(), name or source.name)

    def put_bytes(self, data: bytes, name: str) -> str:
        """Store bytes and return their URI."""
        digest = hashlib.sha256(data).hexdigest()
        (self._folder / digest).write_bytes(data)
        return f"gov:///sha256/{digest}/{name}"

    def get(self, uri: str) -> Path:
        """Return the local path of a stored file, or of one in an allowed directory."""
        if uri.startswith("gov:///sha256/"):
            path = self._folder / uri.split("/")[4]
        elif "://" in uri:
            raise TaskError(f"{uri!r} is no file of this execution.", code="GOV804")
        else:
            path = (self._directories[0] / uri).resolve()
            if not any(path.is_relative_to(directory) for directory in self._directories):
                raise TaskError(f"The file {uri!r} is outside the allowed directories.", code="GOV804")
        if not path.is_file():
            raise TaskError(f"The file {uri!r} does not exist.", code="GOV803")
        return path

    def read_text(self, uri: str) -> str:
        """Return the text of a file."""
        return self.get(uri).read_text("utf-8")

    def delete(self, uri: str) -> bool:
        """Delete a stored file."""
        if not uri.startswith("gov:///sha256/"):
            raise TaskError(f"{uri!r} is no file of this execution.", code="GOV804")
        path = self._folder / uri.split("/")[4]
        found = path.is_file()
        path.unlink(missing_ok=True)
        return found

    def delete_all(self) -> list[str]:
        """Delete all stored files."""
        found = sorted(path.name for path in self._folder.iterdir())
        for name in found:
            (self._folder / name).unlink()
        return [f"gov:///sha256/{name}/file" for name in found]


class TestLogger:
    """Implements ``plugins.context.TaskLogger`` and keeps the lines."""

    __test__ = False

    def __init__(self, redact: Callable[[str], str]) -> None:
        self.lines: list[tuple[str, str]] = []
        self._redact = redact

    def log(self, level: LogLevel, message: str) -> None:
        """Record a line."""
        self.lines.append((level, self._redact(message)))

    def trace(self, message: str) -> None:
        """Record a line of level TRACE."""
        self.log("TRACE", message)

    def debug(self, message: str) -> None:
        """Record a line of level DEBUG."""
        self.log("DEBUG", message)

    def info(self, message: str) -> None:
        """Record a line of level INFO."""
        self.log("INFO", message)

    def warn(self, message: str) -> None:
        """Record a line of level WARN."""
        self.log("WARN", message)

    def error(self, message: str) -> None:
        """Record a line of level ERROR."""
        self.log("ERROR", message)


@dataclass
class TestContext:
    """Implements ``plugins.context.RunContext`` over a folder.

    Parameters
    ----------
    folder
        Holds ``work`` (the attempt's working directory), ``start`` (unless ``start_dir`` is given) and ``files``.
    variables
        The expression context: ``{"inputs": {...}, "outputs": {...}}``.
    processes
        What runs child processes; by default the runner of this installation.
    """

    __test__ = False

    folder: Path
    variables: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(
        default_factory=lambda: {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}
    )
    start_dir: Path = Path()
    cancellation: TestCancellation = field(default_factory=TestCancellation)
    attempt: int = 1
    namespace: str = "test"
    notebook_engine: Notebooks | None = None

    def __post_init__(self) -> None:
        self.working_dir = self.folder / "work"
        blobs = self.folder / "files"
        if self.start_dir == Path():
            self.start_dir = self.folder / "start"
        for path in (self.working_dir, blobs, self.start_dir):
            path.mkdir(parents=True, exist_ok=True)
        allowed = [Path(path) for path in self.settings.get("paths.allowed", ())]
        self.files = TestFiles(blobs, [self.start_dir, self.working_dir, *allowed])
        self.kv = TestValues(self.namespace)
        self.namespace_files = TestSharedFiles(self.folder / "namespaces", self.namespace)
        self.cache = TestCache(self.folder)
        self.toggled: dict[tuple[str, str, str], bool] = {}
        self.added: list[tuple[str, State, dict[str, Any] | None]] = []
        self.masked: list[str] = []
        self.logger = TestLogger(self.redact)
        self.metrics: list[Metric] = []
        self.labels: dict[str, str] = {}
        self.set: dict[str, Any] = {}
        self.removed: list[str] = []
        self.exits: State | None = None
        self.executions = TestExecutions()
        self.warnings: list[str] = []
        self.progresses: list[tuple[int, int, str]] = []
        self.execution, self.task_run = _records(self.namespace, self.start_dir)
        self._processes: Processes | None = None

    @property
    def processes(self) -> Processes:
        """What runs child processes."""
        if self._processes is None:
            from jupyter_gov.runtime.process import ProcessRunner  # noqa: PLC0415 - a kit may look up to the runtime

            self._processes = ProcessRunner(self.cancellation, grace=0.5)
        return self._processes

    @property
    def notebooks(self) -> Notebooks:
        """What executes notebooks, if the test gave it."""
        if self.notebook_engine is None:
            raise TaskError("This test has no notebook engine; pass `notebook_engine`.", code="GOV840")
        return self.notebook_engine

    def toggle_trigger(self, namespace: str, flow_id: str, trigger_id: str, *, disabled: bool) -> bool:
        """Remember what was turned off (True) or on; every trigger exists, and is on at first."""
        key = (namespace, flow_id, trigger_id)
        before = self.toggled.get(key, False)
        self.toggled[key] = disabled
        return before is not disabled

    def called(self, task_id: str) -> Iterator[Mapping[str, Any]]:
        """Yield nothing: there are no other executions here."""
        yield from ()

    def logs(self, execution_id: str | None = None) -> Iterator[LogLine]:
        """Yield what the task logged itself."""
        run, now = self.task_run, datetime.now(UTC)
        for number, (level, message) in enumerate(self.logger.lines, 1):
            yield LogLine(number, self.execution.id, run.id, run.task_id, self.attempt, level, now, message)

    def render(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Render texts at any depth of ``value``."""
        from jupyter_gov.lang.expr import render_value  # noqa: PLC0415

        return render_value(value, {**self.variables, **(extra or {})})

    def render_typed(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Render, but let a text that is one single expression become its native value."""
        from jupyter_gov.lang.expr import render_typed  # noqa: PLC0415

        if isinstance(value, str):
            return render_typed(value, {**self.variables, **(extra or {})})
        return self.render(value, extra)

    def secret(self, name: str) -> str:
        """Return a secret, from now on masked."""
        if name not in self.secrets:
            raise TaskError(f"Cannot find secret for key '{name}'.", code="GOV806")
        self.mask(self.secrets[name])
        return self.secrets[name]

    def seal(self, text: str) -> dict[str, str]:
        """Return ``text`` in the form of something encrypted; this kit only encodes it."""
        return sealed(base64.b64encode(text.encode()).decode())

    def mask(self, text: str) -> None:
        """Mask ``text`` in the log."""
        if text:
            self.masked.append(text)

    def redact(self, text: str) -> str:
        """Return ``text`` with everything masked that is known to be secret."""
        for secret in self.masked:
            text = text.replace(secret, MASK)
        return text

    def metric(self, metric: Metric) -> None:
        """Keep a number."""
        self.metrics.append(metric)

    def progress(self, done: int, total: int, label: str = "") -> None:
        """Keep the progress."""
        self.progresses.append((done, total, label))

    def set_variables(self, variables: Mapping[str, Any], *, remove: Sequence[str] = ()) -> None:
        """Keep what the task sets in ``set`` and what it takes away in ``removed``."""
        self.set.update(variables)
        self.removed.extend(remove)

    def exit(self, state: State) -> None:
        """Keep the state."""
        self.exits = state

    def set_labels(self, labels: Mapping[str, str]) -> None:
        """Keep the labels."""
        self.labels.update(labels)

    def add_task_run(self, task_id: str, state: State, outputs: Mapping[str, Any] | None = None) -> None:
        """Remember a task run that the task reported."""
        self.added.append((task_id, state, outputs_of(outputs)))

    def warn(self, message: str) -> None:
        """Log a warning and keep it: the task run would end WARNING."""
        self.logger.log("WARN", message)
        self.warnings.append(message)

    def now(self) -> datetime:
        """Return the present time."""
        return datetime.now(UTC)


def _records(namespace: str, start_dir: Path) -> tuple[Execution, TaskRun]:
    now = datetime.now(UTC)
    execution_id = new_id()
    run = TaskRun(
        id=task_run_id(execution_id, 0),
        execution_id=execution_id,
        task_id="task",
        seq=0,
        history=begin(State.RUNNING, now),
        attempts=(Attempt(number=1, history=begin(State.RUNNING, now)),),
    )
    execution = Execution(
        id=execution_id,
        namespace=namespace,
        flow_id="flow",
        flow_revision=1,
        flow_digest="0" * 64,
        history=begin(State.RUNNING, now),
        run_as="tester",
        starter="tester",
        workdir=str(start_dir),
    )
    return execution.put(run), run


def run_task(
    task: type[RunnableTask],
    props: Mapping[str, Any],
    *,
    folder: Path | None = None,
    context: TestContext | None = None,
    **options: Any,
) -> TaskResult:
    """Check, render and run one task, and return what it did.

    Parameters
    ----------
    props
        The task's own properties, as written in YAML (camelCase), without ``id`` and ``type``.
    folder
        Where to work; by default a temporary folder that is removed afterwards (its stored files too).
    context
        A context made beforehand, for instance to cancel the task from another thread.
    options
        Of ``TestContext``: variables, settings, secrets, environment, start_dir …

    Raises
    ------
    TaskError
        What the task raises.
    """
    check(task, props)
    temporary = None if folder or context else Path(tempfile.mkdtemp(prefix="jupyter-gov-"))
    try:
        ctx = context or TestContext(folder or temporary or Path(), **options)
        outputs = outputs_of(bind(task, props, ctx.render).run(ctx)) or {}
        return TaskResult(outputs, ctx.logger.lines, ctx.metrics, ctx.labels, ctx.warnings, ctx.progresses, ctx)
    finally:
        if temporary:
            shutil.rmtree(temporary)


def check(task: type[RunnableTask], props: Mapping[str, Any]) -> list[str]:
    """Validate properties as the checker of flows does; return the warnings.

    Raises
    ------
    TaskError
        A property is wrong; says which.
    """
    notes: list[tuple[str, str]] = []
    try:
        task.model_validate(dict(props), context={CHECKING: True, NOTES: notes})
    except ValidationError as error:
        raise TaskError(f"{'; '.join(problems(error))}.", code="GOV801") from error
    return [f"{name}: {message}" for name, message in notes]
