"""Taking ended executions out of the store; their history stays and says by whom and why.

A gate with rules of its own is not got around by it ("No bypass"): an execution that another one called, and in which
such a gate stands, goes only after its caller, whose verbs look at that gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import TERMINAL, State
from jupyter_gov.errors import AccessError, ExecutionError, NotFoundError
from jupyter_gov.store.deletion import DELETED
from jupyter_gov.store.referred import referred_to

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.database import Tx

_MOST_GATES = 10_000
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Extent:
    """What goes: the execution itself, its log lines, its metrics, the addresses of its files."""

    execution: bool = True
    logs: bool = True
    metrics: bool = True
    storage: bool = True


@dataclass(frozen=True, slots=True)
class Range:
    """Which executions are meant: of a namespace and those below it, or of one flow, by when they were created."""

    namespace: str | None = None
    flow_id: str | None = None
    states: Sequence[State] = ()
    since: datetime | None = None
    until: datetime | None = None


class Deletion:
    """Deletes executions, one transaction each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def delete(
        self, execution_id: str, actor: Actor, extent: Extent, reason: str | None, more: Mapping[str, Any] | None = None
    ) -> Mapping[str, int]:
        """Delete an execution and return how much of what went.

        Parameters
        ----------
        more
            What else its history says about the deletion.

        Raises
        ------
        NotFoundError
            ``GOV302``: there is none of this id.
        ExecutionError
            ``GOV343``: it has not ended.
        AccessError
            ``GOV344``: a gate with rules of its own stands in it, and its caller is still there.
        """
        gone = self._parts.store.retrying(lambda tx: self._delete(tx, execution_id, actor, extent, reason, more or {}))
        self._parts.store.wake()
        return gone

    def _delete(  # noqa: PLR0917 - what is deleted, by whom, why
        self,
        tx: Tx,
        execution_id: str,
        actor: Actor,
        extent: Extent,
        reason: str | None,
        more: Mapping[str, Any],
    ) -> Mapping[str, int]:
        store = self._parts.store
        execution = store.executions.load(tx, execution_id)
        if execution is None:
            raise NotFoundError(
                f"there is no execution {execution_id}", hint="`jupyter gov runs` lists the latest ones."
            )
        _check_ended(execution)
        if extent.execution:
            self._check_called(tx, execution)
        files = len(referred_to(store.files, _texts(execution))) if extent.storage else 0
        body = {
            "flow": {
                "namespace": execution.namespace,
                "id": execution.flow_id,
                "revision": execution.flow_revision,
            },
            "state": str(execution.state),
            "starter": execution.starter,
            "storage": extent.storage,
            "reason": reason,
            **more,
        }
        action = DELETED if extent.execution else "execution.cleared"
        fact = Fact(action, execution.id, actor.id, str(actor.assurance), body)
        how = store.deletions.delete if extent.execution else store.deletions.clear
        return {**how(tx, execution, fact, logs=extent.logs, metrics=extent.metrics), "files": files}

    def _check_called(self, tx: Tx, execution: Execution) -> None:
        store = self._parts.store
        # A replay has a parent too, but none that waited for it.
        if execution.parent_id is None or execution.parent_task_run_id is None:
            return
        caller = store.executions.load(tx, execution.parent_id)
        if caller is None:
            return
        for gate in store.approvals.list(tx, within=execution.id, limit=_MOST_GATES):
            if gate.guarded:
                raise AccessError(
                    f"gate {gate.id} has rules of its own, and execution {caller.id} has called this one: without it "
                    "nobody could tell whether the gate let that one pass",
                    code="GOV344",
                    hint=f"Delete {caller.id} first.",
                )

    def find(self, where: Range) -> Iterator[str]:
        """Yield the ended executions of a range, the oldest first; what is deleted meanwhile does not matter."""
        states = [state for state in where.states or sorted(TERMINAL) if state.is_terminal]
        last: tuple[int, str] | None = None
        while True:
            with self._parts.store.read() as tx:
                page = self._parts.store.deletions.page(
                    tx,
                    namespace=where.namespace,
                    flow_id=where.flow_id,
                    states=states,
                    since=where.since,
                    until=where.until,
                    after=last,
                    limit=_PAGE,
                )
            yield from (execution_id for _, execution_id in page)
            if len(page) < _PAGE:
                return
            last = page[-1]


def _check_ended(execution: Execution) -> None:
    if execution.state.is_terminal and execution.is_over:
        return
    still = ", and its afterExecution tasks still run" if execution.state.is_terminal else ""
    raise ExecutionError(
        f"execution {execution.id} is {execution.state}{still}; only an ended one can be deleted",
        code="GOV343",
        hint="Wait for its end, or kill it first.",
    )


def _texts(execution: Execution) -> list[str | None]:
    """Return what may name files of the execution: it is only counted."""
    from jupyter_gov.store.codec import to_json  # noqa: PLC0415 - few processes delete

    values = [execution.inputs, execution.outputs, *(run.outputs for run in execution.task_runs.values())]
    return [to_json(value) for value in values if value]
