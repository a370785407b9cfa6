"""What ■ in a notebook and Ctrl-C in a terminal do to somebody who waits for a run: first stop it, then let it be."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jupyter_gov.domain.states import State
from jupyter_gov.runtime.limits import STOP_GRACE

KILL_PATIENCE = STOP_GRACE + 2.0
"""Seconds to wait for the execution to be killed: a script that ignores SIGTERM gets SIGKILL in that time.

Nearly all end at once; whoever does not want to wait for the others presses again.
"""

_RESTARTABLE = frozenset({State.FAILED, State.KILLED, State.WARNING, State.CANCELLED})


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

    def outlast(self, state: Callable[[], State]) -> State:
        """Return the state in which an execution that was asked to stop ends, or is when nobody waits any longer."""
        presses, until = self.count, time.monotonic() + KILL_PATIENCE
        found = state()
        while not found.is_terminal and self.count == presses and time.monotonic() < until:
            self.wait(0.1)
            found = state()
        return found


def hint(state: State, name: str, command: str, *, follow: str = "") -> str:
    """Return what can be done with an execution that was interrupted and is now in ``state``.

    Parameters
    ----------
    command
        How commands are typed where the person is: ``jupyter gov`` or ``%gov``.
    follow
        The option with which ``show`` stays until the end, if it needs one.
    """
    if state in _RESTARTABLE:
        return f"{command} restart {name} continues it."
    show = f"{command} show {name}"
    return f"{show} shows it." if state.is_terminal else f"{show}{follow} stays with it until it has ended."
