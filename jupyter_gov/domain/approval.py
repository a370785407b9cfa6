"""A human gate and the answers given to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ApprovalStatus(StrEnum):
    """Where a gate stands; it leaves ``OPEN`` exactly once."""

    OPEN = "OPEN"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


class Verdict(StrEnum):
    """What one person answers."""

    APPROVE = "approve"
    REJECT = "reject"
    ASK_FOR_CHANGES = "ask_for_changes"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who may answer; both empty means whoever has the approver role."""

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.users or self.groups)


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer, with the subject digest that this person saw."""

    id: str
    approval_id: str
    actor_id: str
    actor_name: str
    assurance: str
    verdict: Verdict
    at: datetime
    subject_digest: str
    reason: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approval:
    """A gate of one task run.

    Attributes
    ----------
    subject
        What is approved, as shown: flow revision and digest, inputs, rendered gate, digests of upstream outputs.
    subject_digest
        Digest of ``subject``; a vote must carry the same one.
    form
        Declarations of the ``onResume`` inputs, as written in the flow.
    artefacts
        Files that the description names: ``{"name", "uri"}``, shown inline.
    behavior
        What the deadline does: ``RESUME`` | ``WARN`` | ``FAIL`` | ``CANCEL``.
    status_by
        Actor id of who decided, ``timer`` or ``system``.
    """

    id: str
    execution_id: str
    task_run_id: str
    task_id: str
    namespace: str
    flow_id: str
    status: ApprovalStatus
    opened_at: datetime
    subject: Mapping[str, Any]
    subject_digest: str
    title: str
    description: str = ""
    form: tuple[Mapping[str, Any], ...] = ()
    artefacts: tuple[Mapping[str, str], ...] = ()
    assignment: Assignment = Assignment()
    deadline: datetime | None = None
    behavior: str = "FAIL"
    version: int = 0
    status_at: datetime | None = None
    status_by: str | None = None
    reason: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def guarded(self) -> bool:
        """Whether only its own rule passes this gate: no force-run, no bare resume."""
        return bool(self.assignment)
