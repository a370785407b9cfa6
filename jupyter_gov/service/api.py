"""The one interface that every face speaks.

``service.wire`` puts the implementation over a local store together; a remote one over HTTP comes with team mode.

A face translates a request, calls ONE of these methods, and shows the result. ``actor`` is always what the host
established, never what the client says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_gov.audit.verify import Finding
from jupyter_gov.audit.verify import Report as VerifyReport
from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import Approval, ApprovalStatus, Verdict, Vote
from jupyter_gov.domain.execution import Execution, TriggerInfo
from jupyter_gov.domain.flow import AuditEntry, ExecutionFilter, ExecutionSummary, FlowRevision, LogLine
from jupyter_gov.domain.states import State
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.lang.check import CheckedFlow
from jupyter_gov.lang.models.flow import Flow

if TYPE_CHECKING:
    from jupyter_gov.engine.inputs import Resolved
    from jupyter_gov.engine.triggers.windows import Window
    from jupyter_gov.lang.flowtest import CheckedTests
    from jupyter_gov.plugins.context import ValueKind
    from jupyter_gov.service.flowtests.results import CaseResult, FileResult
    from jupyter_gov.service.trigger_verbs import BackfillAct
    from jupyter_gov.service.triggers import TriggerPreview, TriggerState
    from jupyter_gov.store.garbage import Garbage
    from jupyter_gov.store.namespace_files import NamespaceFile

EVERYTHING = ExecutionFilter()


@dataclass(frozen=True, slots=True)
class ApprovalDetail:
    """A gate with its votes; ``can_decide`` and ``why_not`` are for the actor who asked."""

    approval: Approval
    votes: tuple[Vote, ...] = ()
    can_decide: bool = True
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class NotebookRecord:
    """What a papermill batch reports of one notebook run."""

    input_path: str
    output_path: str
    input_digest: str
    output_digest: str
    parameters: Mapping[str, Any]
    environment: Mapping[str, str]
    cells: tuple[Mapping[str, Any], ...]
    state: str
    started: datetime
    ended: datetime
    failure: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a person (or trigger) asks to be run; the newest revision unless one is named.

    Attributes
    ----------
    strict
        Refuse values for inputs that the flow does not declare, as the faces do in which people type; without it they
        are ignored, as in Kestra, and the execution's log says so.
    trusted
        Take ``inputs`` as they are: no typing, no validators, nothing need be there; only defaults are filled in. For
        programs that hand on values which were checked before, such as Subflow and triggers; a face that passes on
        what a client says must never set it. Secrets are sealed and files stored all the same.
    schedule_date
        When it shall begin, aware; it is created now, with the revision of now, and waits. A date that is past means
        at once.
    trigger
        What stands for the person: recorded, and read by expressions as ``trigger``. Never from a client.
    """

    namespace: str
    flow_id: str
    revision: int | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    workdir: str | None = None
    supersedes: str | None = None
    strict: bool = False
    trusted: bool = False
    schedule_date: datetime | None = None
    trigger: TriggerInfo | None = None


class FlowService(Protocol):
    """Flows: check, register, read."""

    def check(self, source: str, *, allow_unknown_types: bool = False) -> CheckedFlow:
        """Return the checked flow with all its diagnostics; writes nothing."""
        ...

    def register(self, source: str, actor: Actor, *, allow_unknown_types: bool = False) -> FlowRevision:
        """Store a flow text and return its revision: a new one only if the text changed.

        Raises
        ------
        FlowError
            The flow has errors; carries all diagnostics.
        """
        ...

    def get(self, namespace: str, flow_id: str, actor: Actor, revision: int | None = None) -> FlowRevision: ...

    def load(self, revision: FlowRevision) -> Flow:
        """Return the checked flow of a stored revision."""
        ...

    def list(self, actor: Actor, namespace: str | None = None, limit: int = 100) -> Sequence[FlowRevision]:
        """Return the newest revision of each flow."""
        ...

    def delete_cache(self, namespace: str, flow_id: str, task_id: str, actor: Actor) -> bool:
        """Forget the files that a task of a flow keeps for its next run; return whether there were any."""
        ...


