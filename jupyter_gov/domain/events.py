"""What can happen to an execution: the input alphabet of ``engine.step``.

Each event has ``kind``, which names it in the inbox table and in the audit entry, and survives a round trip
through ``to_json`` / ``from_json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from jupyter_gov.domain.execution import Failure
from jupyter_gov.domain.states import State


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    kind: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Start(Event):
    """A created execution begins."""

    kind: ClassVar[str] = "execution.start"


@dataclass(frozen=True, slots=True)
class AttemptStarted(Event):
    """A worker begins an attempt of a created task run."""

    kind: ClassVar[str] = "attempt.started"
    task_run_id: str
    worker: str


@dataclass(frozen=True, slots=True)
class AddedRun:
    """A task run that a task reports of something that it did itself, such as a step of another tool."""

    task_id: str
    state: State
    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AttemptFinished(Event):
    """A worker ends an attempt.

    ``state`` is SUCCESS, WARNING, FAILED or KILLED; ``labels``, ``variables`` and ``removed`` (variables that go) are
    what the task changes on the execution, ``exits`` the state in which it ends it, ``added`` the task runs that it
    reports besides its own.
    """

    kind: ClassVar[str] = "attempt.finished"
    task_run_id: str
    attempt: int
    state: State
    outputs: Mapping[str, Any] | None = None
    failure: Failure | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    log_file: str | None = None
    added: tuple[AddedRun, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    removed: Sequence[str] = ()
    exits: State | None = None


@dataclass(frozen=True, slots=True)
class AttemptLost(Event):
    """The worker of a running attempt is gone, or was stopped ``in_order``; effects may have happened."""

    kind: ClassVar[str] = "attempt.lost"
    task_run_id: str
    attempt: int
    repeatable: bool
    in_order: bool = False


@dataclass(frozen=True, slots=True)
class TimerFired(Event):
    """A timer is due; it does nothing when its task run has moved on since it was set."""

    kind: ClassVar[str] = "timer.fired"
    timer_id: str
    timer_kind: str
    task_run_id: str | None
    state_version: int


@dataclass(frozen=True, slots=True)
class ApprovalDecided(Event):
    """A gate left OPEN through people."""

    kind: ClassVar[str] = "approval.decided"
    approval_id: str
    task_run_id: str
    status: str
    by: str
    on: str
    reason: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubflowStarted(Event):
    """The execution that a Subflow task asked for exists (or could not be created: ``failure``).

    ``iteration``: for which batch, if it is one of many.
    """

    kind: ClassVar[str] = "subflow.started"
    task_run_id: str
    child_id: str | None
    failure: Failure | None = None
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class SubflowEnded(Event):
    """The execution that a Subflow task waits for ended.

    ``failure``: what the caller asks it for cannot be rendered.
    """

    kind: ClassVar[str] = "subflow.ended"
    task_run_id: str
    child_id: str
    state: State
    outputs: Mapping[str, Any] | None = None
    failure: Failure | None = None
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class BatchesDue(Event):
    """A task run that calls a flow for many batches goes on with those from ``cursor`` on."""

    kind: ClassVar[str] = "batches.due"
    task_run_id: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Kill(Event):
    """A person (or the parent) stops the execution; ``resumes``: by resuming it from its pause to be stopped."""

    kind: ClassVar[str] = "execution.kill"
    by: str
    reason: str | None = None
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class Restart(Event):
    """A person continues an ended execution from its failed task runs."""

    kind: ClassVar[str] = "execution.restart"
    by: str


@dataclass(frozen=True, slots=True)
class Pause(Event):
    """A person holds a running execution: nothing more of it begins."""

    kind: ClassVar[str] = "execution.pause"
    by: str


@dataclass(frozen=True, slots=True)
class Resume(Event):
    """A person lets an execution go on that was paused by hand; gates are left by a decision."""

    kind: ClassVar[str] = "execution.resume"
    by: str


@dataclass(frozen=True, slots=True)
class GoOn(Event):
    """An execution that was stored RESTARTED begins.

    ``agenda`` names the task runs that begin (``begin``) or have ended (``ended``, ``over``) and what happens to
    them, ``parents`` the flowables that may begin what they held back.
    """

    kind: ClassVar[str] = "execution.go_on"
    by: str
    agenda: Sequence[tuple[str, str]] = ()
    parents: Sequence[str] = ()


EVENTS: Mapping[str, type[Event]] = {
    event.kind: event
    for event in (
        Start,
        AttemptStarted,
        AttemptFinished,
        AttemptLost,
        TimerFired,
        ApprovalDecided,
        SubflowStarted,
        SubflowEnded,
        Kill,
        Restart,
        GoOn,
        BatchesDue,
        Pause,
        Resume,
    )
}


def to_json(event: Event) -> dict[str, Any]:
    """Return the JSON-able fields of an event; ``event.kind`` is stored beside them."""
    return asdict(event)


def from_json(kind: str, data: Mapping[str, Any]) -> Event:
    """Return the event of ``kind`` that ``to_json`` made ``data`` from."""
    fields = dict(data)
    for name in ("state", "exits"):
        if fields.get(name):
            fields[name] = State(fields[name])
    if fields.get("failure"):
        fields["failure"] = Failure(**fields["failure"])
    if "added" in fields:
        added = (dict(one) for one in fields["added"])
        fields["added"] = tuple(AddedRun(**{**one, "state": State(one["state"])}) for one in added)
    return EVENTS[kind](**fields)
