"""Where everything arrives that the loop must know: ended attempts, claims of workers, new lines, calls to look."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING

from jupyter_gov.domain.events import AttemptFinished

if TYPE_CHECKING:
    from jupyter_gov.runtime.attempt import Job
    from jupyter_gov.runtime.board import Claim, Ticket
    from jupyter_gov.runtime.logs import LogBuffer


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
                self._changed.notify()

    def close(self) -> None:
        """Wake the loop for the last time."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Whether the loop must end."""
        return self._closed

    @property
    def has_lines(self) -> bool:
        """Whether lines wait to be stored."""
        return bool(self._dirty)

    def wait(self, seconds: float | None) -> None:
        """Sleep until something is there, lines begin to wait, or the time is over."""
        with self._changed:
            if not (self._messages or self._look or self._closed) and (seconds is None or seconds > 0):
                self._changed.wait(seconds)

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
