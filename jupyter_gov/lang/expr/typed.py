"""Output that keeps the type of its value, as Kestra's typed rendering does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_gov.lang.expr.faults import Fault
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import type_name


class TypedState(State):
    """A rendering whose output is one value; only text may follow text."""

    __slots__ = ("_captures", "_value")

    def value(self) -> Any:
        """Run the template and return its value."""
        self._value: Any = None
        self._captures = 0
        self.compiled.root(self)
        return self._value

    def write(self, piece: str) -> None:
        """Add text to the output."""
        if self._captures:
            super().write(piece)
        elif isinstance(self._value, str):
            self.budget.text(len(self._value) + len(piece))
            self._value += piece
        elif piece:
            self._set(piece)

    def print(self, value: Any) -> None:
        """Make a value the output."""
        if self._captures:
            super().print(value)
        else:
            self._set(value)

    def _set(self, value: Any) -> None:
        if self._value is not None:
            raise Fault(f"{type_name(value)} cannot follow {type_name(self._value)} where one value is expected")
        self._value = value

    def capture(self, body: Callable[[State], None]) -> str:
        """Return what ``body`` writes; macros and filtered blocks always give text."""
        self._captures += 1
        try:
            return super().capture(body)
        finally:
            self._captures -= 1
