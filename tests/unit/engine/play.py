"""Plays flow texts through ``engine.step``: attempts end as the test says, timers fire when nothing else is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.events import AttemptFinished
from jupyter_gov.domain.execution import Failure, TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.lang.check import check
from jupyter_gov.plugins.registry import Registry
from tests.property.world import World

REGISTRY = Registry()
WORK = "io.kestra.plugin.core.debug.Return"


class Play(World):
    """An execution of a text.

    ``ends`` maps a task id to the states of its attempts in turn (the last one is used again), or to one state.
    """

    ends: Mapping[str, Any]
    outputs: Callable[[TaskRun], Any]

    def drive(self, ends: Mapping[str, Any] | None = None, *, timers: int = 1000) -> Play:
        """Let everything happen that goes on by itself."""
        ends = ends or {}
        while self.running or self.jobs or (self.timers and timers):
            if self.running:
                run_id = next(iter(self.running))
                self.finish_as(run_id, ends.get(self.execution.task_runs[run_id].task_id, State.SUCCESS))
            elif self.jobs:
                self.claim(next(iter(self.jobs)))
            else:
                timers -= 1
                self.fire(min(self.timers, key=lambda name: self.timers[name].due))
        return self

    def finish_as(self, run_id: str, states: Any) -> None:
        """End an attempt."""
        attempt = self.running.pop(run_id)
        run = self.execution.task_runs[run_id]
        state = states if isinstance(states, State) else states[min(attempt, len(states)) - 1]
        failure = Failure("GOV800", "x") if state is State.FAILED else None
        format_ = self.flow.index[run.task_id].props.get("format")
        value = self.render(format_, run) if format_ is not None else run.task_id
        self.send(AttemptFinished(run_id, attempt, state, outputs={"value": value}, failure=failure))

    def render(self, text: str, run: TaskRun) -> Any:
        """Render an expression as a task would."""
        from jupyter_gov.engine.context import build
        from jupyter_gov.lang.expr import render_value

        return render_value(text, build(self.flow, self.execution, run))

    def ids(self) -> list[str]:
        """Return the ids of the tasks that have task runs, in the order of their creation."""
        return [run.task_id for run in self.execution.ordered()]

    def states(self) -> dict[str, str]:
        """Return task id -> state of its last task run."""
        return {run.task_id: str(run.state) for run in self.execution.ordered()}

    def of(self, task_id: str, *path: str) -> TaskRun:
        """Return a task run."""
        found = self.execution.find(task_id, path)
        assert found is not None
        return found

    def approve(self) -> None:
        """Let somebody pass the one open gate."""
        (gate,) = self.open_approvals()
        self.decide(gate, ApprovalStatus.APPROVED)

    @property
    def state(self) -> State:
        """The state of the execution."""
        return self.execution.state


def play(text: str) -> Play:
    """Return a started execution of a text, which may leave out the head of the flow."""
    if not text.startswith("id:"):
        text = "id: played\nnamespace: company.team\n" + text
    flow = check(text, REGISTRY).raise_for_errors()
    world = Play(flow)
    world.start()
    return world
