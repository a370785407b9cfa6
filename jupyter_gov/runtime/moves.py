"""The moves of one trigger: what it does at a date, and about states of other executions; each is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import SYSTEM
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.ids import triggered_execution_id
from jupyter_gov.domain.states import History, State
from jupyter_gov.domain.trigger import Trigger, TriggerEvent
from jupyter_gov.engine.triggers import starting, turns, upstream, windows
from jupyter_gov.engine.triggers.parse import parse
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import ExecutionError, GovError
from jupyter_gov.lang.expr.zones import system_zone
from jupyter_gov.lang.models.flow_specs import labels_map
from jupyter_gov.lang.models.triggers import FlowTrigger
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.owned import NewExecution
from jupyter_gov.runtime.trigger_dates import scheduled, window_data, window_from
from jupyter_gov.runtime.triggered import Cause, Place, Starter
from jupyter_gov.runtime.world import World
from jupyter_gov.store.faults import passes

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx
    from jupyter_gov.store.flow_triggers import Key

_EVENTS_AT_ONCE = 50
_MISSES_AT_ONCE = 20
_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Move:
    """What happens to one trigger in one transaction."""

    before: Trigger
    after: Trigger
    made: list[NewExecution] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    events: Sequence[TriggerEvent] = ()

    def say(self, action: str, **body: Any) -> None:
        """Put something on record."""
        about = {"trigger": self.before.id, **body}
        self.facts.append(Fact(f"trigger.{action}", "/".join(self.before.key), SYSTEM.id, str(SYSTEM.assurance), about))


class Mover:
    """Moves triggers of this loop's identity."""

    def __init__(self, world: World, flows: FlowCache) -> None:
        self._world = world
        self._store: Store = world.store
        self._flows = flows
        self._starter = Starter(world.store, world.settings, world.trigger_host)

    # --- dates --------------------------------------------------------------------------------------------------

    def take_date(self, key: Key) -> bool:
        """Do what a schedule does at its next date; return False if there is nothing to do any more."""
        now = self._world.clock()
        kept = self._read(key)
        if kept is None or kept.next is None or kept.next > now:
            return False
        place = self._place(kept)
        if isinstance(place.parsed.own, FlowTrigger):
            return self._miss(kept, place, now)
        rule, subject = scheduled(place)
        turn = turns.take(kept, rule, subject, now=now)
        move = Move(kept, turn.trigger)
        if turn.missed:
            move.say("missed", dates=turn.missed, until=_text(turn.until), reason="lateMaximumDelay")
        if turn.fire is not None:
            self._fire(move, place, subject, turn.fire, now)
        elif not turn.missed:
            move.say("passed", date=_text(kept.next))
        self._store_move(move)
        return True

    def recover(self, key: Key) -> bool:
        """Say what becomes of the dates that passed while no loop was there; return whether that changed anything."""
        kept = self._read(key)
        if kept is None or kept.next is None:
            return False
        place = self._place(kept)
        if isinstance(place.parsed.own, FlowTrigger):
            return False  # windows that were missed are told of one by one
        rule, subject = scheduled(place)
        turn = turns.recover(kept, rule, subject, now=self._world.clock())
        if turn.trigger == kept:
            return False
        move = Move(kept, turn.trigger)
        move.say("missed", dates=turn.missed, until=_text(turn.until), reason=f"recoverMissedSchedules {rule.recover}")
        self._store_move(move)
        return True

    def _fire(self, move: Move, place: Place, subject: Subject, fire: turns.Fire, now: datetime) -> None:
        variables = fire.due.variables if fire.due is not None else {"date": fire.date.isoformat()}
        seen = replace(subject, context={**subject.context, "trigger": variables, "schedule": variables})
        execution_id = triggered_execution_id(*fire.cause)
        about: dict[str, Any] = {"date": _text(fire.date)}
        if fire.late is not None:
            about["lateSeconds"] = int(fire.late.total_seconds())
        if move.before.backfill is not None and turns.walk_of(move.before) is not None:
            about["backfill"] = True
        cause = Cause(execution_id, variables, about, None, fire.inputs, fire.labels, fire.problem)
        try:
            made = self._starter.make(move.before, place, seen, cause, now=now)
        except GovError as error:
            if passes(error):
                raise
            made = self._starter.make(move.before, place, seen, replace(cause, problem=error), now=now)
        move.made.append(made)
        move.after = replace(move.after, running=execution_id)
        move.say("fired", execution=execution_id, **about)

    # --- states of other executions -----------------------------------------------------------------------------

    def react(self, key: Key) -> bool:
        """Look at what other executions did since the last time; return False if there was nothing."""
        with self._store.read() as tx:
            kept = self._store.triggers.get(tx, *key)
            events = self._store.triggers.events(tx, key, _EVENTS_AT_ONCE)
            seen = {event.execution_id for event in events}
            executions = {one: self._store.executions.load(tx, one) for one in seen}
        if kept is None or not events:
            return False
        # A window ends with what came in it: what came later has to wait until that is known.
        events = [event for event in events if kept.next is None or event.at <= kept.next]
        if not events:
            return self._miss(kept, self._place(kept), self._world.clock())
        move = Move(kept, kept, events=events)
        if kept.is_active:
            place = self._place(kept)
            for event in events:
                execution = executions[event.execution_id]
                if execution is not None:
                    self._observe(move, place, event, execution)
        self._store_move(move)
        return True

    def _observe(self, move: Move, place: Place, event: TriggerEvent, execution: Execution) -> None:
        # As it was then: it may have gone on meanwhile.
        then = replace(execution, history=History(execution.history.moments[: event.moment + 1]))
        subject = place.subject(then)
        if not upstream.judge_alone(place.parsed, subject).holds:
            return
        complete, before = True, [then.id]
        for group in upstream.groups(place.parsed, system_zone()):
            kept = window_from(move.after.windows.get(group.id))
            observed = windows.observe(group.span, kept, event.at, then.id, group.met_by(subject))
            if observed.expired is not None:
                move.say("expired", window=group.id, **window_data(observed.expired))
            if observed.window.marks or kept is not None:
                more = {**move.after.windows, group.id: window_data(observed.window)}
                move.after = replace(move.after, windows=more)
            complete = complete and observed.is_complete
            before += (one for one in observed.by if one not in before)
        if complete:
            others = self._load(before[1:])
            variables = starting.upstream_variables(then, place.parsed, others)
            seen = replace(subject, context={**subject.context, "trigger": variables})
            self._start(move, place, seen, event, variables)

    def _start(
        self, move: Move, place: Place, subject: Subject, event: TriggerEvent, variables: Mapping[str, Any]
    ) -> None:
        then = subject.execution
        cause = Cause(
            triggered_execution_id(*move.before.key, then.id, str(event.moment)),
            variables,
            {"execution": then.id, "state": str(event.state)},
            then,
            lenient=True,
        )
        now = self._world.clock()
        if move.made:
            # Lists show them in the order in which they came.
            now = max(now, move.made[-1].execution.created + _TICK)
        try:
            made = self._starter.make(move.before, place, subject, cause, now=now)
        except GovError as error:
            if passes(error):
                raise
            if place.flow.dialect != "2.0":
                message = place.masks.apply(error.message)
                move.say("failed", cause=then.id, state=str(event.state), code=error.code, message=message)
                return
            # Since Kestra 2 an execution that failed says so.
            made = self._starter.make(move.before, place, subject, replace(cause, problem=error), now=now)
        move.made.append(made)
        move.after = replace(move.after, running=cause.execution_id)
        move.say("fired", execution=cause.execution_id, cause=then.id, state=str(event.state))

    def _miss(self, kept: Trigger, place: Place, now: datetime) -> bool:
        """Do what a trigger says about windows that ended without what they needed."""
        if kept.next is None or kept.next > now:
            return False
        with self._store.read() as tx:
            waiting = self._store.triggers.events(tx, kept.key, 1)
        if waiting and waiting[0].at <= kept.next:
            return True  # it came in time, and is looked at first
        group = upstream.groups(place.parsed, system_zone())[-1]
        window = window_from(kept.windows.get(group.id))
        found = windows.missed(group.span, window, kept.next - _TICK, now + _TICK)[:_MISSES_AT_ONCE]
        coming = windows.next_end(group.span, now)
        if len(found) == _MISSES_AT_ONCE:
            coming = found[-1].end + _TICK
        move = Move(kept, replace(kept, next=coming))
        for one in found:
            self._missed(move, place, group, one)
        if not found:
            move.say("met", until=_text(kept.next))
        self._store_move(move)
        return True

    def _missed(self, move: Move, place: Place, group: upstream.Group, window: windows.Window) -> None:
        written = place.parsed.on_miss
        missing = sorted(group.span.names - set(window.marks))
        about = {"start": window.start.isoformat(), "end": window.end.isoformat(), "missing": missing}
        if written is None or written.behavior == "NONE":
            move.say("missed", **about)
            return
        problem = ExecutionError(
            f"by {about['end']} these had not come: {', '.join(missing)}",
            code="GOV386",
            hint="Look at what the missing flows did in that time.",
        )
        end = State.CANCELLED if written.behavior == "CANCEL" else State.FAILED
        execution_id = triggered_execution_id(*move.before.key, "missed", window.start.astimezone(UTC).isoformat())
        labels = labels_map(written.labels)
        cause = Cause(execution_id, about, about, labels=labels, problem=problem, end=end, lenient=True)
        now = self._world.clock() + len(move.made) * _TICK
        move.made.append(self._starter.make(move.before, place, place.subject(), cause, now=now))
        move.say("missed", execution=execution_id, **about)

    # --- reading and storing ------------------------------------------------------------------------------------

    def _load(self, ids: Sequence[str]) -> list[Execution]:
        with self._store.read() as tx:
            found = [self._store.executions.load(tx, one) for one in ids]
        return [one for one in found if one is not None]

    def _read(self, key: Key) -> Trigger | None:
        with self._store.read() as tx:
            return self._store.triggers.get(tx, *key)

    def _place(self, kept: Trigger) -> Place:
        revision, flow = self._flows.find(kept.namespace, kept.flow_id, kept.revision)
        written = next(one for one in flow.triggers if one.id == kept.id)
        return self._starter.place((revision, flow), parse(written))

    def _store_move(self, move: Move) -> None:
        faults = self._world.faults
        faults.reach("trigger.before")
        self._store.retrying(lambda tx: self._write(tx, move))
        faults.reach("trigger.after")

    def _write(self, tx: Tx, move: Move) -> None:
        store = self._store
        if move.made:
            # Before the trigger's row: the end of an execution takes the two in this order as well.
            store.executions.lock_flow(tx, move.before.namespace, move.before.flow_id)
        if move.facts or move.after != move.before:
            if not move.facts:
                move.say("observed", windows=sorted(move.after.windows))
            store.triggers.change(tx, move.after, move.facts)
        store.triggers.consume(tx, move.events)
        for made in move.made:
            # A date that comes again (of a trigger that was removed and written anew) has had its execution.
            if store.executions.version(tx, made.execution.id) is None:
                self._starter.insert(tx, made)
        self._world.faults.reach("trigger.inside")


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
