"""Human gates: who waits for what, and the answer."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_gov.cli import host, screen, shapes
from jupyter_gov.cli.commands.runs import stay, taken_up
from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.service import lookup
from jupyter_gov.service.words import cut, moment, short_id


def approvals(*, every: bool, as_json: bool) -> None:
    """List the gates that wait for an answer, or all."""
    with host.opened() as (gov, actor):
        found = gov.approvals.list(actor, status=None if every else ApprovalStatus.OPEN)
    if as_json:
        screen.emit([shapes.approval(detail) for detail in found])
        return
    rows = [
        (
            short_id(detail.approval.id),
            f"{detail.approval.flow_id}/{detail.approval.task_id}",
            detail.approval.status.value,
            moment(detail.approval.opened_at),
            detail.approval.status_by or ("you may answer" if detail.can_decide else detail.why_not or "not you"),
            cut(detail.approval.description or detail.approval.title, 60),
        )
        for detail in found
    ]
    screen.table(("Gate", "Flow/task", "Status", "Since", "Who", "What"), rows, empty="Nothing waits for approval.")


def approve(gate_id: str, reason: str | None, inputs: Mapping[str, str], *, follow: bool, as_json: bool) -> int:
    """Approve a gate; return the exit code that says how the run stands then."""
    return _decide(gate_id, Verdict.APPROVE, reason, inputs, follow=follow, as_json=as_json)


def reject(gate_id: str, reason: str, *, follow: bool, as_json: bool) -> None:
    """Reject a gate; that the run then fails is what was asked for."""
    _decide(gate_id, Verdict.REJECT, reason, {}, follow=follow, as_json=as_json)


def _decide(
    gate_id: str, verdict: Verdict, reason: str | None, inputs: Mapping[str, str], *, follow: bool, as_json: bool
) -> int:
    with host.opened() as (gov, actor):
        seen = lookup.approval(gov, gate_id, actor).approval
        before = gov.executions.get(seen.execution_id, actor)
        gate = gov.approvals.decide(
            seen.id, verdict, actor, subject_digest=seen.subject_digest, reason=reason, inputs=inputs
        )
        if not as_json:
            screen.say(f'{gate.status.value.lower()}: gate "{gate.task_id}" of {gate.flow_id}', stderr=True)
        if follow and taken_up(gov, actor, before):
            return stay(gov, actor, gate.execution_id, wait=False, timeout=None, quiet=False, as_json=as_json)
        if as_json:
            screen.emit(shapes.approval(gov.approvals.get(gate.id, actor)))
        return 0
