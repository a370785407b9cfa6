"""Stores new executions so that they begin: at once, at a date, or when their flow's limit lets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_gov.domain.commands import Fact, SetTimer
from jupyter_gov.domain.events import Event, SubflowEnded
from jupyter_gov.domain.execution import Execution
from jupyter_gov.engine.limits import admit
from jupyter_gov.runtime.owned import NewExecution

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx


def insert_new(tx: Tx, store: Store, new: NewExecution) -> Execution:
    """Store a new execution and return it as it was stored.

    One that a check of its flow ended before it began is stored as it is; one that the limit of its flow does not let
    run, queued, cancelled or failed. If it was called, its caller hears of its end at once.
    """
    stored = _store(tx, store, new)
    if new.lines:
        store.logs.add(tx, new.lines)
    return stored


def _store(tx: Tx, store: Store, new: NewExecution) -> Execution:
    if new.execution.state.is_terminal:
        return _insert(tx, store, new.execution, new.facts, None)
    if new.due is not None:
        kind = "start" if new.has_slot else "scheduled"
        store.executions.insert(tx, new.execution, new.facts, None)
        timer = SetTimer(kind, kind, new.due, None, new.execution.history.version)
        store.timers.set(tx, new.execution.id, new.execution.run_as, timer)
        return new.execution
    limited = new.flow.concurrency is not None
    taken = store.executions.slots_taken(tx, new.flow.namespace, new.flow.id) if limited else 0
    return _insert(tx, store, *admit(new.flow, new.execution, new.facts, running=taken))


def _insert(tx: Tx, store: Store, execution: Execution, facts: Sequence[Fact], event: Event | None) -> Execution:
    store.executions.insert(tx, execution, facts, event)
    if execution.state.is_terminal and execution.parent_id and execution.parent_task_run_id:
        ended = SubflowEnded(execution.parent_task_run_id, execution.id, execution.state, iteration=execution.batch)
        store.inbox.put(tx, execution.parent_id, ended)
    return execution
