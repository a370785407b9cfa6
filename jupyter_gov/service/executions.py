"""Executions: start, watch, stop, continue."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import Event, Kill, Pause, Restart, Resume, Start
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import ExecutionFilter, ExecutionSummary, FlowRevision, LogLine
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.states import State
from jupyter_gov.engine import checks
from jupyter_gov.engine.hold import is_held
from jupyter_gov.engine.inputs import Resolved, ignored
from jupyter_gov.engine.restart import check_restart
from jupyter_gov.engine.start import create
from jupyter_gov.errors import AccessError, ExecutionError, NotFoundError
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.runtime.beginning import insert_new
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.owned import NewExecution
from jupyter_gov.runtime.world import expression_environment
from jupyter_gov.service import notebooks
from jupyter_gov.service.api import EVERYTHING, NotebookRecord, StartRequest
from jupyter_gov.service.approvals import Approvals
from jupyter_gov.service.deletion import Deletion, Extent
from jupyter_gov.service.inputs import typed_inputs
from jupyter_gov.service.questions import Questions
from jupyter_gov.service.verbs import Verbs, checked_labels

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.database import Tx

_LONGEST_WAIT = 1.0


class Executions:
    """Implements ``api.ExecutionService`` over the store and the loop of this process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def start(self, request: StartRequest, actor: Actor) -> Execution:
        """Create an execution and return it; the inputs are typed and checked first."""
        store = self._parts.store
        revision, flow = self._flow(request)
        labels = checked_labels(request.labels) if request.labels else ()
        workdir = Path(request.workdir).absolute() if request.workdir else Path.cwd()
        execution_id = new_id()
        later = _later(request.schedule_date, self._parts.now())
        inputs = typed_inputs(
            self._parts, flow, request.inputs, execution_id=execution_id, workdir=workdir, strict=request.strict,
            trusted=request.trusted,
        )  # fmt: skip
        execution, created = create(
            revision,
            flow,
            execution_id=execution_id,
            inputs=inputs,
            actor=actor,
            run_as=self._parts.run_as,
            now=self._parts.now(),
            labels=labels,
            trigger=request.trigger,
            workdir=str(workdir),
            supersedes=request.supersedes,
            schedule_date=later,
        )
        found = self._unmet(flow, execution)
        execution, facts = checks.judge(execution, created, found)
        lines = checks.lines(execution, found, execution.created)
        if not (request.strict or request.trusted):
            lines += _ignored(flow, request, execution)
        new = NewExecution(flow, execution, tuple(facts), later, lines=tuple(lines))
        execution = store.retrying(lambda tx: insert_new(tx, store, new))
        self._parts.wake()
        return execution

    def _flow(self, request: StartRequest) -> tuple[FlowRevision, Flow]:
        store = self._parts.store
        with store.read() as tx:
            revision = store.flows.get(tx, request.namespace, request.flow_id, request.revision)
        if revision is None:
            raise NotFoundError(
                f"there is no flow {request.namespace}.{request.flow_id}",
                hint="`jupyter gov flows` lists those that exist.",
            )
        return revision, self._parts.cache.load(revision.namespace, revision.flow_id, revision.revision)

    def _unmet(self, flow: Flow, execution: Execution) -> Sequence[checks.Unmet]:
        """Return the checks of the flow that are not met; no message shows a secret."""
        masks = Masks()
        envs, globals_ = expression_environment(os.environ), self._parts.settings.get("globals") or {}
        host = self._parts.host(flow.namespace, masks, flow.dialect)
        found = checks.unmet(flow, execution, host, envs=envs, globals_=globals_)
        return [replace(one, message=masks.apply(one.message)) for one in found]

    def get(self, execution_id: str, actor: Actor) -> Execution:
        """Return an execution with all its task runs.

        Raises
        ------
        NotFoundError
            ``GOV302``: there is none of this id.
        """
        with self._parts.store.read() as tx:
            found = self._parts.store.executions.load(tx, execution_id)
        if found is None:
            raise NotFoundError(
                f"there is no execution {execution_id}", hint="`jupyter gov runs` lists the latest ones."
            )
        return found

    def list(
        self, actor: Actor, where: ExecutionFilter = EVERYTHING, *, before: str | None = None, limit: int = 50
    ) -> Sequence[ExecutionSummary]:
        """Return executions, newest first."""
        with self._parts.store.read() as tx:
            return self._parts.store.executions.list(tx, where, before=before, limit=limit)

    def logs(
        self, execution_id: str, actor: Actor, *, after: int = 0, task_run_id: str | None = None, limit: int = 1000
    ) -> Sequence[LogLine]:
        """Return log lines whose id is higher than ``after``, oldest first."""
        with self._parts.store.read() as tx:
            return self._parts.store.logs.after(tx, execution_id, after, task_run_id, limit)

    def wait(
        self,
        execution_id: str,
        actor: Actor,
        *,
        until: Callable[[Execution], bool],
        timeout: float | None = None,
        on_change: Callable[[Execution], None] | None = None,
    ) -> Execution:
        """Block until ``until(execution)`` holds or the time is over."""
        deadline = None if timeout is None else time.monotonic() + timeout
        seen: int | None = None
        execution = self.get(execution_id, actor)
        while True:
            if seen != execution.version:
                seen = execution.version
                if on_change is not None:
                    on_change(execution)
                if until(execution):
                    return execution
            left = _LONGEST_WAIT if deadline is None else min(_LONGEST_WAIT, deadline - time.monotonic())
            if left <= 0:
                return execution
            self._parts.store.wait(left)
            with self._parts.store.read() as tx:
                version = self._parts.store.executions.version(tx, execution_id)
            if version != seen:
                execution = self.get(execution_id, actor)

    def kill(self, execution_id: str, actor: Actor, reason: str | None = None) -> None:
        """Ask an execution to stop.

        Raises
        ------
        ExecutionError
            ``GOV306``: it has ended already.
        """

        def check(execution: Execution) -> Event:
            if execution.state.is_terminal:
                raise ExecutionError(f"execution {execution_id} has ended {execution.state} already", code="GOV306")
            return Kill(by=actor.id, reason=reason)

        self._ask(execution_id, actor, "execution.kill_requested", check, {"reason": reason})

    def restart(self, execution_id: str, actor: Actor, revision: int | None = None) -> Execution | None:
        """Continue an ended execution from its failed task runs; with a revision, as a new execution of that one."""
        if revision is not None:
            old = self.get(execution_id, actor)
            return self._begin_copy(Verbs(self._parts).restarted(old, actor, revision))

        def check(execution: Execution) -> Event:
            check_restart(execution)
            return Restart(by=actor.id)

        self._ask(execution_id, actor, "execution.restart_requested", check, {})
        return None

    def replay(
        self, execution_id: str, actor: Actor, from_task: str | None = None, revision: int | None = None
    ) -> Execution:
        """Begin again as a new execution: from the task run ``from_task``, or from the beginning."""
        old = self.get(execution_id, actor)
        return self._begin_copy(Verbs(self._parts).replay(old, actor, from_task, revision))

    def _begin_copy(self, made: tuple[Flow, Execution, Fact, Event]) -> Execution:
        store, (flow, execution, fact, event) = self._parts.store, made

        def write(tx: Tx) -> Execution:
            if isinstance(event, Start):
                return insert_new(tx, store, NewExecution(flow, execution, (fact,)))
            store.executions.insert(tx, execution, (fact,), event)
            return execution

        execution = store.retrying(write)
        self._parts.wake()
        return execution

    def change_status(self, execution_id: str, state: State, actor: Actor, reason: str | None = None) -> Execution:
        """Give an ended execution another end; nothing runs because of it."""
        self._parts.access.check_named(actor, "changing how an execution ended")
        return Verbs(self._parts).change_status(execution_id, state, actor, reason)

    def delete(  # noqa: PLR0917 - each says what goes
        self,
        execution_id: str,
        actor: Actor,
        logs: bool = True,
        metrics: bool = True,
        storage: bool = True,
        reason: str | None = None,
    ) -> Mapping[str, int]:
        """Delete an ended execution; its history stays and says by whom."""
        self._parts.access.check_named(actor, "deleting an execution")
        return Deletion(self._parts).delete(
            execution_id, actor, Extent(logs=logs, metrics=metrics, storage=storage), reason
        )

    def eval(self, execution_id: str, expression: str, actor: Actor, task_run_id: str | None = None) -> str:
        """Return an expression rendered as a task run, or the flow, sees the world now."""
        execution = self.get(execution_id, actor)
        flow = self._parts.cache.load(execution.namespace, execution.flow_id, execution.flow_revision)
        return Questions(self._parts).eval(execution, flow, expression, task_run_id)

    def url(self, execution_id: str, actor: Actor) -> str:
        """Return the address under which people find an execution."""
        return Questions(self._parts).url(self.get(execution_id, actor))

    def check_inputs(self, request: StartRequest, actor: Actor) -> Sequence[Resolved]:
        """Return what would become of each input; nothing is started or stored."""
        _, flow = self._flow(request)
        return Questions(self._parts).check_inputs(flow, request)

    def mark_task(
        self, execution_id: str, task_run_id: str, state: State, actor: Actor, reason: str | None = None
    ) -> Execution:
        """Give a task run of an ended execution another end and go on from there."""
        self._parts.access.check_named(actor, "marking a task")
        return Verbs(self._parts).mark_task(execution_id, task_run_id, state, actor, reason)

    def set_labels(self, execution_id: str, labels: Mapping[str, str], actor: Actor) -> Execution:
        """Add labels to an ended execution, or change them."""
        return Verbs(self._parts).set_labels(execution_id, labels, actor)

    def force_run(self, execution_id: str, actor: Actor, reason: str | None = None) -> Execution:
        """Let an execution go on that waits: in the queue of its flow, or at a plain gate."""
        self._parts.access.check_named(actor, "forcing an execution to run")
        execution = self.get(execution_id, actor)
        if execution.state is State.PAUSED:
            self.resume(execution_id, actor)
        elif execution.state is State.QUEUED:
            return self.unqueue(execution_id, actor, reason=reason)
        elif execution.state.is_terminal or execution.state is State.KILLING:
            raise ExecutionError(f"execution {execution_id} is {execution.state}; it cannot run", code="GOV306")
        return execution

    def unqueue(
        self, execution_id: str, actor: Actor, state: State = State.RUNNING, reason: str | None = None
    ) -> Execution:
        """Take an execution out of the queue of its flow: it runs, over the limit, or ends KILLED."""
        if state not in {State.RUNNING, State.KILLED}:
            raise ExecutionError(
                f"a queued execution cannot be given the state {state}",
                code="GOV314",
                hint="Choose RUNNING or KILLED.",
            )

        def check(execution: Execution) -> Event:
            if execution.state is not State.QUEUED:
                raise ExecutionError(
                    f"execution {execution_id} is {execution.state}; only a queued one leaves the queue",
                    code="GOV315",
                )
            return Start() if state is State.RUNNING else Kill(by=actor.id, reason=reason)

        body = {"state": str(state), "reason": reason}
        self._ask(execution_id, actor, "execution.unqueue_requested", check, body)
        return self.get(execution_id, actor)

    def pause(self, execution_id: str, actor: Actor, reason: str | None = None) -> Execution:
        """Hold a running execution: what runs comes to its end, nothing more begins until it is resumed."""

        def check(execution: Execution) -> Event:
            if execution.state is not State.RUNNING:
                raise ExecutionError(
                    f"execution {execution_id} is {execution.state}; only a running one can be paused", code="GOV316"
                )
            return Pause(by=actor.id)

        self._ask(execution_id, actor, "execution.pause_requested", check, {"reason": reason})
        return self.get(execution_id, actor)

    def resume(
        self,
        execution_id: str,
        actor: Actor,
        inputs: Mapping[str, Any] | None = None,
        *,
        state: State = State.RUNNING,
    ) -> None:
        """Let an execution go on that was paused by hand, or approve the one plain gate at which it waits."""
        if state is not State.RUNNING:
            self._resume_to(execution_id, actor, state)
            return
        execution = self.get(execution_id, actor)
        if is_held(execution):
            self._ask(execution_id, actor, "execution.resume_requested", lambda _: Resume(by=actor.id), {})
            return
        with self._parts.store.read() as tx:
            gates = self._parts.store.approvals.list(tx, status=ApprovalStatus.OPEN, execution_id=execution_id)
        if not gates:
            raise ExecutionError(
                f"execution {execution_id} is {execution.state} and waits at no gate; nothing to resume", code="GOV307"
            )
        if len(gates) > 1:
            names = ", ".join(sorted(gate.id for gate in gates))
            raise ExecutionError(
                f"execution {execution_id} waits at several gates: {names}",
                code="GOV308",
                hint="Approve one by its id.",
            )
        (gate,) = gates
        if gate.guarded:
            raise AccessError(
                f"gate {gate.id} has rules of its own; a resume would go around them",
                code="GOV405",
                hint="Let the people whom it is assigned to approve it.",
            )
        answers = Approvals(self._parts)
        answers.decide(gate.id, Verdict.APPROVE, actor, subject_digest=gate.subject_digest, inputs=inputs)

    def _resume_to(self, execution_id: str, actor: Actor, state: State) -> None:
        """Let a paused execution go on only to be stopped."""
        if state is not State.KILLING:
            raise ExecutionError(
                f"a paused execution cannot be resumed to the state {state}",
                code="GOV314",
                hint="Choose RUNNING or KILLING.",
            )

        def check(execution: Execution) -> Event:
            if execution.state is not State.PAUSED:
                raise ExecutionError(f"execution {execution_id} is {execution.state}; nothing to resume", code="GOV307")
            return Kill(by=actor.id, resumes=True)

        self._ask(execution_id, actor, "execution.resume_requested", check, {"state": str(state)})

    def _ask(
        self,
        execution_id: str,
        actor: Actor,
        action: str,
        check: Callable[[Execution], Event],
        body: Mapping[str, Any],
    ) -> None:
        store = self._parts.store

        def write(tx: Tx) -> None:
            execution = store.executions.load(tx, execution_id)
            if execution is None:
                raise NotFoundError(f"there is no execution {execution_id}")
            event = check(execution)
            fact = Fact(action, execution_id, actor.id, str(actor.assurance), dict(body))
            store.audit_log.append(tx, f"execution/{execution_id}", (fact,), store.now(tx))
            store.inbox.put(tx, execution_id, event)

        store.retrying(write)
        self._parts.wake()

    def file(self, execution_id: str, uri: str, actor: Actor) -> Path:
        """Return a local path of a file of the execution.

        Raises
        ------
        AccessError
            ``GOV404``: the file belongs to another execution.
        """
        execution = self.get(execution_id, actor)
        owners = {execution.id, execution.parent_id, execution.original_id}
        parts = uri.split("/")
        if not any(owner in parts for owner in owners if owner):
            raise AccessError(
                f"Unable to read the file '{uri}' as it didn't belong to the current execution", code="GOV404"
            )
        return self._parts.store.files.path(uri)

    def progress(self, execution_id: str) -> Mapping[str, tuple[int, int, str]]:
        """Return the live progress of running task runs of this process."""
        return self._parts.progress(execution_id)

    def record_notebook(self, record: NotebookRecord, actor: Actor) -> Execution:
        """Put a notebook run that papermill did outside of any flow on record."""
        return notebooks.record(self._parts, record, actor)


def _ignored(flow: Flow, request: StartRequest, execution: Execution) -> list[LogLine]:
    """Return what the log of the execution says about values that nobody asked for."""
    texts = ignored(flow.inputs, request.inputs, flow.undeclared_inputs)
    return [LogLine(0, execution.id, None, None, None, "WARN", execution.created, text) for text in texts]


def is_settled(execution: Execution) -> bool:
    """Return whether an execution has ended or waits for people."""
    return execution.state.is_terminal or execution.state is State.PAUSED


def _later(date: datetime | None, now: datetime) -> datetime | None:
    """Return the date of a start that has to wait; None for one that begins at once."""
    if date is None:
        return None
    if date.tzinfo is None:
        raise ExecutionError(
            f"the date {date.isoformat()} at which to start has no time zone",
            code="GOV317",
            hint="Add an offset, such as 2027-01-31T08:00:00+01:00 or …Z.",
        )
    return date if date > now else None
