"""Lists and counts of executions that cost the same whether the store holds a thousand or a million.

Every index ends in ``state, created_us, id``. A list is the union, over the states that are asked for, of the newest
rows of each: so each filter walks one index for at most ``limit`` rows per state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all

from jupyter_gov.domain.flow import ExecutionFilter, ExecutionSummary
from jupyter_gov.domain.states import EXECUTION_TRANSITIONS, State
from jupyter_gov.store import tables
from jupyter_gov.store.codec import from_us, from_us_or_none, labels_from
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Statement

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_labels = tables.ExecutionLabelRow.__table__  # type: ignore[attr-defined]
_approvals = tables.ApprovalRow.__table__  # type: ignore[attr-defined]
_c = _executions.c

_SHOWN = (
    _c.id,
    _c.namespace,
    _c.flow_id,
    _c.flow_revision,
    _c.state,
    _c.created_us,
    _c.ended_us,
    _c.starter,
    _c.labels,
)
_STATES = tuple(EXECUTION_TRANSITIONS)


class Listing:
    """Questions about many executions."""

    def list(
        self, tx: Tx, where: ExecutionFilter | None = None, *, before: str | None = None, limit: int = 50
    ) -> list[ExecutionSummary]:
        """Return executions, newest first; ``before`` is the id to continue after."""
        where = where or ExecutionFilter()
        start = self._start(tx, before)
        if before is not None and start is None:
            return []
        build = self._newest if where.label is None else self._labelled
        rows = tx.rows(Statement(build(where, start, limit)))
        waiting = self._open_approvals(tx, [row[0] for row in rows])
        return [_summary(row, waiting.get(row[0], 0)) for row in rows]

    def count_by_state(self, tx: Tx, where: ExecutionFilter | None = None) -> dict[State, int]:
        """Return how many executions there are in each state that occurs."""
        where = where or ExecutionFilter()
        query = select(_c.state, func.count()).where(*_conditions(where)).group_by(_c.state)
        if where.label is not None:
            query = query.join(_labels, _labels.c.execution_id == _c.id).where(*_label_is(where.label))
        return {State(state): count for state, count in tx.rows(Statement(query))}

    def _start(self, tx: Tx, before: str | None) -> tuple[int, str] | None:
        if before is None:
            return None
        row = tx.row(Statement(select(_c.created_us).where(_c.id == before)))
        return None if row is None else (row[0], before)

    def _newest(self, where: ExecutionFilter, start: tuple[int, str] | None, limit: int) -> Any:
        states = sorted(where.states) if where.states else _STATES
        parts = []
        for state in states:
            part = select(*_SHOWN).where(_c.state == state.value, *_conditions(where, states=False), *_older(start))
            parts.append(_first(part, limit).subquery().select())
        every = union_all(*parts).subquery()
        return select(every).order_by(every.c.created_us.desc(), every.c.id.desc()).limit(limit)

    def _labelled(self, where: ExecutionFilter, start: tuple[int, str] | None, limit: int) -> Any:
        assert where.label is not None  # noqa: S101 - the caller asks only with a label
        query = (
            select(*_SHOWN)
            .join(_labels, _labels.c.execution_id == _c.id)
            .where(*_label_is(where.label), *_conditions(where), *_older(start))
        )
        return query.order_by(_labels.c.created_us.desc(), _c.id.desc()).limit(limit)

    def _open_approvals(self, tx: Tx, ids: Sequence[str]) -> dict[str, int]:
        if not ids:
            return {}
        query = (
            select(_approvals.c.execution_id, func.count())
            .where(_approvals.c.execution_id.in_(ids), _approvals.c.status == "OPEN")
            .group_by(_approvals.c.execution_id)
        )
        return dict(tx.rows(Statement(query)))


def _first(query: Select[Any], limit: int) -> Select[Any]:
    return query.order_by(_c.created_us.desc(), _c.id.desc()).limit(limit)


def _conditions(where: ExecutionFilter, *, states: bool = True) -> list[ColumnElement[bool]]:
    found = []
    if where.namespace is not None:
        found.append(_c.namespace == where.namespace)
    if where.flow_id is not None:
        found.append(_c.flow_id == where.flow_id)
    if where.starter is not None:
        found.append(_c.starter == where.starter)
    if states and where.states:
        found.append(_c.state.in_(sorted(state.value for state in where.states)))
    return found


def _label_is(label: tuple[str, str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _labels.c.key == label[0], _labels.c.value == label[1]


def _older(start: tuple[int, str] | None) -> list[ColumnElement[bool]]:
    if start is None:
        return []
    created_us, execution_id = start
    return [
        _c.created_us <= created_us,
        or_(_c.created_us < created_us, and_(_c.created_us == created_us, _c.id < execution_id)),
    ]


def _summary(row: tuple[Any, ...], waiting: int) -> ExecutionSummary:
    return ExecutionSummary(
        id=row[0],
        namespace=row[1],
        flow_id=row[2],
        flow_revision=row[3],
        state=State(row[4]),
        created=from_us(row[5]),
        ended=from_us_or_none(row[6]),
        starter=row[7],
        labels={label.key: label.value for label in labels_from(row[8])},
        open_approvals=waiting,
    )
