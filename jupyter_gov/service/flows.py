"""Flows: check a text, store it as an immutable revision, read it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.canonical import digest_bytes
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.errors import NotFoundError
from jupyter_gov.lang.check import CheckedFlow, check
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.runtime import caches, trigger_registry

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.database import Tx


class Flows:
    """Implements ``api.FlowService`` over the store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def check(self, source: str, *, allow_unknown_types: bool = False) -> CheckedFlow:
        """Return the checked flow with all its diagnostics; writes nothing."""
        target = self._parts.config.target
        return check(source, self._parts.registry, allow_unknown_types=allow_unknown_types, target=target)

    def register(self, source: str, actor: Actor, *, allow_unknown_types: bool = False) -> FlowRevision:
        """Store a flow text and return its revision: a new one only if the text changed."""
        flow = self.check(source, allow_unknown_types=allow_unknown_types).raise_for_errors()
        digest = digest_bytes(source.encode())
        store, parts = self._parts.store, self._parts
        place = FlowRevision(flow.namespace, flow.id, 0, source, digest, actor.id, parts.now(), allow_unknown_types)
        drafts = trigger_registry.drafts(store, flow, place, parts.host, now=parts.now())

        def write(tx: Tx) -> FlowRevision:
            newest = store.flows.get(tx, flow.namespace, flow.id)
            if newest is not None and newest.digest == digest:
                trigger_registry.sync(tx, store, flow, newest, drafts, actor, parts.run_as)
                return newest
            revision = FlowRevision(
                namespace=flow.namespace,
                flow_id=flow.id,
                revision=1 if newest is None else newest.revision + 1,
                source=source,
                digest=digest,
                author=actor.id,
                created_at=store.now(tx),
                allow_unknown_types=allow_unknown_types,
            )
            store.flows.add(tx, revision, (_registered(revision, actor),))
            trigger_registry.sync(tx, store, flow, revision, drafts, actor, parts.run_as)
            return revision

        revision = store.retrying(write)
        parts.cache.remember(revision, flow)
        if drafts:
            parts.wake()
        return revision

    def get(self, namespace: str, flow_id: str, actor: Actor, revision: int | None = None) -> FlowRevision:
        """Return a stored revision, the newest unless one is named.

        Raises
        ------
        NotFoundError
            ``GOV302``: there is no such flow or revision.
        """
        with self._parts.store.read() as tx:
            found = self._parts.store.flows.get(tx, namespace, flow_id, revision)
        if found is None:
            which = f" revision {revision}" if revision is not None else ""
            raise NotFoundError(
                f"there is no flow {namespace}.{flow_id}{which}", hint="`jupyter gov flows` lists those that exist."
            )
        return found

    def load(self, revision: FlowRevision) -> Flow:
        """Return the checked flow of a stored revision."""
        return self._parts.cache.load(revision.namespace, revision.flow_id, revision.revision)

    def list(self, actor: Actor, namespace: str | None = None, limit: int = 100) -> Sequence[FlowRevision]:
        """Return the newest revision of each flow."""
        with self._parts.store.read() as tx:
            return self._parts.store.flows.list(tx, namespace, limit)

    def delete_cache(self, namespace: str, flow_id: str, task_id: str, actor: Actor) -> bool:
        """Forget the files that a task of a flow keeps for its next run; return whether there were any.

        Raises
        ------
        NotFoundError
            ``GOV302``: there is no such flow.
        """
        self.get(namespace, flow_id, actor)
        fact = Fact("cache.deleted", f"{namespace}/{flow_id}/{task_id}", actor.id, str(actor.assurance), {})
        return bool(caches.delete(self._parts.store, namespace, flow_id, task_id, fact, now=self._parts.now()))


def _registered(revision: FlowRevision, actor: Actor) -> Fact:
    body = {"revision": revision.revision, "digest": revision.digest, "allowUnknownTypes": revision.allow_unknown_types}
    subject = f"{revision.namespace}/{revision.flow_id}"
    return Fact("flow.registered", subject, actor.id, str(actor.assurance), body)
