"""What a script tells the flow: lines ``::{"outputs": {...}, "metrics": [...], "logs": [...]}::``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from jupyter_gov.lang.models.scalars import DurationError, parse_duration
from jupyter_gov.lang.models.storable import fault
from jupyter_gov.plugins.context import LogLevel, Metric, RunContext
from jupyter_gov.tasks.core.log import LEVELS

_LINE = re.compile(r"\s*::(\{.*\})::\s*", re.DOTALL)
_KNOWN = frozenset({"outputs", "metrics", "logs"})


class Listener:
    """Takes the lines of a script: those of the protocol are obeyed, all others logged.

    Attributes
    ----------
    vars
        The outputs that the script reported, later ones over earlier ones.
    """

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self.vars: dict[str, Any] = {}

    def out(self, line: str) -> None:
        """Take a line of standard output."""
        match = _LINE.fullmatch(line) if "::{" in line else None
        if match is None:
            self._ctx.logger.info(line)
            return
        try:
            message = json.loads(match[1])
        except (ValueError, RecursionError) as error:
            self._complain(f"is no JSON ({error})", line)
            return
        reason = fault(message)
        if reason is not None:
            self._complain(f"cannot be stored ({reason})", line)
            return
        self._obey(message, line)

    def err(self, line: str) -> None:
        """Take a line of standard error."""
        self._ctx.logger.log("WARN", line)

    def _obey(self, message: dict[str, Any], line: str) -> None:
        for unknown in sorted(set(message) - _KNOWN):
            self._complain(f"has the unknown key {unknown!r}", line)
        outputs = message.get("outputs") or {}
        if isinstance(outputs, Mapping):
            self.vars.update(outputs)
        else:
            self._complain("has outputs that are no map", line)
        for metric in _items(message.get("metrics")):
            self._metric(metric, line)
        for entry in _items(message.get("logs")):
            self._log(entry, line)

    def _metric(self, metric: Any, line: str) -> None:
        try:
            kind = str(metric.get("type", "counter")).lower()
            tags = {str(key): str(value) for key, value in (metric.get("tags") or {}).items()}
            value = metric["value"]
            if kind == "timer":
                number = parse_duration(value).total_seconds()
            elif kind == "counter":
                number = float(value)
            else:
                raise ValueError(f"type {kind!r} is neither counter nor timer")  # noqa: TRY301
            self._ctx.metric(Metric(str(metric["name"]), kind, number, tags))  # type: ignore[arg-type]
        except (AttributeError, KeyError, TypeError, ValueError, DurationError) as error:
            self._complain(f"has a malformed metric ({type(error).__name__}: {error})", line)

    def _log(self, entry: Any, line: str) -> None:
        if not isinstance(entry, Mapping) or "message" not in entry:
            self._complain("has a malformed log entry", line)
            return
        level = str(entry.get("level", "INFO")).upper()
        level = {"WARNING": "WARN", "CRITICAL": "ERROR", "FATAL": "ERROR"}.get(level, level)
        self._ctx.logger.log(cast("LogLevel", level if level in LEVELS else "INFO"), str(entry["message"]))

    def _complain(self, what: str, line: str) -> None:
        shown = line if len(line) <= 200 else line[:197] + "..."
        self._ctx.logger.log("WARN", f"A message of the script {what} and was not understood: {shown}")


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
