"""What a running task may ask of its surroundings, as protocols; the runtime implements them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import State

LogLevel = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a task reports: a counter, or a timer in seconds."""

    name: str
    type: Literal["counter", "timer"]
    value: float
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a child process ended."""

    exit_code: int
    stdout_lines: int
    stderr_lines: int


class TaskLogger(Protocol):
    """Log lines of the attempt; secrets are masked before they are stored."""

    def log(self, level: LogLevel, message: str) -> None:
        """Record a line."""
        ...

    def trace(self, message: str) -> None: ...
    def debug(self, message: str) -> None: ...
    def info(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


class Cancellation(Protocol):
    """Tells a task that it must stop: killed, timed out, or its lease is lost."""

    @property
    def requested(self) -> bool: ...

    @property
    def reason(self) -> str | None:
        """``killed``, ``timeout`` or ``lease``; None while it may go on."""
        ...

    def raise_if_requested(self) -> None:
        """Raise ``TaskError`` if the task must stop."""
        ...

    def wait(self, seconds: float) -> bool:
        """Sleep; return True at once when the task must stop."""
        ...

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` (from another thread) when the task must stop."""
        ...


class Processes(Protocol):
    """The only way to start a child process: own group, watched, killed as a tree."""

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        on_stdout: Callable[[str], None],
        on_stderr: Callable[[str], None],
    ) -> ProcessResult:
        """Run a command to its end, line by line.

        Raises
        ------
        TaskError
            ``GOV81x``: it could not be started, was killed, timed out, or wrote more than the limit.
        """
        ...


class Files(Protocol):
    """Files of the execution, content-addressed, behind ``kestra://`` and ``gov://`` URIs."""

    def put(self, source: Path, name: str | None = None) -> str:
        """Store a file and return its URI."""
        ...

    def put_bytes(self, data: bytes, name: str) -> str:
        """Store bytes and return their URI."""
        ...

    def get(self, uri: str) -> Path:
        """Return a local, read-only path of a file.

        It is named by a URI (``gov://``, ``kestra://``), or by a path inside the allowed directories.

        Raises
        ------
        TaskError
            Not found, or outside what this execution may read.
        """
        ...

    def read_text(self, uri: str) -> str:
        """Return the text of a file."""
        ...

    def delete(self, uri: str) -> bool:
        """Delete a stored file, so that it cannot be read any more; return whether it was there.

        Raises
        ------
        TaskError
            It is no stored file of this execution or its parent.
        """
        ...

    def delete_all(self) -> list[str]:
        """Delete all stored files of this execution and return their URIs."""
        ...


@dataclass(frozen=True, slots=True)
class NotebookRequest:
    """A notebook to execute.

    Attributes
    ----------
    parameters
        Plain values; checked against the notebook's cell that is tagged ``parameters``.
    environment
        The allow-listed environment; kernels that wait in the pool have it already.
    own_environment
        Variables of this run alone, secrets among them; no kernel of another run ever has them.
    name
        File name that the executed notebook says it came from, so that no path of this machine is saved in it.
    """

    path: Path
    name: str
    cwd: Path
    environment: Mapping[str, str]
    own_environment: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kernel_name: str | None = None


@dataclass(frozen=True, slots=True)
class NotebookCell:
    """How one code cell went; ``number`` counts all cells of the source notebook from 1, None for the injected one."""

    id: str
    number: int | None
    state: Literal["SUCCESS", "FAILED", "NOT_RUN"]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class NotebookFailure:
    """Why a notebook did not come to its end; the traceback has no terminal colours."""

    code: str
    message: str
    hint: str | None = None
    number: int | None = None
    execution_count: int | None = None
    source: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class NotebookResult:
    """What came of a notebook; the executed notebook is written whatever happened."""

    cells: tuple[NotebookCell, ...]
    outputs: Mapping[str, Any]
    failure: NotebookFailure | None = None
    pooled_kernel: bool = False


class NotebookEvents(Protocol):
    """Told of everything while the notebook runs, in the thread that called ``run``."""

    def line(self, stream: Literal["stdout", "stderr", "result"], text: str) -> None:
        """Take a line that a cell wrote, or the text of what it displayed."""
        ...

    def cell_started(self, number: int | None, done: int, total: int, title: str) -> None:
        """Take the start of a code cell; ``done`` of ``total`` code cells have ended."""
        ...

    def cell_ended(self, cell: NotebookCell, done: int, total: int) -> None:
        """Take the end of a code cell."""
        ...

    def metric(self, metric: Metric) -> None:
        """Take a number that the notebook reported."""
        ...