class ExecutionService(Protocol):
    """Executions: start, watch, stop, continue."""

    def start(self, request: StartRequest, actor: Actor) -> Execution:
        """Create an execution and return it; the inputs are typed and checked first.

        Raises
        ------
        InputError
            A value is missing or of the wrong type; nothing was created.
        """
        ...

    def get(self, execution_id: str, actor: Actor) -> Execution: ...

    def list(
        self, actor: Actor, where: ExecutionFilter = EVERYTHING, *, before: str | None = None, limit: int = 50
    ) -> Sequence[ExecutionSummary]:
        """Return executions, newest first; ``before`` is the id to continue after."""
        ...

    def logs(
        self, execution_id: str, actor: Actor, *, after: int = 0, task_run_id: str | None = None, limit: int = 1000
    ) -> Sequence[LogLine]:
        """Return log lines whose id is higher than ``after``, oldest first."""
        ...

    def wait(
        self,
        execution_id: str,
        actor: Actor,
        *,
        until: Callable[[Execution], bool],
        timeout: float | None = None,
        on_change: Callable[[Execution], None] | None = None,
    ) -> Execution:
        """Block until ``until(execution)`` holds (or the time is over) and return the execution as it then is."""
        ...

    def kill(self, execution_id: str, actor: Actor, reason: str | None = None) -> None: ...

    def restart(self, execution_id: str, actor: Actor, revision: int | None = None) -> Execution | None:
        """Continue an ended execution from its failed task runs.

        With a ``revision`` a new execution goes on, with that revision of the flow, and is returned.
        It begins at once, also over the limit of its flow, and counts among its executions: a person asks for this one.

        Raises
        ------
        ExecutionError
            ``GOV303``: it has not ended; ``GOV304``: nothing failed; ``GOV313``: the revision does not fit.
        AccessError
            ``GOV405``: a new execution would stand behind a gate with rules of its own.
        """
        ...

    def replay(
        self, execution_id: str, actor: Actor, from_task: str | None = None, revision: int | None = None
    ) -> Execution:
        """Begin again as a new execution with the same inputs and labels.

        ``from_task`` is the id of the task run to begin with, in an ended execution: what ended before it is kept, and
        it begins at once, as ``restart`` does. From the beginning it waits for a slot like any start.

        Raises
        ------
        ExecutionError
            ``GOV309``: it has not ended; ``GOV312``: no such task run; ``GOV313``: the revision does not fit.
        AccessError
            ``GOV405``: the new execution would stand behind a gate with rules of its own.
        """
        ...

    def change_status(self, execution_id: str, state: State, actor: Actor, reason: str | None = None) -> Execution:
        """Give an ended execution another end; nothing runs because of it.

        Raises
        ------
        ExecutionError
            ``GOV309``: it has not ended; ``GOV314``: not a state to end in.
        AccessError
            ``GOV405``: a gate with rules of its own did not let it succeed.
        """
        ...

    def mark_task(
        self, execution_id: str, task_run_id: str, state: State, actor: Actor, reason: str | None = None
    ) -> Execution:
        """Give a task run of an ended execution another end and go on from there, at once, as ``restart`` does.

        Raises
        ------
        ExecutionError
            ``GOV309``: it has not ended; ``GOV312``: no such task run; ``GOV314``: not a state to end in.
        AccessError
            ``GOV405``: it is, or holds, a gate with rules of its own that nobody approved.
        """
        ...

    def set_labels(self, execution_id: str, labels: Mapping[str, str], actor: Actor) -> Execution:
        """Add labels to an ended execution, or change them.

        Raises
        ------
        ExecutionError
            ``GOV309``: it has not ended.
        InputError
            ``GOV230``: a key is the system's; ``GOV231``: a key or a value is missing.
        """
        ...

    def force_run(self, execution_id: str, actor: Actor, reason: str | None = None) -> Execution:
        """Let an execution go on that waits in the queue of its flow or at a plain gate; otherwise nothing changes.

        Raises
        ------
        ExecutionError
            ``GOV306``: it has ended or is being stopped.
        AccessError
            ``GOV405``: it waits at a gate with rules of its own.
        """
        ...

    def unqueue(
        self, execution_id: str, actor: Actor, state: State = State.RUNNING, reason: str | None = None
    ) -> Execution:
        """Take an execution out of the queue of its flow: it runs, over the limit, or ends KILLED.

        Raises
        ------
        ExecutionError
            ``GOV315``: it is not queued; ``GOV314``: neither RUNNING nor KILLED.
        """
        ...

    def pause(self, execution_id: str, actor: Actor, reason: str | None = None) -> Execution:
        """Hold a running execution: what runs comes to its end, nothing more begins until it is resumed.

        A called execution runs: it goes on, and can be paused by itself.

        Raises
        ------
        ExecutionError
            ``GOV316``: it does not run.
        """
        ...

    def resume(
        self,
        execution_id: str,
        actor: Actor,
        inputs: Mapping[str, Any] | None = None,
        *,
        state: State = State.RUNNING,
    ) -> None:
        """Let an execution go on that was paused by hand, or approve the one plain gate at which it waits.

        The approval is recorded as a decision like any other. With the state KILLING it goes on only to be stopped,
        and its gates are withdrawn.

        Raises
        ------
        ExecutionError
            ``GOV307``: it does not wait; ``GOV308``: it waits at several gates; ``GOV314``: another state than these.
        AccessError
            ``GOV405``: the gate has rules of its own, which a bare resume would go around.
        """
        ...

    def delete(  # noqa: PLR0917 - each says what goes
        self,
        execution_id: str,
        actor: Actor,
        logs: bool = True,
        metrics: bool = True,
        storage: bool = True,
        reason: str | None = None,
    ) -> Mapping[str, int]:
        """Delete an ended execution, and return how many log lines, metrics and files went with it.

        Its history stays, and says who deleted it, when and why. Its files have no address any more; their bytes go
        when files are cleaned up to which nothing refers.

        Raises
        ------
        NotFoundError
            ``GOV302``: there is none of this id.
        ExecutionError
            ``GOV343``: it has not ended.
        AccessError
            ``GOV342``: the actor has no name; ``GOV344``: a gate with rules of its own stands in it, and the execution
            that called it is still there.
        """
        ...

    def eval(self, execution_id: str, expression: str, actor: Actor, task_run_id: str | None = None) -> str:
        """Return an expression rendered as a task run, or the flow, sees the world now; secrets are masked.

        Raises
        ------
        NotFoundError
            ``GOV302``: there is no such execution or task run.
        ExpressionError
            It cannot be parsed or rendered.
        """
        ...

    def url(self, execution_id: str, actor: Actor) -> str:
        """Return the address under which people find an execution, as the setting ``url`` says.

        Raises
        ------
        ExecutionError
            ``GOV345``: it is not set.
        """
        ...

    def check_inputs(self, request: StartRequest, actor: Actor) -> Sequence[Resolved]:
        """Return what would become of each input, problems included; nothing is started or stored.

        For a form that checks while it is filled in. Files are not looked for, and secrets are masked.
        """
        ...

    def file(self, execution_id: str, uri: str, actor: Actor) -> Path:
        """Return a local path of a file of the execution."""
        ...

    def progress(self, execution_id: str) -> Mapping[str, tuple[int, int, str]]:
        """Return the live progress of running task runs of this process: id -> (done, total, label)."""
        ...

    def record_notebook(self, record: NotebookRecord, actor: Actor) -> Execution:
        """Put a notebook run that papermill did outside of any flow on record, as an ended execution."""
        ...


