"""What people do to an execution that is there: replay it, restart it anew, mark it, label it, let it leave the queue.

The history of an ended execution is rewritten only here, in one transaction with the entry that says who did it and
why. A gate with rules of its own is passed by nothing of this ("No bypass"): not by saying that it succeeded, and not
by an execution that keeps what stood behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import Event, GoOn, Start
from jupyter_gov.domain.execution import Execution, Label
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.domain.ids import new_id, task_run_id
from jupyter_gov.domain.states import State
from jupyter_gov.engine import marks, replay
from jupyter_gov.engine.restart import check_restart, reopen
from jupyter_gov.engine.work import Work
from jupyter_gov.errors import ExecutionError, InputError, NotFoundError
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.models.storable import fault
from jupyter_gov.service.guards import Guards

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.database import Tx

_RESERVED = "system."
Change = Callable[[Work], Event | None]


class Verbs:
    """The verbs of ``api.ExecutionService`` that rewrite or copy; ``Executions`` hands them on."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # --- new executions ---------------------------------------------------------------------------------------

    def replay(
        self, old: Execution, actor: Actor, from_task: str | None, revision: int | None
    ) -> tuple[Flow, Execution, Fact, Event]:
        """Return the new execution that begins again at a task run, or from the beginning."""
        stored, flow = self._flow(old, revision)
        execution_id = new_id()
        body = {"fromTaskRun": from_task}
        if from_task is None:
            fresh = replay.afresh(old, stored, execution_id=execution_id, actor=actor, now=self._parts.now())
            return flow, fresh, replay.created(fresh, old, "replayOf", actor, body), Start()
        _check_over(old, "replayed from one of its tasks")
        chain = replay.chain_of(old, from_task)

        def change(work: Work) -> GoOn:
            return replay.from_task(work, task_run_id(execution_id, chain[0].seq), actor.id)

        execution, event = self._copy(old, stored, flow, execution_id, actor, change)
        return flow, execution, replay.created(execution, old, "replayOf", actor, body), event

    def restarted(self, old: Execution, actor: Actor, revision: int) -> tuple[Flow, Execution, Fact, Event]:
        """Return the new execution that goes on with another revision where ``old`` had failed."""
        check_restart(old)
        stored, flow = self._flow(old, revision)

        def change(work: Work) -> GoOn:
            parents = reopen(work) or ()
            for what, run_id in work.agenda:
                if what == "begin":
                    work.put(replace(work.run(run_id), items=None))
            return GoOn(actor.id, tuple(work.agenda), tuple(parents))

        execution, event = self._copy(old, stored, flow, new_id(), actor, change)
        return flow, execution, replay.created(execution, old, "restartOf", actor, {}), event

    def _copy(  # noqa: PLR0917 - what a copy is made of
        self,
        old: Execution,
        stored: FlowRevision,
        flow: Flow,
        execution_id: str,
        actor: Actor,
        change: Callable[[Work], GoOn],
    ) -> tuple[Execution, GoOn]:
        copy = replay.copied(old, stored, flow, execution_id=execution_id, actor=actor)
        work = self._work(flow, copy)
        event = change(work)
        kept = [run.seq for run in work.execution.task_runs.values() if run.state.is_terminal or run.frame]
        begun = {run_id for what, run_id in event.agenda if what == "begin"}
        kept = [seq for seq in kept if task_run_id(execution_id, seq) not in begun]
        Guards(self._parts).check_kept(flow, old, {task_run_id(old.id, seq) for seq in kept})
        return work.execution, event

    # --- ended executions -------------------------------------------------------------------------------------

    def change_status(self, execution_id: str, state: State, actor: Actor, reason: str | None) -> Execution:
        """Give an ended execution another end."""
        _check_state(state, marks.EXECUTION_STATES, "an execution")

        def change(work: Work) -> None:
            _check_over(work.execution, "given another state")
            if state in marks.PASSING:
                Guards(self._parts).check_passed(work.flow, work.execution, None)
            marks.change_status(work, state)

        return self._rewrite(
            execution_id, actor, "execution.status_changed", change, {"state": state, "reason": reason}
        )

    def mark_task(self, execution_id: str, task_run: str, state: State, actor: Actor, reason: str | None) -> Execution:
        """Give a task run of an ended execution another end and go on from there."""
        _check_state(state, marks.TASK_STATES, "a task run")

        def change(work: Work) -> GoOn:
            _check_over(work.execution, "gone on with from a task that is marked")
            replay.chain_of(work.execution, task_run)
            if state in marks.PASSING:
                Guards(self._parts).check_passed(work.flow, work.execution, task_run)
            return marks.mark_task(work, task_run, state, actor.id)

        body = {"taskRun": task_run, "state": state, "reason": reason}
        return self._rewrite(execution_id, actor, "task_run.marked", change, body)

    def set_labels(self, execution_id: str, labels: Mapping[str, str], actor: Actor) -> Execution:
        """Add labels to an ended execution; a key that is there gets the new value."""
        added = checked_labels(labels)

        def change(work: Work) -> None:
            _check_over(work.execution, "labelled by hand", runs_after=True)
            merged = {label.key: label.value for label in work.execution.labels}
            merged |= {label.key: label.value for label in added}
            work.execution = replace(work.execution, labels=tuple(Label(*pair) for pair in merged.items()))

        return self._rewrite(execution_id, actor, "execution.labelled", change, {"keys": sorted(labels)})

    def _rewrite(
        self, execution_id: str, actor: Actor, action: str, change: Change, body: Mapping[str, Any]
    ) -> Execution:
        store = self._parts.store
        with store.read() as tx:
            before = store.executions.load(tx, execution_id)
        if before is None:
            raise NotFoundError(f"there is no execution {execution_id}")
        _, flow = self._flow(before, None)

        def write(tx: Tx) -> Execution:
            found = store.executions.load(tx, execution_id)
            if found is None:
                raise NotFoundError(f"there is no execution {execution_id}")
            work = self._work(flow, found)
            event = change(work)
            step = work.finish(action, execution_id, actor.id, str(actor.assurance), dict(body))
            store.executions.commit(tx, step, expected_version=found.version, fence=None)
            if event is not None:
                store.inbox.put(tx, execution_id, event)
            return step.execution

        execution = store.retrying(write)
        self._parts.wake()
        return execution

    # --- what these share -------------------------------------------------------------------------------------

    def _work(self, flow: Flow, execution: Execution) -> Work:
        return Work(flow, execution, now=self._parts.now(), host=None, worker="")

    def _flow(self, execution: Execution, revision: int | None) -> tuple[FlowRevision, Flow]:
        number = execution.flow_revision if revision is None else revision
        with self._parts.store.read() as tx:
            stored = self._parts.store.flows.get(tx, execution.namespace, execution.flow_id, number)
        if stored is None:
            raise NotFoundError(
                f"flow {execution.namespace}.{execution.flow_id} has no revision {number}",
                hint="`jupyter gov flows` lists flows with their newest revision.",
            )
        return stored, self._parts.cache.load(stored.namespace, stored.flow_id, stored.revision)


