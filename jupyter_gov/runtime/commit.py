"""Stores what a turn decided: the steps of independent executions together, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from jupyter_gov.domain.events import TimerFired
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.errors import ConflictError
from jupyter_gov.runtime.beginning import insert_new
from jupyter_gov.runtime.decide import Decider
from jupyter_gov.runtime.logs import LogBuffer
from jupyter_gov.runtime.owned import Owned, Work
from jupyter_gov.runtime.world import World

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx

_LOG = logging.getLogger(__name__)
_AT_ONCE = 64
"""Executions that share one transaction at most, so that others get their turn at the database."""


class Committer:
    """Group commit. A conflict splits the group, and each execution is tried alone.

    A conflict of one execution alone means that its lease is somebody else's: it is dropped. The one exception is a
    gate that people decided while its deadline was being applied: then only the timer is dropped.
    """

    def __init__(self, world: World, decider: Decider, *, owner: str, writing: AbstractContextManager[bool]) -> None:
        self._world = world
        self._store: Store = world.store
        self._decider = decider
        self._owner = owner
        self._writing = writing
        self.commits = 0

    def commit(self, executions: Sequence[Owned], buffers: Sequence[LogBuffer]) -> Iterator[Work | Owned]:
        """Decide and store; yield each work as soon as it is durable, and each execution that turns out to be lost.

        Raises
        ------
        StoreError
            Nothing of the failing group was stored; what waited at its executions still waits there.
        """
        for start in range(0, max(1, len(executions)), _AT_ONCE):
            yield from self._group(executions[start : start + _AT_ONCE], buffers if start == 0 else ())

    def _group(self, executions: Sequence[Owned], buffers: Sequence[LogBuffer]) -> Iterator[Work | Owned]:
        works = [self._decider.decide(owned) for owned in executions]
        try:
            self._store_all(works, buffers)
        except ConflictError as conflict:
            self._undo(works)
            if len(executions) == 1:
                yield from self._alone(works[0], buffers, conflict)
                return
            yield from self._group((), buffers)
            for owned in executions:
                yield from self._group([owned], ())
        except BaseException:
            self._undo(works)
            raise
        else:
            yield from works

    def _alone(self, work: Work, buffers: Sequence[LogBuffer], conflict: ConflictError) -> Iterator[Work | Owned]:
        if self._without_timers(work):
            yield from self._group([work.owned], buffers)
            return
        _LOG.warning("execution %s was taken over: %s", work.owned.id, conflict)
        yield work.owned
        yield from self._group((), buffers)

    def _undo(self, works: Sequence[Work]) -> None:
        for work in works:
            self._decider.undo(work)

    def _without_timers(self, work: Work) -> bool:
        """Drop the timers of a work that is still ours; return whether there were any."""
        owned = work.owned
        others = [delivery for delivery in owned.pending if not isinstance(delivery.event, TimerFired)]
        if len(others) == len(owned.pending):
            return False
        with self._store.read() as tx:
            if self._store.leases.holder(tx, owned.id) != (self._owner, owned.fence):
                return False
        owned.pending.clear()
        owned.pending.extend(others)
        return True

    def _store_all(self, works: Sequence[Work], buffers: Sequence[LogBuffer]) -> None:
        taken = [(buffer, buffer.take()) for buffer in (*buffers, *_buffers_of(works))]
        lines = [line for _, found in taken for line in found]
        # Behind those of the attempts whose ends they follow from.
        lines += [line for work in works for line in work.lines]
        if not lines and all(work.is_empty for work in works):
            return
        try:
            self._world.faults.reach("commit.before")
            with self._writing:
                self._store.retrying(lambda tx: self._transaction(tx, works, lines))
        except BaseException:
            for buffer, found in taken:
                buffer.give_back(found)
            raise
        self._world.faults.reach("commit.after")
        self.commits += 1

    def _transaction(self, tx: Tx, works: Sequence[Work], lines: Sequence[LogLine]) -> None:
        for work in works:
            self._write(tx, work)
        if lines:
            self._store.logs.add(tx, lines)
        self._world.faults.reach("commit.inside")

    def _write(self, tx: Tx, work: Work) -> None:
        owned, store = work.owned, self._store
        version = owned.execution.version
        for step, delivery in work.entries:
            store.executions.commit(
                tx,
                step,
                expected_version=version,
                fence=owned.fence,
                consumed_inbox=() if delivery.inbox_id is None else (delivery.inbox_id,),
                consumed_timers=() if delivery.timer_id is None else (delivery.timer_id,),
            )
            version = step.execution.version
        for child in work.children:
            insert_new(tx, store, child)
        for delivery in work.taken:
            if delivery.job is not None and delivery.job.metrics:
                job = delivery.job
                store.metrics.add(tx, job.execution.id, job.run.id, job.task.id, job.metrics, at=self._world.clock())
        if work.leaves:
            store.leases.release(tx, owned.id, self._owner, owned.fence)


def _buffers_of(works: Sequence[Work]) -> list[LogBuffer]:
    return [delivery.job.log for work in works for delivery in work.taken if delivery.job is not None]
