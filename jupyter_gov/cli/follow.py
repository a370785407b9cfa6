"""Stays with an execution in a terminal: one line that changes, or one line per change where nobody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING

from rich.status import Status

from jupyter_gov.cli import screen
from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.service import outcome, words
from jupyter_gov.service.interrupts import Interrupts, hint, resting_gate
from jupyter_gov.service.outcome import InterruptedRunError

if TYPE_CHECKING:
    from jupyter_gov.domain.actor import Actor
    from jupyter_gov.service.api import ApprovalDetail, Gov

TICK = 0.25
_LEAF_ENDS = frozenset({State.SUCCESS, State.WARNING, State.FAILED, State.KILLED, State.SKIPPED, State.CANCELLED})

AtGate = Callable[["ApprovalDetail"], None]
"""Called once per gate that is waited for."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How long to stay, and how much to say.

    Attributes
    ----------
    quiet
        Say nothing on the way.
    patience
        Leave when nothing has changed for so many seconds, unless a person is waited for.
    at_gate
        What to do at a gate.
    waits
        Stay until somebody has decided.
    """

    at_gate: AtGate
    waits: bool = True
    timeout: float | None = None
    quiet: bool = False
    patience: float | None = None


def follow(gov: Gov, actor: Actor, execution_id: str, wish: Wish) -> Execution:
    """Stay until the execution has ended, a gate says not to wait, or the time is over.

    Raises
    ------
    InterruptedRunError
        Ctrl-C: once stops the execution, twice leaves it alone.
    LeftWaitingError
        Ctrl-C while nothing but a gate was waited for: it goes on waiting.
    """
    interrupts = Interrupts()
    stay = _Stay(gov, actor, execution_id, wish, _printer(quiet=wish.quiet))
    with interrupts.installed():
        future = stay.begin()
        while not future.done() and not interrupts.count:
            interrupts.wait(0.05)
        if interrupts.count and not future.done():
            _interrupted(gov, actor, execution_id, interrupts)
    return future.result()


def _interrupted(gov: Gov, actor: Actor, execution_id: str, interrupts: Interrupts) -> None:
    presses = interrupts.count
    gate = resting_gate(gov, actor, execution_id)
    if gate is not None:
        raise outcome.left_waiting(gov.executions.get(execution_id, actor), gate)
    gov.executions.kill(execution_id, actor, "interrupted in the terminal")
    state = interrupts.outlast(lambda: gov.executions.get(execution_id, actor).state)
    name = words.short_id(execution_id)
    said = f"Detached from {name}, which" if interrupts.count > presses else f"Interrupted: {name}"
    raise InterruptedRunError(f"{said} is {state}.", hint=hint(state, name, "jupyter gov", follow=" --follow"))


class _Stay:
    def __init__(
        self, gov: Gov, actor: Actor, execution_id: str, wish: Wish, show: Callable[[Execution, str], None]
    ) -> None:
        self._gov = gov
        self._actor = actor
        self._id = execution_id
        self._wish = wish
        self._show = show
        self._deadline = None if wish.timeout is None else time.monotonic() + wish.timeout
        self._told: set[str] = set()
        self._changed = time.monotonic()

    def begin(self) -> Future[Execution]:
        future: Future[Execution] = Future()

        def watch() -> None:
            try:
                future.set_result(self._watch())
            except BaseException as error:  # noqa: BLE001 - handed to the waiting main thread, which raises it
                future.set_exception(error)

        Thread(target=watch, name="gov-follow", daemon=True).start()
        return future

    def _watch(self) -> Execution:
        seen = -1
        while True:
            execution = self._next(seen)
            if execution.version != seen:
                seen, self._changed = execution.version, time.monotonic()
            self._show(execution, self._progress())
            if execution.state.is_terminal or self._is_late():
                return execution
            if not self._goes_on(execution):
                return execution

    def _next(self, seen: int) -> Execution:
        patience = TICK if self._deadline is None else max(0.0, min(TICK, self._deadline - time.monotonic()))
        return self._gov.executions.wait(
            self._id, self._actor, until=lambda found: found.version != seen, timeout=patience
        )

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _is_forsaken(self) -> bool:
        return self._wish.patience is not None and time.monotonic() - self._changed >= self._wish.patience

    def _progress(self) -> str:
        found = list(self._gov.executions.progress(self._id).values())
        return f"{found[-1][0]}/{found[-1][1]} {found[-1][2]}".strip() if found else ""

    def _goes_on(self, execution: Execution) -> bool:
        gates = self._gov.approvals.list(self._actor, status=ApprovalStatus.OPEN, execution_id=self._id)
        fresh = [gate for gate in gates if gate.approval.id not in self._told]
        self._told.update(gate.approval.id for gate in fresh)
        if not gates and self._is_forsaken():
            return False
        if not self._wish.waits:
            return not outcome.settled(execution, [gate.approval for gate in gates])
        for gate in fresh:
            self._wish.at_gate(gate)
        return True


def _printer(*, quiet: bool) -> Callable[[Execution, str], None]:
    if quiet:
        return lambda _execution, _progress: None
    return _StatusLine() if sys.stderr.isatty() else _Lines()


def _line(execution: Execution, progress: str) -> str:
    leaves = [run for run in execution.task_runs.values() if run.frame is None]
    done = sum(run.state in _LEAF_ENDS for run in leaves)
    active = [run.task_id for run in leaves if run.state in {State.RUNNING, State.RETRYING}]
    parts = [
        f"{words.symbol(execution.state)} {execution.state} {execution.flow_id}",
        f"{done} done" if leaves else "",
        active[-1] if active else "",
        progress,
        words.duration(execution.history.duration(datetime.now(UTC))),
    ]
    return " · ".join(part for part in parts if part)


class _Lines:
    """One line for each change of the state of the run or of a task."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}

    def __call__(self, execution: Execution, _progress: str) -> None:
        for run in execution.ordered():
            if self._states.get(run.id) is not run.state:
                self._states[run.id] = run.state
                value = "" if run.value is None else f" [{run.value}]"
                screen.say(f"  {words.symbol(run.state)} {run.task_id}{value}: {run.state}", stderr=True)
        if self._states.get("") is not execution.state:
            self._states[""] = execution.state
            screen.say(f"{words.symbol(execution.state)} {execution.flow_id}: {execution.state}", stderr=True)


class _StatusLine:
    """A line that is rewritten, above it each task that ended."""

    def __init__(self) -> None:
        self._status = Status("", console=screen.console(stderr=True))
        self._ended: set[str] = set()
        self._running = False

    def __call__(self, execution: Execution, progress: str) -> None:
        for run in execution.ordered():
            if run.state.is_terminal and run.id not in self._ended:
                self._ended.add(run.id)
                took = words.duration(run.history.duration())
                screen.say(f"  {words.symbol(run.state)} {run.task_id}: {run.state} ({took})", stderr=True)
        over = execution.state.is_terminal or execution.state is State.PAUSED
        if over and self._running:
            self._status.stop()
            self._running = False
        if over:
            return
        self._status.update(screen.styled(_line(execution, progress)))
        if not self._running:
            self._status.start()
            self._running = True
