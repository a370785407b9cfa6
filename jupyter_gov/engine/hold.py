"""Pausing a whole execution by hand: what runs comes to its end, nothing more begins until somebody resumes it."""

from __future__ import annotations

from dataclasses import replace

from jupyter_gov.domain.events import Pause, Resume
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.engine.work import Work

HELD = "held"
"""Key of the flow's frame while the execution is paused by hand."""


def is_held(execution: Execution) -> bool:
    """Return whether somebody has paused the execution as a whole."""
    return bool(execution.frame.data.get(HELD))


def pause(work: Work, event: Pause) -> None:
    """Hold back everything that would begin; the execution counts as paused, as at a gate."""
    if work.execution.state is State.RUNNING and not is_held(work.execution):
        work.remember(paused=1, **{HELD: 1})


def resume(work: Work, event: Resume) -> None:
    """Begin what was held back."""
    if not is_held(work.execution) or work.execution.state is not State.PAUSED:
        return
    work.remember(paused=-1)
    lift(work)
    work.agenda.extend(("begin", run.id) for run in work.execution.ordered() if run.state is State.CREATED)


def lift(work: Work) -> None:
    """Forget the hold, if there is one: somebody resumed the execution, or it came to its end all the same."""
    frame = work.execution.frame
    if HELD in frame.data:
        data = {key: value for key, value in frame.data.items() if key != HELD}
        work.set_frame(None, replace(frame, data=data))
