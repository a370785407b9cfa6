"""Triggers of flows: where they stand, what is due, and which states of other executions they have still to look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, func, insert, literal, or_, select, update

from jupyter_gov.domain.actor import SYSTEM
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import TERMINAL, State
from jupyter_gov.domain.trigger import Trigger, TriggerEvent
from jupyter_gov.errors import ConflictError
from jupyter_gov.store import tables
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import (
    from_json,
    from_json_or_none,
    from_us,
    from_us_or_none,
    to_json,
    to_json_or_none,
    to_us,
    to_us_or_none,
)
from jupyter_gov.store.commitments import commit_to
from jupyter_gov.store.database import Tx
from jupyter_gov.store.facts import with_changes
from jupyter_gov.store.statements import Statement, columns

_triggers = tables.TriggerRow.__table__  # type: ignore[attr-defined]
_events = tables.TriggerEventRow.__table__  # type: ignore[attr-defined]
_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_NAMES = columns(tables.TriggerRow)
_KEY = ("namespace", "flow_id", "trigger_id")
CONTENT = tuple(name for name in _NAMES if name not in _KEY)
"""Columns that the history commits to."""

_of = and_(
    _triggers.c.namespace == bindparam("ns"),
    _triggers.c.flow_id == bindparam("flow"),
    _triggers.c.trigger_id == bindparam("trigger"),
)
_all = select(*(_triggers.c[name] for name in _NAMES))
_order = (_triggers.c.namespace, _triggers.c.flow_id, _triggers.c.trigger_id)
_GET = Statement(_all.where(_of))
_OF_FLOW = Statement(
    _all.where(_triggers.c.namespace == bindparam("ns"), _triggers.c.flow_id == bindparam("flow")).order_by(*_order)
)
_LIST = Statement(_all.order_by(*_order).limit(bindparam("n")))
_LIST_OF = Statement(_all.where(_triggers.c.namespace == bindparam("ns")).order_by(*_order).limit(bindparam("n")))
_INSERT = Statement(insert(_triggers).values({name: bindparam(name) for name in _NAMES}))
_UPDATE = Statement(
    update(_triggers)
    .where(_of, _triggers.c.version == bindparam("expected"))
    .values({name: bindparam(f"new_{name}") for name in CONTENT})
)
_DELETE = Statement(delete(_triggers).where(_of, _triggers.c.version == bindparam("expected")))
_DELETE_EVENTS = Statement(
    delete(_events).where(
        _events.c.namespace == bindparam("ns"),
        _events.c.flow_id == bindparam("flow"),
        _events.c.trigger_id == bindparam("trigger"),
    )
)
# One after the other: what it started last must have come to its end.
_ended = or_(*(_executions.c.state == literal(str(state)) for state in sorted(TERMINAL)))
_free = or_(_triggers.c.concurrent == 1, ~exists().where(_executions.c.id == _triggers.c.running, ~_ended))
_UPCOMING = Statement(
    select(*(_triggers.c[name] for name in (*_KEY, "next_us")))
    .where(_triggers.c.run_as == bindparam("pool"), _triggers.c.next_us.is_not(None), _free)
    .order_by(_triggers.c.next_us)
    .limit(bindparam("n"))
)
_WATCHING = Statement(
    select(*(_triggers.c[name] for name in (*_KEY, "watches"))).where(_triggers.c.watches.is_not(None))
)
_ADD_EVENT = Statement(
    insert(_events).values({name: bindparam(name) for name in columns(tables.TriggerEventRow, without=["id"])})
)
_WAITING = Statement(
    select(*(_events.c[name] for name in _KEY))
    .join_from(
        _events,
        _triggers,
        and_(*(_events.c[name] == _triggers.c[name] for name in _KEY), _triggers.c.run_as == bindparam("pool")),
    )
    .group_by(*(_events.c[name] for name in _KEY))
    .order_by(func.min(_events.c.id))
    .limit(bindparam("n"))
)
_EVENTS = Statement(
    select(*(_events.c[name] for name in ("id", "execution_id", "moment", "state", "at_us")))
    .where(
        _events.c.namespace == bindparam("ns"),
        _events.c.flow_id == bindparam("flow"),
        _events.c.trigger_id == bindparam("trigger"),
    )
    .order_by(_events.c.id)
    .limit(bindparam("n"))
)
_CONSUME = Statement(delete(_events).where(_events.c.id == bindparam("event")))
_STOP = Statement(
    update(_triggers)
    .where(_of, _triggers.c.disabled == 0, _triggers.c.stops.contains(bindparam("state")))
    .values(disabled=1, next_us=None, watches=None, version=_triggers.c.version + 1)
    .returning(*(_triggers.c[name] for name in _NAMES))
)

Key = tuple[str, str, str]


def stream(namespace: str, flow_id: str) -> str:
    """Return the audit stream of the triggers of a flow."""
    return f"trigger/{namespace}/{flow_id}"


class FlowTriggers:
    """The triggers of all flows; every change is put on record."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    # --- where they stand ---------------------------------------------------------------------------------------

    def get(self, tx: Tx, namespace: str, flow_id: str, trigger_id: str) -> Trigger | None:
        """Return a trigger; None if there is none of this id."""
        row = tx.row(_GET, _key((namespace, flow_id, trigger_id)))
        return None if row is None else _trigger(row)

    def of_flow(self, tx: Tx, namespace: str, flow_id: str) -> list[Trigger]:
        """Return the triggers of a flow."""
        return [_trigger(row) for row in tx.rows(_OF_FLOW, {"ns": namespace, "flow": flow_id})]

    def list(self, tx: Tx, namespace: str | None = None, limit: int = 1000) -> list[Trigger]:
        """Return triggers, by flow."""
        values = {"ns": namespace, "n": limit}
        return [_trigger(row) for row in (tx.rows(_LIST, values) if namespace is None else tx.rows(_LIST_OF, values))]

    def add(self, tx: Tx, trigger: Trigger, facts: Sequence[Fact]) -> None:
        """Store a new trigger.

        Raises
        ------
        ConflictError
            There is one of this id.
        """
        row = _row(trigger)
        tx.run(_INSERT, row)
        self._record(tx, trigger, row, facts)

    def change(self, tx: Tx, trigger: Trigger, facts: Sequence[Fact]) -> None:
        """Store a trigger that was read at ``trigger.version``; it then is one version further.

        Raises
        ------
        ConflictError
            ``GOV701``: somebody else changed it meanwhile.
        """
        row = {**_row(trigger), "version": trigger.version + 1}
        values = {**_key(trigger.key), "expected": trigger.version, **{f"new_{name}": row[name] for name in CONTENT}}
        if tx.run(_UPDATE, values) != 1:
            raise _moved(trigger)
        self._record(tx, trigger, row, facts)

    def remove(self, tx: Tx, trigger: Trigger, facts: Sequence[Fact]) -> None:
        """Forget a trigger, and what it had still to look at.

        Raises
        ------
        ConflictError
            ``GOV701``: somebody else changed it meanwhile.
        """
        key = _key(trigger.key)
        if tx.run(_DELETE, {**key, "expected": trigger.version}) != 1:
            raise _moved(trigger)
        tx.run(_DELETE_EVENTS, key)
        self._record(tx, trigger, None, facts)

    def note(self, tx: Tx, trigger: Trigger, facts: Sequence[Fact]) -> None:
        """Put something on record that changes nothing of a trigger."""
        self._audit.append(tx, stream(trigger.namespace, trigger.flow_id), facts)

    def _record(self, tx: Tx, trigger: Trigger, row: dict[str, Any] | None, facts: Sequence[Fact]) -> None:
        told = None if row is None else commit_to([row[name] for name in CONTENT])
        changes = {"triggers": [[trigger.id, told]]}
        self._audit.append(tx, stream(trigger.namespace, trigger.flow_id), with_changes(facts, changes))

    # --- what is due --------------------------------------------------------------------------------------------

    def upcoming(self, tx: Tx, run_as: str, limit: int) -> Sequence[tuple[Key, datetime]]:
        """Return the schedules that may fire next, with their dates, passed or not; the earliest first.

        Those whose last execution still runs are left out, unless they may fire all the same.
        """
        rows = tx.rows(_UPCOMING, {"pool": run_as, "n": limit})
        return [((row[0], row[1], row[2]), from_us(row[3])) for row in rows]

    # --- what other executions do -------------------------------------------------------------------------------

    def announce(self, tx: Tx, execution: Execution, known: int) -> None:
        """Leave the states that an execution reached, beyond the first ``known`` ones, to the triggers that watch them.

        A flow never starts itself.
        """
        for namespace, flow_id, trigger_id, watches in tx.rows(_WATCHING):
            if (namespace, flow_id) == (execution.namespace, execution.flow_id):
                continue
            wanted = from_json(watches)
            for number, moment in enumerate(execution.history.moments[known:], known):
                if str(moment.state) in wanted:
                    event = {"execution_id": execution.id, "moment": number, "state": str(moment.state)}
                    key = {"namespace": namespace, "flow_id": flow_id, "trigger_id": trigger_id}
                    tx.run(_ADD_EVENT, {**key, **event, "at_us": to_us(moment.at)})

    def is_watched(self, tx: Tx) -> bool:
        """Return whether any trigger watches executions."""
        return tx.row(_WATCHING) is not None

    def waiting(self, tx: Tx, run_as: str, limit: int) -> Sequence[Key]:
        """Return the triggers that have something to look at, that which has waited longest first."""
        return [(row[0], row[1], row[2]) for row in tx.rows(_WAITING, {"pool": run_as, "n": limit})]

    def events(self, tx: Tx, key: Key, limit: int) -> Sequence[TriggerEvent]:
        """Return what a trigger has to look at, in the order in which it happened."""
        rows = tx.rows(_EVENTS, {**_key(key), "n": limit})
        return [TriggerEvent(row[0], row[1], row[2], State(row[3]), from_us(row[4])) for row in rows]

    def consume(self, tx: Tx, events: Sequence[TriggerEvent]) -> None:
        """Delete what has been looked at.

        Raises
        ------
        ConflictError
            ``GOV701``: somebody else has looked at it already.
        """
        for event in events:
            if tx.run(_CONSUME, {"event": event.id}) != 1:
                raise ConflictError(f"state {event.state} of execution {event.execution_id} was looked at already")

    def ended(self, tx: Tx, execution: Execution) -> None:
        """Turn off the trigger that started an execution, if it says so of the state in which that ended."""
        cause = execution.trigger
        if cause is None or execution.parent_id is not None:
            return
        key = (execution.namespace, execution.flow_id, cause.id)
        row = tx.row(_STOP, {**_key(key), "state": f'"{execution.state}"'})
        if row is None:
            return
        stopped = dict(zip(_NAMES, row, strict=True))
        body = {"trigger": cause.id, "execution": execution.id, "state": str(execution.state)}
        fact = Fact("trigger.stopped", "/".join(key), SYSTEM.id, str(SYSTEM.assurance), body)
        self._record(tx, _trigger(row), stopped, (fact,))


