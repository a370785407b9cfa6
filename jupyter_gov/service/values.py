"""Values of namespaces, as people read and set them; tasks and expressions have their own way to the same store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.sealed import veiled
from jupyter_gov.errors import TaskError
from jupyter_gov.service.shared import check_namespace
from jupyter_gov.tasks.kv.values import typed

if TYPE_CHECKING:
    from jupyter_gov.plugins.context import ValueKind
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.database import Tx


class Values:
    """Implements ``api.KeyValueService`` over the store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def get(self, namespace: str, key: str, actor: Actor) -> Any:
        """Return a value in the types of JSON (dates, times and durations are ISO texts); None if there is none."""
        check_namespace(namespace)
        store = self._parts.store
        with store.read() as tx:
            found = store.kv.get(tx, namespace, key, now=self._parts.now())
        return None if found is None else found.value

    def expires(self, namespace: str, key: str, actor: Actor) -> datetime | None:
        """Return when a value is forgotten; None if never, or if there is none."""
        store = self._parts.store
        with store.read() as tx:
            found = store.kv.get(tx, namespace, key, now=self._parts.now())
        return None if found is None else found.expires_at

    def keys(self, namespace: str, actor: Actor, prefix: str = "") -> Sequence[str]:
        """Return the keys that have a value, in order."""
        check_namespace(namespace)
        store = self._parts.store
        with store.read() as tx:
            return store.kv.keys(tx, namespace, prefix, now=self._parts.now())

    def set(
        self,
        namespace: str,
        key: str,
        value: Any,
        actor: Actor,
        *,
        kind: ValueKind | None = None,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> None:
        """Store a value; without ``kind`` a text that holds a JSON list or map is stored as such.

        Raises
        ------
        StoreError
            ``GOV717``: no name of a namespace. ``GOV746``: the key or the value is too long.
        TaskError
            ``GOV871``: the value is a sealed secret. ``GOV872``: it is not of its kind.
        ConflictError
            ``GOV745``: the key has a value and ``overwrite`` is false.
        """
        check_namespace(namespace)
        known, native = typed(key, value, kind)
        if veiled(native) != native:
            raise TaskError(
                f"The value for the key '{key}' is a sealed secret, which nobody could open there.",
                code="GOV871",
                hint="Keep secrets where secret() finds them.",
            )
        now, put = self._parts.now(), self._parts.store.kv.put
        until = None if ttl is None else now + ttl
        fact = _fact("kv.set", key, actor)

        def work(tx: Tx) -> None:
            put(tx, namespace, key, native, fact, kind=known, now=now, expires_at=until, overwrite=overwrite)

        self._parts.store.retrying(work)

    def delete(self, namespace: str, key: str, actor: Actor) -> bool:
        """Delete a value; return whether there was one."""
        check_namespace(namespace)
        now, delete = self._parts.now(), self._parts.store.kv.delete
        fact = _fact("kv.deleted", key, actor)
        return bool(self._parts.store.retrying(lambda tx: delete(tx, namespace, [key], fact, now=now)))


def _fact(action: str, key: str, actor: Actor) -> Fact:
    return Fact(action, key, actor.id, str(actor.assurance), {})
