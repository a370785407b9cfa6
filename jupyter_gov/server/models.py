"""Shapes of the REST interface: what comes in is checked here, what goes out is documented here.

Texts of others go out as a person may read them (``legible``): pages show them beside the buttons that decide.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import ApprovalStatus, Verdict, Vote
from jupyter_gov.domain.canonical import plain
from jupyter_gov.domain.execution import Execution, Failure, TaskRun
from jupyter_gov.domain.sealed import veiled
from jupyter_gov.legible import legible, visible
from jupyter_gov.service.api import ApprovalDetail

API_LEVEL = 1
"""Rises when the front-end of an older version could misunderstand an answer."""


class Wire(BaseModel):
    """Base of all bodies: camelCase on the wire, unknown keys refused, immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ActorOut(Wire):
    """Who the server takes the reader for."""

    id: str
    name: str
    groups: list[str]
    assurance: str

    @classmethod
    def of(cls, actor: Actor) -> ActorOut:
        """Return the wire form of ``actor``."""
        return cls(id=actor.id, name=visible(actor.name), groups=sorted(actor.groups), assurance=actor.assurance.value)


class HealthOut(Wire):
    """The handshake: tells a front-end whether it fits this server, and whether the server works."""

    version: str
    api_level: int = API_LEVEL
    status: Literal["ok", "broken"]
    problem: dict[str, Any] | None
    actor: ActorOut


class DecisionIn(Wire):
    """An answer to a gate; ``subjectDigest`` is the one that came with what the person saw."""

    verdict: Verdict
    subject_digest: str = Field(min_length=1, max_length=200)
    reason: str | None = Field(default=None, max_length=10_000)
    inputs: dict[str, Any] = Field(default_factory=dict, max_length=200)


class VoteOut(Wire):
    """One person's answer."""

    actor_id: str
    actor_name: str
    assurance: str
    verdict: Verdict
    at: AwareDatetime
    reason: str | None

    @classmethod
    def of(cls, vote: Vote) -> VoteOut:
        """Return the wire form of ``vote``."""
        return cls(
            actor_id=vote.actor_id,
            actor_name=visible(vote.actor_name),
            assurance=vote.assurance,
            verdict=vote.verdict,
            at=vote.at,
            reason=None if vote.reason is None else visible(vote.reason),
        )


class ApprovalOut(Wire):
    """A gate, as the person who asks may see and answer it."""

    id: str
    execution_id: str
    task_run_id: str
    task_id: str
    namespace: str
    flow_id: str
    status: ApprovalStatus
    title: str
    description: str
    opened_at: AwareDatetime
    deadline: AwareDatetime | None
    behavior: str
    subject: Any
    subject_digest: str
    form: list[Any]
    artefacts: list[Any]
    users: list[str]
    groups: list[str]
    votes: list[VoteOut]
    can_decide: bool
    why_not: str | None
    status_at: AwareDatetime | None
    status_by: str | None
    reason: str | None
    inputs: Any

    @classmethod
    def of(cls, detail: ApprovalDetail) -> ApprovalOut:
        """Return the wire form of ``detail``."""
        gate = detail.approval
        return cls(
            id=gate.id,
            execution_id=gate.execution_id,
            task_run_id=gate.task_run_id,
            task_id=gate.task_id,
            namespace=gate.namespace,
            flow_id=gate.flow_id,
            status=gate.status,
            title=visible(gate.title),
            description=visible(gate.description),
            opened_at=gate.opened_at,
            deadline=gate.deadline,
            behavior=gate.behavior,
            subject=legible(plain(veiled(gate.subject))),
            subject_digest=gate.subject_digest,
            form=[legible(plain(field)) for field in gate.form],
            # The address of a file is for the server's own readers, not for pages.
            artefacts=[{"name": visible(artefact["name"])} for artefact in gate.artefacts],
            users=sorted(gate.assignment.users),
            groups=sorted(gate.assignment.groups),
            votes=[VoteOut.of(vote) for vote in detail.votes],
            can_decide=detail.can_decide,
            why_not=None if detail.why_not is None else visible(detail.why_not),
            status_at=gate.status_at,
            status_by=gate.status_by,
            reason=None if gate.reason is None else visible(gate.reason),
            inputs=legible(plain(veiled(gate.inputs))),
        )


class ApprovalsOut(Wire):
    """A list of gates."""

    approvals: list[ApprovalOut]


class ApprovalsQuery(Wire):
    """How a list of gates is narrowed; ``status=any`` lists decided ones too."""

    status: ApprovalStatus | Literal["any"] = ApprovalStatus.OPEN
    execution_id: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=100, ge=1, le=500)


class FailureOut(Wire):
    """Why something failed."""

    code: str
    message: str

    @classmethod
    def of(cls, failure: Failure | None) -> FailureOut | None:
        """Return the wire form of ``failure``."""
        return None if failure is None else cls(code=failure.code, message=visible(failure.message))


class TaskRunOut(Wire):
    """Where one task run stands."""

    id: str
    task_id: str
    value: str | None
    parent_id: str | None
    state: str
    started: AwareDatetime
    ended: AwareDatetime | None
    attempts: int
    failure: FailureOut | None

    @classmethod
    def of(cls, run: TaskRun) -> TaskRunOut:
        """Return the wire form of ``run``."""
        return cls(
            id=run.id,
            task_id=run.task_id,
            value=None if run.value is None else visible(run.value),
            parent_id=run.parent_id,
            state=run.state.value,
            started=run.history.started,
            ended=run.history.ended,
            attempts=len(run.attempts),
            failure=FailureOut.of(run.failure),
        )


class ExecutionOut(Wire):
    """Where an execution stands: what a view needs to catch up when its kernel is busy or gone."""

    id: str
    namespace: str
    flow_id: str
    revision: int
    digest: str
    state: str
    version: int
    created: AwareDatetime
    ended: AwareDatetime | None
    starter: str
    failure: FailureOut | None
    task_runs: list[TaskRunOut]
    task_run_count: int
    approvals: list[ApprovalOut]
    updated_at: datetime

    @classmethod
    def of(cls, execution: Execution, approvals: list[ApprovalDetail], *, now: datetime, newest: int) -> ExecutionOut:
        """Return the wire form of ``execution`` with its ``newest`` task runs."""
        runs = execution.ordered()
        return cls(
            id=execution.id,
            namespace=execution.namespace,
            flow_id=execution.flow_id,
            revision=execution.flow_revision,
            digest=execution.flow_digest,
            state=execution.state.value,
            version=execution.version,
            created=execution.created,
            ended=execution.history.ended,
            starter=execution.starter,
            failure=FailureOut.of(execution.failure),
            task_runs=[TaskRunOut.of(run) for run in runs[-newest:]],
            task_run_count=len(runs),
            approvals=[ApprovalOut.of(detail) for detail in approvals],
            updated_at=now,
        )


class WebhookOut(Wire):
    """What a webhook started; little, since nobody is signed in."""

    id: str
    namespace: str
    flow_id: str
    revision: int
    state: str
    created: datetime

    @classmethod
    def of(cls, execution: Execution) -> WebhookOut:
        """Return the wire form."""
        return cls(
            id=execution.id,
            namespace=execution.namespace,
            flow_id=execution.flow_id,
            revision=execution.flow_revision,
            state=execution.state.value,
            created=execution.created,
        )