def checked_labels(labels: Mapping[str, str]) -> tuple[Label, ...]:
    """Return labels that a person gave.

    Raises
    ------
    InputError
        ``GOV230``: a key is the system's; ``GOV231``: a key or a value is missing; ``GOV346``: it cannot be stored.
    """
    empty = [key for key, value in labels.items() if not key or value is None]
    if empty or not labels:
        raise InputError("a label needs a key and a value", code="GOV231", hint="Write KEY=VALUE.")
    reserved = [key for key in labels if str(key).startswith(_RESERVED)]
    if reserved:
        raise InputError(
            f"labels that start with `{_RESERVED}` are set by the system: {', '.join(reserved)}", code="GOV230"
        )
    reason = fault(dict(labels))
    if reason is not None:
        raise InputError(f"a label cannot be stored: {reason}", code="GOV346")
    return tuple(Label(str(key), str(value)) for key, value in labels.items())


def _check_over(execution: Execution, what: str, *, runs_after: bool = False) -> None:
    if execution.state.is_terminal and execution.state is not State.RETRIED and (runs_after or execution.is_over):
        return
    state = str(execution.state)
    if execution.state is State.RETRIED:
        state += ", and another execution goes on in its place"
    elif execution.state.is_terminal:
        state += ", and its afterExecution tasks still run"
    raise ExecutionError(
        f"execution {execution.id} is {state}; only an ended one can be {what}",
        code="GOV309",
        hint="Wait for its end, or kill it first. A gate that waits is approved by its id.",
    )


def _check_state(state: State, allowed: Iterable[State], what: str) -> None:
    names = sorted(str(one) for one in allowed)
    if str(state) not in names:
        raise ExecutionError(
            f"{what} cannot be given the state {state}", code="GOV314", hint=f"Choose one of {', '.join(names)}."
        )
