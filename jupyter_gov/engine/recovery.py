"""What the next owner of an execution does first: put lost attempts on record, then ask for the open work again.

Recovery runs nothing itself; it only re-enqueues, so that one hand-off admits one runner.
"""

from __future__ import annotations

from jupyter_gov.domain.commands import Command, KillTask, RunTask
from jupyter_gov.domain.events import AttemptLost, Event
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine import hold, places
from jupyter_gov.lang.models.flow import Flow

MOST_LOST = 3
"""Lost attempts in a row after which a task run is taken for what kills its workers, and is not run again."""

STOPPED = "GOV363"
"""Code of an attempt that was lost since its process was stopped in order."""
_IN_FLIGHT = frozenset({State.RUNNING, State.KILLING})


def events(flow: Flow, execution: Execution, *, in_order: bool = False) -> list[Event]:
    """Return ``AttemptLost`` for every attempt that was in flight at the former owner.

    ``in_order``: it had stopped them before it gave the execution back, so that none of them was what ended it.
    """
    lost: list[Event] = []
    for run in execution.ordered():
        if run.state.is_terminal:
            continue
        task = flow.index[run.task_id]
        # A flowable goes before its children: with its worker the place is gone in which they could run again.
        works = task.kind == "runnable" or places.holds_place(run)
        if works and run.state in _IN_FLIGHT and run.attempts:
            lost.append(AttemptLost(run.id, run.attempts[-1].number, task.repeatable, in_order))
    return lost


def commands(flow: Flow, execution: Execution) -> list[Command]:
    """Return the work that is open and that nobody is doing.

    Calls of other flows are not among it: the called execution is created in the very transaction of the step.
    """
    found: list[Command] = []
    if execution.state is State.RESTARTED:
        return found  # it has not begun yet: the event that makes it begin waits in its inbox
    for run in execution.ordered():
        if run.state.is_terminal:
            continue
        task = flow.index[run.task_id]
        if task.kind == "runnable" and run.state in {State.CREATED, State.RESTARTED} and not hold.is_held(execution):
            found.append(RunTask(run.id, len(run.attempts) + 1, inline=False))
        elif task.kind == "runnable" and run.state is State.KILLING:
            found.append(KillTask(run.id))
        elif task.kind == "flowable" and run.state is State.RUNNING and places.waits(run):
            found.append(places.request(run))
    return found


def lost_in_a_row(run: TaskRun) -> int:
    """Return how many of the latest attempts were lost, since the task run began or was restarted.

    Those that somebody stopped in order say nothing about the task.
    """
    restarts = [moment.at for moment in run.history.moments if moment.state is State.RESTARTED]
    count = 0
    for attempt in reversed(run.attempts):
        # Who restarts it wants it tried again.
        if attempt.state is not State.LOST or (restarts and attempt.history.started < restarts[-1]):
            break
        count += attempt.failure is None or attempt.failure.code != STOPPED
    return count
