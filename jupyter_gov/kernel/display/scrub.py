"""Keeps what must not be saved or shown out of a notebook: paths of this machine, over-long or deceptive texts."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_gov.domain.sealed import veiled
from jupyter_gov.kernel.snapshot_types import NamedText

MAX_TEXT = 4_000


class Scrubber:
    """Shortens the known absolute folders in a text to a name.

    Parameters
    ----------
    folders
        Folder -> what to write instead; the longest folder wins.
    """

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._names = {folder.rstrip("/"): name for folder, name in folders.items() if len(folder.rstrip("/")) > 1}
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = (
            re.compile("(" + "|".join(map(re.escape, longest_first)) + r")(/|(?![\w.\-]))") if longest_first else None
        )

    def __call__(self, text: str) -> str:
        """Return ``text`` without the folders."""
        if self._pattern is None or "/" not in text:
            return text
        return self._pattern.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        name, slash = self._names[match[1]], match[2]
        return f"{name}{slash}" if name else ("" if slash else ".")


def scrubber(workdir: str | None) -> Scrubber:
    """Return the scrubber for what an execution started in ``workdir`` may print."""
    folders: dict[str, str] = {}
    for folder, name in (
        (tempfile.gettempdir(), "<tmp>"),
        (sys.prefix, "<env>"),
        (sys.base_prefix, "<python>"),
        (str(Path.home()), "~"),
        (workdir, ""),
    ):
        if folder:
            folders[folder] = name
            folders[str(Path(folder).resolve())] = name
    return Scrubber(folders)


def bounded(text: str, limit: int = MAX_TEXT) -> tuple[str, bool]:
    """Return the beginning of ``text`` and whether something is missing."""
    return (text, False) if len(text) <= limit else (text[:limit], True)


def as_text(value: Any) -> str:
    """Return a value as the text a person reads: strings as they are, everything else as JSON."""
    if isinstance(value, str):
        return value
    compact = json.dumps(value, ensure_ascii=False, default=str)
    return compact if len(compact) <= 80 else json.dumps(value, ensure_ascii=False, default=str, indent=2)


def named(values: Mapping[str, Any] | None, scrub: Scrubber, limit: int = MAX_TEXT) -> list[NamedText]:
    """Return values under their names, rendered, scrubbed and bounded; what is sealed is masked."""
    result: list[NamedText] = []
    for name, value in (values or {}).items():
        text, truncated = bounded(scrub(as_text(veiled(value))), limit)
        result.append({"name": name, "text": text, "truncated": truncated})
    return result
