"""What a step asks the runtime to do, and the facts it puts on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from jupyter_gov.domain.approval import Approval, ApprovalStatus
from jupyter_gov.domain.events import Event
from jupyter_gov.domain.execution import Execution, Label


@dataclass(frozen=True, slots=True)
class Command:
    """Base of all commands."""


@dataclass(frozen=True, slots=True)
class RunTask(Command):
    """Run an attempt.

    ``inline``: the task run is already RUNNING and the loop itself runs it right after the commit; otherwise it
    is CREATED and a worker begins with ``AttemptStarted``. ``errand`` names the piece of a flowable's own work that is
    to be done; all errands for one place belong to one attempt.
    """

    task_run_id: str
    attempt: int
    inline: bool
    errand: str | None = None


@dataclass(frozen=True, slots=True)
class KillTask(Command):
    """Stop the attempt in flight and everything it started."""

    task_run_id: str


@dataclass(frozen=True, slots=True)
class WriteLog(Command):
    """Write a line into the log of the execution, or of one of its task runs, in the step's own transaction."""

    level: Literal["INFO", "WARN", "ERROR"]
    message: str
    task_run_id: str | None = None


@dataclass(frozen=True, slots=True)
class SetTimer(Command):
    """Wake the execution at ``due``.

    Kinds: ``pause``, ``retry``, ``timeout``, ``sla`` (a longest duration), ``start`` (of a created execution),
    ``again`` (the next round of a loop, whose number is the version that the timer acts on), and ``after`` (somebody
    shall look whether what runs after the end still does).
    """

    timer_id: str
    timer_kind: str
    due: datetime
    task_run_id: str | None
    state_version: int


@dataclass(frozen=True, slots=True)
class ClearTimers(Command):
    """Forget the timers of a task run (``None``: of the whole execution)."""

    task_run_id: str | None


@dataclass(frozen=True, slots=True)
class CloseApproval(Command):
    """Take a gate out of OPEN by something else than people, in the step's own transaction.

    ``required``: the step is only true if this compare-and-set wins (a deadline); if people decided first, the store
    refuses the whole step with ``ConflictError(code="GOV702")`` and the event that caused it is dropped. Otherwise
    (the execution ends) a gate that is already closed stays as it is.
    """

    approval_id: str
    status: ApprovalStatus
    by: str
    required: bool


@dataclass(frozen=True, slots=True)
class FreeSlot(Command):
    """An execution of a flow with a concurrency limit ended, or joined the queue: let the oldest start that may."""

    namespace: str
    flow_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class StartSubflow(Command):
    """Create the execution that a Subflow task calls, in the step's own transaction, under an id known beforehand.

    ``SubflowStarted`` (with the failure, if it cannot be created) goes into the caller's inbox in the same transaction.
    """

    task_run_id: str
    child_id: str
    namespace: str
    flow_id: str
    revision: int | None
    inputs: Mapping[str, Any]
    labels: tuple[Label, ...]
    wait: bool
    due: datetime | None = None
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class StartAgain(Command):
    """Create the execution that tries again what this one could not do, in the step's own transaction.

    It begins at ``due`` by a timer of the kind ``start``, and has the slot of the old one among those of the flow.
    """

    execution: Execution
    facts: tuple[Fact, ...]
    due: datetime


@dataclass(frozen=True, slots=True)
class Notify(Command):
    """Put an event into another execution's inbox, in the same transaction (child to parent, parent to child)."""

    execution_id: str
    event: Event


@dataclass(frozen=True, slots=True)
class Fact:
    """What goes into one audit entry: who did what to what. ``body`` holds everything needed to fold the state.

    The body's ``changes`` key has the shape that ``engine.facts.changes`` documents.
    """

    action: str
    subject: str
    actor: str
    assurance: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """The result of ``engine.step``: what to store in one transaction, and what to do after it.

    Attributes
    ----------
    execution
        The execution after the event; its ``version`` is one higher if anything changed.
    changed
        Ids of task runs that are new or different.
    dropped
        Ids of task runs that a restart removed.
    approvals
        Gates opened by this step.
    facts
        At least one, if anything changed.
    """

    execution: Execution
    changed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    commands: tuple[Command, ...] = ()
    facts: tuple[Fact, ...] = ()

    @property
    def is_noop(self) -> bool:
        """Whether the event changed nothing."""
        return not self.facts
