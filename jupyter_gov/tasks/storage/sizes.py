"""Sizes as people write them."""

from __future__ import annotations

import re

from jupyter_gov.errors import TaskError

_SIZE = re.compile(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?)(I?B)?\s*", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(text: str) -> int:
    """Return the bytes of a size such as ``10MB`` or ``512``; units are powers of 1024.

    Raises
    ------
    TaskError
        ``GOV874``: it is no size, or zero.
    """
    found = _SIZE.fullmatch(text)
    size = int(float(found[1]) * 1024 ** _POWERS[found[2].upper()]) if found else 0
    if size < 1:
        raise TaskError(f"{text[:80]!r} is no size.", code="GOV874", hint="Write one such as 10MB or 512KB.")
    return size
