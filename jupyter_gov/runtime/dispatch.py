"""What happens after a commit: attempts are handed out, inline ones are run, stopped ones are told."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from jupyter_gov.domain.commands import FreeSlot, KillTask, Notify, RunTask, SetTimer
from jupyter_gov.domain.events import AttemptFinished
from jupyter_gov.domain.states import State
from jupyter_gov.engine import places
from jupyter_gov.runtime.attempt import Job, perform
from jupyter_gov.runtime.board import Board, Ticket
from jupyter_gov.runtime.logs import LogBuffer, LogPlace
from jupyter_gov.runtime.mailbox import Mailbox
from jupyter_gov.runtime.owned import Delivery, Owned, Work
from jupyter_gov.runtime.scheduler import Scheduler
from jupyter_gov.runtime.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

_INLINE_AT_ONCE = 256
"""Inline tasks between two commits at most, so that a wide fan-out does not make one huge transaction."""


class Dispatcher:
    """Carries out the commands of committed work."""

    def __init__(
        self, world: World, board: Board, mailbox: Mailbox, scheduler: Scheduler, *, may_run: Callable[[Owned], bool]
    ) -> None:
        self._world = world
        self._board = board
        self._mailbox = mailbox
        self._scheduler = scheduler
        self._may_run = may_run
        self._inline: deque[tuple[Owned, str]] = deque()

    @property
    def has_inline(self) -> bool:
        """Whether inline tasks wait to be run."""
        return bool(self._inline)

    def carry_out(self, work: Work) -> None:
        """Do what the committed steps asked for."""
        owned = work.owned
        for claim in work.unused:
            self._board.claim(claim)
        for run_id, claim in work.starts:
            self._board.start(self._job(owned, run_id, inline=False), claim)
        for command in work.commands:
            match command:
                case RunTask(task_run_id=run_id, inline=True):
                    self._inline.append((owned, run_id))
                case RunTask(task_run_id=run_id):
                    self._board.put(Ticket(owned.id, run_id))
                case KillTask(task_run_id=run_id):
                    self._board.cancel(owned.id, "killed", run_id)
                case SetTimer(due=due):
                    self._scheduler.note(due)
                case Notify() | FreeSlot():
                    self._mailbox.look()
        if work.children:
            self._mailbox.look()
        if owned.execution.state in (State.KILLING, State.KILLED):
            self._board.withdraw(owned.id)

    def run_inline(self) -> list[tuple[Owned, Delivery]]:
        """Run inline tasks that wait, in this thread, and return their ends."""
        ends: list[tuple[Owned, Delivery]] = []
        while self._inline and len(ends) < _INLINE_AT_ONCE:
            owned, run_id = self._inline.popleft()
            if not self._may_run(owned):
                continue
            self._world.faults.reach("inline.before")
            ends.append((owned, self._perform(owned, run_id)))
            self._world.faults.reach("inline.after")
        return ends

    def _perform(self, owned: Owned, run_id: str) -> Delivery:
        job = self._job(owned, run_id, inline=True)
        if job.run.state is not State.RUNNING:
            # It was killed in the very turn in which it would have begun.
            return Delivery(AttemptFinished(run_id, job.number, State.KILLED), job=job)
        event = perform(job, self._world)
        return Delivery(event or AttemptFinished(run_id, job.number, State.KILLED), job=job)

    def _job(self, owned: Owned, run_id: str, *, inline: bool) -> Job:
        execution = owned.execution
        run = execution.task_runs[run_id]
        task = owned.flow.index[run.task_id]
        number = len(run.attempts)
        log = LogBuffer(
            LogPlace(execution.id, run.id, task.id, number),
            clock=self._world.clock,
            masks=owned.masks,
            limits=self._world.log_limits,
            level=task.log_level,
            on_lines=None if inline or task.log_to_file else self._mailbox.dirty,
        )
        return Job(owned.flow, task, execution, run, number, inline, log, owned.masks, errand=places.errand_of(run))
