"""Named places at which a test may stop the process: an object that is passed in, not a global flag."""

from __future__ import annotations

import os
import signal
from typing import Protocol

POINTS = (
    "trigger.before",
    "trigger.inside",
    "trigger.after",
    "claim.before",
    "claim.inside",
    "claim.after",
    "commit.before",
    "commit.inside",
    "commit.after",
    "inline.before",
    "inline.after",
    "attempt.before",
    "attempt.after",
)
"""All points, in the order in which one execution that a trigger starts meets them."""


class Faults(Protocol):
    """Told about every named point that is passed."""

    def reach(self, point: str) -> None:
        """Return, raise, wait, or never come back."""
        ...


class NoFaults:
    """Nothing ever happens: what runs in production."""

    def reach(self, point: str) -> None:
        """Go on."""


class KillAt:
    """Kills this process with SIGKILL when it passes ``point`` for the ``n``-th time (from 1)."""

    def __init__(self, point: str, n: int = 1) -> None:
        if point not in POINTS:
            raise ValueError(f"there is no fault point {point!r}; there are {', '.join(POINTS)}")
        self._point = point
        self._left = n

    def reach(self, point: str) -> None:
        """Die, or count down."""
        if point != self._point:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
