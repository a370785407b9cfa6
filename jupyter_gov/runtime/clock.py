"""The two clocks of the runtime: one for what is written down, one for how long a lease may be trusted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from jupyter_gov.runtime.proctree import steady  # The watchdog reads the same clock, and can import nothing of ours.

__all__ = ["Clock", "steady", "utc_now"]

Clock = Callable[[], datetime]
"""Tells the time for records, aware; tests pass their own."""


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)
