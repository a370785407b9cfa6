"""The stored files as a whole: what nothing refers to any more is found, and deleted if somebody asks for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.commands import Fact
from jupyter_gov.errors import StoreError

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.garbage import Garbage

GRACE = timedelta(days=1)
SHORTEST = timedelta(hours=1)
MOST = 10_000


class StoredFiles:
    """Implements ``api.FileService`` over the store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self, actor: Actor, *, grace: timedelta = GRACE, apply: bool = False, limit: int = MOST) -> Garbage:
        """Return what nothing refers to; with ``apply`` delete at most ``limit`` files of it, on record.

        Raises
        ------
        StoreError
            ``GOV718``: the files lie in another place than a folder of this host. ``GOV719``: the grace period is too
            short for what is being stored right now.
        """
        from jupyter_gov.store import garbage  # noqa: PLC0415 - most processes never clean up

        if grace < SHORTEST:
            raise StoreError(
                f"a grace period of {grace} is too short: files are stored before anything refers to them",
                code="GOV719",
                hint="Choose PT1H or more.",
            )
        fact = Fact(garbage.COLLECTED, "files", actor.id, str(actor.assurance), {"grace": int(grace.total_seconds())})
        return garbage.collect(self._parts.store, fact, grace=grace, apply=apply, limit=limit)
