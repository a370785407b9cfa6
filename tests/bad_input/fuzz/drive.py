"""Takes a checked flow through the engine to its end, with workers, timers and people that act at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.commands import StartSubflow, Step
from jupyter_gov.domain.events import Kill, Pause, Restart, Resume, SubflowEnded, SubflowStarted
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.domain.states import State
from jupyter_gov.engine import hold
from jupyter_gov.engine import inputs as inputs_engine
from jupyter_gov.engine.start import create
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import Flow
from tests.property.world import ANN, T0, World

EVENTS = 250
LAST = 3000
_CHECKED = 120
_GIVEN = [
    "a",
    "1",
    1,
    True,
    None,
    "2026-01-01",
    "PT1M",
    "[1]",
    ["a"],
    {"a": 1},
    "x@example.com",
    "\u202e",
    10**30,
    "\x00",
]


class StuckError(AssertionError):
    """An execution does not end although everybody does their part."""


@dataclass
class Drive(World):
    """One execution, its surroundings, and a random course of events."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    calls: list[StartSubflow] = field(default_factory=list)

    def __post_init__(self) -> None:
        flow = self.flow
        revision = FlowRevision(flow.namespace, flow.id, 1, "", "sha256:0", "ann", T0)
        self.execution, facts = create(
            revision, flow, execution_id="E", inputs=self.inputs, actor=ANN, run_as="ann", now=self.now
        )
        self._fold(facts)

    def _apply(self, result: Step) -> None:
        super()._apply(result)
        self.calls += [command for command in result.commands if isinstance(command, StartSubflow)]

    def check(self) -> None:
        # What holds for small executions holds for large ones; looking costs the square of their size. The world that
        # this one is made of knows no hold by hand.
        if len(self.execution.task_runs) <= _CHECKED and not hold.is_held(self.execution):
            super().check()

    def answer(self, state: State) -> None:
        """Let a called execution begin and end."""
        call = self.calls.pop()
        self.send(SubflowStarted(call.task_run_id, call.child_id))
        self.send(SubflowEnded(call.task_run_id, call.child_id, state, {"value": 1}))


def given(rng: Random, flow: Flow) -> dict[str, Any]:
    """Return values for some of a flow's inputs, typed and checked as a start does it.

    Raises
    ------
    InputError
        They are wrong.
    """
    values = {one.id: rng.choice(_GIVEN) for one in flow.inputs if rng.random() < 0.4}
    return inputs_engine.resolve(
        flow.inputs, values, render=lambda value, context: _rendered(value, context), undeclared=flow.undeclared_inputs
    )


def _rendered(value: Any, context: Mapping[str, Any]) -> Any:
    return expr.render_typed(value, context) if isinstance(value, str) else value


def run(rng: Random, flow: Flow, values: Mapping[str, Any]) -> None:
    """Run a flow to its end.

    Raises
    ------
    GovError
        It cannot be started (it is disabled).
    StuckError
        It does not end.
    """
    world = Drive(flow, inputs=values)
    world.start()
    for _ in range(rng.choice([0, 5, EVENTS])):
        if world.execution.is_over or len(world.execution.task_runs) > EVENTS:
            break
        _act(rng, world)
    _finish(world)


def _act(rng: Random, world: Drive) -> None:
    if rng.random() < 0.03:
        _interfere(rng, world)
        return
    choices = [("claim", run_id) for run_id in world.jobs] + [("finish", run_id) for run_id in world.running]
    choices += [("fire", timer_id) for timer_id in world.timers]
    choices += [("decide", approval_id) for approval_id in world.open_approvals()]
    choices += [("answer", "")] * len(world.calls)
    if not choices:
        return
    what, which = rng.choice(choices)
    failing = rng.random() < 0.2
    match what:
        case "claim":
            world.claim(which)
        case "finish":
            world.finish(which, State.FAILED if failing else State.SUCCESS)
        case "fire":
            world.fire(which)
        case "decide":
            world.decide(which, ApprovalStatus.REJECTED if failing else ApprovalStatus.APPROVED)
        case "answer":
            world.answer(State.FAILED if failing else State.SUCCESS)


def _interfere(rng: Random, world: Drive) -> None:
    """Let a person or an accident come in between."""
    match rng.randrange(6):
        case 0 | 1:
            world.crash()
        case 2:
            world.send(Kill(by="ann"))
        case 3 if world.execution.state.is_terminal:
            world.send(Restart(by="ann"))
        case 4:
            world.send(Pause(by="ann"))
        case 5:
            world.send(Resume(by="ann"))


def _finish(world: Drive) -> None:
    """Let everything succeed; after a while, stop it. Either way it must end."""
    for count in range(LAST):
        if world.execution.is_over:
            return
        if count == EVENTS:
            world.send(Kill(by="ann"))
        elif world.running:
            killing = world.execution.state is State.KILLING
            world.finish(next(iter(world.running)), State.KILLED if killing else State.SUCCESS)
        elif world.jobs:
            world.claim(next(iter(world.jobs)))
        elif world.calls:
            world.answer(State.SUCCESS)
        elif world.open_approvals():
            world.decide(world.open_approvals()[0], ApprovalStatus.APPROVED)
        elif world.timers:
            world.fire(next(iter(world.timers)))
        elif world.execution.state is State.PAUSED:
            world.send(Resume(by="ann"))
        else:
            raise StuckError(f"nothing can happen any more, and it is {world.execution.state}")
    raise StuckError(f"it does not end within {LAST} events, and is {world.execution.state}")
