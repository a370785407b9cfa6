"""Which stored files the rows that are written refer to, so that the history can tell when one is altered or gone."""

from __future__ import annotations

import re
from collections.abc import Iterable

from jupyter_gov.store.files import Files

_URI = re.compile(r"(?:kestra|gov)://[^\s\"\\]*?/([0-9a-f]{64})/")


def referred_to(files: Files, texts: Iterable[str | None]) -> list[list[str | int]]:
    """Return ``[[sha256, bytes], ...]`` of the files that JSON texts name and that are stored here.

    A name alone proves nothing, since anybody can type one: only what is there now can be missed later.
    """
    found: dict[str, int] = {}
    for text in texts:
        if text is None or "://" not in text:
            continue
        for digest in _URI.findall(text):
            if digest not in found:
                size = files.size_of(digest)
                if size is not None:
                    found[digest] = size
    return [[digest, size] for digest, size in found.items()]
