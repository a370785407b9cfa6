"""The invariants of DESIGN §11, for random flows and random orders of events."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.events import AttemptFinished, Kill, Restart, TimerFired
from jupyter_gov.domain.states import State
from jupyter_gov.lang.models.flow import Retry, TaskDef
from jupyter_gov.tasks.directory import WorkingDirectory
from tests.property.world import World, make_flow

FLOW = "io.kestra.plugin.core.flow."


class Numbers:
    def __init__(self) -> None:
        self.last = 0

    def next(self) -> str:
        self.last += 1
        return f"t{self.last}"


@st.composite
def dependencies(draw, ids: list[str]) -> dict[str, list[str]]:
    """Each task may need some of those before it, in an order that is not that of the list."""
    order = draw(st.permutations(ids))
    return {
        name: draw(st.lists(st.sampled_from(order[:place]), unique=True)) for place, name in enumerate(order) if place
    }


@st.composite
def tasks(draw, numbers: Numbers, depth: int = 2, *, gates: bool = True) -> TaskDef:
    kinds = ["work", "work", "inline", *(["pause"] if gates else [])]
    if depth:
        kinds += [
            "Sequential",
            "Parallel",
            "Dag",
            "If",
            "Switch",
            "ForEach",
            "EachSequential",
            "EachParallel",
            "Loop",
            "AllowFailure",
            "WorkingDirectory",
        ]
    kind = draw(st.sampled_from(kinds))
    common = {
        "id": numbers.next(),
        "disabled": draw(st.integers(0, 9)) == 0,
        "allow_failure": draw(st.integers(0, 9)) == 0,
        "allow_warning": draw(st.integers(0, 9)) == 0,
        "run_if": draw(st.sampled_from([None, None, None, "true", "false"])),
    }
    if kind in {"work", "inline"}:
        retry = None
        if draw(st.integers(0, 4)) == 0:
            behavior = draw(st.sampled_from(["RETRY_FAILED_TASK", "RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION"]))
            most = draw(st.integers(1, 3))
            retry = Retry("constant", interval=timedelta(seconds=5), max_attempts=most, behavior=behavior)
        return TaskDef(
            type="test.Work",
            kind="runnable",
            inline=kind == "inline",
            repeatable=draw(st.booleans()),
            retry=retry,
            **common,
        )
    if kind == "pause":
        props = draw(
            st.sampled_from(
                [
                    {},
                    {"delay": "PT1M"},
                    *({"pauseDuration": "PT1H", "behavior": b} for b in ("RESUME", "WARN", "FAIL", "CANCEL")),
                ]
            )
        )
        return TaskDef(type=FLOW + "Pause", kind="flowable", props=props, **common)
    inner = st.lists(tasks(numbers, depth - 1, gates=gates), min_size=1, max_size=3).map(tuple)
    if kind == "WorkingDirectory":
        unit = st.lists(tasks(numbers, 0, gates=False), min_size=1, max_size=3).map(tuple)
        kept = {"outputFiles": ["*"]} if draw(st.booleans()) else {}
        slots = {"tasks": draw(unit), **({"errors": draw(inner)} if draw(st.booleans()) else {})}
        return TaskDef(type=FLOW + kind, kind="flowable", props=kept, slots=slots, model=WorkingDirectory, **common)
    slots = {name: draw(inner) for name in SLOTS.get(kind, ("tasks",))}
    if draw(st.integers(0, 3)) == 0:
        slots["errors"] = draw(inner)
    if draw(st.integers(0, 5)) == 0:
        slots["finally"] = draw(inner)
    return TaskDef(type=FLOW + kind, kind="flowable", props=draw(properties(kind, slots)), slots=slots, **common)


SLOTS = {"If": ("then", "else"), "Switch": ("cases:a", "cases:b")}


@st.composite
def properties(draw, kind: str, slots) -> dict:
    values = st.lists(st.sampled_from(["x", "y", "3"]), max_size=3)
    places = st.integers(0, 2)
    match kind:
        case "If":
            return {"condition": draw(st.sampled_from(["true", "false"]))}
        case "Switch":
            return {"value": draw(st.sampled_from(["a", "b", "z"]))}
        case "Parallel":
            return {"concurrent": draw(places)}
        case "Dag":
            needed = draw(dependencies([task.id for task in slots["tasks"]]))
            return {"concurrent": draw(places), "dependsOn": needed}
        case "ForEach":
            return {"values": draw(values), "concurrencyLimit": draw(places)}
        case "EachSequential" | "EachParallel":
            return {"value": draw(st.one_of(values, values.map(json.dumps))), "concurrent": draw(places)}
        case "Loop":
            return {
                "values": draw(st.one_of(values, st.dictionaries(st.sampled_from("kl"), st.integers(), max_size=2))),
                "concurrencyLimit": draw(places),
                "transmitFailed": draw(st.booleans()),
                "outputs": draw(st.sampled_from([[], [{"id": "i", "value": "{{ item.index }}"}]])),
            }
        case "LoopUntil":
            condition = draw(st.sampled_from(["true", "false", "{{ no.such }}"]))
            return {
                "condition": condition,
                "checkFrequency": {"maxIterations": draw(st.integers(1, 3))},
                "failOnMaxReached": draw(st.booleans()),
            }
    return {}


@st.composite
def flows(draw):
    numbers = Numbers()
    several = st.lists(tasks(numbers), min_size=1, max_size=4).map(tuple)
    side = st.one_of(st.just(()), several)
    after = st.lists(tasks(numbers, 1, gates=False), max_size=2).map(tuple)
    return make_flow(*draw(several), errors=draw(side), finally_=draw(side), after_execution=draw(after))


def act(world: World, data) -> None:
    """Let one of the things happen that may happen now."""
    choices: list[tuple[str, str]] = []
    choices += [("claim", run_id) for run_id in world.jobs] * 3
    choices += [("finish", run_id) for run_id in world.running] * 3
    choices += [("fire", timer_id) for timer_id in world.timers]
    choices += [("decide", approval_id) for approval_id in world.open_approvals()] * 2
    choices += [("late", run_id) for run_id in world.execution.task_runs]
    choices += [("crash", ""), ("kill", ""), ("restart", "")]
    what, which = data.draw(st.sampled_from(choices))
    match what:
        case "claim":
            world.claim(which)
        case "finish":
            states = [State.SUCCESS] * 3 + [State.FAILED, State.FAILED, State.WARNING]
            world.finish(which, data.draw(st.sampled_from(states)))
        case "fire":
            world.fire(which)
        case "decide":
            world.decide(which, data.draw(st.sampled_from([ApprovalStatus.APPROVED, ApprovalStatus.REJECTED])))
        case "late":
            late(world, which)
        case "crash":
            world.crash()
        case "kill" if data.draw(st.integers(0, 5)) == 0:
            kill(world)
        case "restart" if world.execution.state.is_terminal:
            world.send(Restart(by="ann"))


def late(world: World, run_id: str) -> None:
    """Deliver again what the task run has left behind: nothing may change."""
    run = world.execution.task_runs[run_id]
    before = world.execution
    stale = [TimerFired("x", kind, run_id, version) for kind in ("pause", "retry") for version in range(run.version)]
    stale += [AttemptFinished(run_id, number, State.SUCCESS) for number in range(1, len(run.attempts))]
    if run.frame is not None:
        rounds = int(run.frame.data.get("round", -1)) + 1
        stale += [TimerFired("x", "again", run_id, number) for number in range(rounds)]
    if run.state.is_terminal and run.attempts:
        stale.append(AttemptFinished(run_id, len(run.attempts), State.FAILED))
    for event in stale:
        world.send(event)
    assert world.execution is before


def kill(world: World) -> None:
    was_over = world.execution.state.is_terminal
    begun = set(world.begun)
    world.send(Kill(by="ann"))
    for run_id in list(world.running):
        world.finish(run_id, State.KILLED)
    if not world.execution.state.is_terminal:
        world.crash()
    assert world.execution.state.is_terminal
    begun = world.begun - begun
    assert was_over or all(world.is_after(world.execution.task_runs[run_id]) for run_id, *_ in begun)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(flows(), st.data())
def test_invariants_hold_for_every_flow_and_order(flow, data):
    world = World(flow)
    world.start()
    for _ in range(data.draw(st.integers(0, 40))):
        assert not world.is_stuck()
        act(world, data)
    finish_up(world)


def finish_up(world: World) -> None:
    """From wherever it stands, letting everything succeed must bring the execution to its end."""
    for _ in range(2000):
        if world.execution.is_over:
            return
        assert not world.is_stuck()
        if world.running:
            world.finish(next(iter(world.running)))
        elif world.jobs:
            world.claim(next(iter(world.jobs)))
        elif world.open_approvals():
            world.decide(world.open_approvals()[0], ApprovalStatus.APPROVED)
        else:
            world.fire(next(iter(world.timers)))
    raise AssertionError("the execution does not end")
