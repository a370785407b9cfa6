"""The two clocks of the runtime: one for what is written down, one for how long a lease may be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells the time for records, aware; tests pass their own."""


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


# CLOCK_MONOTONIC stands still while a laptop sleeps, and leases lapse meanwhile; CLOCK_BOOTTIME goes on.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


def steady() -> float:
    """Return seconds that never jump, and that count the time a machine sleeps or a process is stopped."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