class Notebooks(Protocol):
    """The only way to execute a notebook: in a kernel of its own, killed with its task."""

    def run(
        self,
        request: NotebookRequest,
        *,
        target: Path,
        cancellation: Cancellation,
        redact: Callable[[str], str],
        events: NotebookEvents,
    ) -> NotebookResult:
        """Execute a notebook and write the result to ``target``, also when a cell fails or the run is cancelled.

        Raises
        ------
        TaskError
            ``GOV84x``: nothing was executed, since the notebook, a parameter or the kernel is wrong.
        """
        ...


ValueKind = Literal["STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON"]


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value that a namespace keeps.

    Attributes
    ----------
    value
        In the types of JSON: dates, times and durations are ISO texts.
    version
        1 for a new key, one higher with every change.
    """

    kind: ValueKind
    value: Any
    version: int
    updated_at: datetime
    expires_at: datetime | None = None


class KeyValues(Protocol):
    """Values that namespaces keep between executions; ``namespace`` is the flow's own unless given.

    Every change is durable when the call returns, and on record by a digest. Values with a secret in them are refused.
    """

    def get(self, key: str, *, namespace: str | None = None) -> StoredValue | None:
        """Return a value; None if there is none, or its time is over."""
        ...

    def set(
        self,
        key: str,
        value: Any,
        *,
        kind: ValueKind,
        namespace: str | None = None,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> StoredValue:
        """Store a value.

        Raises
        ------
        TaskError
            No such namespace, or a secret in the value. StoreError: the key has a value and ``overwrite`` is false.
        """
        ...

    def merge(self, key: str, data: Mapping[str, Any], *, namespace: str | None = None) -> StoredValue:
        """Add the keys of ``data`` to a stored map (an empty one if there is none), with nobody in between."""
        ...

    def delete(self, key: str, *, namespace: str | None = None) -> bool:
        """Delete a value; return whether there was one."""
        ...

    def keys(self, prefix: str = "", *, namespace: str | None = None) -> list[str]:
        """Return the keys that start with ``prefix``, in order."""
        ...

    def purge(self, *, namespace: str | None = None) -> list[str]:
        """Delete the values whose time is over and return their keys."""
        ...


class SharedFiles(Protocol):
    """Files that belong to a namespace instead of an execution; ``namespace`` is the flow's own unless given."""

    def list(self, *, namespace: str | None = None) -> list[str]:
        """Return the paths of all files, in order."""
        ...

    def get(self, path: str, *, namespace: str | None = None) -> Path:
        """Return where the content of a file lies; it must not be written to."""
        ...

    def put(self, source: Path, path: str, *, namespace: str | None = None, overwrite: bool = True) -> str:
        """Let a path have the content of a file, on record, and return its URI.

        Raises
        ------
        TaskError
            No such namespace, or no path. StoreError: there is such a file and ``overwrite`` is false.
        """
        ...

    def delete(self, path: str, *, namespace: str | None = None) -> bool:
        """Delete a file; return whether there was one."""
        ...

    def uri(self, path: str, *, namespace: str | None = None) -> str:
        """Return the URI of a path, which expressions read and tasks take."""
        ...


class Cache(Protocol):
    """One file that a task keeps for the next execution of its flow, for each loop value its own."""

    def get(self) -> Path | None:
        """Return the file that was kept, to be read only; None if there is none, or its time is over."""
        ...

    def put(self, source: Path, *, ttl: timedelta | None = None) -> None:
        """Keep a file in the place of what was kept; one with the same content stays as old as it is."""
        ...


@dataclass(frozen=True, slots=True)
class ExecutionRange:
    """Which executions are meant; what is left out does not narrow.

    Attributes
    ----------
    namespace
        With those below it, unless there is a ``flow_id``.
    since, until
        When they were created.
    """

    namespace: str | None = None
    flow_id: str | None = None
    states: Sequence[State] = ()
    since: datetime | None = None
    until: datetime | None = None


