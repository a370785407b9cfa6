"""Triggers: what they would start and when, and what is kept of their windows. Nothing is started here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.engine.inputs import resolve
from jupyter_gov.engine.triggers import schedule, starting, upstream, windows
from jupyter_gov.engine.triggers.parse import Parsed, calendar_of, parse, rule_of
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import GovError, NotFoundError
from jupyter_gov.lang import expr
from jupyter_gov.lang.expr.zones import system_zone
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.models.triggers import FlowTrigger, Schedule, ScheduleOnDates
from jupyter_gov.runtime.masking import Masks

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts

_LOOKED_BACK = 500
"""Newest executions in which the state of a window is looked for."""
_PAGE = 100


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


@dataclass(frozen=True, slots=True)
class _Place:
    flow: Flow
    parsed: Parsed
    since: datetime


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
        found = self._groups(place)
        window = self._folded(place, found[0], self._parts.now())[0] if found else None
        written = place.parsed.definition
        return TriggerState(written.id, written.type, written.disabled, window)

    def expired(self, namespace: str, flow_id: str, trigger_id: str, actor: Actor) -> Sequence[windows.Window]:
        """Return the windows that ran out with some of their conditions met and not all, oldest first."""
        place = self._find(namespace, flow_id, trigger_id)
        now = self._parts.now()
        return [one for group in self._groups(place) for one in self._folded(place, group, now)[1]]

    # --- finding ------------------------------------------------------------------------------------------------

    def _find(self, namespace: str, flow_id: str, trigger_id: str) -> _Place:
        store = self._parts.store
        with store.read() as tx:
            revision = store.flows.get(tx, namespace, flow_id)
            first = store.flows.get(tx, namespace, flow_id, 1)
        if revision is None:
            raise NotFoundError(
                f"there is no flow {namespace}.{flow_id}", hint="`jupyter gov flows` lists those that exist."
            )
        flow = self._parts.cache.load(namespace, flow_id, revision.revision)
        for trigger in flow.triggers:
            if trigger.id == trigger_id:
                return _Place(flow, parse(trigger), (first or revision).created_at)
        known = ", ".join(one.id for one in flow.triggers) or "none"
        raise NotFoundError(f"the flow {namespace}.{flow_id} has no trigger {trigger_id}", hint=f"It has: {known}.")

    def _subject(self, place: _Place, execution: Execution | None = None) -> Subject:
        flow = place.flow
        context = starting.flow_context(flow) if execution is None else starting.upstream_context(flow, execution)
        host = self._parts.host(flow.namespace, Masks())
        return Subject(context, system_zone(), execution, host, _country())

    # --- schedules ----------------------------------------------------------------------------------------------

    def _scheduled(
        self, place: _Place, date: datetime | None, last: datetime | None, backfill: Mapping[str, datetime] | None
    ) -> TriggerPreview:
        own = place.parsed.own
        assert isinstance(own, (Schedule, ScheduleOnDates))  # noqa: S101 - by the caller
        now, subject = self._parts.now(), self._subject(place)
        rule = rule_of(place.parsed, calendar_of(own, render=subject.render, default=subject.zone))
        subject = replace(subject, zone=rule.calendar.zone)
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

    def _after(self, place: _Place, execution: Execution, now: datetime) -> TriggerPreview:
        own = place.parsed.own
        named = isinstance(own, FlowTrigger) and own.states is not None
        # Unless the trigger names states, what is handed over is taken for one that counts.
        if named and not upstream.listens(place.parsed, execution.state):
            return TriggerPreview(False)
        subject = self._subject(place, execution)
        verdict = upstream.judge_alone(place.parsed, subject)
        if not verdict.holds:
            return TriggerPreview(False, problem=verdict.problem)
        before: list[str] = []
        for group in self._groups(place):
            window, _ = self._folded(place, group, now)
            observed = windows.observe(group.span, window, now, execution.id, group.met_by(subject))
            if not observed.is_complete:
                return TriggerPreview(False)
            before += (one for one in observed.by if one != execution.id and one not in before)
        variables = starting.upstream_variables(execution, place.parsed, self._loaded(before))
        subject = replace(subject, context={**subject.context, "trigger": variables})
        return TriggerPreview(**self._start(place, subject, variables, execution))

    def _loaded(self, ids: Sequence[str]) -> list[Execution]:
        with self._parts.store.read() as tx:
            found = [self._parts.store.executions.load(tx, one) for one in ids]
        return [one for one in found if one is not None]

    def _groups(self, place: _Place) -> tuple[upstream.Group, ...]:
        return upstream.groups(place.parsed, system_zone()) if isinstance(place.parsed.own, FlowTrigger) else ()

    def _folded(
        self, place: _Place, group: upstream.Group, now: datetime
    ) -> tuple[windows.Window, list[windows.Window]]:
        """Return a window as the stored executions left it, and those before it that ran out."""
        window: windows.Window | None = None
        expired: list[windows.Window] = []
        for ended, execution in self._ended(place):
            subject = self._subject(place, execution)
            if not upstream.judge_alone(place.parsed, subject).holds:
                continue
            observed = windows.observe(group.span, window, ended, execution.id, group.met_by(subject))
            expired += [observed.expired] if observed.expired is not None else []
            window = observed.window
        last = windows.ran_out(group.span, window, now)
        return windows.current(group.span, window, now), [*expired, *([last] if last is not None else [])]

    def _ended(self, place: _Place) -> Iterator[tuple[datetime, Execution]]:
        """Yield the executions that the trigger looks at, by the time at which they ended."""
        store = self._parts.store
        last: str | None = None
        ids: list[tuple[datetime, str]] = []
        with store.read() as tx:
            for _ in range(_LOOKED_BACK // _PAGE):
                page = store.executions.list(tx, ExecutionFilter(), before=last, limit=_PAGE)
                ids += [
                    (one.ended, one.id)
                    for one in page
                    if one.ended is not None
                    and one.ended >= place.since
                    and upstream.listens(place.parsed, one.state)
                    # Its own executions never lead to more of them.
                    and (one.namespace, one.flow_id) != (place.flow.namespace, place.flow.id)
                ]
                if len(page) < _PAGE:
                    break
                last = page[-1].id
            found = [(ended, store.executions.load(tx, one)) for ended, one in sorted(ids)]
        yield from ((ended, execution) for ended, execution in found if execution is not None)

    # --- what is started ----------------------------------------------------------------------------------------

    def _start(
        self, place: _Place, subject: Subject, variables: Mapping[str, Any], execution: Execution | None = None
    ) -> dict[str, Any]:
        labels = starting.labels_for(place.flow, place.parsed, subject.render, execution)
        try:
            given = starting.inputs_for(place.parsed, subject)
            inputs = self._typed(place, subject, given)
        except GovError as error:
            return {"fires": False, "variables": variables, "labels": labels, "problem": error}
        return {"fires": True, "variables": variables, "labels": labels, "inputs": inputs}

    def _typed(self, place: _Place, subject: Subject, given: Mapping[str, Any]) -> Mapping[str, Any]:
        flow = place.flow
        own = starting.flow_context(flow)

        def render(value: Any, context: Mapping[str, Any]) -> Any:
            how = expr.render_typed if isinstance(value, str) else expr.render_value
            return how(value, {**own, **context}, subject.host)

        return resolve(flow.inputs, given, render=render, undeclared=flow.undeclared_inputs)


def _country() -> str:
    """Return the country of this machine's locale; without one that of Java's default."""
    from babel import Locale, UnknownLocaleError, default_locale  # noqa: PLC0415  (loaded late)

    try:
        found = Locale.parse(default_locale("LC_TIME") or "en_US").territory
    except (ValueError, UnknownLocaleError):
        found = None
    return found or "US"


__all__ = ["TriggerPreview", "TriggerState", "Triggers"]
