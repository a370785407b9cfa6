"""What the frame of a flowable says about the place that a worker holds for its children, and about its errands."""

from __future__ import annotations

from jupyter_gov.domain.commands import RunTask
from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.domain.states import State

ERRAND = "errand"
"""Key of a frame's data: the errand that was asked for."""
BEGUN = "begun"
"""Key of a frame's data while a worker does it."""
PLACE = "place"
"""Key of a frame's data while a worker holds the place for the children."""


def errand_of(run: TaskRun) -> str | None:
    """Return the errand that was asked for and is not done."""
    return None if run.frame is None or run.state.is_terminal else run.frame.data.get(ERRAND)


def has_begun(run: TaskRun) -> bool:
    """Return whether a worker does an errand of this task run now."""
    return run.frame is not None and bool(run.frame.data.get(BEGUN))


def waits(run: TaskRun) -> bool:
    """Return whether an errand was asked for that no worker has begun."""
    return errand_of(run) is not None and not has_begun(run)


def is_open(run: TaskRun) -> bool:
    """Return whether a worker holds the place, with everything in it that its errand was to put there."""
    return run.frame is not None and bool(run.frame.data.get(PLACE))


def opens(run: TaskRun) -> bool:
    """Return whether the errand that was asked for makes the place."""
    return errand_of(run) is not None and not is_open(run)


def holds_place(run: TaskRun) -> bool:
    """Return whether a worker holds, or makes, a place for the children of this task run."""
    return run.frame is not None and not run.state.is_terminal and (is_open(run) or has_begun(run))


def has_attempt(run: TaskRun) -> bool:
    """Return whether an attempt of a task run has begun and not ended."""
    return bool(run.attempts) and run.attempts[-1].state is State.RUNNING


def request(run: TaskRun) -> RunTask:
    """Return the command for the errand that was asked for; the first one for a place begins an attempt."""
    return RunTask(run.id, len(run.attempts) + (not has_attempt(run)), inline=False, errand=errand_of(run))
