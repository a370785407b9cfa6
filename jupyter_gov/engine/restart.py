"""Continuing an ended execution from what failed: same execution, same task runs, new attempts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from jupyter_gov.domain.events import Restart
from jupyter_gov.domain.execution import Execution, Frame, TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine import children, rounds
from jupyter_gov.engine.added import ADDED, drop_of
from jupyter_gov.engine.flowables.base import NOTHING, anew
from jupyter_gov.engine.hold import HELD
from jupyter_gov.engine.scope import RunScope
from jupyter_gov.engine.types import flowable_of
from jupyter_gov.engine.work import Work
from jupyter_gov.errors import ExecutionError

_AGAIN = frozenset({State.FAILED, State.KILLED, State.CANCELLED})
SIDE = frozenset({"errors", "finally", "after"})
OF_THE_END = frozenset({"cancelled", "broken", "exit", "slas", "kept", "paused", HELD})
"""Keys of the flow's frame that say something about an end, which a restart takes back."""
RESTARTABLE = frozenset({State.FAILED, State.KILLED, State.CANCELLED, State.WARNING})


def check_restart(execution: Execution) -> None:
    """Check that an execution can be restarted.

    Raises
    ------
    ExecutionError
        ``GOV303``: it has not ended; ``GOV304``: nothing in it failed.
    """
    if not execution.state.is_terminal:
        raise ExecutionError(
            f"execution {execution.id} is {execution.state}; only an ended one can be restarted",
            code="GOV303",
            hint="Kill it first, or wait for its end.",
        )
    if not execution.is_over:
        raise ExecutionError(
            f"execution {execution.id} is {execution.state}, and its afterExecution tasks still run",
            code="GOV303",
            hint="Wait until they have ended.",
        )
    if execution.state not in RESTARTABLE or not _failed_leaves(execution):
        raise ExecutionError(
            f"No task found to restart execution from! Execution {execution.id} ended {execution.state} "
            "and none of its task runs failed",
            code="GOV304",
            hint="Start a new execution instead.",
        )


def restart(work: Work, event: Restart) -> None:
    """Reopen what failed, and everything around it; branches that ran because of the failure are dropped."""
    if work.execution.state not in RESTARTABLE or not work.execution.is_over:
        return
    parents = reopen(work)
    if parents is None:
        return
    work.set_state(State.RUNNING)
    resume_parents(work, parents)


def reopen(work: Work) -> Sequence[str] | None:
    """Reopen what failed, up to the state RESTARTED, and return the flowables around it; None if nothing failed."""
    drop_branches(work)
    leaves = _failed_leaves(work.execution)
    if not leaves:
        return None
    leaves = _with_wholes(work, leaves)
    drop_of(work, [leaf.id for leaf in leaves])
    work.execution = replace(work.execution, failure=None, outputs=None)
    work.set_state(State.RESTARTED)
    parents: dict[str, TaskRun] = {}
    for leaf in leaves:
        parent_id = leaf.parent_id
        while parent_id is not None and parent_id not in parents:
            parents[parent_id] = work.run(parent_id)
            parent_id = parents[parent_id].parent_id
    reopened = {run.id for run in leaves} | set(parents)
    for run in parents.values():
        work.advance(
            run, State.RUNNING, failure=None, frame=reopened_frame(work, run.id, run.frame or Frame(), reopened)
        )
    for run in leaves:
        _reopen_leaf(work, run)
    data = {key: value for key, value in work.execution.frame.data.items() if key not in OF_THE_END}
    root = replace(work.execution.frame, data=data)
    work.set_frame(None, reopened_frame(work, None, root, reopened))
    return tuple(parents)


def resume_parents(work: Work, parents: Iterable[str]) -> None:
    """Let flowables begin what they held back since a child had failed."""
    for run_id in parents:
        _resume(work, run_id)


def _resume(work: Work, run_id: str) -> None:
    """Let a flowable begin what it held back since a child had failed."""
    scope = RunScope(work, run_id)
    found = [child for child in work.execution.children(run_id) if child.branch == scope.frame.branch]
    plan = flowable_of(scope.task).reopen(scope, sorted(found, key=lambda child: child.seq))
    if plan is not NOTHING:
        children.apply(work, run_id, plan)


def _with_wholes(work: Work, leaves: Sequence[TaskRun]) -> list[TaskRun]:
    """Return the leaves with those that only make sense together replaced by the flowable around them."""
    found: dict[str, TaskRun] = {}
    for leaf in leaves:
        whole = whole_of(work, leaf)
        found[whole.id] = whole
    return list(found.values())


def whole_of(work: Work, run: TaskRun) -> TaskRun:
    """Return the flowable of which ``run`` is an inseparable part, or ``run`` itself if there is none."""
    found = run
    while run.parent_id is not None:
        run = work.run(run.parent_id)
        if flowable_of(work.task(run)).whole:
            found = run
    return found


def _reopen_leaf(work: Work, run: TaskRun) -> None:
    if run.frame is not None and flowable_of(work.task(run)).whole:
        rounds.drop_below(work, run.id)
    elif run.frame is not None and (run.failure is not None or rounds.WAITS in run.frame.data):
        # Not a child of it failed but the flowable itself, or it was stopped between two rounds: it decides anew.
        rounds.drop_below(work, run.id)
    elif run.frame is not None and any(True for _ in work.execution.children(run.id)):
        # Its children are fine (its `finally` branch had failed): go on behind them, do not run them again.
        run = work.advance(run, State.RUNNING, failure=None, frame=reopened_frame(work, run.id, run.frame, set()))
        work.agenda.append(("over", run.id))
        return
    frame = None if run.frame is None else anew(run.frame)
    work.advance(run, State.RESTARTED, failure=None, outputs=None, outputs_digest=None, frame=frame)
    work.agenda.append(("begin", run.id))


def drop_branches(work: Work) -> None:
    """Drop the task runs of errors and finally branches and of afterExecution."""
    # What an errors or finally branch or afterExecution did belongs to the end that is taken back.
    gone: set[str] = set()
    for run in work.execution.ordered():
        if run.branch in SIDE or run.parent_id in gone:
            gone.add(run.id)
            work.drop(run.id)


def _failed_leaves(execution: Execution) -> list[TaskRun]:
    """Return the failed task runs that have no failed child: where the work goes on.

    A failure that something around it allowed is none: it ended the flow for nobody.
    """
    failed: dict[str, TaskRun] = {}
    for run in execution.ordered():
        counts = run.parent_id is None or run.parent_id in failed
        if counts and run.state in _AGAIN and run.branch not in SIDE and run.branch != ADDED:
            failed[run.id] = run
    parents = {run.parent_id for run in failed.values()}
    return [run for run in failed.values() if run.id not in parents]


def reopened_frame(work: Work, parent_id: str | None, frame: Frame, reopened: set[str]) -> Frame:
    """Return the frame of a flowable (or the flow) some of whose children are open again."""
    tally: dict[str, int] = {}
    running = 0
    for child in work.execution.children(parent_id):
        if child.id in reopened:
            running += 1
        else:
            name = children.counted(work, parent_id, child.state)
            tally[name] = tally.get(name, 0) + 1
    return replace(frame, phase="main", open=running, tally=tally)
