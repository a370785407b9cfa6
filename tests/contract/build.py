"""Makes executions, steps and gates for the store's tests, shaped as the engine makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_gov.domain import ids
from jupyter_gov.domain.approval import Approval, ApprovalStatus, Assignment
from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import Command, Fact, Step
from jupyter_gov.domain.execution import Attempt, Execution, Failure, Frame, Label, TaskRun, TriggerInfo
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.domain.states import EXECUTION_TRANSITIONS, TASK_RUN_TRANSITIONS, History, State, advance, begin
from jupyter_gov.engine import facts

T0 = datetime(2026, 5, 4, 10, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def execution(**given: Any) -> Execution:
    """A created execution; ``state`` gives it another state from the start."""
    state = given.pop("state", State.CREATED)
    created = given.pop("created", T0)
    values: dict[str, Any] = {
        "id": ids.new_id(),
        "namespace": "company.team",
        "flow_id": "churn",
        "flow_revision": 1,
        "flow_digest": "sha256:" + "0" * 64,
        "history": begin(state, created),
        "run_as": "ada",
        "starter": "ada",
    }
    return Execution(**(values | given))


def rich_execution() -> Execution:
    """An execution in which every field has a value that is easily damaged on the way to a column and back."""
    return execution(
        inputs={
            "text": "Zoë \x00 \ud800 'quoted' \N{GRINNING FACE}",
            "n": 2**60,
            "f": 0.1,
            "none": None,
            "l": [1, {"a": []}],
        },
        labels=(Label("team", "risk"), Label("b", ""), Label("a", "1")),
        variables={"x": {"y": [True, False, None]}},
        trigger=TriggerInfo("schedule", "core.Schedule", {"date": "2026-01-01"}),
        parent_id=None,
        original_id="older",
        supersedes="other",
        workdir="/data/ünïcode",
        frame=Frame(phase="main", branch="tasks", cursor=3, open=1, tally={"SUCCESS": 2}, data={"k": [1]}),
    )


def created_fact(run: Execution, actor: str = "ada") -> Fact:
    """The fact that an execution was created."""
    return Fact("execution.created", run.id, actor, "os", {"changes": facts.changes(run)})


def task_run(run: Execution, seq: int, state: State = State.CREATED, **given: Any) -> TaskRun:
    """A task run of an execution."""
    values: dict[str, Any] = {
        "id": ids.task_run_id(run.id, seq),
        "execution_id": run.id,
        "task_id": f"task{seq}",
        "seq": seq,
        "history": begin(state, T0),
    }
    return TaskRun(**(values | given))


def rich_task_run(run: Execution, seq: int) -> TaskRun:
    """A task run in which every field has a value."""
    history = History((*begin(State.CREATED, T0).moments, *begin(State.RUNNING, T0 + SECOND).moments))
    attempt = Attempt(1, begin(State.LOST, T0), "worker-1", Failure("GOV812", "gone", {"cell": 3}), "kestra:///log")
    return task_run(
        run,
        seq,
        history=history,
        parent_id=ids.task_run_id(run.id, 0),
        value="Zoë\u2028",
        iteration=7,
        path=("a", "b,c", "é"),
        branch="cases:EU",
        index=2,
        attempts=(attempt, Attempt(2, begin(State.RUNNING, T0 + SECOND), "worker-2")),
        outputs={"value": [1, "two", {"three": None}]},
        outputs_digest=digest({"value": [1, "two", {"three": None}]}),
        frame=Frame(cursor=2, open=1, tally={"FAILED": 1}, data={"values": "v"}),
        items=("x", "y", "z\x00"),
        failure=Failure("GOV800", "boom"),
    )


def step(
    run: Execution,
    *changed: TaskRun,
    state: State | None = None,
    commands: Sequence[Command] = (),
    approvals: Sequence[Approval] = (),
    dropped: Sequence[str] = (),
    at: datetime = T0,
    action: str = "execution.step",
    **fields: Any,
) -> Step:
    """A step that leads ``run`` to its next version."""
    history = run.history if state is None else advance(run.history, state, at, EXECUTION_TRANSITIONS)
    after = replace(run.put(*changed).drop(dropped), version=run.version + 1, history=history, **fields)
    after = replace(after, next_seq=max(after.next_seq, *(one.seq + 1 for one in changed), 0))
    names = tuple(one.id for one in changed)
    recorded = facts.changes(after, names, dropped, approvals)
    fact = Fact(action, after.id, "system", "os", {"changes": recorded})
    return Step(after, names, tuple(dropped), tuple(approvals), tuple(commands), (fact,))


def moved(run: TaskRun, state: State, **fields: Any) -> TaskRun:
    """A task run in its next state."""
    return replace(run, history=advance(run.history, state, T0 + SECOND, TASK_RUN_TRANSITIONS), **fields)


def finished(run: TaskRun, outputs: dict[str, Any]) -> TaskRun:
    """A task run that succeeded."""
    return moved(run, State.SUCCESS, outputs=outputs, outputs_digest=digest(outputs))


def approval(run: Execution, opening: int = 0, **given: Any) -> Approval:
    """An open gate."""
    task_run_id = ids.task_run_id(run.id, 0)
    subject = {"flow": run.flow_id, "inputs": dict(run.inputs)}
    values: dict[str, Any] = {
        "id": ids.approval_id(task_run_id, opening),
        "execution_id": run.id,
        "task_run_id": task_run_id,
        "task_id": "gate",
        "namespace": run.namespace,
        "flow_id": run.flow_id,
        "status": ApprovalStatus.OPEN,
        "opened_at": T0,
        "subject": subject,
        "subject_digest": digest(subject),
        "title": "Deploy?",
        "description": "Look at `report`",
        "form": ({"id": "comment", "type": "STRING"},),
        "artefacts": ({"name": "report", "uri": "kestra:///x"},),
        "assignment": Assignment(users=frozenset({"bob", "eve"}), groups=frozenset({"risk"})),
        "deadline": T0 + 60 * SECOND,
    }
    return Approval(**(values | given))


def revision(number: int = 1, **given: Any) -> FlowRevision:
    """A flow revision."""
    source = f"id: churn\nnamespace: company.team\n# {number} é\n"
    values: dict[str, Any] = {
        "namespace": "company.team",
        "flow_id": "churn",
        "revision": number,
        "source": source,
        "digest": "sha256:" + __import__("hashlib").sha256(source.encode()).hexdigest(),
        "author": "ada",
        "created_at": T0,
    }
    return FlowRevision(**(values | given))


def fact(action: str, actor: str = "ada", **body: Any) -> Fact:
    """Any fact."""
    return Fact(action, "subject", actor, "os", body)
