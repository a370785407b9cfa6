"""Checked flows by revision, so that the thousandth execution of a flow does not parse it again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.errors import NotFoundError
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.ports import TypeCatalogue

if TYPE_CHECKING:
    from jupyter_gov.lang.check import Target
    from jupyter_gov.store import Store

_KEPT = 256


class FlowCache:
    """The flows used last; a stored revision never changes, so nothing is ever stale."""

    def __init__(self, store: Store, catalogue: TypeCatalogue, target: Target = "auto") -> None:
        self._store = store
        self._target = target
        self._catalogue = catalogue
        self._lock = Lock()
        self._known: OrderedDict[tuple[str, str, int], tuple[FlowRevision, Flow]] = OrderedDict()
        self._pinned: dict[tuple[str, str, int], tuple[FlowRevision, Flow]] = {}

    def load(self, namespace: str, flow_id: str, revision: int) -> Flow:
        """Return the checked flow of a revision.

        Raises
        ------
        NotFoundError
            ``GOV302``: there is no such revision.
        FlowError
            Its text is not valid (any more): a plugin that it needs is not installed here.
        """
        return self.find(namespace, flow_id, revision)[1]

    def find(self, namespace: str, flow_id: str, revision: int | None) -> tuple[FlowRevision, Flow]:
        """Return a revision (the newest for None) with its checked flow; raises as ``load`` does."""
        if revision is not None and (known := self._get((namespace, flow_id, revision))) is not None:
            return known
        with self._store.read() as tx:
            stored = self._store.flows.get(tx, namespace, flow_id, revision)
        if stored is None:
            number = "" if revision is None else f" revision {revision}"
            raise NotFoundError(f"There is no flow {namespace}.{flow_id}{number}.")
        return self.add(stored)

    def add(self, stored: FlowRevision) -> tuple[FlowRevision, Flow]:
        """Check a revision that was just read, and remember it; raises as ``load`` does."""
        key = (stored.namespace, stored.flow_id, stored.revision)
        known = self._get(key)
        if known is not None:
            return known
        from jupyter_gov.lang.check import check  # noqa: PLC0415 - the checker is big, and most flows are known

        unknown = stored.allow_unknown_types
        checked = check(stored.source, self._catalogue, allow_unknown_types=unknown, target=self._target, stored=True)
        flow = checked.raise_for_errors()
        self.remember(stored, flow)
        return stored, flow

    def remember(self, stored: FlowRevision, flow: Flow) -> None:
        """Keep a flow that was just checked."""
        with self._lock:
            self._known[stored.namespace, stored.flow_id, stored.revision] = (stored, flow)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)

    def pin(self, stored: FlowRevision, flow: Flow) -> None:
        """Let a revision be this flow for good, whatever its text says: a test puts fixtures into it."""
        with self._lock:
            self._pinned[stored.namespace, stored.flow_id, stored.revision] = (stored, flow)

    def _get(self, key: tuple[str, str, int]) -> tuple[FlowRevision, Flow] | None:
        with self._lock:
            pinned = self._pinned.get(key)
            if pinned is not None:
                return pinned
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
            return found
