"""Keeps the rows of triggers in step with the newest revision of their flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.canonical import digest, plain
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.errors import GovError
from jupyter_gov.lang.models.flow import Flow, TriggerDef

if TYPE_CHECKING:
    from jupyter_gov.runtime.triggered import MakeHost
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx


@dataclass(frozen=True, slots=True)
class Draft:
    """What a trigger is when nothing is kept of it; ``problem``: why it has no next date."""

    definition: str
    off: bool
    concurrent: bool = False
    stops: tuple[str, ...] = ()
    watches: tuple[str, ...] | None = None
    next: datetime | None = None
    problem: str | None = None


def drafts(
    store: Store, flow: Flow, revision: FlowRevision, make_host: MakeHost, *, now: datetime
) -> Mapping[str, Draft]:
    """Return what the triggers of a flow would be; called outside of a transaction, since expressions may read.

    ``revision`` is only looked at for its place.
    """
    if not flow.triggers:
        return {}
    from jupyter_gov.engine.triggers.parse import parse  # noqa: PLC0415 - calendars load late
    from jupyter_gov.lang.models.triggers import Schedule, ScheduleOnDates  # noqa: PLC0415
    from jupyter_gov.runtime.trigger_dates import first_date, watched  # noqa: PLC0415
    from jupyter_gov.runtime.triggered import Starter  # noqa: PLC0415

    starter = Starter(store, {}, make_host)

    def draft(written: TriggerDef) -> Draft:
        place = starter.place((revision, flow), parse(written))
        common = place.parsed.common
        found = Draft(
            digest(plain({"type": written.type, "props": written.props})),
            written.disabled or flow.disabled,
            common.allow_concurrent or not isinstance(place.parsed.own, (Schedule, ScheduleOnDates)),
            tuple(common.stop_after or ()),
            watched(place),
        )
        try:
            return replace(found, next=first_date(place, None, now))
        except GovError as error:
            return replace(found, problem=place.masks.apply(f"{error.code} {error.message}"))

    return {written.id: draft(written) for written in flow.triggers}


def sync(  # noqa: PLR0917 - what a registration is
    tx: Tx,
    store: Store,
    flow: Flow,
    revision: FlowRevision,
    made: Mapping[str, Draft],
    actor: Actor,
    run_as: str,
) -> None:
    """Bring the kept triggers of a flow to a revision that was just stored, or is the newest one anyway.

    One whose text did not change goes on where it was. Whoever registers the flow is who its triggers run as.
    """
    kept = {one.id: one for one in store.triggers.of_flow(tx, flow.namespace, flow.id)}
    for written in flow.triggers:
        draft = made[written.id]
        new = _fresh(flow, written, draft, revision, actor, run_as)
        old = kept.pop(written.id, None)
        if old is None:
            store.triggers.add(tx, new, _facts("registered", new, actor, draft.problem))
            continue
        changed = _carried_over(old, new, draft)
        if changed != old:
            store.triggers.change(tx, changed, _facts("registered", changed, actor, draft.problem))
    for gone in kept.values():
        store.triggers.remove(tx, gone, _facts("removed", gone, actor, None))


def _fresh(  # noqa: PLR0917 - what a registration is
    flow: Flow, written: TriggerDef, draft: Draft, revision: FlowRevision, actor: Actor, run_as: str
) -> Trigger:
    active = not draft.off
    return Trigger(
        flow.namespace,
        flow.id,
        written.id,
        written.type,
        revision.revision,
        draft.definition,
        run_as,
        actor.id,
        off=draft.off,
        concurrent=draft.concurrent,
        watches=draft.watches if active else None,
        stops=draft.stops,
        next=draft.next if active else None,
    )


def _carried_over(old: Trigger, new: Trigger, draft: Draft) -> Trigger:
    """Return a new revision's trigger with what is kept of the old one."""
    same = old.type == new.type and old.definition == new.definition
    if same and old.revision == new.revision:
        return old
    active = not (new.off or old.disabled)
    found = replace(
        new, disabled=old.disabled, last=old.last, running=old.running, version=old.version,
        watches=draft.watches if active else None, next=draft.next if active else None,
    )  # fmt: skip
    if not same:
        return found
    goes_on = active and old.is_active
    return replace(
        found, windows=old.windows, backfill=old.backfill if active else None, next=old.next if goes_on else found.next
    )


def _facts(what: str, trigger: Trigger, actor: Actor, problem: str | None) -> Sequence[Fact]:
    body = {
        "trigger": trigger.id,
        "revision": trigger.revision,
        "type": trigger.type,
        "runAs": trigger.run_as,
        "active": trigger.is_active,
        "next": None if trigger.next is None else trigger.next.isoformat(),
        "problem": problem,
    }
    return [Fact(f"trigger.{what}", "/".join(trigger.key), actor.id, str(actor.assurance), body)]
