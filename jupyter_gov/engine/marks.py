"""A person says how a task ended, or how the whole execution did, whatever it came to by itself."""

from __future__ import annotations

from dataclasses import replace

from jupyter_gov.domain.events import GoOn
from jupyter_gov.domain.execution import Attempt, Frame, TaskRun
from jupyter_gov.domain.states import EXECUTION_REWRITES, History, Moment, State, advance
from jupyter_gov.engine import replay, restart
from jupyter_gov.engine.work import Work
from jupyter_gov.errors import ExecutionError

PASSING = frozenset({State.SUCCESS, State.WARNING})
"""States behind which a flow goes on."""
TASK_STATES = PASSING | {State.FAILED}
EXECUTION_STATES = TASK_STATES | {State.KILLED, State.CANCELLED}


def mark_task(work: Work, run_id: str, state: State, by: str) -> GoOn:
    """Give a task run another end and reopen what is around it, which goes on from there."""
    chain = replay.chain_of(work.execution, run_id)
    whole = restart.whole_of(work, chain[0])
    if whole.id != run_id:
        raise ExecutionError(
            f"task run {run_id} is a part of the task run {whole.id}, whose tasks share a folder that is gone",
            code="GOV312",
            hint=f"Mark {whole.id}, or restart the execution: all tasks of the folder run again.",
        )
    restart.drop_branches(work)
    open_ = {run.id for run in chain}
    for run in chain[1:]:
        frame = restart.reopened_frame(work, run.id, run.frame or Frame(), open_)
        replay.rewritten(work, run, State.RUNNING, failure=None, frame=frame)
    run = work.run(run_id)
    failure = None if state in PASSING else run.failure
    replay.rewritten(work, run, state, failure=failure, attempts=_ended(work, run, state))
    replay.reset(work)
    work.set_frame(None, restart.reopened_frame(work, None, work.execution.frame, open_))
    return GoOn(by, agenda=(("ended", run_id),))


def change_status(work: Work, state: State) -> None:
    """Give an ended execution another end; nothing runs, and nobody is told of it."""
    history = advance(work.execution.history, state, work.now, EXECUTION_REWRITES)
    failure = None if state in PASSING else work.execution.failure
    work.execution = replace(work.execution, history=history, failure=failure)


def _ended(work: Work, run: TaskRun, state: State) -> tuple[Attempt, ...]:
    if not run.attempts:
        return run.attempts
    *before, last = run.attempts
    if last.state is state:
        return run.attempts
    return (*before, replace(last, history=History((*last.history.moments, Moment(state, work.now)))))
