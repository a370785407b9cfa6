"""What a snapshot is made of, as the service handed it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.kernel.snapshot_types import MessageSnapshot
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.service.api import ApprovalDetail


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a snapshot is made of.

    Attributes
    ----------
    logs
        Task run id (None: the execution itself) -> its newest lines.
    log_totals
        Task run id -> how many lines there are.
    artefacts
        URI -> text of a file that a gate refers to.
    decisions
        Approval id -> number of the audit entry that recorded its decision.
    viewer
        As whom the kernel reads and acts.
    """

    execution: Execution
    now: datetime
    flow: Flow | None = None
    approvals: Sequence[ApprovalDetail] = ()
    logs: Mapping[str | None, Sequence[LogLine]] = field(default_factory=dict)
    log_totals: Mapping[str | None, int] = field(default_factory=dict)
    progress: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)
    artefacts: Mapping[str, str] = field(default_factory=dict)
    decisions: Mapping[str, int] = field(default_factory=dict)
    messages: Sequence[MessageSnapshot] = ()
    viewer: Actor | None = None
