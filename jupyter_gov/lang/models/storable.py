r"""What a value must be to be stored, sent and shown: real characters, bounded nesting, numbers that can be written.

Python takes more than that (``"\ud800"`` is a text to it), and what comes in so breaks whatever reads it later. So
values are looked at where they come in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

MAX_DEPTH: Final = 100
"""Levels of lists and maps in a value."""

_MAX_VALUES: Final = 5_000_000
"""Few lists can stand for more than can ever be written, when each holds another one several times."""

_MAX_BITS: Final = 1400
"""Of a whole number: some 400 digits, as many as a text may give."""


def is_text(text: str) -> bool:
    """Return whether a text is one: it holds no half of a surrogate pair, which is no character."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cleaned(text: str) -> str:
    r"""Return a text with halves of surrogate pairs written out, as ``\ud800``."""
    return text if is_text(text) else text.encode("utf-8", "backslashreplace").decode()


def fault(value: Any, *, finite: bool = False) -> str | None:
    r"""Return why a value cannot be stored, as part of a sentence, or None.

    Parameters
    ----------
    finite
        Whether not-a-number and infinity, which JSON does not know, are refused as well.

    Examples
    --------
    >>> fault({"a": ["\ud800"]})
    'it holds half a surrogate pair (\\ud800), which is no character'
    """
    # Its own stack: a value may be nested deeper than Python can call.
    stack: list[tuple[Any, int]] = [(value, 0)]
    count = 0
    while stack:
        one, depth = stack.pop()
        if isinstance(one, Mapping | list | tuple):
            if depth == MAX_DEPTH:
                return f"it is nested deeper than {MAX_DEPTH} levels"
            inner = (*one, *one.values()) if isinstance(one, Mapping) else one
            count += len(inner)
            if count > _MAX_VALUES:
                return f"it holds more than {_MAX_VALUES:,} values"
            stack += ((item, depth + 1) for item in inner)
        elif (reason := _fault_of_one(one, finite=finite)) is not None:
            return reason
    return None


def _fault_of_one(value: Any, *, finite: bool) -> str | None:
    if isinstance(value, str) and not is_text(value):
        return f"it holds half a surrogate pair ({_half(value)}), which is no character"
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return "it holds a whole number of more than 400 digits"
    if finite and isinstance(value, float) and not math.isfinite(value):
        return f"it holds {value}, which is no number of JSON"
    return None


def _half(text: str) -> str:
    found = next(character for character in text if "\ud800" <= character <= "\udfff")
    return f"\\u{ord(found):04x}"
