"""Values of namespaces as one attempt or one expression reaches them: which namespaces, and no secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyter_gov.domain.actor import Assurance
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.scalars import parse_duration
from jupyter_gov.plugins.context import StoredValue, ValueKind
from jupyter_gov.runtime.clock import Clock
from jupyter_gov.runtime.masking import Masks

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx
    from jupyter_gov.store.kv import KeyValue

T = TypeVar("T")


class AttemptValues:
    """Values of namespaces for one attempt; implements ``plugins.context.KeyValues``."""

    def __init__(self, store: Store, execution: Execution, run: TaskRun, *, clock: Clock, masks: Masks) -> None:
        self._store = store
        self._execution = execution
        self._run = run
        self._clock = clock
        self._masks = masks

    def get(self, key: str, *, namespace: str | None = None) -> StoredValue | None:
        """Return a value; None if there is none, or its time is over."""
        with self._store.read() as tx:
            found = self._store.kv.get(tx, self._space(namespace), key, now=self._clock())
        return None if found is None else _shown(found)

    def set(
        self,
        key: str,
        value: Any,
        *,
        kind: ValueKind,
        namespace: str | None = None,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> StoredValue:
        """Store a value.

        Raises
        ------
        TaskError
            ``GOV870``: no such namespace. ``GOV871``: a secret in it.
        ConflictError
            ``GOV745``: the key has a value and ``overwrite`` is false.
        """
        now, space = self._clock(), self._space(namespace)
        until = None if ttl is None else now + ttl
        self._refuse_secrets(key, value)
        fact = self._fact("kv.set", key)

        def work(tx: Tx) -> KeyValue:
            self._reach(tx, space)
            put = self._store.kv.put
            return put(tx, space, key, value, fact, kind=kind, now=now, expires_at=until, overwrite=overwrite)

        return _shown(self._store.retrying(work))

    def merge(self, key: str, data: Mapping[str, Any], *, namespace: str | None = None) -> StoredValue:
        """Add the keys of ``data`` to a stored map, with nobody in between.

        Raises
        ------
        TaskError
            ``GOV870``, ``GOV871``: as ``set``.
        """
        now, space = self._clock(), self._space(namespace)
        self._refuse_secrets(key, data)
        fact = self._fact("kv.set", key)

        def work(tx: Tx) -> KeyValue:
            self._reach(tx, space)
            self._store.kv.lock(tx, space)
            before = self._store.kv.get(tx, space, key, now=now)
            known = before.value if before is not None and isinstance(before.value, Mapping) else {}
            return self._store.kv.put(tx, space, key, {**known, **data}, fact, kind="JSON", now=now)

        return _shown(self._store.retrying(work))

    def delete(self, key: str, *, namespace: str | None = None) -> bool:
        """Delete a value; return whether there was one."""
        now = self._clock()
        fact = self._fact("kv.deleted", key)
        return bool(self._changing(namespace, lambda tx, space: self._store.kv.delete(tx, space, [key], fact, now=now)))

    def keys(self, prefix: str = "", *, namespace: str | None = None) -> list[str]:
        """Return the keys that start with ``prefix``, in order."""
        with self._store.read() as tx:
            return self._store.kv.keys(tx, self._space(namespace), prefix, now=self._clock())

    def purge(self, *, namespace: str | None = None) -> list[str]:
        """Delete the values whose time is over and return their keys."""
        now, fact = self._clock(), self._fact("kv.purged", "expired")
        return self._changing(namespace, lambda tx, space: self._store.kv.purge(tx, space, fact, now=now))

    def _changing(self, namespace: str | None, change: Callable[[Tx, str], T]) -> T:
        space = self._space(namespace)

        def work(tx: Tx) -> T:
            self._reach(tx, space)
            return change(tx, space)

        return self._store.retrying(work)

    def _space(self, namespace: str | None) -> str:
        return namespace or self._execution.namespace

    def _reach(self, tx: Tx, space: str) -> None:
        refuse_unknown(self._store, tx, space, self._execution.namespace)

    def _fact(self, action: str, subject: str) -> Fact:
        return task_fact(action, subject, self._execution, self._run)

    def _refuse_secrets(self, key: str, value: Any) -> None:
        if self._masks.finds(key) or self._masks.finds(value):
            raise TaskError(
                f"The value for the key '{self._masks.apply(key)}' holds a secret, and values are stored in the clear.",
                code="GOV871",
                hint="Read the secret by secret() in the task that needs it, instead of passing it on.",
            )


def refuse_unknown(store: Store, tx: Tx, namespace: str, own: str) -> None:
    """Let through the flow's own namespace, those above it, and those in which (or below which) a flow lives.

    Raises
    ------
    TaskError
        ``GOV870``: it is another one, most likely misspelt.
    """
    if own == namespace or own.startswith(f"{namespace}.") or store.kv.is_known(tx, namespace):
        return
    raise TaskError(
        f"There is no namespace '{namespace}'.",
        code="GOV870",
        hint=f"Use '{own}', one above it, or a namespace that has flows.",
    )


def task_fact(action: str, subject: str, execution: Execution, run: TaskRun) -> Fact:
    """Return what a task did, for the record: by the identity that its execution runs as."""
    body = {"executionId": execution.id, "taskRunId": run.id}
    return Fact(action, subject, execution.run_as, str(Assurance.OS), body)


def native(found: KeyValue) -> Any:
    """Return a stored value as expressions calculate with it."""
    match found.type:
        case "DATETIME":
            return datetime.fromisoformat(found.value)
        case "DATE":
            return date.fromisoformat(found.value)
        case "DURATION":
            return parse_duration(found.value)
        case _:
            return found.value


def _shown(found: KeyValue) -> StoredValue:
    kind = cast("ValueKind", found.type)
    return StoredValue(kind, found.value, found.version, found.updated_at, found.expires_at)
