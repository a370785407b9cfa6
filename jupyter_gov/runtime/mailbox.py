"""Where everything arrives that the loop must know: ended attempts, claims of workers, new lines, calls to look."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING

from jupyter_gov.domain.events import AttemptFinished

if TYPE_CHECKING:
    from jupyter_gov.runtime.attempt import Job
    from jupyter_gov.runtime.board import Claim, Ticket
    from jupyter_gov.runtime.logs import LogBuffer


LINES_SECONDS = 0.1
"""How long log lines wait for others, so that they are stored together."""


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt ended; ``event`` is None if it may not be reported."""

    job: Job
    event: AttemptFinished | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker has room for an attempt that has been waiting."""

    ticket: Ticket
    claim: Claim


@dataclass(frozen=True, slots=True)
class Lost:
    """The lease of an execution is gone, or can no longer be relied on."""

    execution_id: str


Message = Finished | Claimed | Lost


class Mailbox:
    """Filled by any thread, emptied by the loop's."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._messages: deque[Message] = deque()
        self._dirty: dict[int, LogBuffer] = {}
        self._lines_at = 0.0
        self._look = False
        self._closed = False

    def post(self, message: Message) -> None:
        """Leave a message and wake the loop."""
        with self._changed:
            self._messages.append(message)
            self._changed.notify()

    def look(self) -> None:
        """Tell the loop that the store may hold something new."""
        with self._changed:
            self._look = True
            self._changed.notify()

    def dirty(self, buffer: LogBuffer) -> None:
        """Tell the loop that this buffer holds lines; it may let some more come together."""
        with self._changed:
            first = not self._dirty
            self._dirty[id(buffer)] = buffer
            if first:
                self._lines_at = monotonic() + LINES_SECONDS
                self._changed.notify()

    def close(self) -> None:
        """Wake the loop for the last time."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def must_look(self) -> bool:
        """Whether the loop was asked to look into the store and has not begun to."""
        return self._look

    @property
    def closed(self) -> bool:
        """Whether the loop must end."""
        return self._closed

    @property
    def has_due_lines(self) -> bool:
        """Whether lines have waited long enough for others to join them."""
        return bool(self._dirty) and monotonic() >= self._lines_at

    def wait(self, seconds: float | None) -> None:
        """Sleep until something is there, lines are due, or the time is over."""
        until = None if seconds is None else monotonic() + seconds
        with self._changed:
            while not (self._messages or self._look or self._closed):
                times = [time for time in (until, self._lines_at if self._dirty else None) if time is not None]
                left = min(times) - monotonic() if times else None
                if left is not None and left <= 0:
                    return
                self._changed.wait(left)

    def wait_closed(self, seconds: float) -> None:
        """Sleep, but not past the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def take(self) -> tuple[list[Message], bool]:
        """Return all messages, and whether to look into the store; both are forgotten here."""
        with self._changed:
            messages, self._messages = list(self._messages), deque()
            look, self._look = self._look, False
        return messages, look

    def take_dirty(self) -> list[LogBuffer]:
        """Return the buffers that hold lines and forget them here."""
        with self._changed:
            buffers, self._dirty = list(self._dirty.values()), {}
        return buffers
