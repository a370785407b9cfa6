"""What ■ in a notebook and Ctrl-C in a terminal do to somebody who waits for a run: first stop it, then let it be.

A run that only waits for a person is let be at once: nothing of it runs that could be stopped, and a decision that was
asked for is not taken back by somebody who just wants the keyboard.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import Approval
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.runtime.limits import STOP_GRACE
from jupyter_gov.service.api import Gov

KILL_PATIENCE = STOP_GRACE + 2.0
"""Seconds to wait for the execution to be killed: a script that ignores SIGTERM gets SIGKILL in that time.

Nearly all end at once; whoever does not want to wait for the others presses again.
"""

_RESTARTABLE = frozenset({State.FAILED, State.KILLED, State.WARNING, State.CANCELLED})


class Interrupts:
    """Counts SIGINTs while somebody waits; works the same with and without a running event loop."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Event()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take SIGINT over; only the main thread may, elsewhere nothing is interrupted."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._pressed)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _pressed(self, *_args: object) -> None:
        self.count += 1
        self._changed.set()

    def wait(self, seconds: float) -> None:
        """Sleep until the next press, at most so long."""
        self._changed.wait(seconds)
        self._changed.clear()

    def outlast(self, state: Callable[[], State]) -> State:
        """Return the state in which an execution that was asked to stop ends, or is when nobody waits any longer."""
        presses, until = self.count, time.monotonic() + KILL_PATIENCE
        found = state()
        while not found.is_terminal and self.count == presses and time.monotonic() < until:
            self.wait(0.1)
            found = state()
        return found


def resting_gate(gov: Gov, actor: Actor, execution_id: str) -> Approval | None:
    """Return the gate at which an execution waits, or None if anything in it runs or is about to.

    Its subflows count as part of it: a task that waits for a subflow which waits at a gate does not run.
    """
    gates = [detail.approval for detail in gov.approvals.list(actor, execution_id=execution_id)]
    if not gates:
        return None
    found = {execution_id: gov.executions.get(execution_id, actor)}
    for gate in gates:
        above: str | None = gate.execution_id
        while above is not None and above not in found:
            found[above] = gov.executions.get(above, actor)
            above = found[above].parent_id
    callers = {execution.parent_task_run_id for execution in found.values()}
    return None if any(_acts(execution, callers) for execution in found.values()) else gates[0]


def _acts(execution: Execution, callers: Set[str | None]) -> bool:
    return execution.state in {State.CREATED, State.KILLING} or any(
        run.frame is None and not run.state.is_terminal and run.state is not State.PAUSED and run.id not in callers
        for run in execution.task_runs.values()
    )


def hint(state: State, name: str, command: str, *, follow: str = "") -> str:
    """Return what can be done with an execution that was interrupted and is now in ``state``.

    Parameters
    ----------
    command
        How commands are typed where the person is: ``jupyter gov`` or ``%gov``.
    follow
        The option with which ``show`` stays until the end, if it needs one.
    """
    if state in _RESTARTABLE:
        return f"{command} restart {name} continues it."
    show = f"{command} show {name}"
    return f"{show} shows it." if state.is_terminal else f"{show}{follow} stays with it until it has ended."