def _moved(trigger: Trigger) -> ConflictError:
    return ConflictError(
        f"trigger {trigger.name} is no longer at version {trigger.version}", hint="Read it again and decide anew."
    )


def _key(key: Key) -> dict[str, str]:
    return dict(zip(("ns", "flow", "trigger"), key, strict=True))


def _row(trigger: Trigger) -> dict[str, Any]:
    return {
        "namespace": trigger.namespace,
        "flow_id": trigger.flow_id,
        "trigger_id": trigger.id,
        "type": trigger.type,
        "revision": trigger.revision,
        "definition": trigger.definition,
        "run_as": trigger.run_as,
        "author": trigger.author,
        "off": int(trigger.off),
        "disabled": int(trigger.disabled),
        "concurrent": int(trigger.concurrent),
        "watches": to_json_or_none(trigger.watches),
        "stops": to_json(trigger.stops),
        "next_us": to_us_or_none(trigger.next),
        "last_us": to_us_or_none(trigger.last),
        "running": trigger.running,
        "windows": to_json(trigger.windows),
        "backfill": to_json_or_none(trigger.backfill),
        "version": trigger.version,
    }


def _trigger(row: Sequence[Any]) -> Trigger:
    named = dict(zip(_NAMES, row, strict=True))
    watches = from_json_or_none(named["watches"])
    return Trigger(
        namespace=named["namespace"],
        flow_id=named["flow_id"],
        id=named["trigger_id"],
        type=named["type"],
        revision=named["revision"],
        definition=named["definition"],
        run_as=named["run_as"],
        author=named["author"],
        off=bool(named["off"]),
        disabled=bool(named["disabled"]),
        concurrent=bool(named["concurrent"]),
        watches=None if watches is None else tuple(watches),
        stops=tuple(from_json(named["stops"])),
        next=from_us_or_none(named["next_us"]),
        last=from_us_or_none(named["last_us"]),
        running=named["running"],
        windows=from_json(named["windows"]),
        backfill=from_json_or_none(named["backfill"]),
        version=named["version"],
    )
