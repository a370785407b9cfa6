"""What a task may read of the records of executions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.errors import TaskError

if TYPE_CHECKING:
    from jupyter_gov.store import Store

_PAGE = 1000


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
