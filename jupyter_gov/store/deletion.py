"""Executions that go: their rows, their log, their metrics. Their history stays, and says who deleted them.

Files lie by content and may be those of other executions too: with its execution a file has no address left, and its
bytes go when files are cleaned up to which nothing refers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, false, func, or_, select, tuple_

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.errors import ConflictError
from jupyter_gov.store import tables
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.outbox import Outbox
from jupyter_gov.store.statements import Statement

DELETED = "execution.deleted"
"""Action of the entry that says that an execution was deleted; its body says whether its files went (``storage``)."""

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_logs = tables.LogRow.__table__  # type: ignore[attr-defined]
_metrics = tables.MetricRow.__table__  # type: ignore[attr-defined]

# Everything that belongs to it goes by its foreign key.
_DELETE = Statement(
    delete(_executions).where(
        _executions.c.id == bindparam("execution"), _executions.c.version == bindparam("expected")
    )
)
_DELETE_LOGS = Statement(delete(_logs).where(_logs.c.execution_id == bindparam("execution")))
_DELETE_METRICS = Statement(delete(_metrics).where(_metrics.c.execution_id == bindparam("execution")))


class Deletions:
    """Takes executions out of the store, in one transaction with the entry that says so."""

    def __init__(self, audit: AuditLog, outbox: Outbox) -> None:
        self._audit, self._outbox = audit, outbox

    def delete(self, tx: Tx, execution: Execution, fact: Fact, *, logs: bool, metrics: bool) -> Mapping[str, int]:
        """Delete an execution and return how many ``logs`` and ``metrics`` went with it.

        Parameters
        ----------
        fact
            Who deletes it and why; what went is added to its body.

        Raises
        ------
        ConflictError
            ``GOV701``: it has moved on since it was read, or is gone.
        """
        if tx.run(_DELETE, {"execution": execution.id, "expected": execution.version}) != 1:
            raise ConflictError(f"execution {execution.id} is no longer at version {execution.version}")
        gone = self._clear(tx, execution.id, logs, metrics)
        body: dict[str, Any] = {**fact.body, "deleted": gone, "changes": {"execution": None}}
        self._audit.append(tx, f"execution/{execution.id}", [replace(fact, body=body)])
        last = execution.history.moments[-1]
        self._outbox.put(
            tx,
            "execution",
            to_us(last.at),
            namespace=execution.namespace,
            flow_id=execution.flow_id,
            execution_id=execution.id,
            state=last.state.value,
            version=execution.version + 1,
        )
        return gone

    def clear(self, tx: Tx, execution: Execution, fact: Fact, *, logs: bool, metrics: bool) -> Mapping[str, int]:
        """Delete log and metrics of an execution that stays; as ``delete`` otherwise."""
        gone = self._clear(tx, execution.id, logs, metrics)
        told = replace(fact, body={**fact.body, "deleted": gone})
        self._audit.append(tx, f"execution/{execution.id}", [told])
        return gone

    @staticmethod
    def _clear(tx: Tx, execution_id: str, logs: bool, metrics: bool) -> Mapping[str, int]:
        values = {"execution": execution_id}
        return {
            "logs": tx.run(_DELETE_LOGS, values) if logs else 0,
            "metrics": tx.run(_DELETE_METRICS, values) if metrics else 0,
        }

    def lines(
        self,
        tx: Tx,
        stream: str,
        fact: Fact,
        *,
        namespace: str | None,
        flow_id: str | None,
        levels: Sequence[str],
        since: datetime | None,
        until: datetime,
    ) -> int:
        """Delete log lines of a time, of executions of a namespace (and those below it) or flow; return how many.

        Parameters
        ----------
        stream
            Whose history says so; ``fact`` gets the number.
        """
        which = [_logs.c.at_us <= bindparam("until")]
        values: dict[str, Any] = {"until": to_us(until)}
        if since is not None:
            which.append(_logs.c.at_us >= bindparam("since"))
            values["since"] = to_us(since)
        if levels:
            which.append(_any_of(_logs.c.level, levels))
        conditions, more = _of(namespace, flow_id)
        if conditions:
            which.append(_logs.c.execution_id.in_(select(_executions.c.id).where(*conditions)))
        count = tx.run(Statement(delete(_logs).where(*which)), values | more)
        self._audit.append(tx, stream, [replace(fact, body={**fact.body, "lines": count})])
        return count

    def page(
        self,
        tx: Tx,
        *,
        namespace: str | None,
        flow_id: str | None,
        states: Sequence[State],
        since: datetime | None,
        until: datetime | None,
        after: tuple[int, str] | None,
        limit: int,
    ) -> list[tuple[int, str]]:
        """Return (created, id) of executions, the oldest first, behind ``after``."""
        which, values = _of(namespace, flow_id)
        which.append(_any_of(_executions.c.state, [state.value for state in states]))
        for name, moment, bound in (
            ("since", since, _executions.c.created_us >= bindparam("since")),
            ("until", until, _executions.c.created_us <= bindparam("until")),
        ):
            if moment is not None:
                which.append(bound)
                values[name] = to_us(moment)
        if after is not None:
            key = tuple_(_executions.c.created_us, _executions.c.id)
            which.append(key > tuple_(bindparam("after_us"), bindparam("after_id")))
            values |= {"after_us": after[0], "after_id": after[1]}
        order = (_executions.c.created_us, _executions.c.id)
        query = select(*order).where(*which).order_by(*order).limit(bindparam("n"))
        return [(int(row[0]), str(row[1])) for row in tx.rows(Statement(query), values | {"n": limit})]

    def count(
        self,
        tx: Tx,
        *,
        namespace: str | None,
        flow_id: str | None,
        states: Sequence[State],
        since: datetime | None,
        until: datetime | None,
    ) -> int:
        """Return how many executions there are, as ``page`` chooses them."""
        which, values = _of(namespace, flow_id)
        if states:
            which.append(_any_of(_executions.c.state, [state.value for state in states]))
        if since is not None:
            which.append(_executions.c.created_us >= bindparam("since"))
            values["since"] = to_us(since)
        if until is not None:
            which.append(_executions.c.created_us <= bindparam("until"))
            values["until"] = to_us(until)
        row = tx.row(Statement(select(func.count()).select_from(_executions).where(*which)), values)
        return 0 if row is None else int(row[0])


def _any_of(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    return or_(false(), *(column == value for value in values))


def _of(namespace: str | None, flow_id: str | None) -> tuple[list[ColumnElement[bool]], dict[str, Any]]:
    """Return what narrows to one flow, or to a namespace and those below it."""
    found: list[ColumnElement[bool]] = []
    values: dict[str, Any] = {}
    if namespace is not None:
        space = _executions.c.namespace == bindparam("space")
        values["space"] = namespace
        if flow_id is None:
            # Not by LIKE, to which `_` is any character, nor by order, which is the database's.
            start = f"{namespace}."
            space |= func.substr(_executions.c.namespace, 1, len(start)) == bindparam("below")
            values["below"] = start
        found.append(space)
    if flow_id is not None:
        found.append(_executions.c.flow_id == bindparam("flow"))
        values["flow"] = flow_id
    return found, values
