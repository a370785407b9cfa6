"""The history: read it, prove it, hand it out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.flow import AuditEntry
from jupyter_gov.service.api import VerifyReport

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts


class Audit:
    """Implements ``api.AuditService`` over the store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def entries(
        self, actor: Actor, stream: str | None = None, *, after: int = 0, limit: int = 500, latest: bool = False
    ) -> Sequence[AuditEntry]:
        """Return entries of one stream (or of all), oldest first; ``latest``: the last ones, if there are more."""
        with self._parts.store.read() as tx:
            return self._parts.store.audit_log.entries(tx, stream, after=after, limit=limit, latest=latest)

    def verify(
        self, actor: Actor, on_progress: Callable[[int, int], None] | None = None, *, files: bool = False
    ) -> VerifyReport:
        """Check all chains, that folding the entries gives the stored state, and that the files told of are there."""
        return self._parts.store.verify(on_progress, files=files)

    def export(self, actor: Actor, target: Path) -> int:
        """Write all entries as JSON lines, one stream after the other; return how many."""
        number = 0
        with target.open("w", encoding="utf-8") as out:
            for record in self._parts.store.history():
                out.write(json.dumps(record, sort_keys=True, ensure_ascii=False) + "\n")
                number += 1
        return number
