"""Log lines and metrics of task runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, bindparam, insert, select

from jupyter_gov.domain.flow import LogLine
from jupyter_gov.plugins.context import Metric
from jupyter_gov.store import tables
from jupyter_gov.store.codec import clean, from_json, from_us, to_json, to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.outbox import CURRENT_XID, SETTLED_XID
from jupyter_gov.store.statements import Name, Statement

_logs = tables.LogRow.__table__  # type: ignore[attr-defined]
_metrics = tables.MetricRow.__table__  # type: ignore[attr-defined]
_FIELDS = ("execution_id", "task_run_id", "task_id", "attempt", "level", "at_us", "message")
_METRIC_FIELDS = ("execution_id", "task_run_id", "task_id", "name", "type", "value", "tags", "at_us")


def _add(name: Name) -> Executable:
    values: dict[str, Any] = {field: bindparam(field) for field in _FIELDS}
    values["commit_xid"] = CURRENT_XID if name == "postgresql" else 0
    return insert(_logs).values(values)


def _after(of_task_run: bool) -> Statement:
    def build(name: Name) -> Executable:
        query = select(*(_logs.c[field] for field in ("id", *_FIELDS))).where(
            _logs.c.execution_id == bindparam("execution"), _logs.c.id > bindparam("cursor")
        )
        if of_task_run:
            query = query.where(_logs.c.task_run_id == bindparam("run"))
        if name == "postgresql":
            query = query.where(_logs.c.commit_xid < SETTLED_XID)
        return query.order_by(_logs.c.id).limit(bindparam("n"))

    return Statement(build)


_ADD, _AFTER, _AFTER_OF_RUN = Statement(_add), _after(False), _after(True)
_ADD_METRIC = Statement(insert(_metrics).values({field: bindparam(field) for field in _METRIC_FIELDS}))
_METRICS = Statement(
    select(*(_metrics.c[field] for field in _METRIC_FIELDS))
    .where(_metrics.c.execution_id == bindparam("execution"))
    .order_by(_metrics.c.id)
)


class Logs:
    """Log lines; the outcome of a run does not depend on them, so they are not part of its commits."""

    def add(self, tx: Tx, lines: Sequence[LogLine]) -> None:
        """Store lines in the order given; the ``id`` they carry is ignored."""
        rows = [
            {
                "execution_id": line.execution_id,
                "task_run_id": line.task_run_id,
                "task_id": line.task_id,
                "attempt": line.attempt,
                "level": line.level,
                "at_us": to_us(line.at),
                "message": clean(line.message),
            }
            for line in lines
        ]
        tx.many(_ADD, rows)

    def after(
        self, tx: Tx, execution_id: str, after: int = 0, task_run_id: str | None = None, limit: int = 1000
    ) -> list[LogLine]:
        """Return lines whose id is higher than ``after``, oldest first."""
        values = {"execution": execution_id, "cursor": after, "run": task_run_id, "n": limit}
        rows = tx.rows(_AFTER if task_run_id is None else _AFTER_OF_RUN, values)
        return [LogLine(*(*row[:6], from_us(row[6]), row[7])) for row in rows]


@dataclass(frozen=True, slots=True)
class StoredMetric:
    """A metric and where it comes from."""

    execution_id: str
    task_run_id: str | None
    task_id: str | None
    metric: Metric
    at: datetime


class Metrics:
    """Numbers that tasks reported."""

    def add(
        self,
        tx: Tx,
        execution_id: str,
        task_run_id: str | None,
        task_id: str | None,
        metrics: Sequence[Metric],
        *,
        at: datetime,
    ) -> None:
        """Store metrics of one task run."""
        rows = [
            {
                "execution_id": execution_id,
                "task_run_id": task_run_id,
                "task_id": task_id,
                "name": clean(metric.name),
                "type": metric.type,
                "value": float(metric.value),
                "tags": to_json(metric.tags),
                "at_us": to_us(at),
            }
            for metric in metrics
        ]
        tx.many(_ADD_METRIC, rows)

    def list(self, tx: Tx, execution_id: str) -> list[StoredMetric]:
        """Return the metrics of an execution in the order in which they came."""
        return [
            StoredMetric(row[0], row[1], row[2], Metric(row[3], row[4], row[5], from_json(row[6])), from_us(row[7]))
            for row in tx.rows(_METRICS, {"execution": execution_id})
        ]
