"""Log lines of one attempt on their way to the store: masked, cut, counted, and handed over in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from jupyter_gov.domain.flow import LogLine
from jupyter_gov.plugins.context import LogLevel
from jupyter_gov.runtime import limits
from jupyter_gov.runtime.clock import Clock
from jupyter_gov.runtime.masking import Masks

_RANK: Mapping[str, int] = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4}
_LAST_WORDS = 100
"""ERROR lines that are kept although the limit is reached: they say why the attempt failed."""


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much one attempt may write; settings ``logs.max_lines``, ``logs.max_bytes``, ``logs.max_line_length``."""

    lines: int = limits.LOG_LINES
    size: int = limits.LOG_BYTES
    line_length: int = limits.LOG_LINE_LENGTH

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> LogLimits:
        """Return the limits that the settings name."""
        default = cls()
        return cls(
            int(settings.get("logs.max_lines", default.lines)),
            int(settings.get("logs.max_bytes", default.size)),
            int(settings.get("logs.max_line_length", default.line_length)),
        )


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Whose lines these are."""

    execution_id: str
    task_run_id: str | None = None
    task_id: str | None = None
    attempt: int | None = None


class LogBuffer:
    """Lines that are not stored yet; implements ``plugins.context.TaskLogger``.

    Parameters
    ----------
    level
        Lines below it are not recorded.
    on_lines
        Called (from the thread that logs) when the buffer was empty and is no longer.
    """

    def __init__(
        self,
        place: LogPlace,
        *,
        clock: Clock,
        masks: Masks,
        limits: LogLimits,
        level: str | None = None,
        on_lines: Callable[[LogBuffer], None] | None = None,
    ) -> None:
        self.place = place
        self._clock = clock
        self._masks = masks
        self._limits = limits
        self._floor = _RANK.get((level or "TRACE").upper(), 0)
        self._on_lines = on_lines
        self._lock = Lock()
        self._waiting: list[LogLine] = []
        self._lines = 0
        self._size = 0
        self._cut = False
        self._last_words = _LAST_WORDS

    def log(self, level: LogLevel, message: str) -> None:
        """Record a line."""
        if _RANK.get(level, 2) < self._floor:
            return
        text = self._shorten(self._masks.in_logs(str(message)))
        with self._lock:
            first = not self._waiting
            self._keep(level, text)
            notify = first and bool(self._waiting)
        if notify and self._on_lines is not None:
            self._on_lines(self)

    def trace(self, message: str) -> None:
        """Record a line of level TRACE."""
        self.log("TRACE", message)

    def debug(self, message: str) -> None:
        """Record a line of level DEBUG."""
        self.log("DEBUG", message)

    def info(self, message: str) -> None:
        """Record a line of level INFO."""
        self.log("INFO", message)

    def warn(self, message: str) -> None:
        """Record a line of level WARN."""
        self.log("WARN", message)

    def error(self, message: str) -> None:
        """Record a line of level ERROR."""
        self.log("ERROR", message)

    def take(self) -> list[LogLine]:
        """Return the lines that wait and forget them."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken

    def give_back(self, lines: list[LogLine]) -> None:
        """Put lines that could not be stored back in front."""
        with self._lock:
            self._waiting[:0] = lines
        if lines and self._on_lines is not None:
            self._on_lines(self)

    def _shorten(self, text: str) -> str:
        limit = self._limits.line_length
        # PostgreSQL refuses zero bytes in texts.
        text = text.replace("\0", "\ufffd")
        return text if len(text) <= limit else f"{text[:limit]} … [{len(text) - limit} characters cut]"

    def _keep(self, level: str, text: str) -> None:
        if self._lines >= self._limits.lines or self._size >= self._limits.size:
            if not self._cut:
                self._cut = True
                self._append("WARN", self._cut_message())
            if level != "ERROR" or self._last_words <= 0:
                return
            self._last_words -= 1
        self._lines += 1
        self._size += len(text)
        self._append(level, text)

    def _append(self, level: str, text: str) -> None:
        place = self.place
        self._waiting.append(
            LogLine(0, place.execution_id, place.task_run_id, place.task_id, place.attempt, level, self._clock(), text)
        )

    def _cut_message(self) -> str:
        limits = self._limits
        return (
            f"Further lines of this attempt are not recorded: it has written {self._lines} lines and {self._size} "
            f"characters; the limits are {limits.lines} lines (setting max_log_lines) and {limits.size} characters "
            "(max_log_bytes). Errors are still shown."
        )
