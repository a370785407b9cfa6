"""What a task may read of the records of executions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.execution import BATCH, Execution, TaskRun
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import State
from jupyter_gov.errors import TaskError

if TYPE_CHECKING:
    from jupyter_gov.store import Store

_PAGE = 1000
_AT_ONCE = 100


def logs_of(store: Store, own: Execution, execution_id: str | None) -> Iterator[LogLine]:
    """Yield the stored log lines of an execution, oldest first.

    Raises
    ------
    TaskError
        ``GOV873``: another execution, which does not exist or is not of the same namespace.
    """
    wanted = execution_id or own.id
    if wanted != own.id:
        _refuse_foreign(store, own, wanted)
    after = 0
    while True:
        # A transaction per page: whoever reads slowly must not hold back those who clean up.
        with store.read() as tx:
            page = store.logs.after(tx, wanted, after, None, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id


def called_by(store: Store, caller: TaskRun) -> Iterator[Mapping[str, Any]]:
    """Yield the outputs of the executions that a task run has called and waited for, in order of their batches.

    Of several for one batch (after a restart, or a retry) the newest counts.
    """
    with store.read() as tx:
        called = store.called.by(tx, caller.execution_id, caller.id)
    newest: dict[int, str] = {}
    for child_id, state, trigger in called:
        if state != State.RETRIED and trigger is not None:
            newest[int(trigger.variables.get(BATCH, 0))] = child_id
    ids = [newest[number] for number in sorted(newest)]
    for start in range(0, len(ids), _AT_ONCE):
        with store.read() as tx:
            found = [store.called.outputs(tx, child_id) for child_id in ids[start : start + _AT_ONCE]]
        yield from (outputs or {} for outputs in found)


def _refuse_foreign(store: Store, own: Execution, execution_id: str) -> None:
    with store.read() as tx:
        found = store.executions.load(tx, execution_id)
    space = own.namespace
    if found is None or not (found.namespace == space or found.namespace.startswith(f"{space}.")):
        raise TaskError(
            f"There is no execution '{execution_id}' in the namespace '{space}' or below it.",
            code="GOV873",
            hint="Check the id; logs of other namespaces are out of reach.",
        )
