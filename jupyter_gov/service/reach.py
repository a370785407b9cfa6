"""What tasks may do to executions, by the same rules as people; handed to the loop, which hands it to each attempt.

What a task deletes is told of by the identity that its execution runs as. What it resumes was decided by nobody: the
decision names the execution, and a gate that asks for people is not passed by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.errors import AccessError, ConflictError, ExecutionError, TaskError
from jupyter_gov.plugins.context import ExecutionRange, LogLevel
from jupyter_gov.service.deletion import Deletion, Extent, Range

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts


class Reach:
    """Implements ``plugins.context.Executions`` for one attempt."""

    def __init__(self, parts: Parts, own: Execution, run: TaskRun) -> None:
        self._parts = parts
        self._own = own
        self._run = run

    def count(self, where: ExecutionRange) -> int:
        """Return how many executions there are."""
        store = self._parts.store
        with store.read() as tx:
            return store.deletions.count(
                tx,
                namespace=where.namespace,
                flow_id=where.flow_id,
                states=where.states,
                since=where.since,
                until=where.until,
            )

    def resume(self, execution_id: str, inputs: Mapping[str, object]) -> None:
        """Let an execution of the same namespace, or one below it, go on from where it waits."""
        from jupyter_gov.service.executions import Executions  # noqa: PLC0415 - they make this one's parts

        self._refuse_foreign(execution_id)
        own = self._own
        who = Actor(f"execution/{own.id}", f"task {self._run.task_id} of {own.namespace}.{own.flow_id}")
        Executions(self._parts).resume(execution_id, who, inputs)

    def purge(
        self, where: ExecutionRange, *, executions: bool, logs: bool, metrics: bool, storage: bool
    ) -> Mapping[str, int]:
        """Delete ended executions, or only what belongs to them, and return how many of each kind went."""
        deletion, extent = Deletion(self._parts), Extent(executions, logs, metrics, storage)
        who = Actor(self._own.run_as, self._own.run_as, assurance=Assurance.OS)
        more = {"executionId": self._own.id, "taskRunId": self._run.id}
        asked = Range(where.namespace, where.flow_id, where.states, where.since, where.until)
        gone = {"executions": 0, "logs": 0, "metrics": 0, "files": 0}
        for execution_id in deletion.find(asked):
            try:
                found = deletion.delete(execution_id, who, extent, None, more)
            except (AccessError, ExecutionError, ConflictError):
                continue  # it goes on, is gone, or must stay as long as its caller does
            gone["executions"] += 1
            for kind, number in found.items():
                gone[kind] += number
        return gone

    def purge_logs(self, where: ExecutionRange, *, levels: Sequence[LogLevel] = ()) -> int:
        """Delete log lines, by when they were written, and return how many."""
        store, own = self._parts.store, self._own
        if where.until is None:
            raise TaskError("Up to when log lines are deleted must be said.", code="GOV879")
        until = where.until
        body = {
            "taskRunId": self._run.id,
            "namespace": where.namespace,
            "flow": where.flow_id,
            "levels": list(levels),
            "until": until.isoformat(),
        }
        fact = Fact("logs.deleted", own.id, own.run_as, str(Assurance.OS), body)
        return store.retrying(
            lambda tx: store.deletions.lines(
                tx,
                f"execution/{own.id}",
                fact,
                namespace=where.namespace,
                flow_id=where.flow_id,
                levels=levels,
                since=where.since,
                until=until,
            )
        )

    def _refuse_foreign(self, execution_id: str) -> None:
        store, space = self._parts.store, self._own.namespace
        with store.read() as tx:
            found = store.executions.load(tx, execution_id)
        if found is None or not (found.namespace == space or found.namespace.startswith(f"{space}.")):
            raise TaskError(
                f"There is no execution '{execution_id}' in the namespace '{space}' or below it.",
                code="GOV873",
                hint="Check the id; a task resumes executions of its own namespace only.",
            )
