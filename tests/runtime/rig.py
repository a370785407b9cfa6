"""A store, types, and a loop for tests: everything real, on temporary files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.approval import ApprovalStatus, Verdict, Vote
from jupyter_gov.domain.canonical import digest_bytes
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import ApprovalDecided, Event, Kill, Restart, Start
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.states import State
from jupyter_gov.engine.start import create
from jupyter_gov.lang.check import check
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.loop import Loop
from jupyter_gov.store import Store
from tests.runtime.probe import TYPES

ADA = Actor("ada", "Ada", assurance=Assurance.OS)
RUN_AS = "ada"
PATIENCE = 90.0
"""Seconds after which a test gives up; nothing waits that long unless it is broken."""


class Rig:
    """What a test needs around one store; ``loop`` may be started several times."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.registry = Registry(TYPES)
        self.flows = FlowCache(store, self.registry)
        self.loops: list[Loop] = []

    def loop(self, *, start: bool = True, **options: Any) -> Loop:
        """Make a loop (and start it); stopped with the rig."""
        options.setdefault("settings", {})
        options.setdefault("owner", f"loop-{len(self.loops)}-{new_id()}")
        options.setdefault("run_as", RUN_AS)
        loop = Loop(self.store, self.registry, flows=self.flows, **options)
        self.loops.append(loop)
        if start:
            loop.start()
        return loop

    def register(self, source: str) -> FlowRevision:
        """Store a flow text as its next revision."""
        flow = check(source, self.registry).raise_for_errors()
        with self.store.write() as tx:
            newest = self.store.flows.get(tx, flow.namespace, flow.id)
            number = 1 if newest is None else newest.revision + 1
            revision = FlowRevision(
                flow.namespace, flow.id, number, source, digest_bytes(source.encode()), "ada", datetime.now(UTC)
            )
            self.store.flows.add(tx, revision, (Fact("flow.registered", flow.id, "ada", "os"),))
        return revision

    def start(
        self, revision: FlowRevision | str, inputs: Mapping[str, Any] | None = None, *, run_as: str = RUN_AS
    ) -> str:
        """Create an execution and wake the loops; a text is registered first."""
        if isinstance(revision, str):
            revision = self.register(revision)
        flow = self.flows.add(revision)[1]
        execution, facts = create(
            revision,
            flow,
            execution_id=new_id(),
            inputs=inputs or {},
            actor=ADA,
            run_as=run_as,
            now=datetime.now(UTC),
            workdir=str(self.folder),
        )
        with self.store.write() as tx:
            self.store.executions.insert(tx, execution, facts, Start())
        self.wake()
        return execution.id

    def wake(self) -> None:
        """Let the loops of this process look."""
        for loop in self.loops:
            loop.wake()

    def tell(self, execution_id: str, event: Event) -> None:
        """Put an event into an execution's inbox."""
        with self.store.write() as tx:
            self.store.inbox.put(tx, execution_id, event)
        self.wake()

    def kill(self, execution_id: str) -> None:
        """Ask an execution to stop."""
        self.tell(execution_id, Kill(by="ada"))

    def restart(self, execution_id: str) -> None:
        """Continue an ended execution."""
        self.tell(execution_id, Restart(by="ada"))

    def decide(self, execution_id: str, *, approve: bool = True, inputs: Mapping[str, Any] | None = None) -> None:
        """Answer the open gate of an execution."""
        with self.store.write() as tx:
            gate = self.store.approvals.list(tx, status=ApprovalStatus.OPEN, execution_id=execution_id)[0]
            status = ApprovalStatus.APPROVED if approve else ApprovalStatus.REJECTED
            now = datetime.now(UTC)
            verdict = Verdict.APPROVE if approve else Verdict.REJECT
            vote = Vote(new_id(), gate.id, "ada", "Ada", "os", verdict, now, gate.subject_digest)
            self.store.approvals.decide(
                tx,
                gate.id,
                expected_version=gate.version,
                status=status,
                by="ada",
                at=now,
                reason=None,
                inputs=inputs or {},
                vote=vote,
                facts=(Fact("approval.decided", gate.id, "ada", "os"),),
                event=ApprovalDecided(
                    gate.id, gate.task_run_id, str(status), "ada", now.isoformat(), None, dict(inputs or {})
                ),
            )
        self.wake()

    def get(self, execution_id: str) -> Execution:
        """Return an execution as stored."""
        with self.store.read() as tx:
            found = self.store.executions.load(tx, execution_id)
        assert found is not None
        return found

    def wait(self, execution_id: str, until: Callable[[Execution], bool] | State | None = None) -> Execution:
        """Return an execution once it has ended, is in a state, or meets a condition."""
        deadline = time.monotonic() + PATIENCE
        while True:
            execution = self.get(execution_id)
            if _met(execution, until):
                return execution
            if time.monotonic() > deadline:
                raise AssertionError(f"still waiting: {shown(execution)}")
            self.store.wait(0.2)

    def logs(self, execution_id: str) -> list[str]:
        """Return the stored log lines as ``LEVEL message``."""
        with self.store.read() as tx:
            return [
                f"{line.level} {line.message}" for line in self.store.logs.after(tx, execution_id, 0, None, 100_000)
            ]

    def holder(self, execution_id: str) -> str | None:
        """Return who holds the lease."""
        with self.store.read() as tx:
            found = self.store.leases.holder(tx, execution_id)
        return None if found is None else found[0]

    def close(self) -> None:
        """Stop all loops."""
        for loop in self.loops:
            loop.stop()


def _met(execution: Execution, until: Callable[[Execution], bool] | State | None) -> bool:
    if until is None:
        return execution.state.is_terminal
    return execution.state is until if isinstance(until, State) else until(execution)


def run_of(execution: Execution, task_id: str, *path: str) -> TaskRun:
    """Return the task run of a task."""
    found = execution.find(task_id, path)
    assert found is not None, f"{task_id} has no task run: {shown(execution)}"
    return found


def states(execution: Execution) -> dict[str, str]:
    """Return the state of each task."""
    return {run.task_id: str(run.state) for run in execution.ordered()}


def shown(execution: Execution) -> str:
    """Return an execution in a line, for assertion messages."""
    return f"{execution.id} {execution.state} {states(execution)} {execution.failure}"


def chain(tasks: int, kind: str = "io.kestra.plugin.core.debug.Return", **props: Any) -> str:
    """Return a flow of ``tasks`` tasks one after the other."""
    lines = "".join(f"    {name}: {value}\n" for name, value in props.items())
    if kind.endswith("Return"):
        lines = "    format: hello\n"
    body = "".join(f"  - id: t{number}\n    type: {kind}\n{lines}" for number in range(tasks))
    return f"id: chain-{tasks}\nnamespace: company.team\ntasks:\n{body}"
