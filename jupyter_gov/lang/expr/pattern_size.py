"""How large a regular expression becomes when it is compiled: the engine writes every counted repeat out.

``(?:(?:a?){999}){999}`` is twenty characters and half a gigabyte. It is measured before it is compiled, since nothing
can stop the compiler.
"""

from __future__ import annotations

import math
import re
from typing import Final

_COUNT: Final = re.compile(r"\{\s*(\d*)\s*(?:,[\s\d]*)?\}")
_VERBOSE: Final = re.compile(r"\(\?[A-Za-z0-9]*x")


def written_out(pattern: str) -> float:
    """Return about how many parts a pattern has once its counted repeats are written out."""
    counts = [_times(match) for match in _COUNT.finditer(pattern)]
    most = (len(pattern) + 1) * math.prod(counts)
    # Where blanks and comments mean nothing, a count may stand far from what it repeats.
    if not counts or _VERBOSE.search(pattern):
        return most
    return min(most, _Reader(pattern).size())


def _times(match: re.Match[str]) -> float:
    return float(max(1, int(match[1]))) if match[1] and len(match[1]) < 10 else (math.inf if match[1] else 1.0)


class _Reader:
    """Adds up parts: one frame per open group, each with its sum and the size of its last part."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._frames: list[list[float]] = [[0.0, 0.0]]

    def size(self) -> float:
        """Return the sum; infinite for brackets that do not match, which are for the compiler to explain."""
        at = 0
        while at < len(self._pattern):
            at = self._part(at)
            if not self._frames:
                return math.inf
        return sum(frame[0] for frame in self._frames)

    def _part(self, at: int) -> int:
        character = self._pattern[at]
        if character == "[":
            self._add(1.0)
            return self._after_set(at)
        if character == "(":
            self._frames.append([1.0, 1.0])
        elif character == ")":
            inner = self._frames.pop()[0]
            if self._frames:
                self._add(inner)
        elif character == "{" and (match := _COUNT.match(self._pattern, at)):
            frame, times = self._frames[-1], _times(match)
            frame[0] += frame[1] * (times - 1)
            frame[1] *= times
            return match.end()
        elif character not in "?*+":
            # What `?`, `*` and `+` repeat is written once.
            self._add(1.0)
        return at + 2 if character == "\\" else at + 1

    def _add(self, size: float) -> None:
        frame = self._frames[-1]
        frame[0] += size
        frame[1] = size

    def _after_set(self, at: int) -> int:
        depth = 0
        while at < len(self._pattern):
            character = self._pattern[at]
            at += 2 if character == "\\" else 1
            if character == "[":
                depth += 1
                at += self._pattern.startswith("^", at)
                # A bracket that comes first is one of the characters.
                at += self._pattern.startswith("]", at)
            elif character == "]":
                depth -= 1
                if depth == 0:
                    break
        return at
