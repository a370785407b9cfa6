"""Files that a task keeps for the next execution of its flow.

They are found by a value in a namespace that no flow can have, so that nothing but the task that keeps them gets at it.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.errors import StoreError
from jupyter_gov.runtime.clock import Clock
from jupyter_gov.runtime.kv import task_fact

if TYPE_CHECKING:
    from datetime import datetime

    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx

_FILE = "files.tar"


def space_of(namespace: str) -> str:
    """Return where the caches of a namespace's flows are noted."""
    return f"cache:{namespace}"


def delete(store: Store, namespace: str, flow_id: str, task_id: str, fact: Fact, *, now: datetime) -> int:
    """Forget what a task keeps, of all its loop values; return how many caches that were."""
    name = f"{flow_id}/{task_id}"

    def work(tx: Tx) -> int:
        keys = store.kv.keys(tx, space_of(namespace), name, now=now)
        own = [key for key in keys if key == name or key.startswith(f"{name}/")]
        return len(store.kv.delete(tx, space_of(namespace), own, fact, now=now))

    return store.retrying(work)


class AttemptCache:
    """What one task keeps; implements ``plugins.context.Cache``."""

    def __init__(self, store: Store, execution: Execution, run: TaskRun, *, clock: Clock) -> None:
        self._store = store
        self._execution = execution
        self._run = run
        self._clock = clock

    def get(self) -> Path | None:
        """Return the file that was kept, if it is there and its time is not over."""
        uri = self._uri()
        if uri is None:
            return None
        try:
            return self._store.files.path(uri)
        except StoreError:
            return None  # It was cleaned up meanwhile: a cache may always be empty.

    def put(self, source: Path, *, ttl: timedelta | None = None) -> None:
        """Keep a file in the place of what was kept; one with the same content stays as old as it is."""
        execution, now = self._execution, self._clock()
        space = execution.namespace.replace(".", "/")
        prefix = f"kestra:///{space}/{execution.flow_id}/tasks/{self._run.task_id}/cache"
        uri = self._store.files.put(prefix, source, _FILE)
        if uri == self._uri():
            return
        fact = task_fact("cache.stored", self._key(), execution, self._run)
        until = None if ttl is None else now + ttl

        def work(tx: Tx) -> None:
            place = space_of(execution.namespace)
            self._store.kv.put(tx, place, self._key(), uri, fact, kind="STRING", now=now, expires_at=until)

        self._store.retrying(work)

    def _uri(self) -> str | None:
        with self._store.read() as tx:
            found = self._store.kv.get(tx, space_of(self._execution.namespace), self._key(), now=self._clock())
        return None if found is None else str(found.value)

    def _key(self) -> str:
        name = f"{self._execution.flow_id}/{self._run.task_id}"
        if not self._run.path:
            return name
        return f"{name}/{hashlib.sha256(repr(self._run.path).encode()).hexdigest()}"
