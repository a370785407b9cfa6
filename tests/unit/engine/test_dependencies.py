"""Flow triggers as Kestra 2 writes them: dependencies, modes, windows, misses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_gov.domain.execution import Attempt, Execution, Label, TaskRun
from jupyter_gov.domain.states import State, begin
from jupyter_gov.engine.triggers import starting, upstream, windows
from jupyter_gov.engine.triggers.parse import parse
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.lang.check import check
from tests.unit.engine.play import REGISTRY

DAY = datetime(2026, 3, 10, tzinfo=UTC)
HEAD = """\
id: after
namespace: n
tasks: [{id: t, type: io.kestra.plugin.core.debug.Return}]
triggers:
  - id: both
    type: io.kestra.plugin.core.trigger.Flow
"""
TWO = "    dependsOn: [{namespace: n, flowId: a}, {namespace: n, flowId: b}]\n"
THREE = "    dependsOn: [{flowId: a}, {flowId: b}, {flowId: c}]\n"


def parsed(text: str):
    return parse(check(HEAD + text, REGISTRY).raise_for_errors().triggers[0])


def execution(flow_id: str, state: State = State.SUCCESS, **more) -> Execution:
    labels = tuple(Label(key, value) for key, value in more.pop("labels", {}).items())
    name = more.pop("id", flow_id)
    return Execution(name, more.pop("namespace", "n"), flow_id, 1, "", begin(state, DAY), "ann", "ann",
                     labels=labels, **more)  # fmt: skip


def subject(found: Execution) -> Subject:
    flow = check(HEAD + TWO, REGISTRY).raise_for_errors()
    return Subject(starting.upstream_context(flow, found), UTC, found)


def fold(trigger, *events):
    """Return the hours at which it fires, given (hour, flow id) of executions."""
    (group,) = upstream.groups(trigger, UTC)
    window, fired = None, []
    for number, (hour, flow_id) in enumerate(events):
        found = execution(flow_id, id=f"{flow_id}{number}")
        if not upstream.listens(trigger, found.state):
            continue
        at = DAY + timedelta(hours=hour)
        seen = windows.observe(group.span, window, at, found.id, group.met_by(subject(found)))
        window = seen.window
        if seen.is_complete:
            fired.append((hour, seen.by))
    return fired


@pytest.mark.parametrize(
    ("more", "events", "fires"),
    [
        (TWO, [(1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "a")], [(3, ("a1", "b2")), (5, ("b3", "a4"))]),
        (TWO + "    mode: ANY\n", [(1, "a"), (2, "b"), (3, "c")], [(1, ("a0",)), (2, ("b1",))]),
        (THREE + "    mode: AT_LEAST\n    minSatisfied: 2\n", [(1, "c"), (2, "c"), (3, "a")], [(3, ("c1", "a2"))]),
        (TWO + "    window: {deadline: '09:00:00'}\n", [(8, "a"), (10, "b"), (30, "a"), (31, "b")],
         [(31, ("a2", "b3"))]),
        (TWO + "    window: {deadline: '09:00:00'}\n", [(1, "a"), (2, "b"), (3, "b")],
         [(2, ("a0", "b1")), (3, ("a0", "b2"))]),
        (TWO + "    window: {deadline: '09:00:00', fireOnce: true}\n", [(1, "a"), (2, "b"), (3, "a"), (4, "b")],
         [(2, ("a0", "b1"))]),
        (TWO + "    window: {from: '06:00:00', to: '12:00:00'}\n", [(1, "a"), (7, "b"), (8, "a")],
         [(8, ("b1", "a2"))]),
        (TWO + "    window: {every: PT6H, offset: PT1H}\n", [(0, "a"), (2, "b"), (6, "a"), (8, "b")],
         [(6, ("b1", "a2"))]),
        (TWO + "    window: {deadline: '09:00:00+09:00'}\n", [(-5, "a"), (-1, "b"), (1, "a"), (2, "b")],
         [(-1, ("a0", "b1"))]),
        (TWO + "    window: {lookback: PT2H}\n", [(1, "a"), (4, "b"), (5, "a"), (5.5, "b")],
         [(5, ("b1", "a2")), (5.5, ("a2", "b3"))]),
        (TWO + "    window: {lookback: PT2H, fireOnce: true}\n", [(1, "a"), (2, "b"), (2.5, "b")], [(2, ("a0", "b1"))]),
    ],
)  # fmt: skip
def test_when_it_fires(more, events, fires):
    assert fold(parsed(more), *events) == fires


@pytest.mark.parametrize(
    ("entry", "found", "meets"),
    [
        ("{flowId: a}", execution("a"), True),
        ("{flowId: a}", execution("a", State.PAUSED), True),
        ("{flowId: a}", execution("a", State.RUNNING), False),
        ("{flowId: a, states: [FAILED]}", execution("a"), False),
        ("{flowId: a, states: [RUNNING]}", execution("a", State.RUNNING), True),
        ("{namespace: n}", execution("a", namespace="n.below"), False),
        ("{labels: {env: prod}}", execution("a", labels={"env": "prod", "x": "y"}), True),
        ("{labels: {env: prod}}", execution("a", labels={"env": "dev"}), False),
        ("{when: \"{{ namespace | startsWith('com') }}\"}", execution("a", namespace="company.team"), True),
        ("{when: \"{{ namespace | startsWith('com') }}\"}", execution("a"), False),
        ("{when: \"{{ state != 'SUCCESS' and flowId == 'a' }}\"}", execution("a", State.FAILED), True),
        ('{when: "{{ outputs.rows > 0 }}"}', execution("a", outputs={"rows": 3}), True),
        ('{when: "{{ outputs.rows > 0 }}"}', execution("a"), False),
        ("{when: \"{{ labels.env == 'prod' }}\"}", execution("a", labels={"env": "prod"}), True),
        ('{when: "{{ hasRetryAttempt == true }}"}', execution("a"), False),
    ],
)
def test_what_meets_a_dependency(entry, found, meets):
    trigger = parsed(f"    dependsOn: [{entry}]\n")
    (group,) = upstream.groups(trigger, UTC)
    assert bool(group.met_by(subject(found))) is meets
    if meets:
        assert upstream.listens(trigger, found.state)


def test_a_second_attempt_is_seen():
    attempts = tuple(Attempt(number, begin(State.SUCCESS, DAY)) for number in (1, 2))
    found = execution("a").put(TaskRun("r", "a", "t", 0, begin(State.SUCCESS, DAY), attempts=attempts))
    (group,) = upstream.groups(parsed('    dependsOn: [{when: "{{ hasRetryAttempt }}"}]\n'), UTC)
    assert group.met_by(subject(found))


def test_the_states_of_the_trigger_count_for_dependencies_without_their_own():
    trigger = parsed("    states: [FAILED]\n" + TWO)
    assert [upstream.listens(trigger, state) for state in (State.FAILED, State.SUCCESS)] == [True, False]


def test_names_of_dependencies_do_not_depend_on_their_order():
    text = "    dependsOn: [{flowId: a, states: [FAILED]}, {flowId: a, states: [SUCCESS]}, {flowId: b}]\n"
    other = "    dependsOn: [{flowId: b}, {flowId: a, states: [SUCCESS]}, {flowId: a, states: [FAILED]}]\n"
    one, two = (upstream.groups(parsed(each), UTC)[0].span for each in (text, other))
    assert one == two
    assert len(one.names) == 3


def test_outputs_are_found_by_flow_and_of_the_last_one_directly():
    before, last = execution("sales", outputs={"rows": 1}), execution("costs", outputs={"rows": 2})
    trigger = parsed(TWO)
    found = starting.upstream_variables(last, trigger, [before])
    assert found["outputs"] == {"rows": 2, "sales": {"rows": 1}, "costs": {"rows": 2}}
    old = parsed("    preconditions: {id: p, flows: [{namespace: n}]}\n")
    assert starting.upstream_variables(last, old, [before])["outputs"] == {"rows": 2}


def hours(found: tuple[windows.Window, ...]) -> list[str]:
    return [f"{one.end:%d %H:%M}" for one in found]


@pytest.mark.parametrize(
    ("window", "ends"),
    [
        ("{deadline: '09:00:00'}", ["10 09:00", "11 09:00"]),
        ("{deadline: '09:00:00+09:00'}", ["11 00:00"]),
        ("{from: '06:00:00', to: '12:00:00'}", ["10 12:00", "11 12:00"]),
        ("{from: '06:00:00+09:00', to: '07:00:00+09:00', timezone: America/Los_Angeles}", ["10 22:00", "11 22:00"]),
        ("{every: P1D}", ["10 23:59", "11 23:59"]),
        ("{every: PT12H}", ["10 11:59", "10 23:59", "11 11:59", "11 23:59"]),
    ],
)
def test_windows_that_ended_without_what_they_needed_are_missed(window, ends):
    trigger = parsed(TWO + f"    window: {window}\n    onMiss: {{behavior: FAIL, labels: {{sla: miss}}}}\n")
    (group,) = upstream.groups(trigger, UTC)
    assert hours(windows.missed(group.span, None, DAY, DAY + timedelta(days=2))) == ends
    assert trigger.on_miss.labels == {"sla": "miss"}


def test_a_window_that_was_complete_is_not_missed():
    (group,) = upstream.groups(parsed(TWO + "    window: {deadline: '09:00:00', fireOnce: true}\n"), UTC)
    window = None
    for hour, name in ((1, "a"), (2, "b")):
        met = group.met_by(subject(execution(name)))
        window = windows.observe(group.span, window, DAY + timedelta(hours=hour), name, met).window
    assert hours(windows.missed(group.span, window, DAY, DAY + timedelta(days=2))) == ["11 09:00"]
    assert windows.ran_out(group.span, window, DAY + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TWO + "    window: {deadline: '09:00:00', lookback: PT1H}\n", "a window has one of"),
        (TWO + "    window: {from: '09:00:00'}\n", "needs both"),
        (TWO + "    window: {deadline: nine}\n", "is no time of day"),
        (TWO + "    window: {every: PT0S}\n", "longer than nothing"),
        (TWO + "    window: {every: P1D, timezone: Mars}\n", "time-zone"),
        (TWO + "    window: {evry: P1D}\n", "unknown key"),
        (TWO + "    mode: AT_LEAST\n", "needs `minSatisfied`"),
        (TWO + "    minSatisfied: 1\n", "needs `mode: AT_LEAST`"),
        (TWO + "    mode: AT_LEAST\n    minSatisfied: 3\n", "between 1 and 2"),
        (TWO + "    mode: SOME\n", "ALL"),
        (TWO + "    onMiss: {behavior: FAIL}\n", "needs a `window` that ends"),
        (TWO + "    window: {lookback: PT1H}\n    onMiss: {behavior: FAIL}\n", "needs a `window` that ends"),
        (TWO + "    window: {every: P1D}\n    onMiss: {behavior: SHOUT}\n", "FAIL"),
        ("    window: {every: P1D}\n    mode: ANY\n", "`window`, `mode` needs `dependsOn`"),
        ("    dependsOn: []\n", "empty"),
        ("    dependsOn: [{flowId: a}, {flowId: a}]\n", "the same twice"),
        ("    dependsOn: [{flow: a}]\n", "unknown key"),
        ("    dependsOn: [{flowId: a, states: [DONE]}]\n", "SUCCESS"),
    ],
)
def test_what_does_not_fit_together_is_refused_at_its_line(text, says):
    errors = check(HEAD + text, REGISTRY).errors
    assert len(errors) == 1, errors
    assert says in f"{errors[0].message} {errors[0].hint}"
    assert errors[0].location.line >= 5
