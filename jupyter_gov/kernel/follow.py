"""Watches one execution and shows what changes, at most four times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import Approval
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.kernel.display.collect import Collector
from jupyter_gov.kernel.snapshot_types import Snapshot
from jupyter_gov.service.api import Gov

Until = Callable[[Execution, Sequence[Approval]], bool]
"""Gets the execution and the gates that belong to it, and says whether to stop."""

TICK = 0.25
IDLE = 1.0
"""Seconds after which a paused execution is looked at even if nothing woke us: votes do not change its version."""


class Follower:
    """Shows an execution until a condition holds; ``stop`` from any thread ends it early.

    Parameters
    ----------
    show
        Gets a snapshot whenever something changed.
    """

    def __init__(self, gov: Gov, actor: Actor, collector: Collector, show: Callable[[Snapshot], None]) -> None:
        self._gov = gov
        self._actor = actor
        self._collector = collector
        self._show = show
        self._stop = Event()
        self._seen: tuple[Any, ...] | None = None

    def stop(self) -> None:
        """Let ``run`` return as soon as it can."""
        self._stop.set()

    def run(self, until: Until, deadline: float | None = None) -> Execution:
        """Block until ``until`` holds, ``stop`` is called or the (monotonic) deadline is over."""
        while True:
            began = time.monotonic()
            execution = self._next(deadline)
            gates = self._refresh(execution)
            late = deadline is not None and time.monotonic() >= deadline
            if until(execution, gates) or self._stop.is_set() or late:
                return execution
            self._stop.wait(max(0.0, TICK - (time.monotonic() - began)))

    def _next(self, deadline: float | None) -> Execution:
        seen = self._collector.execution
        if self._seen is None:
            return self._gov.executions.get(seen.id, self._actor)
        patience = IDLE if seen.state is State.PAUSED else TICK
        if deadline is not None:
            patience = max(0.0, min(patience, deadline - time.monotonic()))

        def news(execution: Execution) -> bool:
            return execution.version != seen.version or self._stop.is_set()

        return self._gov.executions.wait(seen.id, self._actor, until=news, timeout=patience)

    def _refresh(self, execution: Execution) -> Sequence[Approval]:
        progress = self._gov.executions.progress(execution.id)
        gates = self._collector.approvals()
        fresh = (
            execution.version,
            tuple(sorted(progress.items())),
            tuple((gate.approval.id, gate.approval.version, len(gate.votes)) for gate in gates),
        )
        if self._collector.read_logs() or fresh != self._seen:
            self._seen = fresh
            self._show(self._collector.snapshot(execution))
        return [gate.approval for gate in gates]
