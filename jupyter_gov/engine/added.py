"""Task runs that a task reports of what it did itself: the models of a build, the steps of another tool.

They have ended when they come, nothing follows from them, and the flow has no task of their name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.events import AddedRun
from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.domain.ids import task_run_id
from jupyter_gov.domain.states import History, Moment, State
from jupyter_gov.engine.work import Work

ADDED = "added"
"""Branch of such task runs."""


def report(work: Work, run: TaskRun, added: Sequence[AddedRun]) -> None:
    """Put the task runs that the attempt of ``run`` reports below it."""
    began = run.attempts[-1].history.started if run.attempts else work.now
    for number, one in enumerate(added):
        moments = (Moment(State.CREATED, began), Moment(State.RUNNING, began), Moment(one.state, work.now))
        outputs = None if one.outputs is None else work.hide(dict(one.outputs))
        work.put_new(
            TaskRun(
                id=task_run_id(work.execution.id, work.execution.next_seq),
                execution_id=work.execution.id,
                task_id=one.task_id,
                seq=work.execution.next_seq,
                history=History(moments),
                parent_id=run.id,
                path=run.path,
                branch=ADDED,
                index=number,
                outputs=outputs,
                outputs_digest=None if outputs is None else digest(outputs),
            )
        )


def drop_of(work: Work, parents: Iterable[str]) -> None:
    """Remove what these task runs have reported: they are about to run again."""
    again = set(parents)
    for run in work.execution.ordered():
        if run.branch == ADDED and run.parent_id in again:
            work.drop(run.id)