class ApprovalService(Protocol):
    """Human gates."""

    def list(
        self,
        actor: Actor,
        *,
        status: ApprovalStatus | None = ApprovalStatus.OPEN,
        execution_id: str | None = None,
        limit: int = 100,
    ) -> Sequence[ApprovalDetail]:
        """Return gates: those of all executions, or of one and of what it started (the gates of its subflows)."""
        ...

    def get(self, approval_id: str, actor: Actor) -> ApprovalDetail: ...

    def decide(
        self,
        approval_id: str,
        verdict: Verdict,
        actor: Actor,
        *,
        subject_digest: str,
        reason: str | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> Approval:
        """Answer a gate; one compare-and-set decides, everything else changes nothing.

        Raises
        ------
        AccessError
            Not entitled (``GOV403``), already decided (``GOV409``), another subject than the one seen (``GOV412``).
        InputError
            A value of the form is wrong; the gate stays open.
        """
        ...


class AuditService(Protocol):
    """The history."""

    def entries(
        self, actor: Actor, stream: str | None = None, *, after: int = 0, limit: int = 500, latest: bool = False
    ) -> Sequence[AuditEntry]:
        """Return entries of one stream (or of all), oldest first; ``latest``: the last ones, if there are more."""
        ...

    def verify(
        self, actor: Actor, on_progress: Callable[[int, int], None] | None = None, *, files: bool = False
    ) -> VerifyReport:
        """Check all chains, that folding the entries gives the stored state, and that the files told of are there.

        ``files``: read these too, and compare their content with the digests by which they are told of.
        """
        ...

    def export(self, actor: Actor, target: Path) -> int:
        """Write all entries as JSON lines; return how many."""
        ...


class TriggerService(Protocol):
    """What starts executions by itself."""

    def preview(
        self,
        namespace: str,
        flow_id: str,
        trigger_id: str,
        actor: Actor,
        *,
        date: datetime | None = None,
        last: datetime | None = None,
        backfill: Mapping[str, datetime] | None = None,
        upstream: Execution | None = None,
    ) -> TriggerPreview:
        """Return what a trigger would start and when it is next due; writes nothing.

        Of a schedule ``date`` is the date that is looked at, ``last`` the one before, from which the next is counted;
        ``backfill`` has ``currentDate``. Of a flow trigger ``upstream`` is the execution that it would react to.
        """
        ...

    def get(self, namespace: str, flow_id: str, trigger_id: str, actor: Actor) -> TriggerState:
        """Return a trigger and the window of its preconditions as it is now."""
        ...

    def expired(self, namespace: str, flow_id: str, trigger_id: str, actor: Actor) -> Sequence[Window]:
        """Return the windows that ran out with some of their conditions met and not all."""
        ...

    def list(
        self, actor: Actor, namespace: str | None = None, flow_id: str | None = None, limit: int = 1000
    ) -> Sequence[Trigger]:
        """Return triggers as they stand, by flow."""
        ...

    def toggle(self, namespace: str, flow_id: str, trigger_id: str, disabled: bool, actor: Actor) -> Trigger:
        """Turn a trigger off, or on again: then from now on, nothing is caught up on.

        Raises
        ------
        ExecutionError
            ``GOV380``: the text of the flow disables it.
        AccessError
            ``GOV342``: nobody in particular asks.
        """
        ...

    def backfill(
        self,
        namespace: str,
        flow_id: str,
        trigger_id: str,
        actor: Actor,
        *,
        start: datetime,
        end: datetime | None = None,
        inputs: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Trigger:
        """Let a schedule fire for its dates from ``start`` to ``end`` (now), one after the other, then go on as before.

        Raises
        ------
        ExecutionError
            ``GOV381``: it is turned off; ``GOV382``: it walks one already; ``GOV383``: there is no such date, or the
            times are wrong; ``GOV385``: it is no schedule.
        AccessError
            ``GOV342``: nobody in particular asks.
        """
        ...

    def change_backfill(self, namespace: str, flow_id: str, trigger_id: str, act: BackfillAct, actor: Actor) -> Trigger:
        """Pause, resume or cancel the backfill of a schedule; while it is paused, the schedule goes on.

        Raises
        ------
        ExecutionError
            ``GOV384``: there is none, or it is so already.
        """
        ...

    def webhook(
        self,
        namespace: str,
        flow_id: str,
        key: str,
        *,
        method: str = "POST",
        parameters: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, Sequence[str] | str] | None = None,
        body: str | None = None,
    ) -> Execution | None:
        """Start what the webhook of this key starts; None if its conditions do not hold.

        Whoever knows the key may call it; there is no other actor.

        Raises
        ------
        NotFoundError
            ``GOV492``: no such flow, or no such key.
        InputError
            What the call brings does not fit the inputs of the flow.
        """
        ...


class FlowTestService(Protocol):
    """Tests of flows; each case runs in a store of its own that is thrown away."""

    def check(self, source: str, *, file: str | None = None) -> CheckedTests:
        """Return the checked test file with all its diagnostics; runs nothing."""
        ...

    def run(
        self,
        source: str,
        actor: Actor,
        *,
        flow: str | None = None,
        file: str | None = None,
        only: Collection[str] = (),
        timeout: float = 60.0,
        on_case: Callable[[CaseResult], None] | None = None,
    ) -> FileResult:
        """Run the cases of a test file on the stored flow, or on the text ``flow``.

        ``only`` names the cases to run, ``timeout`` the seconds that each may take; ``on_case`` hears of each result.

        Raises
        ------
        FlowError
            The test file or the flow has errors; nothing was run.
        NotFoundError
            ``GOV243``: there is no such flow.
        InputError
            ``GOV246``: there is no such case.
        """
        ...


class KeyValueService(Protocol):
    """Values that namespaces keep between executions; every change is on record, by a digest."""

    def get(self, namespace: str, key: str, actor: Actor) -> Any:
        """Return a value in the types of JSON; None if there is none."""
        ...

    def expires(self, namespace: str, key: str, actor: Actor) -> datetime | None:
        """Return when a value is forgotten; None if never, or if there is none."""
        ...

    def keys(self, namespace: str, actor: Actor, prefix: str = "") -> Sequence[str]:
        """Return the keys that have a value, in order."""
        ...

    def set(
        self,
        namespace: str,
        key: str,
        value: Any,
        actor: Actor,
        *,
        kind: ValueKind | None = None,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> None:
        """Store a value; without ``kind`` a text that holds a JSON list or map is stored as such.

        Raises
        ------
        GovError
            ``GOV717``: no name of a namespace. ``GOV745``: the key has a value and ``overwrite`` is false. ``GOV746``:
            too long. ``GOV871``: it holds a secret. ``GOV872``: it is not of its kind.
        """
        ...

    def delete(self, namespace: str, key: str, actor: Actor) -> bool:
        """Delete a value; return whether there was one."""
        ...


class NamespaceFileService(Protocol):
    """Files that namespaces keep; every change is on record with the digest of the content."""

    def list(self, namespace: str, actor: Actor) -> Sequence[NamespaceFile]:
        """Return the files of a namespace, ordered by path."""
        ...

    def get(self, namespace: str, path: str, actor: Actor) -> Path:
        """Return where the content of a file lies; it must not be written to.

        Raises
        ------
        NotFoundError
            ``GOV716``: there is no such file.
        """
        ...

    def put(self, namespace: str, path: str, content: Path | bytes, actor: Actor, *, overwrite: bool = True) -> str:
        """Let a path have this content, and return its URI.

        Raises
        ------
        GovError
            ``GOV717``: no name of a namespace. ``GOV747``: there is such a file and ``overwrite`` is false. ``GOV878``:
            no path.
        """
        ...

    def delete(self, namespace: str, path: str, actor: Actor) -> bool:
        """Delete a file; return whether there was one."""
        ...


class FileService(Protocol):
    """The stored files as a whole."""

    def collect(self, actor: Actor, *, grace: timedelta = ..., apply: bool = False, limit: int = ...) -> Garbage:
        """Return what nothing refers to; with ``apply`` delete at most ``limit`` files of it, on record.

        Raises
        ------
        StoreError
            ``GOV718``: the files lie in another place than a folder of this host. ``GOV719``: too short a grace period.
        """
        ...


class Gov(Protocol):
    """Everything a face needs, in one object."""

    @property
    def flows(self) -> FlowService: ...
    @property
    def executions(self) -> ExecutionService: ...
    @property
    def approvals(self) -> ApprovalService: ...
    @property
    def audit(self) -> AuditService: ...
    @property
    def triggers(self) -> TriggerService: ...
    @property
    def kv(self) -> KeyValueService: ...
    @property
    def namespace_files(self) -> NamespaceFileService: ...
    @property
    def files(self) -> FileService: ...
    @property
    def tests(self) -> FlowTestService: ...

    def sql(self, query: str, actor: Actor, parameters: Sequence[Any] = ()) -> Any:
        """Answer a read-only question over the history with DuckDB; returns a pandas DataFrame."""
        ...

    def start_loop(self, *, background: bool = False, only: str | None = None) -> None:
        """Carry on executions in this process (idempotent).

        ``background``: also those that other processes leave behind, for as long as this process lives. ``only``: the
        execution of this id, what it belongs to and what it starts, nothing else; for a process that soon ends.
        """
        ...

    def settle(self, timeout: float | None = None) -> bool:
        """Wait (seconds) until this process has nothing to carry on; return whether that was so in time."""
        ...

    def close(self) -> None:
        """Stop the loop, kill what it started, close the store."""
        ...


__all__ = [
    "EVERYTHING",
    "ApprovalDetail",
    "ApprovalService",
    "AuditService",
    "ExecutionService",
    "FileService",
    "Finding",
    "FlowService",
    "FlowTestService",
    "Gov",
    "KeyValueService",
    "NamespaceFileService",
    "NotebookRecord",
    "StartRequest",
    "TriggerService",
    "VerifyReport",
]
