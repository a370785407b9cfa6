"""What is stored already, so that a step does not write it again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from jupyter_gov.domain.execution import Execution

_REMEMBERED = 4096


class Written:
    """Remembers which large values of an execution are stored already, so that a step does not write them again.

    Values are immutable and compared by identity; a forgotten one is written once more, which does no harm.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
        self._moments: dict[str, tuple[int, int]] = {}

    def has(self, execution: Execution) -> tuple[bool, bool]:
        """Return whether the data and the labels are stored as they are."""
        seen = self._seen.get(execution.id)
        if seen is None:
            return False, False
        variables, outputs, failure, labels = seen
        same = variables is execution.variables and outputs is execution.outputs and failure is execution.failure
        return same, labels is execution.labels

    def moments(self, execution_id: str, version: int) -> int | None:
        """Return how many states an execution had gone through at a version; None if that is not known here."""
        known = self._moments.get(execution_id)
        return known[1] if known is not None and known[0] == version else None

    def note(self, execution: Execution) -> None:
        """Remember what is durable now."""
        seen = self._seen
        seen[execution.id] = (execution.variables, execution.outputs, execution.failure, execution.labels)
        self._moments[execution.id] = (execution.version, len(execution.history.moments))
        seen.move_to_end(execution.id)
        while len(seen) > _REMEMBERED:
            oldest = next(iter(seen))
            seen.pop(oldest, None)
            self._moments.pop(oldest, None)
