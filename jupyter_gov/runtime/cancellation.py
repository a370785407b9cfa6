"""Tells an attempt that it must stop, and why."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock

from jupyter_gov.errors import TaskError

STOPPED = {
    "killed": ("GOV811", "The task was stopped since it was killed."),
    "timeout": ("GOV812", "The task was stopped since its timeout has passed."),
    "lease": ("GOV814", "The task was stopped since this worker no longer owns the execution."),
}
"""Reason -> code and message."""


class CancelToken:
    """Implements ``plugins.context.Cancellation``; the first reason stays, except that a lost lease beats all."""

    __slots__ = ("_callbacks", "_event", "_lock", "_reason")

    def __init__(self) -> None:
        self._event = Event()
        self._lock = Lock()
        self._reason: str | None = None
        self._callbacks: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        """Whether the attempt must stop."""
        return self._reason is not None

    @property
    def reason(self) -> str | None:
        """``killed``, ``timeout`` or ``lease``; None while it may go on."""
        return self._reason

    def request(self, reason: str) -> None:
        """Ask the attempt to stop."""
        with self._lock:
            if self._reason is None or reason == "lease":
                self._reason = reason
            callbacks, self._callbacks = self._callbacks, []
            self._event.set()
        for callback in callbacks:
            callback()

    def raise_if_requested(self) -> None:
        """Go on, or stop here.

        Raises
        ------
        TaskError
            ``GOV811`` killed, ``GOV812`` timed out, ``GOV814`` the lease is lost.
        """
        if self._reason is not None:
            code, message = STOPPED[self._reason]
            raise TaskError(message, code=code)

    def wait(self, seconds: float) -> bool:
        """Sleep; return True at once when the attempt must stop."""
        return self._event.wait(seconds)

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the attempt must stop, at once if it already must."""
        with self._lock:
            if self._reason is None:
                self._callbacks.append(callback)
                return
        callback()
