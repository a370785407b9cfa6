"""Stopping an execution: nothing new starts, what runs is stopped, gates are withdrawn, then it ends."""

from __future__ import annotations

from dataclasses import replace

from jupyter_gov.domain.commands import KillTask, Notify
from jupyter_gov.domain.events import Kill
from jupyter_gov.domain.execution import Failure, TaskRun
from jupyter_gov.domain.ids import next_execution_id
from jupyter_gov.domain.states import State
from jupyter_gov.engine import batches, children, gates, places
from jupyter_gov.engine.types import calls_flow
from jupyter_gov.engine.work import Work

_OPEN = frozenset({State.CREATED, State.RUNNING, State.PAUSED, State.RETRYING, State.RESTARTED})


def kill(work: Work, event: Kill) -> None:
    """Begin to stop the execution; its final state is KILLED."""
    if work.execution.state is State.RETRIED:
        # Whoever started this one (a caller) may not know yet that another one goes on in its place.
        work.execution = replace(work.execution)
        work.commands.append(Notify(next_execution_id(work.execution.id), event))
        return
    if work.execution.state.is_terminal or work.execution.state is State.KILLING:
        return
    if event.resumes and work.execution.state is State.PAUSED:
        work.set_state(State.RESTARTED)
    why = f": {event.reason}" if event.reason else ""
    work.execution = replace(work.execution, failure=Failure("GOV373", f"killed by {event.by}{why}"))
    stop(work)


def stop(work: Work) -> None:
    """Stop everything that is open; ``settle`` ends the execution once nothing runs any more."""
    work.agenda.clear()
    work.set_state(State.KILLING)
    for run in work.execution.ordered():
        if run.state in _OPEN:
            _stop_run(work, run)


def _stop_run(work: Work, run: TaskRun) -> None:
    task = work.task(run)
    if run.state is State.PAUSED:
        gates.withdraw(work, run)
        work.advance(run, State.KILLED)
    elif task.kind == "flowable":
        child = (run.outputs or {}).get("executionId") if calls_flow(task) else None
        if child is not None:
            work.commands.append(Notify(child, Kill(by="system", reason="the calling execution was killed")))
        for called in batches.open_calls(run):
            work.commands.append(Notify(called, Kill(by="system", reason="the calling execution was killed")))
        run = batches.carry(work, run)
        work.advance(run, State.KILLING)
        if places.has_begun(run):
            work.commands.append(KillTask(run.id))
    elif run.state is State.RUNNING:
        work.advance(run, State.KILLING)
        work.commands.append(KillTask(run.id))
    else:
        work.advance(run, State.KILLED)


def settle(work: Work) -> None:
    """End the execution when no attempt is in flight any more."""
    runs = work.execution.task_runs.values()
    # Most often one is found soon: each attempt that ends asks this anew.
    if any(run.state is State.KILLING and (work.task(run).kind != "flowable" or places.has_begun(run)) for run in runs):
        return
    killing = [run for run in runs if run.state is State.KILLING]
    for run in sorted(killing, key=lambda found: found.seq):
        attempts = run.attempts
        if attempts and attempts[-1].state is State.RUNNING:
            attempts = children.close_attempt(work, run, State.KILLED, None)
        work.advance(run, State.KILLED, attempts=attempts)
    data = work.execution.frame.data
    end = State.CANCELLED if data.get("cancelled") else State.FAILED if data.get("broken") else State.KILLED
    work.set_state(end)
