"""Calls of one flow for many batches, by one task run: a bounded number is open at once, each is counted where it ends.

Nothing here walks what is done already: the frame holds the open calls, how many ended in which state, and one bit for
each that has to be called again by a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from jupyter_gov.domain.commands import Notify, StartSubflow
from jupyter_gov.domain.events import BatchesDue, SubflowEnded, SubflowStarted
from jupyter_gov.domain.execution import Attempt, Failure, Frame, TaskRun
from jupyter_gov.domain.ids import child_execution_id
from jupyter_gov.domain.states import State, begin
from jupyter_gov.engine import subflows
from jupyter_gov.engine.flowables.base import CARRIED, Call
from jupyter_gov.engine.flowables.foreachitem import Calls
from jupyter_gov.engine.scope import RunScope
from jupyter_gov.engine.work import Work, failure_of
from jupyter_gov.errors import GovError

AT_ONCE = 50
"""Called executions that are open at once, and that one transaction creates, at most."""
_TODO, _OPEN, _COUNT, _WRONG = "todo", "calls", "count", "wrong"
_NOT_WELL = frozenset({State.FAILED, State.KILLED, State.CANCELLED})


def ask(work: Work, run: TaskRun) -> None:
    """Begin to call; after a restart only for the batches whose calls had not ended well."""
    number = len(run.attempts) + 1
    attempt = Attempt(number, begin(State.RUNNING, work.now), worker=work.worker)
    frame = run.frame or Frame()
    before = frame.data.get(CARRIED) or {}
    todo = before.get("again") or f"{(1 << len(run.items or ())) - 1:x}"
    data = {_TODO: todo, _OPEN: {}, _COUNT: dict(before.get(_COUNT) or {}), _WRONG: "0"}
    work.put(replace(run, attempts=(*run.attempts, attempt), frame=replace(frame, cursor=0, data=data)))
    _go_on(work, run.id)


def due(work: Work, event: BatchesDue) -> None:
    """Call for further batches, in a transaction of their own."""
    run = work.execution.task_runs.get(event.task_run_id)
    if run is not None and run.state is State.RUNNING and run.frame and run.frame.cursor == event.cursor:
        _go_on(work, run.id)


def open_calls(run: TaskRun) -> list[str]:
    """Return the called executions that have not ended."""
    return [] if run.frame is None else list((run.frame.data.get(_OPEN) or {}).values())


def carry(work: Work, run: TaskRun) -> TaskRun:
    """Let a restart find which calls have not ended well, and how many have."""
    frame = run.frame or Frame()
    if _TODO not in frame.data:
        return run
    again = int(frame.data[_TODO], 16) >> frame.cursor << frame.cursor
    again |= int(frame.data[_WRONG], 16) | sum(1 << int(number) for number in _open(run))
    well = {name: number for name, number in frame.data[_COUNT].items() if State(name) not in _NOT_WELL}
    return _remember(work, run, {CARRIED: {"again": f"{again:x}", _COUNT: well}})


def started(work: Work, run: TaskRun, event: SubflowStarted) -> None:
    """Note which execution was created for a batch, or that none could be."""
    open_ = _open(run)
    key = str(event.iteration)
    if run.state is not State.RUNNING or key not in open_:
        return
    if event.child_id is None:
        failure = event.failure or Failure("GOV370", "the called flow could not be started")
        work.put(replace(run, failure=run.failure or failure))
        _count(work, run.id, key, State.FAILED)
    elif work.task(run).props.get("wait", True):
        _remember(work, run, {_OPEN: {**open_, key: event.child_id}})
        return
    else:
        _count(work, run.id, key, State.SUCCESS)
    _settle(work, run.id)


def ended(work: Work, run: TaskRun, event: SubflowEnded) -> None:
    """Count the end of a called execution, and call for the next batch in its place."""
    key = str(event.iteration)
    # An older execution of the same batch, which somebody restarted by hand, is not waited for.
    if run.state is not State.RUNNING or _open(run).get(key) != event.child_id:
        return
    _count(work, run.id, key, event.state)
    _go_on(work, run.id)


def _go_on(work: Work, run_id: str) -> None:
    run = work.run(run_id)
    frame = run.frame or Frame()
    cursor, todo, open_ = frame.cursor, int(frame.data[_TODO], 16), dict(_open(run))
    asked: list[tuple[int, Call | Failure]] = []
    while len(open_) < AT_ONCE and len(asked) < AT_ONCE and todo >> cursor:
        number, cursor = cursor, cursor + 1
        if todo >> number & 1:
            asked.append((number, _call(work, run_id, number)))
            open_[str(number)] = child_execution_id(f"{run_id}/{number}", len(run.attempts))
    run = work.run(run_id)
    work.put(replace(run, frame=replace(frame, cursor=cursor, data={**frame.data, _OPEN: open_})))
    for number, call in asked:
        _send(work, run_id, number, call, open_[str(number)])
    _settle(work, run_id)


def _settle(work: Work, run_id: str) -> None:
    """End when nothing is left, or go on in the next transaction when nothing of this one stays open."""
    _publish(work, run_id)
    run = work.run(run_id)
    frame = run.frame or Frame()
    if _open(run):
        return
    if int(frame.data[_TODO], 16) >> frame.cursor:
        work.commands.append(Notify(work.execution.id, BatchesDue(run_id, frame.cursor)))
    else:
        _finish(work, run_id)


def _call(work: Work, run_id: str, number: int) -> Call | Failure:
    try:
        plan = Calls.for_batch(RunScope(work, run_id), number, (work.run(run_id).items or ())[number])
    except GovError as error:
        return failure_of(error)
    return cast("Call", plan.wait)


def _send(work: Work, run_id: str, number: int, call: Call | Failure, child_id: str) -> None:
    if isinstance(call, Failure):
        run = work.run(run_id)
        work.put(replace(run, failure=run.failure or call))
        _count(work, run_id, str(number), State.FAILED)
        return
    work.commands.append(
        StartSubflow(
            task_run_id=run_id,
            child_id=child_id,
            namespace=call.namespace,
            flow_id=call.flow_id,
            revision=call.revision,
            inputs=call.inputs,
            labels=call.labels,
            wait=call.wait,
            due=call.due,
            iteration=number,
        )
    )


def _count(work: Work, run_id: str, key: str, state: State) -> None:
    run = work.run(run_id)
    data = (run.frame or Frame()).data
    count = {**data[_COUNT], str(state): data[_COUNT].get(str(state), 0) + 1}
    wrong = int(data[_WRONG], 16) | (1 << int(key) if state in _NOT_WELL else 0)
    open_ = {name: child for name, child in data[_OPEN].items() if name != key}
    _remember(work, run, {_COUNT: count, _WRONG: f"{wrong:x}", _OPEN: open_})


def _publish(work: Work, run_id: str) -> None:
    run = work.run(run_id)
    data = (run.frame or Frame()).data
    waits = work.task(run).props.get("wait", True)
    live = {"CREATED": 0, "RUNNING": len(data[_OPEN])} if waits else {}
    outputs = {"numberOfBatches": len(run.items or ()), "iterations": {**live, **data[_COUNT]}}
    RunScope(work, run_id).publish(outputs)


def _finish(work: Work, run_id: str) -> None:
    run = work.run(run_id)
    data = (run.frame or Frame()).data
    count, total = data[_COUNT], len(run.items or ())
    wrong = sum(count.get(str(state), 0) for state in _NOT_WELL)
    transmit = work.task(run).props.get("transmitFailed", True)
    state, failure = State.SUCCESS, None
    if run.failure is not None or (transmit and wrong):
        text = f"{wrong} of {total} called executions did not end well"
        state, failure = State.FAILED, run.failure or Failure("GOV371", text)
        carry(work, run)
    elif transmit and count.get(str(State.WARNING)):
        state = State.WARNING
    subflows.end(work, work.run(run_id), state, failure)


def _open(run: TaskRun) -> Mapping[str, str]:
    found: Mapping[str, str] = {} if run.frame is None else run.frame.data.get(_OPEN) or {}
    return found


def _remember(work: Work, run: TaskRun, data: Mapping[str, Any]) -> TaskRun:
    frame = run.frame or Frame()
    return work.put(replace(run, frame=replace(frame, data={**frame.data, **data})))
