"""Lists and counts of executions that cost the same whether the store holds a thousand or a million.

Every index ends in ``state, created_us, id``. A list is the union, over the states that are asked for, of the newest
ids of each: so each filter walks one index for at most ``limit`` ids per state, and only the rows that are shown are
read. A label has an index of its own; together with other filters it is walked until enough rows fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, bindparam, func, or_, select, tuple_, union_all

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
_STATES = tuple(sorted(state.value for state in EXECUTION_TRANSITIONS))
_FIELDS = ("namespace", "flow_id", "starter")
_START = Statement(select(_c.created_us).where(_c.id == bindparam("before")))


class Listing:
    """Questions about many executions."""

    def list(
        self, tx: Tx, where: ExecutionFilter | None = None, *, before: str | None = None, limit: int = 50
    ) -> list[ExecutionSummary]:
        """Return executions, newest first; ``before`` is the id to continue after."""
        where = where or ExecutionFilter()
        values = _values(where) | {"n": limit}
        if before is not None:
            start = tx.row(_START, {"before": before})
            if start is None:
                return []
            values |= {"before": before, "before_us": start[0]}
        build = _newest if where.label is None else _labelled
        rows = tx.rows(build(_fields(where), _states(where), before is not None), values)
        waiting = self._open_approvals(tx, [row[0] for row in rows])
        return [_summary(row, waiting.get(row[0], 0)) for row in rows]

    def count_by_state(self, tx: Tx, where: ExecutionFilter | None = None) -> dict[State, int]:
        """Return how many executions there are in each state that occurs."""
        where = where or ExecutionFilter()
        counting = _count(_fields(where), _states(where), where.label is not None)
        return {State(state): count for state, count in tx.rows(counting, _values(where))}

    def _open_approvals(self, tx: Tx, ids: Sequence[str]) -> dict[str, int]:
        if not ids:
            return {}
        query = (
            select(_approvals.c.execution_id, func.count())
            .where(_approvals.c.execution_id.in_(ids), _approvals.c.status == "OPEN")
            .group_by(_approvals.c.execution_id)
        )
        return dict(tx.rows(Statement(query)))


def _fields(where: ExecutionFilter) -> tuple[str, ...]:
    return tuple(name for name in _FIELDS if getattr(where, name) is not None)


def _states(where: ExecutionFilter) -> tuple[str, ...]:
    return tuple(sorted(state.value for state in where.states))


def _values(where: ExecutionFilter) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(where, name) for name in _fields(where)}
    if where.label is not None:
        values["label_key"], values["label_value"] = where.label
    return values


# A union over thirteen states takes SQLAlchemy ten milliseconds to write: once per shape of a question is enough.
@lru_cache(maxsize=128)
def _newest(fields: tuple[str, ...], states: tuple[str, ...], older: bool) -> Statement:
    parts = []
    for state in states or _STATES:
        part = select(_c.id, _c.created_us).where(_c.state == state, *_conditions(fields, (), older))
        parts.append(part.order_by(*_newest_first()).limit(bindparam("n")).subquery().select())
    every = union_all(*parts).subquery()
    ids = select(every.c.id).order_by(every.c.created_us.desc(), every.c.id.desc()).limit(bindparam("n"))
    return Statement(select(*_SHOWN).where(_c.id.in_(ids)).order_by(*_newest_first()))


@lru_cache(maxsize=128)
def _labelled(fields: tuple[str, ...], states: tuple[str, ...], older: bool) -> Statement:
    query = select(*_SHOWN).join(_labels, _labels.c.execution_id == _c.id)
    query = query.where(*_label_is(), *_conditions(fields, states, older))
    return Statement(query.order_by(_labels.c.created_us.desc(), _c.id.desc()).limit(bindparam("n")))


@lru_cache(maxsize=128)
def _count(fields: tuple[str, ...], states: tuple[str, ...], labelled: bool) -> Statement:
    query = select(_c.state, func.count()).where(*_conditions(fields, states, older=False)).group_by(_c.state)
    if labelled:
        query = query.join(_labels, _labels.c.execution_id == _c.id).where(*_label_is())
    found: Executable = query
    return Statement(found)


def _newest_first() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return _c.created_us.desc(), _c.id.desc()


def _conditions(fields: tuple[str, ...], states: tuple[str, ...], older: bool) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_c[name] == bindparam(name) for name in fields]
    if states:
        found.append(or_(*(_c.state == state for state in states)))
    if older:
        found.append(tuple_(_c.created_us, _c.id) < tuple_(bindparam("before_us"), bindparam("before")))
    return found


def _label_is() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _labels.c.key == bindparam("label_key"), _labels.c.value == bindparam("label_value")


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
