"""Beginning again from a task run, or with another revision: a new execution that keeps what was done before.

Both work on an ended execution and happen in two steps. The service stores the new execution RESTARTED, as everybody
sees it that moment, together with a ``GoOn`` event; whoever carries it on then begins what the event names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rpds import HashTrieMap

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import GoOn
from jupyter_gov.domain.execution import Execution, Frame, TaskRun
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.domain.ids import task_run_id
from jupyter_gov.domain.states import EXECUTION_REWRITES, TASK_RUN_REWRITES, State, advance, begin
from jupyter_gov.engine import facts, restart, rounds
from jupyter_gov.engine.added import ADDED
from jupyter_gov.engine.flowables.base import ITERATION
from jupyter_gov.engine.flowables.dag import Dag, dependencies
from jupyter_gov.engine.flowables.foreach import EachParallel, Loop
from jupyter_gov.engine.flowables.loop import LoopOver
from jupyter_gov.engine.flowables.parallel import Parallel
from jupyter_gov.engine.scope import RunScope
from jupyter_gov.engine.types import flowable_of
from jupyter_gov.engine.work import Work
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.models.flow import Flow, TaskDef


def go_on(work: Work, event: GoOn) -> None:
    """Begin what was reopened."""
    if work.execution.state is not State.RESTARTED:
        return
    work.set_state(State.RUNNING)
    restart.resume_parents(work, event.parents)
    work.agenda.extend((str(what), str(run_id)) for what, run_id in event.agenda)


def from_task(work: Work, run_id: str, by: str) -> GoOn:
    """Reopen a task run and what is around it, and drop everything that followed; ``work`` holds the copy."""
    chain = chain_of(work.execution, run_id)
    chain = chain[chain.index(restart.whole_of(work, chain[0])) :]
    run_id = chain[0].id
    dropped = {run.id for run in work.execution.ordered() if run.branch in restart.SIDE}
    for run in chain:
        dropped |= _followers(work, run)
    rounds.drop_below(work, run_id)
    _drop(work, dropped)
    reopened = {run.id for run in chain}
    for run in chain[1:]:
        frame = restart.reopened_frame(work, run.id, _at(work, run, chain), reopened)
        rewritten(work, run, State.RUNNING, failure=None, frame=frame)
    _reopen(work, chain[0])
    reset(work)
    work.set_frame(None, restart.reopened_frame(work, None, work.execution.frame, reopened))
    return GoOn(by, agenda=(("begin", run_id),), parents=())


def chain_of(execution: Execution, run_id: str) -> list[TaskRun]:
    """Return a task run and the flowables around it, innermost first.

    Raises
    ------
    ExecutionError
        ``GOV312``: there is no such task run, or it belongs to a branch that only runs because of an end.
    """
    chain: list[TaskRun] = []
    wanted: str | None = run_id
    while wanted is not None:
        run = execution.task_runs.get(wanted)
        if run is None:
            raise ExecutionError(
                f"execution {execution.id} has no task run {run_id}",
                code="GOV312",
                hint="`jupyter gov show` lists its task runs.",
            )
        if run.branch in restart.SIDE:
            raise ExecutionError(
                f"task run {run_id} belongs to `{run.branch}`, which follows from the end of what is around it",
                code="GOV312",
                hint="Choose a task run of the tasks themselves.",
            )
        if run.branch == ADDED:
            raise ExecutionError(
                f"task run {run_id} was reported by the task run {run.parent_id}, and cannot run without it",
                code="GOV312",
                hint=f"Choose {run.parent_id}.",
            )
        chain.append(run)
        wanted = run.parent_id
    return chain


def rewritten(work: Work, run: TaskRun, state: State, **fields: Any) -> TaskRun:
    """Give an ended task run another state, because a person said so."""
    return work.put(replace(run, history=advance(run.history, state, work.now, TASK_RUN_REWRITES), **fields))


def reset(work: Work) -> None:
    """Take the end of the execution back."""
    execution = work.execution
    history = advance(execution.history, State.RESTARTED, work.now, EXECUTION_REWRITES)
    data = {key: value for key, value in execution.frame.data.items() if key not in restart.OF_THE_END}
    frame = replace(execution.frame, data={**data, "kept": 1})
    work.execution = replace(execution, history=history, failure=None, outputs=None, frame=frame)


def _reopen(work: Work, run: TaskRun) -> None:
    flowable = work.task(run).kind == "flowable"
    state = State.RUNNING if flowable else State.RESTARTED
    # The values of a loop are stored once: it resolves them anew.
    cleared: dict[str, Any] = {"outputs": None, "outputs_digest": None, "items": None, "failure": None}
    rewritten(work, work.run(run.id), state, frame=Frame() if flowable else None, **cleared)


def _drop(work: Work, ids: set[str]) -> None:
    for run in work.execution.ordered():
        if run.id in ids or run.parent_id in ids:
            ids.add(run.id)
            work.drop(run.id)


def _followers(work: Work, run: TaskRun) -> set[str]:
    """Return the siblings that ran because this one had ended."""
    parent = None if run.parent_id is None else work.task(work.run(run.parent_id))
    siblings = [other for other in work.execution.children(run.parent_id) if other.id != run.id]
    kind = None if parent is None else flowable_of(parent)
    if parent is None or kind is None:
        return {other.id for other in siblings if other.index > run.index}
    if issubclass(kind, Parallel | EachParallel):
        return set()
    if issubclass(kind, LoopOver):
        return _after_in_loop(parent, run, siblings)
    if issubclass(kind, Dag):
        below = _dependants(dependencies(parent), run.task_id)
        return {other.id for other in siblings if other.task_id in below}
    if issubclass(kind, Loop) and not _one_by_one(work, run, kind):
        return {other.id for other in siblings if other.iteration == run.iteration and other.index > run.index}
    # What stood before it in the list is kept in the later iterations too: nothing that it does has changed.
    return {other.id for other in siblings if _is_behind(other, run)}


def _after_in_loop(loop: TaskDef, run: TaskRun, siblings: Sequence[TaskRun]) -> set[str]:
    if run.branch != ITERATION:
        return {other.id for other in siblings if other.index > run.index}
    one_by_one, number = LoopOver.is_one_by_one(loop), run.iteration or 0
    later = (one for one in siblings if one_by_one and (one.iteration or 0) > number)
    # What was stored of all of them is no longer true.
    return {one.id for one in (*later, *(one for one in siblings if one.branch != ITERATION))}


def _is_behind(other: TaskRun, run: TaskRun) -> bool:
    if (other.iteration or 0) > (run.iteration or 0):
        return other.index >= run.index
    return other.iteration == run.iteration and other.index > run.index


def _one_by_one(work: Work, run: TaskRun, kind: type[Loop]) -> bool:
    return run.parent_id is not None and kind._limit(RunScope(work, run.parent_id)) == 1


def _dependants(needed: Mapping[str, Iterable[str]], task_id: str) -> set[str]:
    found = {task_id}
    while more := {name for name, needs in needed.items() if name not in found and found & set(needs)}:
        found |= more
    return found - {task_id}


def _at(work: Work, run: TaskRun, chain: Sequence[TaskRun]) -> Frame:
    """Return the frame of a flowable, set back to the child from which it goes on."""
    frame = run.frame or Frame()
    data = {key: value for key, value in frame.data.items() if key != rounds.WAITS}
    child = next(one for one in chain if one.parent_id == run.id)
    kind = flowable_of(work.task(run))
    if issubclass(kind, Loop) and not issubclass(kind, EachParallel) and _one_by_one(work, child, kind):
        return replace(frame, data=data, cursor=(child.iteration or 0) + 1)
    if child.branch == ITERATION and LoopOver.is_one_by_one(work.task(run)):
        return replace(frame, data=data, cursor=(child.iteration or 0) + 1)
    return replace(frame, data=data)


# --- the copy -----------------------------------------------------------------------------------------------------


def copied(old: Execution, revision: FlowRevision, flow: Flow, *, execution_id: str, actor: Actor) -> Execution:
    """Return an execution of its own that has been through all that ``old`` has.

    Raises
    ------
    ExecutionError
        ``GOV313``: the revision lacks a task that has run, or has it elsewhere.
    """
    execution = replace(
        old,
        id=execution_id,
        version=0,
        flow_revision=revision.revision,
        flow_digest=revision.digest,
        starter=actor.id,
        parent_id=old.id,
        parent_task_run_id=None,
        original_id=old.original_id or old.id,
        supersedes=None,
        frame=replace(old.frame, data={}),
        task_runs=HashTrieMap(),
        latest=HashTrieMap(),
    )
    runs = []
    for run in old.ordered():
        parent = None if run.parent_id is None else old.task_runs[run.parent_id]
        index = run.index if run.branch in restart.SIDE or run.branch == ADDED else _index(flow, parent, run, revision)
        place = None if parent is None else task_run_id(execution_id, parent.seq)
        own = task_run_id(execution_id, run.seq)
        runs.append(replace(run, id=own, execution_id=execution_id, parent_id=place, index=index))
    return execution.put(*runs)


def _index(flow: Flow, parent: TaskRun | None, run: TaskRun, revision: FlowRevision) -> int:
    slot: Sequence[TaskDef] = ()
    if parent is None:
        slot = flow.tasks
    elif run.branch == ITERATION and run.task_id in flow.index:
        return 0
    elif parent.task_id in flow.index:
        slot = flow.index[parent.task_id].slots.get(run.branch, ())
    for index, task in enumerate(slot):
        if task.id == run.task_id:
            return index
    raise ExecutionError(
        f"task {run.task_id!r} has run, and revision {revision.revision} does not have it at that place",
        code="GOV313",
        hint="Choose a revision that differs only in what has not succeeded yet, or replay from the beginning.",
    )


def created(execution: Execution, old: Execution, action: str, actor: Actor, body: Mapping[str, Any]) -> Fact:
    """Return the fact of the creation; ``action`` says from what it came."""
    full = {
        "flow": {
            "namespace": execution.namespace,
            "id": execution.flow_id,
            "revision": execution.flow_revision,
            "digest": execution.flow_digest,
        },
        "inputs": digest(execution.inputs),
        "runAs": execution.run_as,
        "parent": execution.parent_id,
        "original": execution.original_id,
        action: old.id,
        **body,
        "changes": facts.changes(execution, [run.id for run in execution.ordered()]),
    }
    return Fact("execution.created", execution.id, actor.id, str(actor.assurance), full)


def afresh(old: Execution, revision: FlowRevision, *, execution_id: str, actor: Actor, now: datetime) -> Execution:
    """Return a created execution with the inputs and labels of ``old``, in which nothing has run yet."""
    return Execution(
        id=execution_id,
        namespace=old.namespace,
        flow_id=old.flow_id,
        flow_revision=revision.revision,
        flow_digest=revision.digest,
        history=begin(State.CREATED, now),
        run_as=old.run_as,
        starter=actor.id,
        inputs=old.inputs,
        labels=old.labels,
        trigger=old.trigger,
        parent_id=old.id,
        original_id=old.original_id or old.id,
        workdir=old.workdir,
    )
