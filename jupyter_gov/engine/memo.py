"""Remembers what was computed from flows and tasks, which are immutable and live long."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """A function of one object, remembered for the objects used last; they need not be hashable.

    Two threads that ask at once compute the same twice, which does no harm.
    """

    def __init__(self, make: Callable[[K], V], kept: int = 64) -> None:
        self._make = make
        self._kept = kept
        self._known: OrderedDict[int, tuple[K, V]] = OrderedDict()

    def __call__(self, key: K) -> V:
        """Return the value for an object."""
        known = self._known.get(id(key))
        # The object is kept with its value, so that nothing else can have its identity.
        if known is not None and known[0] is key:
            return known[1]
        value = self._make(key)
        self._known[id(key)] = (key, value)
        while len(self._known) > self._kept:
            self._known.popitem(last=False)
        return value
