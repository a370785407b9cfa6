"""Who may carry an execution on: leases that lapse, and fencing tokens that tell a late owner from the present one."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, Executable, bindparam, literal_column, or_, select, text, union, update

from jupyter_gov.store import descent, tables
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Name, Statement

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_inbox = tables.InboxRow.__table__  # type: ignore[attr-defined]
_timers = tables.TimerRow.__table__  # type: ignore[attr-defined]


def _now(name: Name) -> ColumnElement[int]:
    # Two hosts' clocks differ; on PostgreSQL only the server's counts.
    if name == "postgresql":
        return literal_column("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    return bindparam("now")


def _free(name: Name) -> ColumnElement[bool]:
    return or_(_executions.c.lease_owner.is_(None), _executions.c.lease_expires_us <= _now(name))


def _claim(name: Name) -> Executable:
    return (
        update(_executions)
        .where(_executions.c.id == bindparam("execution"), _free(name))
        .values(
            lease_owner=bindparam("owner"),
            lease_expires_us=_now(name) + bindparam("ttl"),
            fence=_executions.c.fence + 1,
        )
        .returning(_executions.c.fence)
    )


def _renew(name: Name) -> Executable:
    return (
        update(_executions)
        .where(_executions.c.lease_owner == bindparam("owner"), _executions.c.lease_expires_us > _now(name))
        .values(lease_expires_us=_now(name) + bindparam("ttl"))
        .returning(_executions.c.id)
    )


def _claimable(name: Name, *, within: bool = False) -> Executable:
    found = select(_executions.c.id, _executions.c.created_us).where(_executions.c.run_as == bindparam("pool"))
    if within:
        found = found.where(_executions.c.id.in_(descent.tree()))
    parts = (
        found.where(text(tables.ACTIVE_SQL), _free(name)),
        # An owner that died leaves its lease behind: somebody must look, whatever the state.
        found.where(_executions.c.lease_owner.is_not(None), _executions.c.lease_expires_us <= _now(name)),
        found.where(_executions.c.id.in_(select(_inbox.c.execution_id)), _free(name)),
        found.where(
            _executions.c.id.in_(
                select(_timers.c.execution_id).where(
                    _timers.c.run_as == bindparam("pool"), _timers.c.due_us <= _now(name)
                )
            ),
            _free(name),
        ),
    )
    every = union(*parts).subquery()
    return select(every.c.id).order_by(every.c.created_us).limit(bindparam("n"))


_CLAIM, _RENEW, _CLAIMABLE = Statement(_claim), Statement(_renew), Statement(_claimable)
_CLAIMABLE_WITHIN = Statement(partial(_claimable, within=True))
_RELEASE = Statement(
    update(_executions)
    .where(
        _executions.c.id == bindparam("execution"),
        _executions.c.lease_owner == bindparam("owner"),
        _executions.c.fence == bindparam("token"),
    )
    .values(lease_owner=None, lease_expires_us=None)
)
_LAPSE = Statement(
    update(_executions)
    .where(
        _executions.c.id == bindparam("execution"),
        _executions.c.lease_owner == bindparam("owner"),
        _executions.c.fence == bindparam("token"),
    )
    .values(lease_expires_us=0)
)
_HOLDER = Statement(
    select(_executions.c.lease_owner, _executions.c.fence).where(_executions.c.id == bindparam("execution"))
)


def _us(ttl: timedelta | float) -> int:
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    return round(seconds * 1_000_000)


def _now_us() -> int:
    return time.time_ns() // 1000


class Leases:
    """One owner per execution at a time; ``owner`` names one loop of one process."""

    def claim(self, tx: Tx, execution_id: str, owner: str, ttl: timedelta | float) -> int | None:
        """Take a free or lapsed lease (``ttl`` in seconds) and return the fencing token; None when it is held."""
        row = tx.row(_CLAIM, {"execution": execution_id, "owner": owner, "ttl": _us(ttl), "now": _now_us()})
        return int(row[0]) if row else None

    def renew(self, tx: Tx, owner: str, ttl: timedelta | float) -> frozenset[str]:
        """Prolong all leases of ``owner`` that have not lapsed, and return whose they are.

        A lapsed lease is not prolonged even if nobody has taken it: its owner may have been stopped meanwhile, and
        must claim anew.
        """
        rows = tx.rows(_RENEW, {"owner": owner, "ttl": _us(ttl), "now": _now_us()})
        return frozenset(row[0] for row in rows)

    def release(self, tx: Tx, execution_id: str, owner: str, fence: int) -> bool:
        """Give a lease back; returns False when it was somebody else's already."""
        return tx.run(_RELEASE, {"execution": execution_id, "owner": owner, "token": fence}) > 0

    def lapse(self, tx: Tx, execution_id: str, owner: str, fence: int) -> bool:
        """Let the lease of an owner that is known to be dead lapse at once; False when it was somebody else's already.

        It is not given back: who claims it next must know that nobody stopped in order what ran under it.
        """
        return tx.run(_LAPSE, {"execution": execution_id, "owner": owner, "token": fence}) > 0

    def claimable(self, tx: Tx, run_as: str, limit: int = 100, *, root: str | None = None) -> list[str]:
        """Return executions of ``run_as`` that have work to do and no living owner, oldest first.

        ``root`` narrows them to an execution and what it started, directly or not.

        Work is: a state that goes on by itself, an event in the inbox, a timer that is due, or a lease that lapsed
        without being given back.
        """
        values = {"pool": run_as, "now": _now_us(), "n": limit}
        if root is None:
            return [row[0] for row in tx.rows(_CLAIMABLE, values)]
        return [row[0] for row in tx.rows(_CLAIMABLE_WITHIN, {**values, "root": root})]

    def holder(self, tx: Tx, execution_id: str) -> tuple[str | None, int] | None:
        """Return (owner, fencing token) as noted, lapsed or not."""
        row = tx.row(_HOLDER, {"execution": execution_id})
        return None if row is None else (row[0], row[1])
