"""Texts of others as a person may trust to read them: nothing in them moves a cursor or turns the reading direction.

Whoever starts a run writes part of what its approver reads. A terminal obeys control characters, and every screen
obeys bidirectional controls: shown as they are, they could rewrite the question that is being answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # all controls but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what changes the direction of reading
    "\ud800-\udfff"  # halves of a character, which no terminal or file can take
    "]"
)
_SENT_BACK = frozenset({"defaults", "values", "validator"})
"""Keys of a form's fields: what it answers with, or checks by, must be what the flow says."""
_PICTURES = 0x2400
_DELETE = 0x7F


def shortened(text: str, most: int = 200) -> str:
    """Return the beginning of a text for a message, with an ellipsis where something is missing."""
    return text if len(text) <= most else text[:most] + "…"


def visible(text: str) -> str:
    r"""Return ``text`` with signs in place of what would not be seen but obeyed; newline and tab stay.

    Examples
    --------
    >>> visible("Pay Mallory\x1b[2K\u202e!")
    'Pay Mallory␛[2K\\u202e!'
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(_sign, text.replace("\r\n", "\n"))


def legible(document: Any) -> Any:
    """Return a document whose texts, at any depth, hold no orders to a terminal and read in one direction."""
    if isinstance(document, str):
        return visible(document)
    if isinstance(document, Mapping):
        return {visible(key): item if key in _SENT_BACK else legible(item) for key, item in document.items()}
    if isinstance(document, list | tuple):
        return type(document)(map(legible, document))
    return document


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    return "␡" if code == _DELETE else f"\\u{code:04x}"


def visible_json(document: Any) -> str:
    """Return a document as JSON for programs: the same value, whatever reads it, and harmless on a terminal."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    # Outside of its texts JSON has none of these but newlines, and inside of them every character may be escaped.
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
