"""Executions: created, carried on step by step, read back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_gov.domain.commands import ClearTimers, CloseApproval, Command, Fact, FreeSlot, Notify, SetTimer, Step
from jupyter_gov.domain.events import Event, Start
from jupyter_gov.domain.execution import Execution
from jupyter_gov.errors import AuditError, ConflictError, StoreError
from jupyter_gov.store import commitments, faults
from jupyter_gov.store import execution_sql as sql
from jupyter_gov.store.approvals import Approvals
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import from_json, to_json, to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.facts import with_changes, with_runs, without_gates
from jupyter_gov.store.files import Files
from jupyter_gov.store.flow_triggers import FlowTriggers
from jupyter_gov.store.inbox import Inbox
from jupyter_gov.store.listing import Listing
from jupyter_gov.store.outbox import Outbox
from jupyter_gov.store.referred import referred_to
from jupyter_gov.store.rows import (
    execution_data,
    execution_from,
    execution_hot,
    execution_row,
    task_run_from,
    task_run_row,
)
from jupyter_gov.store.timers import Timers
from jupyter_gov.store.written import Written

_Row = dict[str, Any]
_REFERRING = ("inputs", "trigger", "variables", "outputs")
"""Large values of an execution that may name files."""


def stream(execution_id: str) -> str:
    """Return the audit stream of an execution."""
    return f"execution/{execution_id}"


class Executions(Listing):
    """Executions with their task runs."""

    def __init__(  # noqa: PLR0917 - what it writes together
        self,
        audit: AuditLog,
        outbox: Outbox,
        inbox: Inbox,
        timers: Timers,
        approvals: Approvals,
        files: Files,
        triggers: FlowTriggers,
    ) -> None:
        self._audit, self._outbox, self._inbox = audit, outbox, inbox
        self._timers, self._approvals, self._files, self._triggers = timers, approvals, files, triggers
        self._written = Written()

    def insert(self, tx: Tx, execution: Execution, facts: Sequence[Fact], event: Event | None = None) -> None:
        """Store a new execution, its first event and the record of who started it.

        Raises
        ------
        ConflictError
            An execution of this id exists already.
        AuditError
            ``GOV601``: no facts.
        """
        row, data = execution_row(execution), execution_data(execution)
        tx.run(sql.INSERT, row)
        tx.run(sql.PUT_DATA, data)
        self._put_labels(tx, execution)
        changes = {
            "created": commitments.created(row, data),
            "data": commitments.changing(data),
            "labels": commitments.commit_to([row["labels"]]),
            "row": commitments.of(row, commitments.HOT),
        }
        texts = [data[name] for name in _REFERRING]
        rows = self._put_runs(tx, execution, tuple(run.id for run in execution.ordered()), changes)
        self._add_files(texts + _texts_of(rows), changes)
        self._audit.append(tx, stream(execution.id), with_changes(with_runs(facts, _commitments(rows)), changes))
        if event is not None:
            self._inbox.put(tx, execution.id, event)
        self._announce(tx, execution, row["created_us"])
        self._tell_triggers(tx, execution, 0)
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
            hot = execution_hot(execution)
            known = self._moments(tx, execution, expected_version)
            self._advance(tx, execution.id, hot, expected_version, fence)
            self._write(tx, step, hot)
            self._tell_triggers(tx, execution, known)
        elif _changes(step, expected_version):
            raise AuditError("a change without an entry for the history was refused", code="GOV601")
        if self._inbox.consume(tx, consumed_inbox) != len(consumed_inbox):
            raise ConflictError(f"an event for execution {execution.id} was applied already")
        self._timers.consume(tx, execution.id, consumed_timers)

    def _advance(self, tx: Tx, execution_id: str, hot: Mapping[str, Any], expected: int, fence: int | None) -> None:
        values = {f"new_{name}": value for name, value in hot.items()}
        values["execution"], values["expected"], values["token"] = execution_id, expected, fence
        if tx.run(sql.UPDATE if fence is None else sql.UPDATE_FENCED, values) != 1:
            raise ConflictError(
                f"execution {execution_id} is no longer at version {expected}, or its lease was taken over",
                hint="Read it again and decide anew.",
            )

    def _write(self, tx: Tx, step: Step, hot: Mapping[str, Any]) -> None:
        execution, now_us = step.execution, time.time_ns() // 1000
        for run_id in step.dropped:
            tx.run(sql.DROP_ITEMS, {"execution": execution.id, "run": run_id})
            tx.run(sql.DROP_RUN, {"execution": execution.id, "run": run_id})
        changes: dict[str, Any] = {"row": commitments.of(hot, commitments.HOT)}
        runs = self._put_runs(tx, execution, step.changed, changes)
        texts = _texts_of(runs)
        rows = [row for row in (self._approvals.put(tx, approval) for approval in step.approvals) if row is not None]
        if rows:
            changes["gates"] = [[row["id"], commitments.of(row, commitments.GATE)] for row in rows]
            texts += [row["artefacts"] for row in rows]
        facts = with_runs(self._record(tx, step, hot, now_us, changes, texts), _commitments(runs))
        self._audit.append(tx, stream(execution.id), facts)
        self._announce(tx, execution, now_us)
        tx.after_commit(lambda: self._written.note(execution))

    def _record(  # noqa: PLR0917 - the parts of one step
        self,
        tx: Tx,
        step: Step,
        hot: Mapping[str, Any],
        now_us: int,
        changes: dict[str, Any],
        texts: list[str | None],
    ) -> Sequence[Fact]:
        """Store the rest of a step and return its facts, with a commitment to everything that they do not spell out.

        ``changes`` are those of what was stored before, ``texts`` what in it may name files.
        """
        execution = step.execution
        data_stored, labels_stored = self._written.has(execution)
        if not data_stored:
            data = execution_data(execution)
            tx.run(sql.PUT_DATA, data)
            changes["data"] = commitments.changing(data)
            texts += [data["variables"], data["outputs"]]
        if not labels_stored:
            tx.run(sql.DROP_LABELS, {"execution": execution.id})
            self._put_labels(tx, execution)
            changes["labels"] = commitments.commit_to([hot["labels"]])
        closed, beaten = [], set()
        for command in step.commands:
            if isinstance(command, CloseApproval):
                decision = self._approvals.close(tx, command, now_us)
                if decision is None:
                    beaten.add(command.approval_id)
                else:
                    closed.append([command.approval_id, decision])
            else:
                self._obey(tx, execution, command)
        if closed:
            changes["decisions"] = closed
        self._add_files(texts, changes)
        return with_changes(without_gates(step.facts, beaten), changes)

    def _add_files(self, texts: Sequence[str | None], changes: dict[str, Any]) -> None:
        files = referred_to(self._files, texts)
        if files:
            changes["files"] = files

    def _put_runs(self, tx: Tx, execution: Execution, ids: Sequence[str], changes: dict[str, Any]) -> list[_Row]:
        """Store task runs and return their rows; of loops, add what commits to their values to ``changes``."""
        runs = [execution.task_runs[run_id] for run_id in ids if run_id in execution.task_runs]
        rows = [task_run_row(run) for run in runs]
        tx.many(sql.PUT_RUN, rows)
        for run in runs:
            if run.items is not None:
                key = {"execution": execution.id, "run": run.seq}
                # Asking is cheap; encoding a loop's hundred thousand values at each of its iterations is not.
                if tx.row(sql.HAS_ITEMS, key) is None:
                    items = to_json(run.items)
                    tx.run(sql.PUT_ITEMS, {"execution_id": execution.id, "seq": run.seq, "items": items})
                    changes.setdefault("items", []).append([run.id, commitments.commit_to([items])])
        return rows

    def _put_labels(self, tx: Tx, execution: Execution) -> None:
        created_us = to_us(execution.created)
        pairs = {label.key: label.value for label in execution.labels}
        rows = [
            {"execution_id": execution.id, "key": key, "value": value, "created_us": created_us}
            for key, value in pairs.items()
        ]
        tx.many(sql.PUT_LABEL, rows)

    def _obey(self, tx: Tx, execution: Execution, command: Command) -> None:
        match command:
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

    def _moments(self, tx: Tx, execution: Execution, version: int) -> int | None:
        """Return how many states were stored before; None if nobody wants to know."""
        known = self._written.moments(execution.id, version)
        if known is not None or (execution.trigger is None and not self._triggers.is_watched(tx)):
            return known
        row = tx.row(sql.HISTORY, {"execution": execution.id})
        return None if row is None else len(from_json(row[0]))

    def _tell_triggers(self, tx: Tx, execution: Execution, known: int | None) -> None:
        """Tell of the states that were reached just now, beyond those that were stored before."""
        if known is None or known >= len(execution.history.moments):
            return
        self._triggers.announce(tx, execution, known)
        if execution.state.is_terminal:
            self._triggers.ended(tx, execution)

    def lock_flow(self, tx: Tx, namespace: str, flow_id: str) -> None:
        """Let nobody else count or start executions of a flow until this transaction ends."""
        # SQLite has one writer anyway.
        if tx.dialect == "postgresql":
            tx.row(sql.LOCK_FLOW, {"flow": f"{namespace}/{flow_id}"})

    def slots_taken(self, tx: Tx, namespace: str, flow_id: str) -> int:
        """Return how many slots of a flow with a limit are taken; nobody else counts until this transaction ends.

        An execution that waits for its date has none yet; one that waits in the queue has one as soon as its start is
        on the way.
        """
        self.lock_flow(tx, namespace, flow_id)
        row = tx.row(sql.SLOTS_TAKEN, {"ns": namespace, "flow": flow_id})
        return row[0] if row else 0

    def _start_queued(self, tx: Tx, slot: FreeSlot) -> None:
        free = slot.limit - self.slots_taken(tx, slot.namespace, slot.flow_id)
        for _ in range(free):
            oldest = tx.row(sql.OLDEST_QUEUED, {"ns": slot.namespace, "flow": slot.flow_id})
            if oldest is None:
                return
            self._inbox.put(tx, oldest[0], Start())

    def version(self, tx: Tx, execution_id: str) -> int | None:
        """Return how many commits an execution has seen; None if there is none of this id."""
        row = tx.row(sql.VERSION, {"execution": execution_id})
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
        row = tx.row(sql.LOAD, key)
        if row is None:
            return None
        data = tx.row(sql.LOAD_DATA, key) or ()
        items, runs = tx.rows(sql.LOAD_ITEMS, key), tx.rows(sql.LOAD_RUNS, key)
        try:
            values = {found[1]: tuple(from_json(found[2])) for found in items}
            return execution_from(
                dict(zip(sql.COLUMNS, row, strict=True)),
                dict(zip(sql.DATA_COLUMNS, data, strict=True)),
                [task_run_from(run, values.get(run[1])) for run in runs],
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"the stored columns of execution {execution_id} are damaged: {error}",
                code=faults.DAMAGED,
                hint="Run 'jupyter gov audit verify' to see what was altered, and restore a backup.",
            ) from error


def _commitments(runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {row["id"]: commitments.commit_to_run([row[name] for name in commitments.RUN]) for row in runs}


def _texts_of(runs: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Return what in task runs may name files: their outputs, and the logs of their attempts."""
    return [row[name] for row in runs for name in ("outputs", "attempts")]


def _changes(step: Step, expected_version: int) -> bool:
    moved = step.execution.version != expected_version
    return moved or bool(step.changed or step.dropped or step.approvals or step.commands)
