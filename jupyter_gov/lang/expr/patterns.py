"""Java regular expressions, run under a time limit.

``regex`` is used and not ``re``: it stops when the time is over, and knows possessive groups, set operations and
Unicode properties as Java does. Only the spellings that differ are translated here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import regex

from jupyter_gov.lang.expr.faults import Fault, LimitFault
from jupyter_gov.lang.expr.limits import Budget
from jupyter_gov.lang.expr.pattern_size import written_out
from jupyter_gov.legible import shortened

_SECONDS: Final = 1.0
_MAX_LENGTH: Final = 2000
_MAX_SIZE: Final = 20_000
_KEPT_SIZE: Final = 2000
_SPECIAL: Final = frozenset(r"\.[]{}()<>*+-=!?^$|")
# Java's shorthands mean ASCII; inside of brackets only the members are written.
_ANCHORS: Final = {"z": r"\Z", "Z": r"(?=\r?\n?\Z)"}
_SHORTHANDS: Final = {"d": "0-9", "w": "a-zA-Z0-9_", "s": r" \t\n\x0b\f\r"}


def is_literal(pattern: str) -> bool:
    """Return whether a pattern means just its own text."""
    return _SPECIAL.isdisjoint(pattern)


def compiled(pattern: str) -> regex.Pattern[str]:
    """Return a Java pattern, compiled.

    Raises
    ------
    Fault
        It is no pattern, or too long, also once its counted repeats are written out.
    """
    if len(pattern) > _MAX_LENGTH:
        raise LimitFault(f"a regular expression has at most {_MAX_LENGTH} characters")
    found = _measured(pattern)
    # Large ones are not kept: a few hundred of them would fill the memory.
    return found if found is not None else _compiled(pattern)


@lru_cache(512)
def _measured(pattern: str) -> regex.Pattern[str] | None:
    size = written_out(_translated(pattern))
    if size > _MAX_SIZE:
        hint = "Repeats inside of repeats multiply: use `*` or `+`, or smaller counts."
        raise LimitFault(f"the counted repeats of the expression `{shortened(pattern)}` are too large", hint=hint)
    return _compiled(pattern) if size <= _KEPT_SIZE else None


def _compiled(pattern: str) -> regex.Pattern[str]:
    try:
        return regex.compile(_translated(pattern), flags=regex.VERSION1, cache_pattern=False)
    except (regex.error, RecursionError, OverflowError) as error:
        raise Fault(f"`{shortened(pattern)}` is no regular expression: {error}") from None


def _translated(pattern: str) -> str:
    out: list[str] = []
    depth = at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\" and at + 1 < len(pattern):
            piece, at = _escape(pattern, at, inside=depth > 0)
            out.append(piece)
            continue
        depth += (character == "[") - (character == "]" and depth > 0)
        out.append(character)
        at += 1
    return "".join(out)


def _escape(pattern: str, at: int, *, inside: bool) -> tuple[str, int]:
    letter = pattern[at + 1]
    if letter == "Q":
        end = pattern.find("\\E", at)
        text = pattern[at + 2 : end if end >= 0 else len(pattern)]
        return regex.escape(text, special_only=False), end + 2 if end >= 0 else len(pattern)
    if letter in _SHORTHANDS:
        members = _SHORTHANDS[letter]
        return members if inside else f"[{members}]", at + 2
    if letter.lower() in _SHORTHANDS and not inside:
        return f"[^{_SHORTHANDS[letter.lower()]}]", at + 2
    if pattern.startswith("k<", at + 1) and ">" in pattern[at:]:
        end = pattern.index(">", at)
        return f"(?P={pattern[at + 3 : end]})", end + 1
    return _ANCHORS.get(letter, pattern[at : at + 2]), at + 2


def _replacement(text: str, match: regex.Match[str]) -> str:
    out: list[str] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text):
            out.append(text[at + 1])
            at += 2
            continue
        if character != "$":
            out.append(character)
            at += 1
            continue
        group, at = _group(text, at + 1, match)
        out.append(group)
    return "".join(out)


def _group(text: str, at: int, match: regex.Match[str]) -> tuple[str, int]:
    if text.startswith("{", at) and "}" in text[at:]:
        end = text.index("}", at)
        name: Any = text[at + 1 : end]
        at = end + 1
    else:
        end = at + 1
        while end < len(text) and text[at : end + 1].isdecimal() and int(text[at : end + 1]) <= len(match.groups()):
            end += 1
        if not text[at:end].isdecimal():
            raise Fault("`$` in a replacement stands before the number of a group", hint="Write `\\$` for the sign.")
        name, at = int(text[at:end]), end
    try:
        return match.group(name) or "", at
    except IndexError:
        raise Fault(f"the regular expression has no group `{name}`") from None


def replace(budget: Budget, pattern: str, replacement: str, text: str) -> str:
    """Replace every match; ``$1`` and ``${name}`` in the replacement are groups."""
    pieces: list[str] = []
    at = length = 0
    for match in _matches(budget, pattern, text):
        piece = _replacement(replacement, match)
        pieces += (text[at : match.start()], piece)
        length += len(piece)
        budget.text(length + len(text))
        at = match.end()
    pieces.append(text[at:])
    return "".join(pieces)


def _matches(budget: Budget, pattern: str, text: str) -> Any:
    try:
        yield from compiled(pattern).finditer(text, timeout=_SECONDS)
        budget.look()
    except TimeoutError:
        raise LimitFault(f"the regular expression `{shortened(pattern)}` takes too long on this text") from None


def search(budget: Budget, pattern: str, text: str) -> regex.Match[str] | None:
    """Return the first match."""
    return next(_matches(budget, pattern, text), None)


def split(budget: Budget, pattern: str, text: str, limit: int) -> list[str]:
    """Split as ``String.split`` of Java: trailing empty parts are dropped unless ``limit`` is given."""
    parts: list[str] = []
    at = 0
    for match in _matches(budget, pattern, text):
        budget.step()
        if limit > 0 and len(parts) == limit - 1:
            break
        if match.end() == 0:
            continue
        if match.start() == match.end() == len(text):
            break
        parts.append(text[at : match.start()])
        at = match.end()
    parts.append(text[at:])
    while limit == 0 and len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts
