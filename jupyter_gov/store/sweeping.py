"""The folder of stored files as cleaning up sees it: by age, and deleted only if nobody has stored them again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from jupyter_gov.errors import StoreError
from jupyter_gov.store.files import Files

_HEX = re.compile(r"[0-9a-f]{64}")


class Sweeper:
    """Looks through the files of a store and deletes single ones.

    Raises
    ------
    StoreError
        ``GOV718``: they lie in another place than a folder of this host.
    """

    def __init__(self, files: Files) -> None:
        if files.is_remote:
            raise StoreError(
                "the stored files lie in a place that cannot be cleaned up from here",
                code="GOV718",
                hint="Clean up where a folder of this host holds them.",
            )
        self._files = files

    def stored_before(self, moment: datetime) -> dict[str, int]:
        """Return digest -> size of the files that were last stored before a moment."""
        found: dict[str, int] = {}
        for path in self._blobs():
            with suppress(FileNotFoundError):
                state = path.stat()
                if state.st_mtime < moment.timestamp():
                    found[path.name] = state.st_size
        return found

    def count(self) -> int:
        """Return how many files are stored."""
        return sum(1 for _ in self._blobs())

    def unfinished(self, moment: datetime) -> list[tuple[Path, int]]:
        """Return what was begun before a moment and never stored, with its size."""
        found = []
        for path in (self._files.root / "incoming").glob("*"):
            with suppress(FileNotFoundError):
                state = path.stat()
                if state.st_mtime < moment.timestamp():
                    found.append((path, state.st_size))
        return found

    def remove(self, digest: str, moment: datetime) -> bool:
        """Delete a file unless it was stored again since a moment; return whether it was deleted."""
        blob = self._files.root / "sha256" / digest[:2] / digest
        with self._files.guarded(exclusive=True), suppress(FileNotFoundError):
            if blob.stat().st_mtime < moment.timestamp():
                blob.unlink()
                return True
        return False

    def _blobs(self) -> Iterator[Path]:
        for folder in sorted((self._files.root / "sha256").glob("??")):
            yield from (path for path in folder.iterdir() if _HEX.fullmatch(path.name))
