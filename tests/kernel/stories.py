"""Executions made by hand, for what is shown of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_gov.domain.approval import Approval, ApprovalStatus, Assignment, Verdict, Vote
from jupyter_gov.domain.execution import Attempt, Execution, Failure, Frame, Label, TaskRun
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.sealed import sealed
from jupyter_gov.domain.states import History, Moment, State
from jupyter_gov.kernel.display.material import Material
from jupyter_gov.lang.models.flow import Flow, InputDef, TaskDef, index_tasks
from jupyter_gov.service.api import ApprovalDetail

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LOG = "io.kestra.plugin.core.log.Log"


def history(*states: State, step: float = 1.0) -> History:
    return History(
        tuple(Moment(state, START + timedelta(seconds=step * number)) for number, state in enumerate(states))
    )


def flow() -> Flow:
    train = TaskDef("train-model", LOG, "runnable")
    tasks = (
        TaskDef("check", LOG, "runnable"),
        TaskDef("branch", "io.kestra.plugin.core.flow.If", "flowable", slots={"then": (train,)}),
        TaskDef("gate", "io.kestra.plugin.core.flow.Pause", "flowable"),
        TaskDef("deploy", LOG, "runnable"),
    )
    inputs = (InputDef("data", "STRING"), InputDef("key", "SECRET"))
    return Flow("training", "company.ai", tasks, inputs=inputs, index=index_tasks(tasks))


def run(seq: int, task: str, *states: State, **more: Any) -> TaskRun:
    moments = history(*states)
    number = more.pop("attempts", 1)
    attempts = tuple(Attempt(count + 1, moments) for count in range(number))
    return TaskRun(f"EXEC-{seq}", "EXEC", task, seq, moments, attempts=attempts, **more)


def execution(state: State = State.SUCCESS, *runs: TaskRun, **more: Any) -> Execution:
    made = Execution(
        id="01abcdefghijklmnopqrst",
        namespace="company.ai",
        flow_id="training",
        flow_revision=3,
        flow_digest="sha256:" + "ab" * 32,
        history=history(State.CREATED, State.RUNNING, state),
        run_as="ann",
        starter="ann",
        inputs={"data": "users.parquet", "key": sealed("hunter2")},
        labels=(Label("team", "risk"),),
    )
    return replace(made, **more).put(*runs)


def done() -> Execution:
    ended = (State.CREATED, State.RUNNING, State.SUCCESS)
    return execution(
        State.SUCCESS,
        run(0, "check", *ended, outputs={"rows": 5}),
        run(1, "branch", *ended, frame=Frame()),
        run(2, "train-model", *ended, parent_id="EXEC-1", attempts=2),
    )


def failed(message: str = "the data is bad") -> Execution:
    why = Failure("GOV800", message, {"traceback": "line 1\nline 2", "hint": "clean the data"})
    return execution(
        State.FAILED, run(0, "check", State.CREATED, State.RUNNING, State.FAILED, failure=why), failure=why
    )


def gate(**more: Any) -> ApprovalDetail:
    subject = {
        "flow": {"revision": 3, "digest": "sha256:" + "ab" * 32},
        "inputs": {"data": "users.parquet", "key": sealed("hunter2")},
        "upstream": [{"task": "check", "path": [], "state": "SUCCESS", "outputs": "sha256:" + "cd" * 32}],
    }
    approval = Approval(
        id="01abcdefghijklmnopqrst-3-g1",
        execution_id="01abcdefghijklmnopqrst",
        task_run_id="01abcdefghijklmnopqrst-3",
        task_id="gate",
        namespace="company.ai",
        flow_id="training",
        status=ApprovalStatus.OPEN,
        opened_at=START,
        subject=subject,
        subject_digest="sha256:" + "ef" * 32,
        title="gate",
        description="Release the model?",
        form=({"id": "comment", "type": "STRING"}, {"id": "stage", "type": "SELECT", "values": ["dev", "prod"]}),
        artefacts=({"name": "draft.txt", "uri": "kestra:///x/draft.txt"},),
        assignment=Assignment(groups=frozenset({"risk"})),
    )
    return ApprovalDetail(replace(approval, **more))


def approved() -> ApprovalDetail:
    at = START + timedelta(minutes=1)
    detail = gate(
        status=ApprovalStatus.APPROVED, status_by="bob", status_at=at, reason="looks right", inputs={"comment": "ok"}
    )
    vote = Vote("v", detail.approval.id, "bob", "Bob", "browser", Verdict.APPROVE, at, "sha256:x", "looks right")
    return replace(detail, votes=(vote,))


def lines(count: int, run_id: str = "EXEC-0", message: str = "line") -> list[LogLine]:
    return [
        LogLine(number, "EXEC", run_id, "check", 1, "INFO", START, f"{message} {number}")
        for number in range(1, count + 1)
    ]


def material(made: Execution, **more: Any) -> Material:
    return Material(made, START + timedelta(minutes=2), flow(), **more)
