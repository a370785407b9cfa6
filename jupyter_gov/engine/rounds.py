"""Loops that run their children again after a while: between two rounds nothing runs, and a timer waits."""

from __future__ import annotations

from dataclasses import replace

from jupyter_gov.domain.commands import SetTimer
from jupyter_gov.domain.execution import Frame, TaskRun
from jupyter_gov.domain.ids import task_run_id
from jupyter_gov.domain.states import State
from jupyter_gov.engine import children
from jupyter_gov.engine.flowables.base import Again, Plan, first_child
from jupyter_gov.engine.scope import RunScope
from jupyter_gov.engine.work import Work

WAITS = "waits"
"""Key of a frame's data while its flowable waits for the next round: how many rounds are done."""


def wait(work: Work, run: TaskRun, again: Again) -> None:
    """Let a timer begin the next round."""
    frame = run.frame or Frame()
    work.put(replace(run, frame=replace(frame, data={**frame.data, WAITS: again.number})))
    due = work.now + again.after
    work.commands.append(SetTimer(f"{run.id}-again", "again", due, run.id, again.number))


def begin_next(work: Work, run: TaskRun, number: int) -> None:
    """Remove what the last round has left, and begin the next one."""
    frame = run.frame
    # The number of the round tells timers apart: the task run is RUNNING all the time.
    if frame is None or run.state is not State.RUNNING or frame.data.get(WAITS) != number:
        return
    drop_below(work, run.id, int(frame.data.get("first", 0)))
    data = {"round": number, "first": work.execution.next_seq}
    work.put(replace(run, frame=Frame(data=data)))
    children.apply(work, run.id, Plan(first_child(RunScope(work, run.id), "tasks")))


def drop_below(work: Work, run_id: str, first: int = 0) -> None:
    """Remove all task runs below a flowable; ``first`` is the sequence number of the oldest one."""
    gone = {run_id}
    # By number and not by a walk over all task runs, which a long loop would repeat each round.
    for seq in range(first, work.execution.next_seq):
        below = work.execution.task_runs.get(task_run_id(work.execution.id, seq))
        if below is not None and below.parent_id in gone:
            gone.add(below.id)
            work.drop(below.id)
