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
