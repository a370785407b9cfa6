"""The loop as a whole: real store, real worker, real tasks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from tests.runtime.probe import Deaf, Wait
from tests.runtime.rig import Rig, chain, run_of, states

PAUSED = """\
id: gated
namespace: company.team
tasks:
  - id: before
    type: io.kestra.plugin.core.debug.Return
    format: "made"
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.before.value }}"
"""


def test_a_chain_of_inline_tasks_costs_one_commit_per_step(rig: Rig) -> None:
    loop = rig.loop(start=False)
    execution_id = rig.start(chain(20))
    loop.start()
    ended = rig.wait(execution_id)
    assert ended.state is State.SUCCESS
    loop.stop()
    assert loop.commits == 21


def test_a_chain_of_worker_tasks_costs_one_commit_per_step_too(rig: Rig, tmp_path: Path) -> None:
    loop = rig.loop(start=False, workers=1)
    execution_id = rig.start(chain(10, "probe.Touch", file=f"{tmp_path}/trace"))
    loop.start()
    assert rig.wait(execution_id).state is State.SUCCESS
    loop.stop()
    assert loop.commits == 11
    assert len((tmp_path / "trace").read_text().splitlines()) == 10


def test_outputs_go_from_task_to_task_and_logs_are_stored(rig: Rig) -> None:
    rig.loop()
    execution_id = rig.start("""\
id: hand-over
namespace: company.team
tasks:
  - id: values
    type: io.kestra.plugin.core.output.OutputValues
    values:
      city: Oslo
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Hello {{ outputs.values.values.city }}"
""")
    ended = rig.wait(execution_id)
    assert ended.state is State.SUCCESS
    assert "INFO Hello Oslo" in rig.logs(execution_id)


def test_a_failing_task_says_why_and_its_errors_branch_runs(rig: Rig) -> None:
    rig.loop()
    execution_id = rig.start("""\
id: failing
namespace: company.team
tasks:
  - id: bad
    type: probe.Fail
  - id: never
    type: io.kestra.plugin.core.debug.Return
errors:
  - id: tell
    type: io.kestra.plugin.core.log.Log
    message: "{{ errorLogs()[0].message }}"
""")
    ended = rig.wait(execution_id)
    assert states(ended) == {"bad": "FAILED", "tell": "SUCCESS"}
    bad = run_of(ended, "bad")
    assert bad.failure is not None
    assert (bad.failure.code, bad.failure.message) == ("GOV899", "no luck")
    assert bad.failure.details == {"hint": "Try harder."}
    assert bad.outputs == {"half": 1}
    assert rig.logs(execution_id) == ["ERROR no luck", "INFO no luck"]


@pytest.mark.parametrize(("how", "said"), [("value", "ValueError: surprise"), ("exit", "SystemExit: 3")])
def test_a_task_that_raises_anything_fails_and_nothing_else_does(rig: Rig, how: str, said: str) -> None:
    rig.loop()
    ended = rig.wait(rig.start(chain(1, "probe.Fail", how=how)))
    failure = run_of(ended, "t0").failure
    assert failure is not None
    assert (failure.code, failure.message) == ("GOV865", said)
    assert "Traceback" in str(failure.details)
    assert rig.wait(rig.start(chain(2))).state is State.SUCCESS


def test_a_property_that_renders_to_the_wrong_type_fails_its_task(rig: Rig) -> None:
    rig.loop()
    ended = rig.wait(rig.start(chain(1, "probe.Touch", file="/dev/null", seconds="\"{{ 1 ~ 'x' }}\"")))
    failure = run_of(ended, "t0").failure
    assert failure is not None
    assert failure.code == "GOV801"
    assert "seconds" in failure.message


def test_parallel_branches_share_the_workers(rig: Rig, tmp_path: Path) -> None:
    rig.loop(workers=2)
    body = "".join(
        f"      - id: t{number}\n        type: probe.Touch\n        file: {tmp_path}/trace\n" for number in range(9)
    )
    head = "id: wide\nnamespace: company.team\ntasks:\n  - id: all\n    type: io.kestra.plugin.core.flow.Parallel\n"
    ended = rig.wait(rig.start(f"{head}    tasks:\n{body}"))
    assert ended.state is State.SUCCESS
    assert len(set((tmp_path / "trace").read_text().splitlines())) == 9


def test_a_loop_over_many_values_runs_inline(rig: Rig) -> None:
    rig.loop()
    values = ", ".join(str(number) for number in range(300))
    ended = rig.wait(
        rig.start(f"""\