class Executions(Protocol):
    """What a task may do to executions; everything is on record, and no rule of a gate is got around by it."""

    def count(self, where: ExecutionRange) -> int:
        """Return how many executions there are."""
        ...

    def resume(self, execution_id: str, inputs: Mapping[str, Any]) -> None:
        """Let an execution of the same namespace, or one below it, go on from where it waits.

        Raises
        ------
        TaskError
            There is no such execution in the namespace. ExecutionError: it does not wait. AccessError: the gate has
            rules of its own. InputError: a value for its form is missing or wrong.
        """
        ...

    def purge(
        self, where: ExecutionRange, *, executions: bool, logs: bool, metrics: bool, storage: bool
    ) -> Mapping[str, int]:
        """Delete ended executions, or only what belongs to them, and return how many of each kind went."""
        ...

    def purge_logs(self, where: ExecutionRange, *, levels: Sequence[LogLevel] = ()) -> int:
        """Delete log lines, by when they were written, and return how many."""
        ...


class RunContext(Protocol):
    """Everything a runnable task sees of the world."""

    @property
    def execution(self) -> Execution: ...

    @property
    def task_run(self) -> TaskRun: ...

    @property
    def attempt(self) -> int: ...

    @property
    def logger(self) -> TaskLogger: ...

    @property
    def cancellation(self) -> Cancellation: ...

    @property
    def processes(self) -> Processes: ...

    @property
    def notebooks(self) -> Notebooks: ...

    @property
    def files(self) -> Files: ...

    @property
    def kv(self) -> KeyValues: ...

    @property
    def namespace_files(self) -> SharedFiles: ...

    @property
    def cache(self) -> Cache: ...

    @property
    def executions(self) -> Executions: ...

    @property
    def working_dir(self) -> Path:
        """A fresh folder of this attempt, removed afterwards; in a WorkingDirectory the one that its tasks share."""
        ...

    @property
    def start_dir(self) -> Path:
        """Folder in which the execution was started; relative paths of the user resolve here."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The allow-listed environment for children: never a database URL, key or token."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the installation by dotted name, such as ``mail.host``, ``ai.provider``, ``paths.allowed``."""
        ...

    def toggle_trigger(self, namespace: str, flow_id: str, trigger_id: str, *, disabled: bool) -> bool:
        """Turn a trigger off, or on again; return whether that changed anything.

        Raises
        ------
        NotFoundError
            ``GOV302``: no such trigger.
        ExecutionError
            ``GOV380``: the text of its flow disables it.
        """
        ...

    def called(self, task_id: str) -> Iterator[Mapping[str, Any]]:
        """Yield the outputs of the executions that a task of this execution has called, in order of their batches."""
        ...

    def logs(self, execution_id: str | None = None) -> Iterator[LogLine]:
        """Yield the stored log lines of this execution, or of another one of the same namespace, oldest first."""
        ...

    def render(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Render texts at any depth of ``value`` in the context of this task run."""
        ...

    def render_typed(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Render as ``render`` does, but let a text that is one single expression become its native value."""
        ...

    def secret(self, name: str) -> str:
        """Return a secret; from now on it is masked in logs and outputs."""
        ...

    def seal(self, text: str) -> dict[str, str]:
        """Return ``text`` encrypted, in the form in which outputs hold what is secret."""
        ...

    def mask(self, text: str) -> None:
        """Mask ``text`` in everything that this attempt logs or hands back."""
        ...

    def redact(self, text: str) -> str:
        """Return ``text`` with everything masked that this attempt knows to be secret."""
        ...

    def metric(self, metric: Metric) -> None:
        """Report a number."""
        ...

    def progress(self, done: int, total: int, label: str = "") -> None:
        """Report progress of long work; shown live, not stored."""
        ...

    def set_variables(self, variables: Mapping[str, Any], *, remove: Sequence[str] = ()) -> None:
        """Give ``vars`` of the execution new values, and take some away, when this attempt succeeds."""
        ...

    def exit(self, state: State) -> None:
        """End the execution in ``state`` when this attempt succeeds: nothing more of it begins."""
        ...

    def set_labels(self, labels: Mapping[str, str]) -> None:
        """Add labels to the execution when this attempt succeeds."""
        ...

    def add_task_run(self, task_id: str, state: State, outputs: Mapping[str, Any] | None = None) -> None:
        """Report something that this attempt did as an ended task run of its own, below this one.

        Raises
        ------
        TaskError
            The flow has a task of this name, it is no name, the state is none to end in, or there are too many.
        """
        ...

    def warn(self, message: str) -> None:
        """Log a warning and let the task run end WARNING instead of SUCCESS."""
        ...

    def now(self) -> datetime:
        """Return the present time."""
        ...
