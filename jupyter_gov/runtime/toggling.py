"""Turns triggers off and on, for people and for tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.engine.triggers import turns
from jupyter_gov.engine.triggers.parse import parse
from jupyter_gov.errors import ConflictError, ExecutionError, NotFoundError
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.trigger_dates import first_date, watched
from jupyter_gov.runtime.triggered import MakeHost, Place, Starter

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.flow_triggers import Key

T = TypeVar("T")
_ATTEMPTS = 5


def persistently(change: Callable[[], T]) -> T:
    """Read and change a trigger, again if it fired in between.

    Raises
    ------
    ConflictError
        It always did.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return change()
        except ConflictError:
            continue
    return change()


def find(store: Store, flows: FlowCache, make_host: MakeHost, key: Key) -> tuple[Trigger, Place]:
    """Return a trigger as it is kept and as it is written.

    Raises
    ------
    NotFoundError
        ``GOV302``: no such flow, or it has no such trigger.
    """
    with store.read() as tx:
        kept = store.triggers.get(tx, *key)
        known = ", ".join(one.id for one in store.triggers.of_flow(tx, *key[:2])) or "none"
    if kept is None:
        raise NotFoundError(f"the flow {key[0]}.{key[1]} has no trigger {key[2]}", hint=f"It has: {known}.")
    found = flows.find(kept.namespace, kept.flow_id, kept.revision)
    written = next(one for one in found[1].triggers if one.id == kept.id)
    return kept, Starter(store, {}, make_host).place(found, parse(written))


def toggle(  # noqa: PLR0917 - what the two who call it have in common
    store: Store, flows: FlowCache, make_host: MakeHost, key: Key, disabled: bool, fact: Fact, now: datetime
) -> Trigger:
    """Turn a trigger off, or on again: then from now on, nothing is caught up on. Nothing changes if it is so already.

    Raises
    ------
    NotFoundError
        ``GOV302``: no such trigger.
    ExecutionError
        ``GOV380``: it is to be turned on, and the text of its flow disables it.
    ConflictError
        Somebody else changed it at the same moment.
    """
    kept, place = find(store, flows, make_host, key)
    if kept.off and not disabled:
        raise ExecutionError(
            f"trigger {kept.name} is disabled by the text of its flow",
            code="GOV380",
            hint="Remove `disabled: true` from the trigger (or the flow) and register the flow.",
        )
    if kept.disabled == disabled:
        return kept
    changed = replace(kept, disabled=True, next=None, watches=None) if disabled else _turned_on(kept, place, now)
    store.retrying(lambda tx: store.triggers.change(tx, changed, [fact]))
    return replace(changed, version=kept.version + 1)


def _turned_on(kept: Trigger, place: Place, now: datetime) -> Trigger:
    found = replace(kept, disabled=False, watches=watched(place))
    coming = first_date(place, now, now)
    walk = turns.walk_of(kept)
    if walk is None or kept.backfill is None:
        return replace(found, next=coming)
    going = turns.kept_walk(replace(walk, resume=coming), kept.backfill)
    return replace(found, next=walk.current, backfill=going)
