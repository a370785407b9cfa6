"""What starts by itself: where triggers stand, turned off and on, past dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_gov.cli import host, screen, shapes
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.service import lookup
from jupyter_gov.service.words import moment, standing

if TYPE_CHECKING:
    from jupyter_gov.service.trigger_verbs import BackfillAct


def triggers(namespace: str | None, *, as_json: bool) -> None:
    """List the triggers of the stored flows."""
    with host.opened() as (gov, actor):
        found = gov.triggers.list(actor, namespace)
    if as_json:
        screen.emit([shapes.trigger(one) for one in found])
        return
    rows = [(one.name, one.type.rpartition(".")[2], standing(one), moment(one.next), one.run_as) for one in found]
    screen.table(
        ("Trigger", "Type", "State", "Next", "Runs as"),
        rows,
        empty="No flow has triggers: jupyter gov register FILE",
    )


def toggle(name: str, *, disabled: bool, as_json: bool) -> None:
    """Turn a trigger off, or on again."""
    with host.opened() as (gov, actor):
        found = lookup.trigger(gov, name, actor)
        changed = gov.triggers.toggle(found.namespace, found.flow_id, found.id, disabled, actor)
    _shown(changed, as_json=as_json)


def backfill(
    name: str,
    start: datetime,
    end: datetime | None,
    inputs: Mapping[str, str],
    labels: Mapping[str, str],
    *,
    as_json: bool,
) -> None:
    """Let a schedule fire for its dates of the past."""
    with host.opened() as (gov, actor):
        found = lookup.trigger(gov, name, actor)
        place = (found.namespace, found.flow_id, found.id)
        changed = gov.triggers.backfill(*place, actor, start=start, end=end, inputs=inputs, labels=labels)
    _shown(changed, as_json=as_json)


def change_backfill(name: str, act: BackfillAct, *, as_json: bool) -> None:
    """Pause, resume or cancel the backfill of a schedule."""
    with host.opened() as (gov, actor):
        found = lookup.trigger(gov, name, actor)
        changed = gov.triggers.change_backfill(found.namespace, found.flow_id, found.id, act, actor)
    _shown(changed, as_json=as_json)


def _shown(found: Trigger, *, as_json: bool) -> None:
    if as_json:
        screen.emit(shapes.trigger(found))
        return
    following = f", next {moment(found.next)}" if found.next is not None else ""
    screen.say(f"{found.name}: {standing(found)}{following}")
