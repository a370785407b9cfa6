"""Human gates and the votes on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from jupyter_gov.domain.approval import Approval, ApprovalStatus, Vote
from jupyter_gov.domain.commands import CloseApproval, Fact
from jupyter_gov.domain.events import Event
from jupyter_gov.errors import ConflictError
from jupyter_gov.store import commitments, descent, tables
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import clean, clean_or_none, to_json, to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.facts import with_changes
from jupyter_gov.store.files import Files
from jupyter_gov.store.inbox import Inbox
from jupyter_gov.store.outbox import Outbox
from jupyter_gov.store.referred import referred_to
from jupyter_gov.store.rows import approval_from, approval_row, vote_from, vote_row
from jupyter_gov.store.statements import Statement, columns, upsert

_approvals = tables.ApprovalRow.__table__  # type: ignore[attr-defined]
_votes = tables.VoteRow.__table__  # type: ignore[attr-defined]
_OPEN = ApprovalStatus.OPEN.value
_FIXED = {"id", "execution_id", "task_run_id", "task_id", "namespace", "flow_id", "opened_us"}

# Only an open gate is rewritten: a late timer never undoes what a person decided.
_PUT = upsert(
    tables.ApprovalRow,
    update=columns(tables.ApprovalRow, without=_FIXED),
    where=_approvals.c.status == _OPEN,
)
_DECIDE = Statement(
    update(_approvals)
    .where(
        _approvals.c.id == bindparam("gate"),
        _approvals.c.status == _OPEN,
        _approvals.c.version == bindparam("expected"),
    )
    .values(
        status=bindparam("new_status"),
        version=_approvals.c.version + 1,
        status_us=bindparam("new_us"),
        status_by=bindparam("new_by"),
        reason=bindparam("new_reason"),
        inputs=bindparam("new_inputs"),
    )
)
_CLOSE = Statement(
    update(_approvals)
    .where(_approvals.c.id == bindparam("gate"), _approvals.c.status == _OPEN)
    .values(
        status=bindparam("new_status"),
        version=_approvals.c.version + 1,
        status_us=bindparam("new_us"),
        status_by=bindparam("new_by"),
    )
)
_GET = Statement(select(_approvals).where(_approvals.c.id == bindparam("gate")))
_ADD_VOTE = Statement(insert(_votes))
_VOTES = Statement(
    select(_votes).where(_votes.c.approval_id == bindparam("gate")).order_by(_votes.c.at_us, _votes.c.id)
)
_COUNTS = Statement(select(_approvals.c.status, func.count()).group_by(_approvals.c.status))


class Approvals:
    """Gates; a gate leaves OPEN exactly once."""

    def __init__(self, audit: AuditLog, outbox: Outbox, inbox: Inbox, files: Files) -> None:
        self._audit, self._outbox, self._inbox, self._files = audit, outbox, inbox, files

    def put(self, tx: Tx, approval: Approval) -> dict[str, Any] | None:
        """Store a gate that a step opened, changed or closed; return the row, None if it is as it was.

        Raises
        ------
        ConflictError
            The gate was decided otherwise meanwhile.
        """
        row = approval_row(approval)
        if tx.run(_PUT, row) == 1:
            return row
        stored = self.get(tx, approval.id)
        if stored is None or stored.status is not approval.status:
            raise ConflictError(f"approval {approval.id} was decided already")
        return None

    def get(self, tx: Tx, approval_id: str) -> Approval | None:
        """Return a gate; None if there is none of this id."""
        row = tx.row(_GET, {"gate": approval_id})
        return None if row is None else approval_from(row)

    def list(
        self,
        tx: Tx,
        *,
        status: ApprovalStatus | None = None,
        execution_id: str | None = None,
        within: str | None = None,
        namespace: str | None = None,
        limit: int = 100,
    ) -> list[Approval]:
        """Return gates, the longest waiting first if open ones are asked for, else the newest first.

        ``execution_id`` narrows them to one execution, ``within`` to one and those that it started.
        """
        query = select(_approvals)
        if status is not None:
            query = query.where(_approvals.c.status == status.value)
        if execution_id is not None:
            query = query.where(_approvals.c.execution_id == execution_id)
        if within is not None:
            query = query.where(_approvals.c.execution_id.in_(descent.tree()))
        if namespace is not None:
            query = query.where(_approvals.c.namespace == namespace)
        order = _approvals.c.opened_us
        query = query.order_by(order if status is ApprovalStatus.OPEN else order.desc(), _approvals.c.id).limit(limit)
        return [approval_from(row) for row in tx.rows(Statement(query), {"root": within})]

    def counts(self, tx: Tx) -> dict[ApprovalStatus, int]:
        """Return how many gates there are of each status."""
        return {ApprovalStatus(status): count for status, count in tx.rows(_COUNTS)}

    def votes(self, tx: Tx, approval_id: str) -> Sequence[Vote]:
        """Return the votes on a gate, oldest first."""
        return [vote_from(row) for row in tx.rows(_VOTES, {"gate": approval_id})]

    def add_vote(self, tx: Tx, vote: Vote, facts: Sequence[Fact]) -> None:
        """Store a vote that leaves its gate open.

        Raises
        ------
        ConflictError
            The gate is no longer open.
        """
        gate = self.get(tx, vote.approval_id)
        if gate is None or gate.status is not ApprovalStatus.OPEN:
            raise ConflictError(f"approval {vote.approval_id} is no longer open")
        changes = {"votes": [self._cast(tx, vote)]}
        self._audit.append(tx, f"execution/{gate.execution_id}", with_changes(facts, changes))
        self._announce(tx, gate, to_us(vote.at))

    def decide(
        self,
        tx: Tx,
        approval_id: str,
        *,
        expected_version: int,
        status: ApprovalStatus,
        by: str,
        at: datetime,
        reason: str | None,
        inputs: Mapping[str, Any] | None,
        vote: Vote | None,
        facts: Sequence[Fact],
        event: Event | None,
    ) -> Approval:
        """Close an open gate: decision, vote, record and the event for the execution, together or not at all.

        Raises
        ------
        ConflictError
            ``GOV701``: the gate is no longer open, or its subject changed since ``expected_version``.
        """
        stored_inputs = to_json(inputs or {})
        values = {
            "gate": approval_id,
            "expected": expected_version,
            "new_status": status.value,
            "new_us": to_us(at),
            "new_by": clean(by),
            "new_reason": clean_or_none(reason),
            "new_inputs": stored_inputs,
        }
        if tx.run(_DECIDE, values) != 1:
            raise ConflictError(
                f"approval {approval_id} is no longer open, or it was changed meanwhile",
                hint="Look at it again.",
            )
        gate = self.get(tx, approval_id)
        assert gate is not None  # noqa: S101 - it was updated in this transaction
        changes: dict[str, Any] = {
            "approvals": [[gate.id, gate.status.value, gate.subject_digest]],
            "decisions": [[gate.id, commitments.decision(approval_row(gate))]],
        }
        if vote is not None:
            changes["votes"] = [self._cast(tx, vote)]
        files = referred_to(self._files, [stored_inputs])
        if files:
            changes["files"] = files
        if event is not None:
            self._inbox.put(tx, gate.execution_id, event)
        self._audit.append(tx, f"execution/{gate.execution_id}", with_changes(facts, changes))
        self._announce(tx, gate, to_us(at))
        return gate

    def close(self, tx: Tx, command: CloseApproval, at_us: int) -> str | None:
        """Take a gate out of OPEN for a step; return the digest of the decision, None if people were first.

        Raises
        ------
        ConflictError
            ``GOV702``: people were first, and the step is only true if they were not.
        """
        values = {
            "gate": command.approval_id,
            "new_status": command.status.value,
            "new_us": at_us,
            "new_by": clean(command.by),
        }
        if tx.run(_CLOSE, values) == 1:
            gate = self.get(tx, command.approval_id)
            assert gate is not None  # noqa: S101 - it was updated in this transaction
            return commitments.decision(approval_row(gate))
        if command.required:
            raise ConflictError(f"approval {command.approval_id} was decided before its deadline", code="GOV702")
        return None

    def _cast(self, tx: Tx, vote: Vote) -> Sequence[str]:
        row = vote_row(vote)
        tx.run(_ADD_VOTE, row)
        return [vote.id, commitments.vote(row)]

    def _announce(self, tx: Tx, gate: Approval, at_us: int) -> None:
        self._outbox.put(
            tx,
            "approval",
            at_us,
            namespace=gate.namespace,
            flow_id=gate.flow_id,
            execution_id=gate.execution_id,
            state=gate.status.value,
            version=gate.version,
        )
