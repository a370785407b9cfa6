"""What a flowable lets a worker do for itself: open a place for its children, and close it behind them.

Meanwhile the place is held by one worker and by nobody else. The attempt of the flowable's own task run says by whom,
and lasts as long: when that worker is gone, the attempt is LOST, and the place with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import ClearTimers
from jupyter_gov.domain.events import AttemptFinished, AttemptStarted
from jupyter_gov.domain.execution import Attempt, Failure, Frame, TaskRun
from jupyter_gov.domain.states import State, begin
from jupyter_gov.engine import children, recovery, rounds
from jupyter_gov.engine.flowables.base import Errand, Plan, first_child
from jupyter_gov.engine.places import BEGUN, ERRAND, PLACE, has_attempt, has_begun, is_open, request
from jupyter_gov.engine.scope import RunScope
from jupyter_gov.engine.types import flowable_of
from jupyter_gov.engine.work import Work


def ask(work: Work, run: TaskRun, errand: Errand) -> None:
    """Ask for an errand."""
    _remember(work, run, {ERRAND: errand.name}, but=(BEGUN,))
    work.commands.append(request(work.run(run.id)))


def started(work: Work, run: TaskRun, event: AttemptStarted) -> None:
    """Note that a worker has begun; the first errand begins the attempt, which lasts until the place is given back."""
    if run.state is not State.RUNNING or has_begun(run) or work.execution.state is State.KILLING:
        return
    if not has_attempt(run):
        attempt = Attempt(len(run.attempts) + 1, begin(State.RUNNING, work.now), worker=event.worker)
        run = replace(run, attempts=(*run.attempts, attempt))
    _remember(work, run, {BEGUN: 1})


def finished(work: Work, run: TaskRun, event: AttemptFinished) -> None:
    """Go on behind an errand: to the children, or to what follows them."""
    if is_open(run):
        _closed(work, run, event)
        return
    if event.state is not State.SUCCESS:
        run = replace(run, attempts=children.close_attempt(work, run, State.FAILED, event.failure, event.log_file))
        _remember(work, run, {}, but=(ERRAND, BEGUN))
        children.main_over(work, run.id, failure=event.failure or Failure("GOV818", "its folder could not be made"))
        return
    _remember(work, run, {PLACE: 1}, but=(ERRAND, BEGUN))
    children.apply(work, run.id, Plan(first_child(RunScope(work, run.id), "tasks")))


def close(work: Work, run_id: str) -> bool:
    """Let the place be closed, if there is one; return whether that has to be waited for."""
    run = work.run(run_id)
    if not is_open(run):
        return False
    errand = flowable_of(work.task(run)).closing(RunScope(work, run_id))
    if errand is not None:
        ask(work, run, errand)
        return True
    _give_back(work, run, children.summed(work.frame(run_id)), None)
    return False


def _closed(work: Work, run: TaskRun, event: AttemptFinished) -> None:
    if event.outputs is not None:
        run = replace(run, outputs=event.outputs, outputs_digest=digest(event.outputs))
    failed = event.state is not State.SUCCESS
    state = State.FAILED if failed else children.summed(run.frame or Frame())
    _give_back(work, run, state, event)
    children.main_over(work, run.id, failure=event.failure if failed else None)


def _give_back(work: Work, run: TaskRun, state: State, event: AttemptFinished | None) -> None:
    failure, log_file = (None, None) if event is None else (event.failure, event.log_file)
    run = replace(run, attempts=children.close_attempt(work, run, state, failure, log_file))
    _remember(work, run, {}, but=(ERRAND, BEGUN, PLACE))


def lost(work: Work, run: TaskRun) -> None:
    """Let a flowable whose place is gone begin anew, if none of its children had begun; else it fails."""
    frame = run.frame or Frame()
    below = [child for child in work.execution.children(run.id) if child.branch == frame.branch]
    work.put(replace(run, frame=replace(frame, data=_without(frame, (ERRAND, BEGUN, PLACE)))))
    if not any(child.attempts for child in below) and recovery.lost_in_a_row(run) < recovery.MOST_LOST:
        rounds.drop_below(work, run.id)
        work.put(replace(work.run(run.id), frame=Frame()))
        children.apply(work, run.id, flowable_of(work.task(run)).begin(RunScope(work, run.id)))
        return
    message = "the shared folder is gone with its worker; what its tasks did until then may have had effects"
    failure = Failure("GOV818", message, {"hint": "Restart the execution: all tasks of the folder run again."})
    children.main_over(work, run.id, failure=failure)
    for child in below:
        if not child.state.is_terminal:
            work.commands.append(ClearTimers(child.id))
            attempts = (
                children.close_attempt(work, child, State.LOST, failure) if has_attempt(child) else child.attempts
            )
            children.end(work, replace(child, attempts=attempts), State.FAILED, failure=failure)


def _remember(work: Work, run: TaskRun, data: Mapping[str, Any], but: tuple[str, ...] = ()) -> None:
    frame = run.frame or Frame()
    work.put(replace(run, frame=replace(frame, data={**_without(frame, but), **data})))


def _without(frame: Frame, names: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in frame.data.items() if key not in names}
