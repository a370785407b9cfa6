"""A tiny world around ``engine.step``: it keeps what a store and workers would, and checks the invariants.

No store, no threads: events are delivered in any order that the test chooses, also twice, also too late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.approval import Approval, ApprovalStatus
from jupyter_gov.domain.commands import ClearTimers, CloseApproval, KillTask, RunTask, SetTimer, StartAgain, Step
from jupyter_gov.domain.events import (
    ApprovalDecided,
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Event,
    Restart,
    Start,
    TimerFired,
)
from jupyter_gov.domain.execution import Execution, Failure, TaskRun
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.domain.states import History, State
from jupyter_gov.engine import recovery
from jupyter_gov.engine.start import create
from jupyter_gov.engine.step import step
from jupyter_gov.lang.models.flow import Flow, TaskDef, index_tasks

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANN = Actor("ann", "Ann", assurance=Assurance.OS)
OPEN_STATES = {State.CREATED, State.RUNNING, State.PAUSED, State.RETRYING, State.RESTARTED, State.KILLING}


def make_flow(*tasks: TaskDef, **more) -> Flow:
    sides = (more.get(name, ()) for name in ("errors", "finally_", "after_execution"))
    index = index_tasks((*tasks, *(task for side in sides for task in side)))
    return Flow(id="f", namespace="n", tasks=tasks, index=index, **more)


@dataclass
class World:
    flow: Flow
    now: datetime = T0
    execution: Execution = field(init=False)
    jobs: dict[str, RunTask] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    timers: dict[str, SetTimer] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    closed: dict[str, ApprovalStatus] = field(default_factory=dict)
    folded: dict[str, tuple[str, int]] = field(default_factory=dict)
    folded_execution: tuple[str, int] | None = None
    successors: list[StartAgain] = field(default_factory=list)
    ended_as: History | None = None
    begun: set[tuple[str, int, str | None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        revision = FlowRevision("n", "f", 1, "", "sha256:0", "ann", T0)
        self.execution, facts = create(
            revision, self.flow, execution_id="E", inputs={}, actor=ANN, run_as="ann", now=self.now
        )
        self._fold(facts)

    # --- delivering -------------------------------------------------------------------------------------------

    def send(self, event: Event) -> Step:
        self.now += timedelta(milliseconds=7)
        result = step(self.flow, self.execution, event, now=self.now, host=None, worker="w")
        if result.is_noop:
            assert result.execution is self.execution
            assert not result.commands
            return result
        closing = [command for command in result.commands if isinstance(command, CloseApproval)]
        if any(command.required and command.approval_id in self.closed for command in closing):
            return Step(self.execution)  # the store's compare-and-set lost: the whole step is refused
        assert result.execution.version == self.execution.version + 1
        self.execution = result.execution
        if isinstance(event, Restart):
            self.ended_as = None
        self._apply(result)
        self._fold(result.facts)
        self.check()
        return result

    def _apply(self, result: Step) -> None:
        for approval in result.approvals:
            assert approval.id not in self.approvals
            self.approvals[approval.id] = approval
        for run_id in result.dropped:
            self.jobs.pop(run_id, None)
        for command in result.commands:
            match command:
                case RunTask(run_id, attempt, inline):
                    assert (run_id, attempt, command.errand) not in self.begun
                    if inline:
                        self._begin(command)
                    else:
                        self.jobs[run_id] = command
                case KillTask(run_id):
                    assert run_id in self.running
                case SetTimer(timer_id):
                    self.timers[timer_id] = command
                case ClearTimers(run_id):
                    self.timers = {
                        key: timer
                        for key, timer in self.timers.items()
                        if run_id is not None and timer.task_run_id != run_id
                    }
                case CloseApproval(approval_id, status):
                    self.closed.setdefault(approval_id, status)
                case StartAgain(execution):
                    self.successors.append(command)
                    assert execution.original_id == (self.execution.original_id or self.execution.id)
                    assert command.facts

    def _begin(self, job: RunTask) -> None:
        self.begun.add((job.task_run_id, job.attempt, job.errand))
        self.running[job.task_run_id] = job.attempt

    def start(self) -> None:
        self.send(Start())

    def claim(self, run_id: str) -> None:
        job = self.jobs.pop(run_id)
        result = self.send(AttemptStarted(run_id, "w"))
        if not result.is_noop:
            self._begin(job)

    def finish(self, run_id: str, state: State = State.SUCCESS) -> Step:
        attempt = self.running.pop(run_id)
        failure = Failure("GOV800", "x") if state is State.FAILED else None
        return self.send(AttemptFinished(run_id, attempt, state, outputs={"value": run_id}, failure=failure))

    def fire(self, timer_id: str) -> Step:
        timer = self.timers.pop(timer_id)
        self.now = max(self.now, timer.due)
        return self.send(TimerFired(timer_id, timer.timer_kind, timer.task_run_id, timer.state_version))

    def decide(self, approval_id: str, status: ApprovalStatus) -> Step:
        if approval_id in self.closed:
            return Step(self.execution)
        self.closed[approval_id] = status
        run_id = self.approvals[approval_id].task_run_id
        return self.send(ApprovalDecided(approval_id, run_id, str(status), "bob", self.now.isoformat()))

    def crash(self) -> None:
        """Lose everything that only the owner knew, and take over."""
        self.jobs.clear()
        self.running.clear()
        for event in recovery.events(self.flow, self.execution):
            assert isinstance(event, AttemptLost)
            self.send(event)
        for command in recovery.commands(self.flow, self.execution):
            if isinstance(command, RunTask) and command.task_run_id not in self.jobs:
                self.jobs[command.task_run_id] = command

    def open_approvals(self) -> list[str]:
        return [found for found in self.approvals if found not in self.closed]

    # --- checking ---------------------------------------------------------------------------------------------

    def _fold(self, facts) -> None:
        assert facts
        for fact in facts:
            changes = fact.body["changes"]
            for run_id, _task, state, attempts, _digest in changes.get("taskRuns", ()):
                self.folded[run_id] = (state, attempts)
            for run_id in changes.get("dropped", ()):
                self.folded.pop(run_id, None)
            self.folded_execution = (changes["execution"]["state"], changes["execution"]["version"])

    def check(self) -> None:
        execution = self.execution
        runs = execution.task_runs
        assert self.folded == {run.id: (str(run.state), len(run.attempts)) for run in runs.values()}
        assert self.folded_execution == (str(execution.state), execution.version)
        self._check_counts()
        self._check_histories()
        if execution.state.is_terminal:
            self._check_ended()
            return
        if execution.state is not State.KILLING:
            paused = [run for run in runs.values() if run.state is State.PAUSED]
            assert (execution.state is State.PAUSED) == bool(paused)
            assert execution.frame.data.get("paused", 0) == len(paused)

    def _check_ended(self) -> None:
        """Nothing but what runs after the end may run, and that changes nothing of the end."""
        execution, runs = self.execution, self.execution.task_runs
        before = {run.id for run in runs.values() if not self.is_after(run)}
        assert not [run_id for run_id in before if runs[run_id].state in OPEN_STATES]
        assert not [timer for timer in self.timers.values() if timer.task_run_id in before]
        assert not self.open_approvals()
        assert len(self.successors) == (execution.state is State.RETRIED)
        self.ended_as = self.ended_as or execution.history
        assert execution.history == self.ended_as
        if execution.is_over:
            assert not [run.id for run in runs.values() if run.state in OPEN_STATES]
            assert not self.timers

    def is_after(self, run: TaskRun) -> bool:
        """Whether a task run belongs to what runs after the end."""
        while run.parent_id is not None:
            run = self.execution.task_runs[run.parent_id]
        return run.branch == "after"

    def _check_histories(self) -> None:
        for run in self.execution.task_runs.values():
            assert [attempt.number for attempt in run.attempts] == list(range(1, len(run.attempts) + 1))
            assert [m.at for m in run.history.moments] == sorted(m.at for m in run.history.moments)

    def _check_counts(self) -> None:
        execution = self.execution
        if execution.state is State.KILLING or execution.state.is_terminal:
            return
        open_children: dict[str | None, int] = {}
        for run in execution.task_runs.values():
            if run.state in OPEN_STATES:
                open_children[run.parent_id] = open_children.get(run.parent_id, 0) + 1
        assert execution.frame.open == open_children.get(None, 0)
        for run in execution.task_runs.values():
            if run.frame is not None and run.state is State.RUNNING:
                assert run.frame.open == open_children.get(run.id, 0), run

    def is_stuck(self) -> bool:
        """Whether nothing could ever happen again although the execution has not ended."""
        return not (self.execution.is_over or self.jobs or self.running or self.timers or self.open_approvals())
