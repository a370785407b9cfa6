"""Read gates, and answer them."""

from __future__ import annotations

from dataclasses import replace

from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.server.base import GovHandler, permitted
from jupyter_gov.server.models import ApprovalOut, ApprovalsOut, ApprovalsQuery, DecisionIn
from jupyter_gov.server.readable import readable
from jupyter_gov.service.api import ApprovalDetail, Gov

RESOURCE = "gov:approvals"


def shown(detail: ApprovalDetail) -> ApprovalOut:
    """Return the wire form of a gate; values that cannot be shown must not hide the gate, nor those beside it."""
    try:
        return ApprovalOut.of(detail)
    except (RecursionError, ValueError):
        gate = detail.approval
        cut = replace(
            gate,
            title=readable(gate.title),
            description=readable(gate.description),
            subject=readable(gate.subject),
            form=tuple(readable(field) for field in gate.form),
            artefacts=tuple(readable(artefact) for artefact in gate.artefacts),
            inputs=readable(gate.inputs),
        )
        return ApprovalOut.of(replace(detail, approval=cut))


class ApprovalsHandler(GovHandler):
    """``GET approvals``: what waits for a decision."""

    @permitted("read", RESOURCE)
    async def get(self) -> None:
        """List the gates that the reader may see."""
        query, actor = self.read_query(ApprovalsQuery), self.actor
        status = None if query.status == "any" else ApprovalStatus(query.status)
        found = await self.call(
            lambda gov: gov.approvals.list(actor, status=status, execution_id=query.execution_id, limit=query.limit)
        )
        self.reply(ApprovalsOut(approvals=[shown(detail) for detail in found]))


class ApprovalHandler(GovHandler):
    """``GET approvals/{id}``: one gate with its votes."""

    @permitted("read", RESOURCE)
    async def get(self, approval_id: str) -> None:
        """Show the gate; reading never decides."""
        actor = self.actor
        self.reply(shown(await self.call(lambda gov: gov.approvals.get(approval_id, actor))))


class DecisionHandler(GovHandler):
    """``POST approvals/{id}/decision``: the only address that decides."""

    @permitted("execute", RESOURCE)
    async def post(self, approval_id: str) -> None:
        """Give one answer and show the gate as it then stands."""
        decision, actor = self.read_body(DecisionIn), self.actor

        def decide(gov: Gov) -> ApprovalDetail:
            gov.approvals.decide(
                approval_id,
                decision.verdict,
                actor,
                subject_digest=decision.subject_digest,
                reason=decision.reason,
                inputs=decision.inputs,
            )
            return gov.approvals.get(approval_id, actor)

        self.reply(shown(await self.call(decide)))


ROUTES = [
    (r"approvals", ApprovalsHandler),
    (r"approvals/([\w-]+)", ApprovalHandler),
    (r"approvals/([\w-]+)/decision", DecisionHandler),
]
