"""The statements behind ``executions``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Executable, and_, bindparam, delete, func, insert, or_, select, update

from jupyter_gov.domain.states import State
from jupyter_gov.engine.limits import HOLDING
from jupyter_gov.store import tables
from jupyter_gov.store.statements import Statement, columns, upsert

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_data = tables.ExecutionDataRow.__table__  # type: ignore[attr-defined]
_labels = tables.ExecutionLabelRow.__table__  # type: ignore[attr-defined]
_runs = tables.TaskRunRow.__table__  # type: ignore[attr-defined]
_items = tables.TaskRunItemsRow.__table__  # type: ignore[attr-defined]
_inbox = tables.InboxRow.__table__  # type: ignore[attr-defined]
_timers = tables.TimerRow.__table__  # type: ignore[attr-defined]

HOT = ("state", "version", "ended_us", "next_seq", "history", "frame", "labels")
UPDATE_COLUMNS: dict[str, Any] = {name: bindparam(f"new_{name}") for name in HOT}
_unfenced = update(_executions).values(UPDATE_COLUMNS).where(
    _executions.c.id == bindparam("execution"), _executions.c.version == bindparam("expected")
)  # fmt: skip
INSERT = Statement(insert(_executions))
UPDATE = Statement(_unfenced)
UPDATE_FENCED = Statement(_unfenced.where(_executions.c.fence == bindparam("token")))
PUT_DATA = upsert(tables.ExecutionDataRow, update=("variables", "outputs", "failure"))
PUT_LABEL = upsert(tables.ExecutionLabelRow, update=("value",))
DROP_LABELS = Statement(delete(_labels).where(_labels.c.execution_id == bindparam("execution")))
PUT_RUN = upsert(
    tables.TaskRunRow,
    update=("state", "started_us", "ended_us", "history", "attempts", "frame", "outputs", "outputs_digest", "failure"),
)
PUT_ITEMS = upsert(tables.TaskRunItemsRow, update=())
HAS_ITEMS = Statement(
    select(_items.c.seq).where(_items.c.execution_id == bindparam("execution"), _items.c.seq == bindparam("run"))
)
DROP_ITEMS = Statement(
    delete(_items).where(
        _items.c.execution_id == bindparam("execution"),
        _items.c.seq.in_(
            select(_runs.c.seq).where(_runs.c.execution_id == bindparam("execution"), _runs.c.id == bindparam("run"))
        ),
    )
)
DROP_RUN = Statement(
    delete(_runs).where(_runs.c.execution_id == bindparam("execution"), _runs.c.id == bindparam("run"))
)

VERSION = Statement(select(_executions.c.version).where(_executions.c.id == bindparam("execution")))
HISTORY = Statement(select(_executions.c.history).where(_executions.c.id == bindparam("execution")))
LOCK_FLOW = Statement(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("flow"), 1))))
_waits_for_its_date = select(_timers.c.execution_id).where(_timers.c.kind == "scheduled")
_is_told = select(_inbox.c.execution_id)
# An execution that a freed slot was given to already has its start in the inbox.
SLOTS_TAKEN = Statement(
    select(func.count())
    .select_from(_executions)
    .where(
        _executions.c.namespace == bindparam("ns"),
        _executions.c.flow_id == bindparam("flow"),
        or_(
            and_(
                or_(*(_executions.c.state == state.value for state in sorted(HOLDING))),
                _executions.c.id.not_in(_waits_for_its_date),
            ),
            and_(_executions.c.state == State.QUEUED.value, _executions.c.id.in_(_is_told)),
        ),
    )
)
OLDEST_QUEUED = Statement(
    select(_executions.c.id)
    .where(
        _executions.c.namespace == bindparam("ns"),
        _executions.c.flow_id == bindparam("flow"),
        _executions.c.state == State.QUEUED.value,
        _executions.c.id.not_in(_is_told),
    )
    .order_by(_executions.c.created_us, _executions.c.id)
    .limit(1)
)

COLUMNS, DATA_COLUMNS = columns(tables.ExecutionRow), columns(tables.ExecutionDataRow)


def _load(table: Any, key: Any, *order: Any) -> Executable:
    return select(table).where(key == bindparam("execution")).order_by(*order)


LOAD = Statement(_load(_executions, _executions.c.id))
LOAD_DATA = Statement(_load(_data, _data.c.execution_id))
LOAD_RUNS = Statement(_load(_runs, _runs.c.execution_id, _runs.c.seq))
LOAD_ITEMS = Statement(_load(_items, _items.c.execution_id))