id: many
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [{values}]
    concurrencyLimit: 0
    tasks:
      - id: one
        type: io.kestra.plugin.core.debug.Return
        format: "{{{{ taskrun.value }}}}"
""")
    )
    assert ended.state is State.SUCCESS
    assert run_of(ended, "one", "299").outputs == {"value": "299"}


def test_kill_stops_what_runs_and_nothing_follows(rig: Rig, tmp_path: Path) -> None:
    Wait.started.clear()
    rig.loop()
    execution_id = rig.start(f"""\
id: long
namespace: company.team
tasks:
  - id: wait
    type: probe.Wait
  - id: never
    type: probe.Touch
    file: {tmp_path}/trace
""")
    assert Wait.started.wait(20)
    rig.kill(execution_id)
    ended = rig.wait(execution_id)
    assert ended.state is State.KILLED
    assert states(ended) == {"wait": "KILLED"}
    assert not (tmp_path / "trace").exists()


def test_kill_of_an_attempt_that_waits_for_a_worker(rig: Rig) -> None:
    Wait.started.clear()
    loop = rig.loop(workers=1)
    first = rig.start(chain(1, "probe.Wait"))
    assert Wait.started.wait(20)
    second = rig.start(chain(2, "probe.Wait"))
    rig.wait(second, lambda execution: "t0" in states(execution))
    rig.kill(second)
    assert rig.wait(second).state is State.KILLED
    rig.kill(first)
    assert rig.wait(first).state is State.KILLED
    # The worker's slot was not lost on the way.
    assert rig.wait(rig.start(chain(1, "probe.Touch", file="/dev/null"))).state is State.SUCCESS
    loop.stop()


def test_timeout_names_itself(rig: Rig) -> None:
    rig.loop()
    ended = rig.wait(rig.start(chain(1, "probe.Wait", timeout="PT0.05S")))
    failure = run_of(ended, "t0").failure
    assert failure is not None
    assert failure.code == "GOV812"
    assert failure.message == "Timeout: the task did not end within PT0.05S."


def test_a_task_that_does_not_listen_is_given_up(rig: Rig) -> None:
    Deaf.started.clear()
    Deaf.release.clear()
    loop = rig.loop(start=False, workers=1)
    loop._crew.worker._grace = 0.1
    loop.start()
    execution_id = rig.start(chain(1, "probe.Deaf"))
    assert Deaf.started.wait(20)
    rig.kill(execution_id)
    assert rig.wait(execution_id).state is State.KILLED
    assert rig.wait(rig.start(chain(1, "probe.Touch", file="/dev/null"))).state is State.SUCCESS
    Deaf.release.set()


def test_retry_waits_in_the_store(rig: Rig) -> None:
    rig.loop()
    ended = rig.wait(
        rig.start("""\
id: again
namespace: company.team
tasks:
  - id: bad
    type: probe.Fail
    retry:
      type: constant
      interval: PT0.1S
      maxAttempts: 3
""")
    )
    assert ended.state is State.FAILED
    assert len(run_of(ended, "bad").attempts) == 3


def test_restart_goes_on_from_what_failed(rig: Rig, tmp_path: Path) -> None:
    rig.loop()
    wanted = tmp_path / "wanted.txt"
    execution_id = rig.start(f"""\
id: reads
namespace: company.team
tasks:
  - id: first
    type: probe.Touch
    file: {tmp_path}/trace
  - id: read
    type: probe.Read
    uri: wanted.txt
