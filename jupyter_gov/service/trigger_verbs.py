"""What people do to a trigger: turn it off and on, let a schedule walk over past dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.engine.triggers import schedule, turns
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.models.triggers import Schedule, ScheduleOnDates
from jupyter_gov.runtime import toggling
from jupyter_gov.runtime.trigger_dates import scheduled
from jupyter_gov.runtime.triggered import Place
from jupyter_gov.service.verbs import checked_labels

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.flow_triggers import Key

BackfillAct = Literal["pause", "resume", "cancel"]


class TriggerVerbs:
    """The verbs of ``api.TriggerService`` that change a trigger."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def toggle(self, key: Key, disabled: bool, actor: Actor) -> Trigger:
        """Turn a trigger off, or on again."""
        parts = self._parts
        parts.access.check_named(actor, "turning a trigger off or on")
        fact = _fact("toggled", key, actor, {"disabled": disabled})
        found = toggling.persistently(
            lambda: toggling.toggle(parts.store, parts.cache, parts.host, key, disabled, fact, parts.now())
        )
        parts.wake()
        return found

    def backfill(  # noqa: PLR0917 - what a person says of a backfill
        self,
        key: Key,
        actor: Actor,
        start: datetime,
        end: datetime | None,
        inputs: Mapping[str, Any],
        labels: Mapping[str, str],
    ) -> Trigger:
        """Let a schedule fire for its dates of the past."""
        self._parts.access.check_named(actor, "a backfill")
        return toggling.persistently(lambda: self._begin(key, actor, start, end, inputs, labels))

    def _begin(  # noqa: PLR0917 - what a person says of a backfill
        self,
        key: Key,
        actor: Actor,
        start: datetime,
        end: datetime | None,
        inputs: Mapping[str, Any],
        labels: Mapping[str, str],
    ) -> Trigger:
        now = self._parts.now()
        kept, place = self._scheduled(key)
        if not kept.is_active:
            turn_on = f"Turn it on: jupyter gov triggers toggle {kept.name} --on"
            raise ExecutionError(
                f"trigger {kept.name} is turned off; a backfill would not go on",
                code="GOV381",
                hint="Take `disabled` out of the text of its flow." if kept.off else turn_on,
            )
        if kept.backfill is not None:
            raise ExecutionError(
                f"trigger {kept.name} walks a backfill already", code="GOV382", hint="Cancel it, or let it end."
            )
        start, end = _aware(start), _aware(end or now)
        if not start < end <= now:
            raise ExecutionError(
                f"a backfill goes from one time to a later one, both passed, not from {start} to {end}",
                code="GOV383",
                hint="Its end may be left out: then it is now.",
            )
        rule, subject = scheduled(place)
        walk = schedule.begin_backfill(rule, subject, start, end, kept.next)
        if walk is None:
            raise ExecutionError(f"trigger {kept.name} has no date from {start} to {end}", code="GOV383")
        tags = {label.key: label.value for label in checked_labels(labels)} if labels else {}
        data = turns.kept_walk(walk, {"inputs": dict(inputs), "labels": tags, "at": now.isoformat()})
        body = {"start": start.isoformat(), "end": end.isoformat(), "inputs": sorted(inputs), "labels": tags}
        changed = replace(kept, backfill=data, next=walk.current)
        return self._change(kept, changed, _fact("backfill_started", key, actor, body))

    def change_backfill(self, key: Key, act: BackfillAct, actor: Actor) -> Trigger:
        """Pause, continue or cancel the backfill of a schedule; while it is paused, the schedule goes on."""
        self._parts.access.check_named(actor, "changing a backfill")
        return toggling.persistently(lambda: self._change_walk(key, act, actor))

    def _change_walk(self, key: Key, act: BackfillAct, actor: Actor) -> Trigger:
        kept, _ = self._scheduled(key)
        if kept.backfill is None:
            raise ExecutionError(f"trigger {kept.name} walks no backfill", code="GOV384")
        walk = turns.backfill_from(kept.backfill)
        if walk.paused is (act == "pause") and act != "cancel":
            raise ExecutionError(
                f"the backfill of trigger {kept.name} is {'paused' if walk.paused else 'under way'} already",
                code="GOV384",
            )
        if act == "resume":
            going = turns.kept_walk(replace(walk, paused=False, resume=kept.next), kept.backfill)
            changed = replace(kept, backfill=going, next=walk.current if kept.is_active else None)
        else:
            coming = kept.next if walk.paused or not kept.is_active else walk.resume
            held = turns.kept_walk(replace(walk, paused=True, resume=None), kept.backfill)
            changed = replace(kept, backfill=None if act == "cancel" else held, next=coming)
        said = {"pause": "backfill_paused", "resume": "backfill_resumed", "cancel": "backfill_cancelled"}[act]
        return self._change(kept, changed, _fact(said, key, actor, {}))

    def _scheduled(self, key: Key) -> tuple[Trigger, Place]:
        parts = self._parts
        kept, place = toggling.find(parts.store, parts.cache, parts.host, key)
        if not isinstance(place.parsed.own, (Schedule, ScheduleOnDates)):
            raise ExecutionError(
                f"trigger {kept.name} is no schedule: it has no dates to walk over",
                code="GOV385",
                hint="Backfills are for triggers of type Schedule and ScheduleOnDates.",
            )
        return kept, place

    def _change(self, kept: Trigger, changed: Trigger, fact: Fact) -> Trigger:
        store = self._parts.store
        store.retrying(lambda tx: store.triggers.change(tx, changed, [fact]))
        self._parts.wake()
        return replace(changed, version=kept.version + 1)


def _aware(at: datetime) -> datetime:
    return (at if at.tzinfo is not None else at.astimezone()).astimezone(UTC)


def _fact(action: str, key: Key, actor: Actor, body: Mapping[str, Any]) -> Fact:
    return Fact(f"trigger.{action}", "/".join(key), actor.id, str(actor.assurance), {"trigger": key[2], **body})
