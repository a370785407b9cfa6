"""Executions: created, carried on step by step, read back."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, bindparam, delete, func, insert, select, update

from jupyter_gov.domain.commands import ClearTimers, CloseApproval, Command, Fact, FreeSlot, Notify, SetTimer, Step
from jupyter_gov.domain.events import Event, Start
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.errors import AuditError, ConflictError
from jupyter_gov.store import tables
from jupyter_gov.store.approvals import Approvals
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import from_json, to_json, to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.facts import without_gates
from jupyter_gov.store.inbox import Inbox
from jupyter_gov.store.listing import Listing
from jupyter_gov.store.outbox import Outbox
from jupyter_gov.store.rows import (
    execution_data,
    execution_from,
    execution_hot,
    execution_row,
    task_run_from,
    task_run_row,
)
from jupyter_gov.store.statements import Statement, columns, upsert
from jupyter_gov.store.timers import Timers

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_data = tables.ExecutionDataRow.__table__  # type: ignore[attr-defined]
_labels = tables.ExecutionLabelRow.__table__  # type: ignore[attr-defined]
_runs = tables.TaskRunRow.__table__  # type: ignore[attr-defined]
_items = tables.TaskRunItemsRow.__table__  # type: ignore[attr-defined]

_HOT = ("state", "version", "ended_us", "next_seq", "history", "frame", "labels")
_UPDATE_COLUMNS: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _HOT}
_unfenced = update(_executions).values(_UPDATE_COLUMNS).where(
    _executions.c.id == bindparam("execution"), _executions.c.version == bindparam("expected")
)  # fmt: skip
_INSERT = Statement(insert(_executions))
_UPDATE = Statement(_unfenced)
_UPDATE_FENCED = Statement(_unfenced.where(_executions.c.fence == bindparam("token")))
_PUT_DATA = upsert(tables.ExecutionDataRow, update=("variables", "outputs", "failure"))
_PUT_LABEL = upsert(tables.ExecutionLabelRow, update=("value",))
_DROP_LABELS = Statement(delete(_labels).where(_labels.c.execution_id == bindparam("execution")))
_PUT_RUN = upsert(
    tables.TaskRunRow,
    update=("state", "started_us", "ended_us", "history", "attempts", "frame", "outputs", "outputs_digest", "failure"),
)
_PUT_ITEMS = upsert(tables.TaskRunItemsRow, update=())
_HAS_ITEMS = Statement(
    select(_items.c.seq).where(_items.c.execution_id == bindparam("execution"), _items.c.seq == bindparam("run"))
)
_DROP_ITEMS = Statement(
    delete(_items).where(
        _items.c.execution_id == bindparam("execution"),
        _items.c.seq.in_(
            select(_runs.c.seq).where(_runs.c.execution_id == bindparam("execution"), _runs.c.id == bindparam("run"))
        ),
    )
)
_DROP_RUN = Statement(
    delete(_runs).where(_runs.c.execution_id == bindparam("execution"), _runs.c.id == bindparam("run"))
)

_VERSION = Statement(select(_executions.c.version).where(_executions.c.id == bindparam("execution")))
_LOCK_FLOW = Statement(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("flow"), 1))))
# An execution that a freed slot was given to already has its start in the inbox.
_OLDEST_QUEUED = Statement(
    select(_executions.c.id)
    .where(
        _executions.c.namespace == bindparam("ns"),
        _executions.c.flow_id == bindparam("flow"),
        _executions.c.state == State.QUEUED.value,
        _executions.c.id.not_in(select(tables.InboxRow.__table__.c.execution_id)),  # type: ignore[attr-defined]
    )
    .order_by(_executions.c.created_us, _executions.c.id)
    .limit(1)
)

_COLUMNS, _DATA_COLUMNS = columns(tables.ExecutionRow), columns(tables.ExecutionDataRow)


def _load(table: Any, key: Any, *order: Any) -> Executable:
    return select(table).where(key == bindparam("execution")).order_by(*order)


_LOAD = Statement(_load(_executions, _executions.c.id))
_LOAD_DATA = Statement(_load(_data, _data.c.execution_id))
_LOAD_RUNS = Statement(_load(_runs, _runs.c.execution_id, _runs.c.seq))
_LOAD_ITEMS = Statement(_load(_items, _items.c.execution_id))

_REMEMBERED = 4096


def stream(execution_id: str) -> str:
    """Return the audit stream of an execution."""
    return f"execution/{execution_id}"


class _Written:
    """Remembers which large values of an execution are stored already, so that a step does not write them again.

    Values are immutable and compared by identity; a forgotten one is written once more, which does no harm.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[Any, ...]] = OrderedDict()

    def has(self, execution: Execution) -> tuple[bool, bool]:
        """Return whether the data and the labels are stored as they are."""
        seen = self._seen.get(execution.id)
        if seen is None:
            return False, False
        variables, outputs, failure, labels = seen
        same = variables is execution.variables and outputs is execution.outputs and failure is execution.failure
        return same, labels is execution.labels

    def note(self, execution: Execution) -> None:
        """Remember what is durable now."""
        seen = self._seen
        seen[execution.id] = (execution.variables, execution.outputs, execution.failure, execution.labels)
        seen.move_to_end(execution.id)
        while len(seen) > _REMEMBERED:
            seen.pop(next(iter(seen)), None)


