"""What no verb of a person gets around: gates with rules of their own ("No bypass").

Neither by saying that something succeeded in which such a gate did not let pass, or was never reached, nor by an
execution that keeps what stood behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jupyter_gov.domain.approval import Approval, ApprovalStatus
from jupyter_gov.domain.execution import Execution
from jupyter_gov.engine.flowables.pause import HumanTask
from jupyter_gov.engine.marks import PASSING
from jupyter_gov.engine.types import FLOWABLES
from jupyter_gov.errors import AccessError
from jupyter_gov.lang.models.base import is_expression
from jupyter_gov.lang.models.flow import Flow, TaskDef

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts

_MOST_GATES = 10_000


class Guards:
    """Looks at the gates of an execution and of those that it called."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def check_kept(self, flow: Flow, old: Execution, kept: set[str]) -> None:
        """Refuse to carry an approval into an execution over which nobody has decided."""
        for gate, run_id in self._standing(old):
            if run_id in kept or (run_id not in old.task_runs and _was_below(flow, old, gate, kept)):
                raise _no_bypass(gate, "what stands behind it cannot begin in a new execution without a new decision")

    def check_passed(self, flow: Flow, execution: Execution, task_run: str | None) -> None:
        """Refuse to call a success what a gate with rules of its own did not let pass, or what holds such a gate."""
        within = None if task_run is None else _below(execution, task_run)
        newest: dict[str, Approval] = {}
        for gate in self._guarded(execution.id):
            # A gate that opened again after a restart has rows for both times; the newest one comes first.
            newest.setdefault(gate.task_run_id, gate)
        for gate in newest.values():
            if gate.status is ApprovalStatus.APPROVED:
                continue
            if within is None or gate.task_run_id in within or gate.execution_id != execution.id:
                raise _no_bypass(gate, f"it is {gate.status}, and only its own rule passes it")
        if within is not None and task_run is not None and execution.task_runs[task_run].state not in PASSING:
            self._check_reached(flow, execution, within - set(newest))

    def _check_reached(self, flow: Flow, execution: Execution, within: set[str]) -> None:
        """Refuse to call a success a whole in which such a gate stands: it may not have been reached."""
        for run_id in within:
            task = flow.index.get(execution.task_runs[run_id].task_id)
            if task is not None and self._holds(flow, task.walk(), set()):
                raise _not_as_a_whole(run_id)
            for called in self._called(execution.id, run_id):
                own = self._parts.cache.load(called.namespace, called.flow_id, called.flow_revision)
                if self._holds(own, own.walk(), set()):
                    raise _not_as_a_whole(run_id)

    def _holds(self, flow: Flow, tasks: Iterable[TaskDef], seen: set[tuple[str, str]]) -> bool:
        """Return whether such a gate is among tasks, or in a flow that they call by a name that is written out."""
        for task in tasks:
            if is_guarded(task):
                return True
            name = _name_of_called(flow, task)
            if name is None or name in seen:
                continue
            seen.add(name)
            with self._parts.store.read() as tx:
                found = self._parts.store.flows.get(tx, *name)
            if found is not None:
                own = self._parts.cache.load(*name, found.revision)
                if self._holds(own, own.walk(), seen):
                    return True
        return False

    def _called(self, execution_id: str, run_id: str) -> list[Execution]:
        store = self._parts.store
        with store.read() as tx:
            found = [store.executions.load(tx, one) for one, _, _ in store.called.by(tx, execution_id, run_id)]
        return [one for one in found if one is not None]

    def _standing(self, execution: Execution) -> list[tuple[Approval, str]]:
        """Return the gates of an execution and of those that it waits for, with its own task run that each is below."""
        found = []
        for gate in self._guarded(execution.id):
            run_id: str | None = gate.task_run_id
            above: str | None = gate.execution_id
            while above is not None and above != execution.id:
                with self._parts.store.read() as tx:
                    called = self._parts.store.executions.load(tx, above)
                # What nobody waits for, such as a replay, is no part of it.
                run_id = None if called is None else called.parent_task_run_id
                above = None if called is None or run_id is None else called.parent_id
            if run_id is not None:
                found.append((gate, run_id))
        return found

    def _guarded(self, execution_id: str) -> list[Approval]:
        store = self._parts.store
        with store.read() as tx:
            found = store.approvals.list(tx, within=execution_id, limit=_MOST_GATES)
        return [gate for gate in found if gate.guarded]


def is_guarded(task: TaskDef) -> bool:
    """Return whether a task is a gate with rules of its own."""
    kind = FLOWABLES.get(task.type) or task.model
    return isinstance(kind, type) and issubclass(kind, HumanTask)


def _name_of_called(flow: Flow, task: TaskDef) -> tuple[str, str] | None:
    namespace, flow_id = task.props.get("namespace"), task.props.get("flowId")
    if task.kind != "flowable" or not isinstance(namespace, str) or not isinstance(flow_id, str):
        return None
    namespace = flow.namespace if namespace.replace(" ", "") == "{{flow.namespace}}" else namespace
    return None if is_expression(namespace) or is_expression(flow_id) else (namespace, flow_id)


def _below(execution: Execution, task_run: str) -> set[str]:
    found = {task_run}
    for run in execution.ordered():
        if run.parent_id in found:
            found.add(run.id)
    return found


def _was_below(flow: Flow, execution: Execution, gate: Approval, kept: set[str]) -> bool:
    """Return whether a gate whose task run is gone, as are those of past rounds, stood below one that stays."""
    if gate.execution_id != execution.id:
        return True
    tasks = (flow.index.get(execution.task_runs[run_id].task_id) for run_id in kept if run_id in execution.task_runs)
    return any(gate.task_id in {below.id for below in task.walk()} for task in tasks if task is not None)


def _no_bypass(gate: Approval, why: str) -> AccessError:
    return AccessError(
        f"gate {gate.id} has rules of its own: {why}",
        code="GOV405",
        hint="Replay from the gate or from before it, and let the people whom it is assigned to decide.",
    )


def _not_as_a_whole(run_id: str) -> AccessError:
    return AccessError(
        f"task run {run_id} holds a gate with rules of its own, and as a whole it cannot be called a success",
        code="GOV405",
        hint="Mark the task in it that failed, and let the people whom the gate is assigned to decide.",
    )
