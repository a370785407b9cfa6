"""Keeps secrets out of what is stored: one set of texts per attempt, replaced wherever they show up."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

from jupyter_gov.domain.sealed import MASK

_ENCODED = 8
"""From how many characters on other forms are hidden too: those of a shorter text are found in innocent ones."""
_SHORT = 4
"""Below how many characters a text is hidden only where it stands as a word of its own: `1` is in everything. The names
of outputs and the addresses of stored files, on which flows depend, keep it."""
_STORED = ("kestra:", "gov:", "nsfile:")
_BRANCHES = 4
_ESCAPE = re.compile("%[0-9A-F]{2}")
_URL_SAFE = str.maketrans("+/", "-_")


class Masks:
    """Texts that must not be written down."""

    __slots__ = ("_known", "_lock", "_logs", "_long", "_pattern", "_texts")

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: set[str] = set()
        self._known = 0
        self._pattern: re.Pattern[str] | None = None
        self._long: re.Pattern[str] | None = None
        self._logs: Masks | None = None

    def add_to_logs(self, text: str) -> None:
        """Hide ``text`` in log lines only."""
        with self._lock:
            self._logs = self._logs or Masks()
        self._logs.add(text)

    def in_logs(self, text: str) -> str:
        """Return a log line with every secret replaced."""
        shown = self.apply(text)
        return shown if self._logs is None else self._logs.apply(shown)

    def add(self, text: str) -> None:
        """Hide ``text`` from now on, each of its lines, since logs are written line by line, and how programs write it.

        A line of mere punctuation (the braces of a key file) tells nothing, and would hide half of every log.
        """
        lines = (line.strip() for line in text.splitlines())
        plain = {text, text.strip(), *(line for line in lines if any(map(str.isalnum, line)))}
        found = {written for part in plain if part for written in _forms(part)}
        with self._lock:
            self._texts |= found

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to hide."""
        return not self._texts

    def _sought(self) -> re.Pattern[str] | None:
        # Compiled when it is needed, not with each of many secrets.
        if self._known != len(self._texts):
            with self._lock:
                long = {text for text in self._texts if len(text) >= _SHORT}
                parts = [_alternation(long, _BRANCHES)] if long else []
                self._long = re.compile(parts[0]) if long else None
                if short := self._texts - long:
                    parts.append(rf"(?<!\w)(?:{_alternation(short, _BRANCHES)})(?!\w)")
                self._pattern = re.compile("|".join(parts))
                self._known = len(self._texts)
        return self._pattern

    def apply(self, text: str) -> str:
        """Return ``text`` with every secret replaced."""
        pattern = self._sought()
        if pattern is None:
            return text
        return self._apply_long(text) if text.startswith(_STORED) else pattern.sub(MASK, text)

    def _apply_long(self, text: str) -> str:
        pattern = self._long if self._sought() else None
        return text if pattern is None else pattern.sub(MASK, text)

    def finds(self, value: Any) -> bool:
        """Return whether there is a secret in a text or key at any depth of ``value``."""
        pattern = self._sought()
        if pattern is None:
            return False
        match value:
            case str():
                return pattern.search(value) is not None
            case Mapping():
                return any(self.finds(str(key)) or self.finds(item) for key, item in value.items())
            case Sequence() if not isinstance(value, bytes | bytearray):
                return any(map(self.finds, value))
            case _:
                return False

    def apply_deep(self, value: Any) -> Any:
        """Return ``value`` with every secret replaced in texts and keys at any depth."""
        if self.is_empty:
            return value
        match value:
            case str():
                return self.apply(value)
            case Mapping():
                return {self._apply_long(str(key)): self.apply_deep(item) for key, item in value.items()}
            case Sequence() if not isinstance(value, bytes | bytearray):
                return [self.apply_deep(item) for item in value]
            case _:
                return value


def _json(text: str, *, ascii_only: bool = False) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _forms(text: str) -> Iterator[str]:
    """Yield a text as programs write it: as it is, in JSON, in addresses, in base64, and in one case."""
    yield from (text, _json(text), _json(text, ascii_only=True))
    if len(text) < _ENCODED:
        return
    raw = text.encode("utf-8", "surrogatepass")
    for written in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield written
        yield _ESCAPE.sub(lambda found: found[0].lower(), written)
    for written in _base64(raw):
        yield written
        yield written.translate(_URL_SAFE)
    yield from (text.lower(), text.upper())


def _base64(raw: bytes) -> Iterator[str]:
    """Yield the base64 of ``raw``, and what of it stands inside of the base64 of anything that contains it."""
    whole = base64.b64encode(raw).decode()
    yield from (whole, whole.rstrip("="))
    for before in range(3):
        written = base64.b64encode(bytes(before) + raw).decode()
        # A character at an edge also holds bits of the neighbour, so that it is not known.
        yield written[-(-8 * before // 6) : 8 * (before + len(raw)) // 6]


def _alternation(texts: Collection[str], branches: int) -> str:
    """Return a pattern that finds the longest of ``texts``: a secret that begins with another one goes as a whole.

    It branches at the first characters. A flat alternation would try thousands of texts one after the other wherever a
    character begins one of them, which takes seconds per megabyte of log.
    """
    if branches == 0 or len(texts) == 1:
        return "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
    groups: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        groups[text[:1]].add(text[1:])
    ends = groups.pop("", None)
    parts = [f"{re.escape(first)}(?:{_alternation(rest, branches - 1)})" for first, rest in groups.items()]
    return "|".join([*parts, ""] if ends else parts)
