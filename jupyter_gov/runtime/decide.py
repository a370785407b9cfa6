"""One turn's decisions for one execution: events go through ``engine.step``, and what follows at once follows here.

If a worker has room, the start of an attempt is decided together with the step that asks for it, and so is the
creation of a called execution. That is what makes one durable commit per task step.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jupyter_gov.domain.commands import Command, Notify, RunTask, StartAgain, StartSubflow, Step, WriteLog
from jupyter_gov.domain.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    GoOn,
    Kill,
    Pause,
    Restart,
    Resume,
    SubflowEnded,
)
from jupyter_gov.domain.execution import Execution, Failure
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import State
from jupyter_gov.engine import recovery
from jupyter_gov.engine.step import step as engine_step
from jupyter_gov.runtime.board import Board
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.owned import RESTING, Delivery, NewExecution, Owned, Work
from jupyter_gov.runtime.subflow import Caller
from jupyter_gov.runtime.world import World

_LOG = logging.getLogger(__name__)


class Decider:
    """Turns what was delivered into work to commit; writes nothing."""

    def __init__(self, world: World, board: Board, caller: Caller, *, worker: str) -> None:
        self._world = world
        self._board = board
        self._caller = caller
        self._worker = worker

    def decide(self, owned: Owned) -> Work:
        """Return the work for everything that waits at an execution."""
        work = Work(owned, owned.execution, taken=tuple(owned.pending), was_fresh=owned.fresh)
        queue = deque(owned.pending)
        owned.pending.clear()
        while queue or owned.fresh:
            if queue:
                queue.extend(self._apply(work, queue.popleft()))
            else:
                owned.fresh = False
                queue.extend(self._follow(work, recovery.commands(owned.flow, work.execution)))
        rests = work.execution.state.is_terminal or work.execution.state in RESTING
        # Its folder is here and nowhere else: nobody could go on in our place.
        work.leaves = rests and not owned.in_flight and not self._world.folders.needed(work.execution)
        return work

    def undo(self, work: Work) -> None:
        """Put everything back as it was before ``decide``: the work could not be committed."""
        work.undo()
        for _, claim in work.starts:
            self._board.claim(claim)
        for claim in work.unused:
            self._board.claim(claim)
        work.starts.clear()
        work.unused.clear()

    def _apply(self, work: Work, delivery: Delivery) -> Iterator[Delivery]:
        step = self._step(work, delivery)
        work.add(step, delivery)
        if isinstance(delivery.event, AttemptStarted) and delivery.claim is not None:
            if step.is_noop:
                # Its task run was killed while it waited; the worker gets something else.
                work.end(delivery.event.task_run_id)
                work.unused.append(delivery.claim)
            else:
                work.starts.append((delivery.event.task_run_id, delivery.claim))
        yield from self._follow(work, step.commands)
        if isinstance(delivery.event, AttemptFinished) and _is_still_open(delivery.event, step.execution):
            # The execution was stopped in place of the end of this attempt, which nobody reports again.
            yield Delivery(AttemptFinished(delivery.event.task_run_id, delivery.event.attempt, State.KILLED))

    def _follow(self, work: Work, commands: tuple[Command, ...] | list[Command]) -> Iterator[Delivery]:
        for command in commands:
            match command:
                case RunTask(task_run_id=run_id, inline=inline):
                    if not work.begin(run_id):
                        continue
                    claim = None if inline else self._board.reserve()
                    if claim is not None:
                        yield Delivery(AttemptStarted(run_id, claim.worker), claim=claim)
                        continue
                case StartSubflow():
                    event, child = self._caller.prepare(work.owned, work.execution, command)
                    if child is not None:
                        work.children.append(child)
                    yield Delivery(event)
                    continue
                case WriteLog(level=level, message=message, task_run_id=run_id):
                    work.lines.append(self._line(work, level, message, run_id))
                    continue
                case StartAgain(execution=execution, facts=facts, due=due):
                    work.children.append(NewExecution(work.owned.flow, execution, facts, due, has_slot=True))
                    continue
            work.commands.append(command)

    def _line(self, work: Work, level: str, message: str, run_id: str | None) -> LogLine:
        run = None if run_id is None else work.execution.task_runs.get(run_id)
        text = work.owned.masks.apply(message)
        task_id, attempt = (None, None) if run is None else (run.task_id, len(run.attempts) or None)
        return LogLine(0, work.owned.id, run_id, task_id, attempt, level, self._world.clock(), text)

    def _step(self, work: Work, delivery: Delivery) -> Step:
        try:
            return self._engine(work, delivery.event)
        except Exception as error:  # noqa: BLE001 - see below
            # A fault of ours must neither stop the loop nor strand the execution for ever.
            _LOG.exception("event %s of execution %s cannot be applied", delivery.event.kind, work.owned.id)
            return self._fail(work, delivery, error)

    def _engine(self, work: Work, event: Event) -> Step:
        if isinstance(event, SubflowEnded):
            event = self._caller.result(work.owned, work.execution, event)
        step = engine_step(
            work.owned.flow,
            work.execution,
            event,
            now=self._world.clock(),
            host=work.owned.host,
            worker=self._worker,
            envs=self._world.envs,
            globals_=self._world.globals_,
            masks=work.owned.masks,
        )
        return _masked(step, work.execution.outputs, work.owned.masks)

    def _fail(self, work: Work, delivery: Delivery, error: Exception) -> Step:
        why = f"the event {delivery.event.kind} could not be applied: {type(error).__name__}: {error}"
        for event in _instead(delivery.event, why):
            try:
                return self._engine(work, event)
            except Exception:  # noqa: BLE001 - as in _step
                _LOG.exception("nor can event %s of execution %s", event.kind, work.owned.id)
        return Step(work.execution)


def _instead(event: Event, why: str) -> Iterator[Event]:
    """Yield what may end the task run, or else the execution, when an event cannot be applied.

    What a person asked for (to pause, to restart) is dropped: the execution goes on without it.
    """
    if isinstance(event, AttemptFinished) and event.state is not State.FAILED:
        yield AttemptFinished(event.task_run_id, event.attempt, State.FAILED, failure=Failure("GOV867", why))
    if not isinstance(event, Kill | Pause | Restart | Resume | GoOn):
        yield Kill(by="system", reason=f"GOV867 {why}")


def _is_still_open(event: AttemptFinished, execution: Execution) -> bool:
    run = execution.task_runs.get(event.task_run_id)
    ended = event.state is State.KILLED or run is None or len(run.attempts) != event.attempt
    return not ended and run is not None and run.state is State.KILLING


def _masked(step: Step, before: Mapping[str, Any] | None, masks: Masks) -> Step:
    """Return the step without secrets in what the flow hands back, to whoever reads it and to the caller."""
    outputs = step.execution.outputs
    if outputs is None or outputs is before or masks.is_empty:
        return step
    hidden = masks.apply_deep(outputs)
    commands = tuple(
        replace(command, event=replace(command.event, outputs=hidden))
        if isinstance(command, Notify) and isinstance(command.event, SubflowEnded)
        else command
        for command in step.commands
    )
    return replace(step, execution=replace(step.execution, outputs=hidden), commands=commands)