""")
    assert rig.wait(execution_id).state is State.FAILED
    wanted.write_text("now")
    rig.restart(execution_id)
    ended = rig.wait(execution_id, State.SUCCESS)
    assert run_of(ended, "read").outputs == {"text": "now"}
    assert len((tmp_path / "trace").read_text().splitlines()) == 1


def test_a_gate_is_left_by_a_decision(rig: Rig) -> None:
    rig.loop()
    execution_id = rig.start(PAUSED)
    rig.wait(execution_id, State.PAUSED)
    assert rig.holder(execution_id) is None
    rig.decide(execution_id)
    ended = rig.wait(execution_id)
    assert ended.state is State.SUCCESS
    assert run_of(ended, "after").outputs == {"value": "made"}
    assert rig.holder(execution_id) is None


def test_a_killed_gate_never_goes_on(rig: Rig) -> None:
    rig.loop()
    execution_id = rig.start(PAUSED)
    rig.wait(execution_id, State.PAUSED)
    rig.kill(execution_id)
    ended = rig.wait(execution_id)
    assert ended.state is State.KILLED
    assert "after" not in states(ended)


def test_a_deadline_ends_a_gate(rig: Rig) -> None:
    rig.loop()
    execution_id = rig.start(PAUSED.replace("flow.Pause", "flow.Pause\n    pauseDuration: PT0.2S\n    behavior: FAIL"))
    ended = rig.wait(execution_id)
    assert ended.state is State.FAILED
    assert ended.history.duration() >= timedelta(seconds=0.2)


def test_a_decision_beats_a_deadline_that_is_already_due(rig: Rig) -> None:
    """The timer is due, and the decision is in the inbox, when the loop comes to look."""
    source = PAUSED.replace("flow.Pause", "flow.Pause\n    pauseDuration: PT0.3S\n    behavior: FAIL")
    first = rig.loop()
    execution_id = rig.start(source)
    rig.wait(execution_id, State.PAUSED)
    first.stop()
    rig.loops.clear()
    deadline = datetime.now(UTC) + timedelta(seconds=0.4)
    rig.decide(execution_id)
    while datetime.now(UTC) < deadline:
        rig.store.wait(0.05)
    rig.loop()
    assert rig.wait(execution_id).state is State.SUCCESS


def test_a_subflow_runs_and_hands_back_its_outputs(rig: Rig) -> None:
    rig.loop()
    rig.register("""\
id: child
namespace: company.team
inputs:
  - id: name
    type: STRING
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "Hello {{ inputs.name }}"
outputs:
  - id: greeting
    type: STRING
    value: "{{ outputs.say.value }}"
""")
    ended = rig.wait(
        rig.start("""\
id: parent
namespace: company.team
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: child
    inputs:
      name: Ada
  - id: use
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.call.outputs.greeting }}"
""")
    )
    assert ended.state is State.SUCCESS
    assert run_of(ended, "use").outputs == {"value": "Hello Ada"}
    child = rig.get(run_of(ended, "call").outputs["executionId"])  # type: ignore[index]
    assert child.parent_id == ended.id
    assert child.run_as == ended.run_as


@pytest.mark.parametrize(
    ("flow_id", "inputs", "code"), [("nowhere", "{}", "GOV302"), ("child", "{wrong: 1}", "GOV2")], ids=["flow", "input"]
)
def test_a_subflow_that_cannot_start_fails_its_task(rig: Rig, flow_id: str, inputs: str, code: str) -> None:
    rig.loop()
    rig.register("""\
id: child
namespace: company.team
inputs:
  - id: name
    type: STRING
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
""")
    ended = rig.wait(
        rig.start(f"""\
id: parent
namespace: company.team
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: {flow_id}
    inputs: {inputs}
