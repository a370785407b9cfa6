"""What ■ in a notebook and Ctrl-C in a terminal do to somebody who waits for a run: first stop it, then let it be."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

KILL_PATIENCE = 1.5
"""Seconds to wait for the execution to be killed; a person expects the prompt back within two."""


class Interrupts:
    """Counts SIGINTs while somebody waits; works the same with and without a running event loop."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Event()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take SIGINT over; only the main thread may, elsewhere nothing is interrupted."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._pressed)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _pressed(self, *_args: object) -> None:
        self.count += 1
        self._changed.set()

    def wait(self, seconds: float) -> None:
        """Sleep until the next press, at most so long."""
        self._changed.wait(seconds)
        self._changed.clear()
