"""Keeps secrets out of what is stored: one set of texts per attempt, replaced wherever they show up."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from jupyter_gov.domain.sealed import MASK


class Masks:
    """Texts that must not be written down."""

    __slots__ = ("_lock", "_pattern", "_texts")

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, text: str) -> None:
        """Hide ``text`` from now on, each of its lines, since logs are written line by line, and how JSON writes it.

        A line of mere punctuation (the braces of a key file) tells nothing, and would hide half of every log.
        """
        lines = (line.strip() for line in text.splitlines())
        plain = {text, text.strip(), *(line for line in lines if any(map(str.isalnum, line)))}
        found = {written for part in plain if part for written in (part, _json(part), _json(part, ascii_only=True))}
        with self._lock:
            if found <= self._texts:
                return
            self._texts |= found
            # The longest first: a secret that begins with another one must go as a whole.
            longest_first = sorted(self._texts, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to hide."""
        return self._pattern is None

    def apply(self, text: str) -> str:
        """Return ``text`` with every secret replaced."""
        pattern = self._pattern
        return text if pattern is None else pattern.sub(MASK, text)

    def finds(self, value: Any) -> bool:
        """Return whether there is a secret in a text or key at any depth of ``value``."""
        pattern = self._pattern
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
        if self._pattern is None:
            return value
        match value:
            case str():
                return self.apply(value)
            case Mapping():
                return {self.apply(str(key)): self.apply_deep(item) for key, item in value.items()}
            case Sequence() if not isinstance(value, bytes | bytearray):
                return [self.apply_deep(item) for item in value]
            case _:
                return value


def _json(text: str, *, ascii_only: bool = False) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]
