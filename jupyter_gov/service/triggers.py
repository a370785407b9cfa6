"""Triggers: where they stand, what they would start and when; what people do to them, and webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import History
from jupyter_gov.domain.trigger import Trigger, TriggerEvent
from jupyter_gov.engine.inputs import resolve
from jupyter_gov.engine.triggers import schedule, starting, upstream, windows
from jupyter_gov.engine.triggers.parse import parse
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import GovError, NotFoundError
from jupyter_gov.lang.expr.zones import system_zone
from jupyter_gov.lang.models.triggers import FlowTrigger, Schedule, ScheduleOnDates
from jupyter_gov.runtime.trigger_dates import scheduled, window_from
from jupyter_gov.runtime.triggered import Place, Starter, declared_for, preview_render
from jupyter_gov.service.trigger_verbs import BackfillAct, TriggerVerbs
from jupyter_gov.service.webhooks import Webhooks
from jupyter_gov.store.flow_triggers import stream

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts

_EVENTS = 1000
_PAGE = 500


@dataclass(frozen=True, slots=True)
class TriggerPreview:
    """What a trigger would do.

    Attributes
    ----------
    fires
        Whether it would start an execution, with ``variables`` (its ``trigger.*``), ``labels`` and ``inputs``.
    next_date, previous_date
        Of a schedule; None if there is none.
    problem
        Why it could not be said: a condition or an input that cannot be evaluated.
    """

    fires: bool
    variables: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    next_date: datetime | None = None
    previous_date: datetime | None = None
    problem: GovError | None = None


@dataclass(frozen=True, slots=True)
class TriggerState:
    """A trigger and what is kept of it; ``window`` is that of its preconditions, as it is now."""

    id: str
    type: str
    disabled: bool
    window: windows.Window | None = None
    kept: Trigger | None = None


class Triggers:
    """Implements ``api.TriggerService`` over the store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def preview(
        self,
        namespace: str,
        flow_id: str,
        trigger_id: str,
        actor: Actor,
        *,
        date: datetime | None = None,
        last: datetime | None = None,
        backfill: Mapping[str, datetime] | None = None,
        upstream: Execution | None = None,
    ) -> TriggerPreview:
        """Return what a trigger would do; nothing is started and nothing is written."""
        place = self._find(namespace, flow_id, trigger_id)
        if isinstance(place.parsed.own, (Schedule, ScheduleOnDates)):
            return self._scheduled(place, date, last, backfill)
        if isinstance(place.parsed.own, FlowTrigger) and upstream is not None:
            return self._after(place, upstream, date or self._parts.now())
        return TriggerPreview(False)

    def get(self, namespace: str, flow_id: str, trigger_id: str, actor: Actor) -> TriggerState:
        """Return a trigger and its window as it is now."""
        place = self._find(namespace, flow_id, trigger_id)
        kept, events = self._read(place)
        found = self._groups(place)
        window = self._folded(place, found[0], kept, events, self._parts.now())[0] if found else None
        written = place.parsed.definition
        disabled = written.disabled if kept is None else not kept.is_active
        return TriggerState(written.id, written.type, disabled, window, kept)

    def list(
        self, actor: Actor, namespace: str | None = None, flow_id: str | None = None, limit: int = 1000
    ) -> Sequence[Trigger]:
        """Return triggers as they stand, by flow."""
        store = self._parts.store
        with store.read() as tx:
            if namespace is not None and flow_id is not None:
                return store.triggers.of_flow(tx, namespace, flow_id)
            return store.triggers.list(tx, namespace, limit)

    def expired(self, namespace: str, flow_id: str, trigger_id: str, actor: Actor) -> Sequence[windows.Window]:
        """Return the windows that ran out with some of their conditions met and not all, oldest first."""
        place = self._find(namespace, flow_id, trigger_id)
        now = self._parts.now()
        found = [*self._told(place)]
        kept, events = self._read(place)
        for group in self._groups(place):
            found += self._folded(place, group, kept, events, now)[1]
        return found

    # --- what people do -----------------------------------------------------------------------------------------

    def toggle(self, namespace: str, flow_id: str, trigger_id: str, disabled: bool, actor: Actor) -> Trigger:
        """Turn a trigger off, or on again: then from now on, nothing is caught up on."""
        return TriggerVerbs(self._parts).toggle((namespace, flow_id, trigger_id), disabled, actor)

    def backfill(
        self,
        namespace: str,
        flow_id: str,
        trigger_id: str,
        actor: Actor,
        *,
        start: datetime,
        end: datetime | None = None,
        inputs: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Trigger:
        """Let a schedule fire for its dates of the past, one after the other."""
        verbs = TriggerVerbs(self._parts)
        return verbs.backfill((namespace, flow_id, trigger_id), actor, start, end, dict(inputs or {}), labels or {})

    def change_backfill(self, namespace: str, flow_id: str, trigger_id: str, act: BackfillAct, actor: Actor) -> Trigger:
        """Pause, continue or cancel the backfill of a schedule."""
        return TriggerVerbs(self._parts).change_backfill((namespace, flow_id, trigger_id), act, actor)

    def webhook(
        self,
        namespace: str,
        flow_id: str,
        key: str,
        *,
        method: str = "POST",
        parameters: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, Sequence[str] | str] | None = None,
        body: str | None = None,
    ) -> Execution | None:
        """Start what the webhook of this key starts; None if its conditions do not hold."""
        return Webhooks(self._parts).call(
            namespace, flow_id, key, method=method, parameters=parameters or {}, headers=headers or {}, body=body
        )

    # --- finding ------------------------------------------------------------------------------------------------

    def _find(self, namespace: str, flow_id: str, trigger_id: str) -> Place:
        store = self._parts.store
        with store.read() as tx:
            revision = store.flows.get(tx, namespace, flow_id)
        if revision is None:
            raise NotFoundError(
                f"there is no flow {namespace}.{flow_id}", hint="`jupyter gov flows` lists those that exist."
            )
        flow = self._parts.cache.load(namespace, flow_id, revision.revision)
        for trigger in flow.triggers:
            if trigger.id == trigger_id:
                starter = Starter(store, self._parts.settings, self._parts.host)
                return starter.place((revision, flow), parse(trigger))
        known = ", ".join(one.id for one in flow.triggers) or "none"
        raise NotFoundError(f"the flow {namespace}.{flow_id} has no trigger {trigger_id}", hint=f"It has: {known}.")

    def _read(self, place: Place) -> tuple[Trigger | None, Sequence[TriggerEvent]]:
        store = self._parts.store
        key = (place.flow.namespace, place.flow.id, place.parsed.definition.id)
        with store.read() as tx:
            return store.triggers.get(tx, *key), store.triggers.events(tx, key, _EVENTS)

    def _told(self, place: Place) -> Sequence[windows.Window]:
        """Return the windows that the history tells to have run out."""
        store, after = self._parts.store, 0
        found: list[windows.Window] = []
        with store.read() as tx:
            while True:
                entries = store.audit_log.entries(tx, stream(place.flow.namespace, place.flow.id), after, _PAGE)
                for entry in entries:
                    if entry.action == "trigger.expired" and entry.body.get("trigger") == place.parsed.definition.id:
                        window = window_from(entry.body)
                        found += [window] if window is not None else []
                if len(entries) < _PAGE:
                    return found
                after = entries[-1].seq

    # --- schedules ----------------------------------------------------------------------------------------------

    def _scheduled(
        self, place: Place, date: datetime | None, last: datetime | None, backfill: Mapping[str, datetime] | None
    ) -> TriggerPreview:
        now = self._parts.now()
        rule, subject = scheduled(place)
        coming = schedule.next_date(rule, subject, last, now=now)
        former = schedule.before(rule, subject, date or now)
        current = (backfill or {}).get("currentDate") or (backfill or {}).get("start") or date or coming
        nothing = TriggerPreview(False, next_date=coming, previous_date=former)
        if current is None:
            return nothing
        found = schedule.evaluate(rule, subject, current, now=now, exactly=backfill is not None)
        if found.due is None:
            return replace(nothing, problem=found.problem)
        variables = found.due.variables
        seen = replace(subject, context={**subject.context, "trigger": variables, "schedule": variables})
        return replace(nothing, **self._start(place, seen, variables))

    # --- flow triggers ------------------------------------------------------------------------------------------

    def _after(self, place: Place, execution: Execution, now: datetime) -> TriggerPreview:
        own = place.parsed.own
        named = isinstance(own, FlowTrigger) and own.states is not None
        # Unless the trigger names states, what is handed over is taken for one that counts.
        if named and not upstream.listens(place.parsed, execution.state):
            return TriggerPreview(False)
        subject = place.subject(execution)
        verdict = upstream.judge_alone(place.parsed, subject)
        if not verdict.holds:
            return TriggerPreview(False, problem=verdict.problem)
        before: list[str] = []
        kept, events = self._read(place)
        for group in self._groups(place):
            window, _ = self._folded(place, group, kept, events, now)
            observed = windows.observe(group.span, window, now, execution.id, group.met_by(subject))
            if not observed.is_complete:
                return TriggerPreview(False)
            before += (one for one in observed.by if one != execution.id and one not in before)
        variables = starting.upstream_variables(execution, place.parsed, self._loaded(before))
        subject = replace(subject, context={**subject.context, "trigger": variables})
        return TriggerPreview(**self._start(place, subject, variables, execution))

    def _loaded(self, ids: Sequence[str]) -> Sequence[Execution]:
        with self._parts.store.read() as tx:
            found = [self._parts.store.executions.load(tx, one) for one in ids]
        return [one for one in found if one is not None]

    def _groups(self, place: Place) -> tuple[upstream.Group, ...]:
        return upstream.groups(place.parsed, system_zone()) if isinstance(place.parsed.own, FlowTrigger) else ()

    def _folded(
        self,
        place: Place,
        group: upstream.Group,
        kept: Trigger | None,
        events: Sequence[TriggerEvent],
        now: datetime,
    ) -> tuple[windows.Window, Sequence[windows.Window]]:
        """Return a window with what no loop has looked at yet, and those before it that ran out meanwhile."""
        window = None if kept is None else window_from(kept.windows.get(group.id))
        expired: list[windows.Window] = []
        for event in events:
            execution = self._then(event)
            if execution is None or not upstream.judge_alone(place.parsed, place.subject(execution)).holds:
                continue
            met = group.met_by(place.subject(execution))
            observed = windows.observe(group.span, window, event.at, execution.id, met)
            expired += [observed.expired] if observed.expired is not None else []
            window = observed.window
        last = windows.ran_out(group.span, window, now)
        return windows.current(group.span, window, now), [*expired, *([last] if last is not None else [])]

    def _then(self, event: TriggerEvent) -> Execution | None:
        """Return an execution as it was when it reached a state."""
        with self._parts.store.read() as tx:
            found = self._parts.store.executions.load(tx, event.execution_id)
        if found is None:
            return None
        return replace(found, history=History(found.history.moments[: event.moment + 1]))

    # --- what is started ----------------------------------------------------------------------------------------

    def _start(
        self, place: Place, subject: Subject, variables: Mapping[str, Any], execution: Execution | None = None
    ) -> dict[str, Any]:
        labels = starting.labels_for(place.flow, place.parsed, subject.render, execution)
        try:
            given = starting.inputs_for(place.parsed, subject)
            inputs = self._typed(place, given, lenient=execution is not None)
        except GovError as error:
            return {"fires": False, "variables": variables, "labels": labels, "problem": error}
        return {"fires": True, "variables": variables, "labels": labels, "inputs": inputs}

    def _typed(self, place: Place, given: Mapping[str, Any], *, lenient: bool) -> Mapping[str, Any]:
        declared = declared_for(place.flow, lenient=lenient)
        return resolve(
            declared, given, render=preview_render(place), undeclared=place.flow.undeclared_inputs, strict=False
        )


__all__ = ["TriggerPreview", "TriggerState", "Triggers"]
