"""Leaving an execution before its last task (``Exit``): nothing more begins, what runs comes to its end, then it ends.

With the state KILLED what runs is stopped as well, as by a kill.
"""

from __future__ import annotations

from dataclasses import replace

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine import gates, kill
from jupyter_gov.engine.types import calls_flow
from jupyter_gov.engine.work import Work

EXIT = "exit"
"""Key of the flow's frame: the state in which the execution will end."""
_WAITS = frozenset({State.CREATED, State.RETRYING, State.RESTARTED})


def is_leaving(execution: Execution) -> bool:
    """Return whether a task has said that the execution ends."""
    return EXIT in execution.frame.data and not execution.state.is_terminal


def state_of(execution: Execution) -> State:
    """Return the state in which it will end."""
    return State(execution.frame.data[EXIT])


def leave(work: Work, state: State) -> None:
    """Let nothing more begin; ``settle`` says when nothing runs any more."""
    if state is State.KILLED:
        kill.stop(work)
    elif work.execution.frame.phase != "after" and not is_leaving(work.execution):
        frame = work.execution.frame
        work.set_frame(None, replace(frame, data={**frame.data, EXIT: str(state)}))


def settle(work: Work) -> bool:
    """Stop what waits; when nothing runs any more end what is around it too, and return True."""
    runs = work.execution.ordered()
    for run in runs:
        if run.state is State.PAUSED:
            gates.withdraw(work, run)
        if run.state in _WAITS or run.state is State.PAUSED:
            work.advance(run, State.KILLED)
    if any(run.state is State.RUNNING and _works(work, run) for run in runs):
        return False
    for run in runs:
        if work.run(run.id).state is State.RUNNING:
            work.advance(work.run(run.id), state_of(work.execution))
    return True


def _works(work: Work, run: TaskRun) -> bool:
    task = work.task(run)
    return task.kind != "flowable" or calls_flow(task)