class Executions(Listing):
    """Executions with their task runs."""

    def __init__(self, audit: AuditLog, outbox: Outbox, inbox: Inbox, timers: Timers, approvals: Approvals) -> None:
        self._audit, self._outbox, self._inbox = audit, outbox, inbox
        self._timers, self._approvals = timers, approvals
        self._written = _Written()

    def insert(self, tx: Tx, execution: Execution, facts: Sequence[Fact], event: Event | None = None) -> None:
        """Store a new execution, its first event and the record of who started it.

        Raises
        ------
        ConflictError
            An execution of this id exists already.
        AuditError
            ``GOV601``: no facts.
        """
        row = execution_row(execution)
        tx.run(_INSERT, row)
        tx.run(_PUT_DATA, execution_data(execution))
        self._put_labels(tx, execution)
        self._put_runs(tx, execution, tuple(run.id for run in execution.ordered()))
        self._audit.append(tx, stream(execution.id), facts)
        if event is not None:
            self._inbox.put(tx, execution.id, event)
        self._announce(tx, execution, row["created_us"])
        tx.after_commit(lambda: self._written.note(execution))

    def commit(
        self,
        tx: Tx,
        step: Step,
        *,
        expected_version: int,
        fence: int | None = None,
        consumed_inbox: Sequence[int] = (),
        consumed_timers: Sequence[str] = (),
    ) -> None:
        """Store everything that a step changed, together with its record.

        A step without facts may only consume events that turned out to change nothing.

        Parameters
        ----------
        expected_version
            Version of the execution that the step was computed from.
        fence
            Token of the lease under which it was computed; ``None`` for acts that need no lease.

        Raises
        ------
        ConflictError
            ``GOV701``: the execution has moved on, the lease is somebody else's, or an event was applied already.
        AuditError
            ``GOV601``: the step changes something without a fact.
        """
        execution = step.execution
        if step.facts:
            self._advance(tx, execution, expected_version, fence)
            self._write(tx, step)
        elif _changes(step, expected_version):
            raise AuditError("a change without an entry for the history was refused", code="GOV601")
        if self._inbox.consume(tx, consumed_inbox) != len(consumed_inbox):
            raise ConflictError(f"an event for execution {execution.id} was applied already")
        self._timers.consume(tx, execution.id, consumed_timers)

    def _advance(self, tx: Tx, execution: Execution, expected: int, fence: int | None) -> None:
        values = {f"new_{name}": value for name, value in execution_hot(execution).items()}
        values["execution"], values["expected"], values["token"] = execution.id, expected, fence
        if tx.run(_UPDATE if fence is None else _UPDATE_FENCED, values) != 1:
            raise ConflictError(
                f"execution {execution.id} is no longer at version {expected}, or its lease was taken over",
                hint="Read it again and decide anew.",
            )

    def _write(self, tx: Tx, step: Step) -> None:
        execution = step.execution
        data_stored, labels_stored = self._written.has(execution)
        if not data_stored:
            tx.run(_PUT_DATA, execution_data(execution))
        if not labels_stored:
            tx.run(_DROP_LABELS, {"execution": execution.id})
            self._put_labels(tx, execution)
        for run_id in step.dropped:
            tx.run(_DROP_ITEMS, {"execution": execution.id, "run": run_id})
            tx.run(_DROP_RUN, {"execution": execution.id, "run": run_id})
        self._put_runs(tx, execution, step.changed)
        for approval in step.approvals:
            self._approvals.put(tx, approval)
        now_us = time.time_ns() // 1000
        beaten = {gate for command in step.commands if (gate := self._obey(tx, execution, command, now_us))}
        self._audit.append(tx, stream(execution.id), without_gates(step.facts, beaten))
        self._announce(tx, execution, now_us)
        tx.after_commit(lambda: self._written.note(execution))

    def _put_runs(self, tx: Tx, execution: Execution, ids: Sequence[str]) -> None:
        runs = [execution.task_runs[run_id] for run_id in ids if run_id in execution.task_runs]
        tx.many(_PUT_RUN, [task_run_row(run) for run in runs])
        for run in runs:
            if run.items is not None:
                key = {"execution": execution.id, "run": run.seq}
                # Asking is cheap; encoding a loop's hundred thousand values at each of its iterations is not.
                if tx.row(_HAS_ITEMS, key) is None:
                    tx.run(_PUT_ITEMS, {"execution_id": execution.id, "seq": run.seq, "items": to_json(run.items)})

    def _put_labels(self, tx: Tx, execution: Execution) -> None:
        created_us = to_us(execution.created)
        pairs = {label.key: label.value for label in execution.labels}
        rows = [
            {"execution_id": execution.id, "key": key, "value": value, "created_us": created_us}
            for key, value in pairs.items()
        ]
        tx.many(_PUT_LABEL, rows)

    def _obey(self, tx: Tx, execution: Execution, command: Command, now_us: int) -> str | None:
        """Store what a command asks of the store; return the id of a gate that people had closed before."""
        match command:
            case CloseApproval():
                return None if self._approvals.close(tx, command, now_us) else command.approval_id
            case FreeSlot():
                self._start_queued(tx, command)
            case SetTimer():
                self._timers.set(tx, execution.id, execution.run_as, command)
            case ClearTimers():
                self._timers.clear(tx, execution.id, command.task_run_id)
            case Notify():
                self._inbox.put(tx, command.execution_id, command.event)
            case _:
                pass  # the runtime's: run, kill, start a subflow
        return None

    def lock_flow(self, tx: Tx, namespace: str, flow_id: str) -> None:
        """Let nobody else count or start executions of a flow until this transaction ends."""
        # SQLite has one writer anyway.
        if tx.dialect == "postgresql":
            tx.row(_LOCK_FLOW, {"flow": f"{namespace}/{flow_id}"})

    def _start_queued(self, tx: Tx, slot: FreeSlot) -> None:
        self.lock_flow(tx, slot.namespace, slot.flow_id)
        oldest = tx.row(_OLDEST_QUEUED, {"ns": slot.namespace, "flow": slot.flow_id})
        if oldest is not None:
            self._inbox.put(tx, oldest[0], Start())

    def version(self, tx: Tx, execution_id: str) -> int | None:
        """Return how many commits an execution has seen; None if there is none of this id."""
        row = tx.row(_VERSION, {"execution": execution_id})
        return None if row is None else int(row[0])

    def _announce(self, tx: Tx, execution: Execution, at_us: int) -> None:
        self._outbox.put(
            tx,
            "execution",
            at_us,
            namespace=execution.namespace,
            flow_id=execution.flow_id,
            execution_id=execution.id,
            state=execution.state.value,
            version=execution.version,
        )

    def load(self, tx: Tx, execution_id: str) -> Execution | None:
        """Return an execution with all its task runs; None if there is none of this id."""
        key = {"execution": execution_id}
        row = tx.row(_LOAD, key)
        if row is None:
            return None
        data = tx.row(_LOAD_DATA, key) or ()
        items = {found[1]: tuple(from_json(found[2])) for found in tx.rows(_LOAD_ITEMS, key)}
        runs: list[TaskRun] = [task_run_from(run, items.get(run[1])) for run in tx.rows(_LOAD_RUNS, key)]
        return execution_from(dict(zip(_COLUMNS, row, strict=True)), dict(zip(_DATA_COLUMNS, data, strict=True)), runs)


def _changes(step: Step, expected_version: int) -> bool:
    moved = step.execution.version != expected_version
    return moved or bool(step.changed or step.dropped or step.approvals or step.commands)
