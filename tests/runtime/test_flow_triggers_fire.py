"""Flow triggers fire for what other executions do: once for each state, in order, with windows that are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_gov.domain.states import State
from tests.runtime.rig import Rig, chain
from tests.runtime.when import RETURN, Timed


@pytest.fixture
def timed(rig: Rig) -> Timed:
    return Timed(rig)


def listener(flow_id: str, *lines: str, rest: str = RETURN) -> str:
    """Return a flow that other flows start."""
    more = "".join(f"    {line}\n" for line in lines)
    return f"""\
id: {flow_id}
namespace: company.team
{rest}triggers:
  - id: listen
    type: io.kestra.plugin.core.trigger.Flow
{more}"""


def plain(flow_id: str, *, fails: bool = False, rest: str = "") -> str:
    kind = "io.kestra.plugin.core.execution.Fail" if fails else "io.kestra.plugin.core.debug.Return"
    tasks = chain(1, kind).partition("tasks:")[2]
    return f"id: {flow_id}\nnamespace: company.team\n{rest}tasks:{tasks}"


def run(timed: Timed, source: str) -> str:
    execution_id = timed.rig.start(source)
    timed.rig.wait(execution_id)
    timed.settle()
    return execution_id


def pair(reset: bool = True) -> list[str]:
    return [
        "preconditions:",
        "  id: both",
        f"  resetOnSuccess: {str(reset).lower()}",
        "  flows:",
        "    - {namespace: company.team, flowId: one, states: [SUCCESS]}",
        "    - {namespace: company.team, flowId: two, states: [SUCCESS]}",
    ]


def test_the_end_of_another_flow_starts_one(timed: Timed) -> None:
    rest = "labels: {team: a}\ninputs: [{id: got, type: STRING}]\n" + RETURN
    timed.register(listener("after", 'inputs: {got: "{{ outputs.t0.value }}"}', rest=rest))
    timed.loop()
    cause = run(timed, plain("before"))
    (found,) = timed.runs("after")
    assert found.state is State.SUCCESS
    assert found.inputs == {"got": "hello"}
    assert found.trigger is not None
    assert found.trigger.variables["executionId"] == cause
    assert found.trigger.variables["state"] == "SUCCESS"
    chain_of = {label.key: label.value for label in found.labels}
    assert chain_of == {"team": "a", "system.correlationId": cause}
    timed.check()


def test_it_fires_in_a_loop_that_is_no_background_one_too(timed: Timed) -> None:
    timed.register(listener("after"))
    timed.rig.loop(clock=timed.clock)
    run(timed, plain("before"))
    assert len(timed.runs("after")) == 1


def test_a_flow_never_starts_itself(timed: Timed) -> None:
    timed.register(listener("after"))
    timed.loop()
    with timed.rig.store.read() as tx:
        revision = timed.rig.store.flows.get(tx, "company.team", "after")
    assert revision is not None
    timed.rig.wait(timed.rig.start(revision))
    timed.settle()
    assert len(timed.runs("after")) == 1


def test_conditions_pick_executions(timed: Timed) -> None:
    conditions = [
        "conditions:",
        "  - {type: io.kestra.plugin.core.condition.ExecutionStatus, in: [FAILED]}",
        "  - {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: bad}",
    ]
    timed.register(listener("after", *conditions))
    timed.loop()
    run(timed, plain("good"))
    run(timed, plain("worse", fails=True))
    assert timed.runs("after") == []
    run(timed, plain("bad", fails=True))
    assert len(timed.runs("after")) == 1
    with timed.rig.store.read() as tx:
        assert timed.rig.store.triggers.waiting(tx, "ada", 10) == []
    timed.check()


def test_states_on_the_way_count_where_the_author_names_them(timed: Timed) -> None:
    timed.register(listener("after", "states: [RUNNING, PAUSED, SUCCESS]"))
    timed.loop()
    gate = "id: before\nnamespace: company.team\ntasks: [{id: wait, type: io.kestra.plugin.core.flow.Pause}]\n"
    execution_id = timed.rig.start(gate)
    timed.rig.wait(execution_id, State.PAUSED)
    timed.settle()
    timed.rig.decide(execution_id)
    timed.rig.wait(execution_id)
    timed.settle()
    states = [one.trigger.variables["state"] for one in timed.runs("after") if one.trigger]
    # The clock stands: what started at one time is in no order.
    assert sorted(states) == ["PAUSED", "RUNNING", "RUNNING", "SUCCESS"]


def test_both_must_come_in_one_window(timed: Timed) -> None:
    timed.register(listener("after", *pair()))
    timed.loop()
    first = run(timed, plain("one"))
    assert timed.runs("after") == []
    marks = timed.trigger("after", "listen").windows["both"]["marks"]
    assert [mark[1] for mark in marks.values()] == [first]
    run(timed, plain("two", fails=True))
    assert timed.runs("after") == []
    second = run(timed, plain("two"))
    (found,) = timed.runs("after")
    assert found.trigger is not None
    assert found.trigger.variables["executionId"] == second
    assert timed.trigger("after", "listen").windows["both"]["marks"] == {}
    run(timed, plain("two"))
    assert len(timed.runs("after")) == 1
    timed.check()


def test_without_a_reset_each_further_one_fires(timed: Timed) -> None:
    timed.register(listener("after", *pair(reset=False)))
    timed.loop()
    for flow in ("one", "two", "one"):
        run(timed, plain(flow))
    assert len(timed.runs("after")) == 2


def test_a_window_that_ran_out_is_put_on_record(rig: Rig) -> None:
    timed = Timed(rig, datetime.now(UTC))
    timed.register(listener("after", *pair()))
    timed.loop()
    run(timed, plain("one"))
    timed.move(timedelta(days=1))
    run(timed, plain("two"))
    assert timed.runs("after") == []
    (expired,) = timed.told("after", "expired")
    assert expired.body["window"] == "both"
    assert list(expired.body["marks"]) == ["company.team.one"]
    timed.check()


def test_an_input_that_cannot_be_rendered_starts_nothing_and_is_on_record(timed: Timed) -> None:
    rest = "inputs: [{id: got, type: STRING}]\n" + RETURN
    timed.register(listener("after", 'inputs: {got: "{{ outputs.nothing.value }}"}', rest=rest))
    timed.loop()
    cause = run(timed, plain("before"))
    assert timed.runs("after") == []
    (failed,) = timed.told("after", "failed")
    assert failed.body["cause"] == cause
    assert "nothing" in failed.body["message"]


def test_what_is_turned_off_does_not_listen(timed: Timed) -> None:
    timed.register(listener("after", "disabled: true"))
    timed.loop()
    run(timed, plain("before"))
    assert timed.runs("after") == []
    timed.register(listener("after"))
    run(timed, plain("before"))
    assert len(timed.runs("after")) == 1


def test_an_execution_that_ends_at_its_creation_counts(timed: Timed) -> None:
    timed.register(listener("after", "states: [CANCELLED]"))
    full = "concurrency: {limit: 1, behavior: CANCEL}\n"
    gate = f"id: one\nnamespace: company.team\n{full}tasks: [{{id: wait, type: io.kestra.plugin.core.flow.Pause}}]\n"
    caller = (
        "id: two\nnamespace: company.team\ntasks:\n"
        "  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: one, wait: true}\n"
    )
    timed.loop()
    timed.rig.wait(timed.rig.start(gate), State.PAUSED)
    run(timed, caller)
    assert len(timed.runs("after")) == 1


def test_several_loops_react_once(timed: Timed) -> None:
    timed.register(
        listener(
            "after",
            "conditions:",
            "  - {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: before}",
        )
    )
    for _ in range(3):
        timed.loop()
    started = [timed.rig.start(plain("before")) for _ in range(20)]
    for one in started:
        timed.rig.wait(one)
    timed.settle()
    causes = [one.trigger.variables["executionId"] for one in timed.runs("after") if one.trigger]
    assert sorted(causes) == sorted(started)
    timed.check()