""")
    )
    failure = run_of(ended, "call").failure
    assert ended.state is State.FAILED
    assert failure is not None
    assert failure.code.startswith(code)


def test_only_own_executions_are_claimed(rig: Rig) -> None:
    rig.loop()
    foreign = rig.start(chain(1), run_as="bob")
    assert rig.wait(rig.start(chain(1))).state is State.SUCCESS
    assert rig.get(foreign).state is State.CREATED
    rig.loop(run_as="bob")
    assert rig.wait(foreign).state is State.SUCCESS


def test_a_flow_that_cannot_be_read_here_does_not_stop_the_others(rig: Rig) -> None:
    from jupyter_gov.plugins.registry import Registry
    from jupyter_gov.runtime.flows import FlowCache
    from jupyter_gov.runtime.loop import Loop

    needs_plugin = rig.start(chain(1, "probe.Touch", file="/dev/null"))
    plain = Registry()
    poor = Loop(
        rig.store, plain, settings={}, owner="poor", run_as="ada", flows=FlowCache(rig.store, plain), lease_ttl=2
    )
    rig.loops.append(poor)
    poor.start()
    assert rig.wait(rig.start(chain(1))).state is State.SUCCESS
    assert rig.get(needs_plugin).state is State.CREATED
    assert rig.holder(needs_plugin) is None
    rig.loop()
    assert rig.wait(needs_plugin).state is State.SUCCESS


def test_stop_gives_everything_back_and_another_loop_goes_on(rig: Rig, tmp_path: Path) -> None:
    first = rig.loop()
    execution_id = rig.start(chain(1, "probe.Touch", file=f"{tmp_path}/trace", seconds=30))
    rig.wait(execution_id, lambda execution: states(execution).get("t0") == "RUNNING")
    first.stop()
    assert rig.holder(execution_id) is None
    stopped = rig.get(execution_id)
    assert stopped.state is State.RUNNING
    rig.loops.clear()
    rig.loop()
    again = rig.wait(execution_id, lambda execution: len(run_of(execution, "t0").attempts) == 2)
    assert [attempt.state for attempt in run_of(again, "t0").attempts] == [State.LOST, State.RUNNING]
    rig.kill(execution_id)
    assert rig.wait(execution_id).state is State.KILLED


def test_nothing_is_left_running(rig: Rig) -> None:
    before = set(threading.enumerate())
    loop = rig.loop()
    assert rig.wait(rig.start(chain(2, "probe.Touch", file="/dev/null"))).state is State.SUCCESS
    loop.stop()
    assert {thread.name for thread in set(threading.enumerate()) - before} == set()


def test_what_fails_before_a_worker_sees_it_is_told_in_the_log(rig: Rig) -> None:
    rig.loop()
    text = """\
id: untold
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    allowFailure: true
    values: "[1, null]"
    tasks: [{id: in, type: io.kestra.plugin.core.debug.Return}]
  - {id: skip, type: io.kestra.plugin.core.debug.Return, runIf: "{{ nothing }}", allowFailure: true}
  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: nobody}
"""
    ended = rig.wait(rig.start(text))
    told = [line for line in rig.logs(ended.id) if line.startswith("ERROR")]
    assert len(told) == 3
    assert "null values on Each" in told[0]
    assert "`nothing`" in told[1]
    assert "nobody" in told[2]


def test_a_task_outlives_any_number_of_loops_that_stop_in_order(rig: Rig) -> None:
    text = "id: nap\nnamespace: company.team\ntasks:\n  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT60S}\n"
    execution_id = rig.start(text)
    for number in range(1, 5):
        loop = rig.loop()
        rig.wait(execution_id, lambda found, number=number: _running(found, number))  # type: ignore[misc]
        loop.stop()
    rig.loop()
    found = rig.wait(execution_id, lambda found: _running(found, 5))
    attempts = run_of(found, "nap").attempts
    assert [attempt.failure.code for attempt in attempts if attempt.failure] == ["GOV363"] * 4


def _running(execution: Execution, attempt: int) -> bool:
    runs = execution.ordered()
    return bool(runs) and len(runs[0].attempts) == attempt and runs[0].state is State.RUNNING
