"""Human gates: who may answer, over what, and that exactly one answer counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import Approval, ApprovalStatus, Verdict, Vote
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import ApprovalDecided
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.sealed import recorded
from jupyter_gov.engine.flowables.base import Gate
from jupyter_gov.engine.subject import subject_digest as digest_of
from jupyter_gov.engine.subject import subject_of
from jupyter_gov.errors import AccessError, ConflictError, InputError, NotFoundError
from jupyter_gov.service.api import ApprovalDetail
from jupyter_gov.service.inputs import typed_form
from jupyter_gov.service.words import moment

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.database import Tx

_STATUS = {Verdict.APPROVE: ApprovalStatus.APPROVED, Verdict.REJECT: ApprovalStatus.REJECTED}
_ACTION = {
    Verdict.APPROVE: "approval.approved",
    Verdict.REJECT: "approval.rejected",
    Verdict.ASK_FOR_CHANGES: "approval.changes_requested",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person answers to a gate, before anything was checked."""

    verdict: Verdict
    actor: Actor
    subject_digest: str
    reason: str | None
    inputs: Mapping[str, Any]


class Approvals:
    """Implements ``api.ApprovalService`` over the store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def list(
        self,
        actor: Actor,
        *,
        status: ApprovalStatus | None = ApprovalStatus.OPEN,
        execution_id: str | None = None,
        limit: int = 100,
    ) -> Sequence[ApprovalDetail]:
        """Return gates, newest first."""
        store = self._parts.store
        with store.read() as tx:
            found, now = store.approvals.list(tx, status=status, within=execution_id, limit=limit), store.now(tx)
            return [self._detail(approval, store.approvals.votes(tx, approval.id), actor, now) for approval in found]

    def get(self, approval_id: str, actor: Actor) -> ApprovalDetail:
        """Return a gate with its votes.

        Raises
        ------
        NotFoundError
            ``GOV302``: there is none of this id.
        """
        store = self._parts.store
        with store.read() as tx:
            approval = store.approvals.get(tx, approval_id)
            if approval is None:
                raise NotFoundError(
                    f"there is no approval {approval_id}", hint="`jupyter gov approvals` lists those that wait."
                )
            return self._detail(approval, store.approvals.votes(tx, approval_id), actor, store.now(tx))

    def _detail(self, approval: Approval, votes: Sequence[Vote], actor: Actor, now: datetime) -> ApprovalDetail:
        why_not = self._parts.access.may_decide(actor, approval)
        if why_not is None and approval.status is not ApprovalStatus.OPEN:
            why_not = _decided_text(approval)
        elif why_not is None and _is_over(approval, now):
            why_not = _over_text(approval)
        return ApprovalDetail(approval, tuple(votes), can_decide=why_not is None, why_not=why_not)

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
        """Answer a gate; one compare-and-set decides, everything else changes nothing."""
        reason = (reason or "").strip() or None
        if verdict is not Verdict.APPROVE and reason is None:
            raise InputError(
                f"to {verdict.replace('_', ' ')} needs a reason", code="GOV221", hint="Say why; it goes on record."
            )
        answer = Answer(verdict, actor, subject_digest, reason, inputs or {})
        values = self._values(approval_id, answer)
        try:
            approval = self._parts.store.retrying(lambda tx: self._answer(tx, approval_id, answer, values))
        except ConflictError as error:
            detail = self.get(approval_id, actor)
            raise AccessError(
                _decided_text(detail.approval), code="GOV409", hint="Nothing was changed by your answer."
            ) from error
        self._parts.wake()
        return approval

    def _values(self, approval_id: str, answer: Answer) -> Mapping[str, Any]:
        """Return what was typed into the form, ready to be stored; files are copied here, outside of the decision.

        The form is part of the subject: if it changes until the decision, the decision is refused.
        """
        with self._parts.store.read() as tx:
            approval, execution = self._checked(tx, approval_id, answer, self._parts.store.now(tx))
        if answer.verdict is not Verdict.APPROVE:
            return {}
        return typed_form(self._parts, execution, approval, answer.inputs)

    def _checked(self, tx: Tx, approval_id: str, answer: Answer, now: datetime) -> tuple[Approval, Execution]:
        store = self._parts.store
        approval = store.approvals.get(tx, approval_id)
        if approval is None:
            raise NotFoundError(f"there is no approval {approval_id}")
        self._check(approval, answer, now)
        return approval, _check_subject(approval, store.executions.load(tx, approval.execution_id))

    def _answer(self, tx: Tx, approval_id: str, answer: Answer, values: Mapping[str, Any]) -> Approval:
        store = self._parts.store
        now = store.now(tx)  # of the writing transaction: whoever waited for the lock may have become late
        approval, _ = self._checked(tx, approval_id, answer, now)
        vote = _vote(approval, answer, now, values)
        fact = _fact(approval, vote, answer.actor)
        if answer.verdict is Verdict.ASK_FOR_CHANGES:
            store.approvals.add_vote(tx, vote, (fact,))
            return approval
        status = _STATUS[answer.verdict]
        return store.approvals.decide(
            tx,
            approval_id,
            expected_version=approval.version,
            status=status,
            by=answer.actor.id,
            at=vote.at,
            reason=answer.reason,
            inputs=values,
            vote=vote,
            facts=(fact,),
            event=ApprovalDecided(
                approval_id,
                approval.task_run_id,
                str(status),
                answer.actor.id,
                vote.at.isoformat(),
                answer.reason,
                values,
            ),
        )

    def _check(self, approval: Approval, answer: Answer, now: datetime) -> None:
        why_not = self._parts.access.may_decide(answer.actor, approval)
        if why_not is not None:
            raise AccessError(why_not, code="GOV403", hint="Ask one of them, or an administrator to reassign it.")
        if approval.status is not ApprovalStatus.OPEN:
            raise AccessError(_decided_text(approval), code="GOV409", hint="Nothing was changed by your answer.")
        if _is_over(approval, now):
            # The timer acts only where a loop is alive; the deadline holds all the same.
            self._parts.wake()
            raise AccessError(
                _over_text(approval),
                code="GOV409",
                hint="Nothing was changed by your answer. Start the flow again to ask for a new approval.",
            )
        if answer.subject_digest != approval.subject_digest:
            raise AccessError(
                "what this gate approves is not what you saw",
                code="GOV412",
                hint="Read the gate again, then decide.",
            )


def _check_subject(approval: Approval, execution: Execution | None) -> Execution:
    """Refuse a decision over something else than the stored execution (a changed row, a changed file)."""
    run = None if execution is None else execution.task_runs.get(approval.task_run_id)
    if execution is None or run is None:
        raise NotFoundError(f"the execution of approval {approval.id} does not exist any more")
    gate = Gate(approval.title, approval.description, approval.form, approval.assignment, None, approval.behavior)
    if digest_of(_at_opening(subject_of(execution, run, gate), approval)) != approval.subject_digest:
        raise AccessError(
            "what this gate approves has changed since it was opened",
            code="GOV412",
            hint="Start the flow again; the new execution asks for a new approval.",
        )
    return execution


def _at_opening(subject: dict[str, Any], approval: Approval) -> dict[str, Any]:
    # Tasks of parallel branches may have ended since; they are not what the gate was opened over.
    known = {(item["task"], tuple(item["path"])) for item in approval.subject.get("upstream", ())}
    upstream = [item for item in subject["upstream"] if (item["task"], tuple(item["path"])) in known]
    return {**subject, "upstream": upstream}


def _vote(approval: Approval, answer: Answer, now: datetime, values: Mapping[str, Any]) -> Vote:
    return Vote(
        id=new_id(),
        approval_id=approval.id,
        actor_id=answer.actor.id,
        actor_name=answer.actor.name,
        assurance=str(answer.actor.assurance),
        verdict=answer.verdict,
        at=now,
        subject_digest=approval.subject_digest,
        reason=answer.reason,
        inputs=values,
    )


def _fact(approval: Approval, vote: Vote, actor: Actor) -> Fact:
    body: dict[str, Any] = {
        "approval": approval.id,
        "taskRun": approval.task_run_id,
        "vote": vote.id,
        "verdict": str(vote.verdict),
        "reason": vote.reason,
        "inputs": recorded(vote.inputs),
        "subjectDigest": vote.subject_digest,
    }
    if vote.verdict in _STATUS:
        body["changes"] = {"approvals": [[approval.id, str(_STATUS[vote.verdict]), None]]}
    return Fact(_ACTION[vote.verdict], approval.id, actor.id, str(actor.assurance), body)


def _is_over(approval: Approval, now: datetime) -> bool:
    return approval.deadline is not None and now >= approval.deadline


def _over_text(approval: Approval) -> str:
    return (
        f"nobody can answer this gate any more: its time is over since {moment(approval.deadline)}, and its deadline"
        f" decides ({approval.behavior})"
    )


def _decided_text(approval: Approval) -> str:
    by = f" by {approval.status_by}" if approval.status_by else ""
    at = f" on {approval.status_at:%Y-%m-%d %H:%M:%S %Z}" if approval.status_at else ""
    return f"this gate was already {approval.status.lower()}{by}{at}"
