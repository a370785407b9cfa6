"""Cases run by the real engine: what a fixture keeps from happening, who answers gates, what is a failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from jupyter_gov.errors import InputError, NotFoundError
from jupyter_gov.lang.diagnostics import FlowError
from jupyter_gov.lang.flowtest.models import FixturesSpec
from jupyter_gov.service.api import Gov
from jupyter_gov.service.flowtests.results import CaseResult, Verdict
from jupyter_gov.service.flowtests.world import seed, world
from jupyter_gov.service.identity import local_actor
from jupyter_gov.store import tables
from jupyter_gov.store.statements import Statement
from tests.flowtests.conftest import Run, case, suite
from tests.small_flows import GATED, HELLO

RunCase = Callable[..., CaseResult]
HELLO_WORLD = {"value": "{{ outputs.greet.value }}", "equalTo": "Hello World"}


def flow(tasks: str, more: str = "") -> str:
    return f"id: f\nnamespace: demo\n{more}tasks:\n{tasks}"


def test_the_users_store_is_not_written_to(gov: Gov) -> None:
    actor = local_actor()
    gov.flows.register(HELLO, actor)
    before = (gov.audit.entries(actor), gov.flows.list(actor))
    result = gov.tests.run(suite(HELLO, case(HELLO_WORLD)), actor)
    assert [one.verdict for one in result.cases] == [Verdict.PASSED]
    assert (gov.audit.entries(actor), gov.flows.list(actor)) == before
    assert not gov.executions.list(actor)


def test_a_failing_assertion_says_what_was_expected_and_what_came(run_case: RunCase) -> None:
    found = run_case(HELLO, case({**HELLO_WORLD, "errorMessage": "greeted {{ inputs.who }}"}, inputs={"who": "Ada"}))
    assert found.verdict is Verdict.FAILED
    [failure] = found.failures
    assert (failure.expected, failure.actual) == ("Hello World", "Hello Ada")
    assert failure.message == "greeted Ada"
    assert failure.line


def test_a_fixtured_task_does_not_run(run_case: RunCase, home: Path) -> None:
    touched = home / "touched"
    text = flow(f"""\
  - id: touch
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["touch '{touched}'"]
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ outputs.touch.vars.answer + 1 }}}}"
""")
    found = run_case(
        text,
        case(
            {"value": "{{ outputs.after.value }}", "equalTo": 43},
            tasks=[{"id": "touch", "outputs": {"vars": {"answer": 42}}}],
        ),
    )
    assert found.verdict is Verdict.PASSED
    assert not touched.exists()
    assert run_case(text, case({"value": "{{ 1 }}", "equalTo": 1}, tasks=[{"id": "after"}])).verdict is Verdict.PASSED
    assert touched.exists(), "without a fixture the task runs"


def test_the_outputs_of_a_fixture_are_rendered_with_files_and_the_loop_value(run_case: RunCase) -> None:
    text = flow("""\
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - id: load
        type: io.kestra.plugin.core.http.Download
        uri: https://example.invalid/{{ taskrun.value }}
  - id: read
    type: io.kestra.plugin.core.debug.Return
    format: "{{ read(outputs.load.a.uri) }} {{ outputs.load.b.name }} {{ read('x.txt') }}"
""")
    outputs = {"uri": "{{ files['x.txt'] }}", "name": "of {{ taskrun.value }}"}
    found = run_case(
        text,
        case(
            {"value": "{{ outputs.read.value }}", "equalTo": "content of b content"},
            {"value": "{{ files['x.txt'] }}", "startsWith": "kestra:///demo/"},
            {"value": "{{ outputs.load }}", "contains": "b"},
            files={"x.txt": "content"},
            tasks=[{"id": "load", "outputs": outputs}],
        ),
    )
    assert found.verdict is Verdict.PASSED, found


def test_a_fixture_fails_warns_or_skips(run: Run) -> None:
    text = flow(
        """\
  - id: work
    type: io.kestra.plugin.core.debug.Return
    format: really
    retry:
      type: constant
      interval: PT1H
      maxAttempts: 3
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: after
""",
        "errors:\n  - id: oops\n    type: io.kestra.plugin.core.debug.Return\n    format: oops\n",
    )

    def ends(state: str, *assertions: dict[str, object]) -> dict[str, object]:
        return case(*assertions, tasks=[{"id": "work", "state": state, "outputs": {"value": "given"}}])

    result = run(
        text,
        ends("FAILED", {"value": "{{ outputs.oops.value ~ outputs.work.value }}", "equalTo": "oopsgiven"}),
        ends("WARNING", {"value": "{{ execution.state }}", "equalTo": "WARNING"}),
        ends(
            "SKIPPED",
            {"value": "{{ tasks.work.state }}", "equalTo": "SKIPPED"},
            {"value": "{{ outputs.after.value }}", "equalTo": "after"},
        ),
    )
    assert [one.verdict for one in result.cases] == [Verdict.PASSED] * 3, result.cases


def test_a_gate_is_answered_by_its_fixture(run: Run) -> None:
    stage = {"value": "{{ outputs.after.value }}"}
    by = {"value": "{{ outputs.gate.resumed.by }}", "equalTo": "fixture"}
    result = run(
        GATED,
        case({**stage, "equalTo": "to prod"}, by, tasks=[{"id": "gate", "outputs": {"onResume": {"stage": "prod"}}}]),
        case({**stage, "equalTo": "to dev"}, tasks=[{"id": "gate"}]),
        case({"value": "{{ outputs.after }}", "isNull": True}, tasks=[{"id": "gate", "state": "FAILED"}]),
        case(tasks=[{"id": "gate", "outputs": {"onResume": {"stage": "moon"}}}]),
        case(),
    )
    assert [one.verdict for one in result.cases] == [Verdict.PASSED] * 3 + [Verdict.ERROR] * 2
    wrong, open_gate = (one.trouble for one in result.cases[3:])
    assert wrong is not None
    assert wrong.code == "GOV248"
    assert "stage" in wrong.message
    assert open_gate is not None
    assert open_gate.code == "GOV244"


def test_an_unanswered_gate_with_assignment_ends_the_case_at_once(run_case: RunCase) -> None:
    text = flow("""\
  - id: sign
    type: io.kestra.plugin.ee.flow.HumanTask
    assignment: {groups: [risk]}
""")
    assert run_case(text, case()).verdict is Verdict.ERROR
    assert run_case(text, case(tasks=[{"id": "sign"}])).verdict is Verdict.PASSED


def test_subflows_are_fixtured_or_really_run(gov: Gov) -> None:
    actor = local_actor()
    called = "id: called\nnamespace: demo\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.debug.Return\n    format: real\noutputs:\n  - id: v\n    type: STRING\n    value: '{{ outputs.a.value }}'\n"
    text = flow("""\
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: demo
    flowId: called
    wait: true
""")
    gov.flows.register(called, actor)
    asks = {"value": "{{ outputs.call.outputs.v }}"}
    fixed = case({**asks, "equalTo": "given"}, tasks=[{"id": "call", "outputs": {"outputs": {"v": "given"}}}])
    result = gov.tests.run(suite(text, fixed, case({**asks, "equalTo": "real"})), actor, flow=text)
    assert [one.verdict for one in result.cases] == [Verdict.PASSED] * 2
    assert not gov.executions.list(actor)


def test_the_trigger_of_a_fixture_is_what_expressions_read(run_case: RunCase) -> None:
    text = flow(
        "  - id: say\n    type: io.kestra.plugin.core.debug.Return\n    format: '{{ trigger.date }}'\n",
        "triggers:\n  - id: daily\n    type: io.kestra.plugin.core.trigger.Schedule\n    cron: '0 6 * * *'\n",
    )
    given = {"id": "daily", "variables": {"date": "2026-01-31T06:00:00Z"}}
    asks = {"value": "{{ outputs.say.value }}", "startsWith": "2026-01-31"}
    assert run_case(text, case(asks, trigger=given)).verdict is Verdict.PASSED


def test_cases_see_values_and_files_of_the_namespace_and_change_none(gov: Gov) -> None:
    actor = local_actor()
    text = flow("""\
  - id: set
    type: io.kestra.plugin.core.kv.Set
    key: k
    value: "{{ kv('k') }}!"
  - id: get
    type: io.kestra.plugin.core.debug.Return
    format: "{{ kv('k') }}"
""")
    gov.flows.register(text, actor)
    gov.kv.set("demo", "k", "there", actor)  # type: ignore[attr-defined]
    once = case({"value": "{{ outputs.get.value }}", "equalTo": "there!"})
    result = gov.tests.run(suite(text, once, once), actor)
    assert [one.verdict for one in result.cases] == [Verdict.PASSED] * 2
    assert gov.kv.get("demo", "k", actor) == "there"  # type: ignore[attr-defined]


def test_a_flow_that_fails_unasked_fails_the_case(run: Run) -> None:
    text = flow("  - id: stop\n    type: io.kestra.plugin.core.execution.Fail\n    errorMessage: no way\n")
    always = {"value": "yes", "equalTo": "yes"}
    result = run(text, case(always), case({"value": "{{ execution.state }}", "equalTo": "FAILED"}))
    assert [one.verdict for one in result.cases] == [Verdict.FAILED, Verdict.PASSED]
    trouble = result.cases[0].trouble
    assert trouble is not None
    assert trouble.code == "GOV251"
    assert "no way" in trouble.message


def test_a_case_that_takes_too_long_is_an_error(run_case: RunCase) -> None:
    text = flow("  - id: nap\n    type: io.kestra.plugin.core.flow.Sleep\n    duration: PT60S\n")
    found = run_case(text, case(), timeout=0.3)
    assert found.verdict is Verdict.ERROR
    assert found.trouble is not None
    assert found.trouble.code == "GOV245"
    assert "nap" in found.trouble.message
    assert run_case(text, case(tasks=[{"id": "nap"}]), timeout=20).verdict is Verdict.PASSED


def test_wrong_inputs_are_an_error_of_the_case(run_case: RunCase) -> None:
    found = run_case(HELLO, case(inputs={"whom": "x"}))
    assert found.verdict is Verdict.ERROR
    assert found.trouble is not None
    assert found.trouble.code == "GOV205"


def test_what_cannot_be_read_or_compared_is_an_error(run_case: RunCase) -> None:
    found = run_case(
        HELLO,
        case(
            {"value": "{{ outputs.nope.value }}", "equalTo": 1}, {"value": "{{ outputs.greet.value }}", "lessThan": 3}
        ),
    )
    assert found.verdict is Verdict.ERROR
    assert [one.trouble and one.trouble.code for one in found.assertions] == ["GOV249"] * 2


def test_an_assertion_looks_through_the_eyes_of_a_task(run_case: RunCase) -> None:
    text = flow("""\
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - id: say
        type: io.kestra.plugin.core.debug.Return
        format: "{{ taskrun.value }}"
""")
    found = run_case(text, case({"value": "{{ taskrun.value }}", "taskId": "say", "equalTo": "b"}))
    assert found.verdict is Verdict.PASSED


def test_outputs_of_the_flow_can_be_asked_for(run_case: RunCase) -> None:
    text = HELLO + "outputs:\n  - id: said\n    type: STRING\n    value: '{{ outputs.greet.value }}'\n"
    found = run_case(text, case({"value": "{{ execution.outputs.said }}", "endsWith": "World"}))
    assert found.verdict is Verdict.PASSED


def test_disabled_cases_and_unwanted_ones_do_not_run(run: Run) -> None:
    wrong = case({"value": "a", "equalTo": "b"})
    result = run(HELLO, {**wrong, "disabled": True}, wrong, case(), only=["case0", "case2"])
    assert [(one.id, one.verdict) for one in result.cases] == [("case0", Verdict.SKIPPED), ("case2", Verdict.PASSED)]
    assert result.ok
    with pytest.raises(InputError, match="GOV246"):
        run(HELLO, case(), only=["cas0"])


def test_names_that_the_flow_does_not_have_are_refused_before_anything_runs(run: Run) -> None:
    with pytest.raises(FlowError) as caught:
        run(
            HELLO,
            case(
                {"value": "x", "equalTo": "x", "taskId": "gret"},
                tasks=[{"id": "great"}],
                trigger={"id": "daily"},
            ),
        )
    assert [one.code for one in caught.value.diagnostics] == ["GOV241", "GOV242", "GOV241"]
    assert caught.value.diagnostics[0].hint == 'did you mean "greet"?'


def test_without_a_flow_there_is_nothing_to_test(gov: Gov) -> None:
    with pytest.raises(NotFoundError, match="GOV243"):
        gov.tests.run(suite(HELLO, case()), local_actor())
    with pytest.raises(NotFoundError, match="GOV243"):
        gov.tests.run(suite(HELLO, case()), local_actor(), flow=GATED)


def test_secrets_are_masked_in_results(run_case: RunCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "aHVzaC1odXNoLWh1c2g=")
    found = run_case(HELLO, case({"value": "{{ secret('TOKEN') }}", "equalTo": "x"}))
    assert found.verdict is Verdict.FAILED
    assert "hush" not in str(found)


def test_nothing_is_left_behind(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    run(GATED, case(), case(tasks=[{"id": "gate"}]))
    assert not list((tmp_path / "tmp").iterdir())


def test_a_task_of_an_unknown_type_can_have_a_fixture(run: Run) -> None:
    text = flow("""\
  - id: tell
    type: io.kestra.plugin.slack.SlackIncomingWebhook
    url: https://example.invalid
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: told
""")
    told = {"value": "{{ outputs.after.value }}", "equalTo": "told"}
    result = run(text, case(told, tasks=[{"id": "tell"}]), case({"value": "x", "equalTo": "x"}))
    assert [one.verdict for one in result.cases] == [Verdict.PASSED, Verdict.FAILED]
    assert result.cases[1].trouble is not None
    assert "io.kestra.plugin.slack.SlackIncomingWebhook" in result.cases[1].trouble.message


def test_secret_and_file_inputs(run_case: RunCase) -> None:
    text = flow(
        "  - id: say\n    type: io.kestra.plugin.core.debug.Return\n    format: '{{ read(inputs.data) }} {{ inputs.token }}'\n",
        "inputs:\n  - id: token\n    type: SECRET\n  - id: data\n    type: FILE\n",
    )
    given = {"token": "hush-hush", "data": "{{ files['a.csv'] }}"}
    asks = {"value": "{{ outputs.say.value }}", "startsWith": "1,2"}
    found = run_case(text, case(asks, inputs=given, files={"a.csv": "1,2"}))
    assert found.verdict is Verdict.PASSED, found
    assert "hush" not in str(found)


def test_fixtures_inside_of_a_working_directory_and_a_loop(run_case: RunCase, home: Path) -> None:
    text = flow("""\
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - id: one
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["exit 1"]
      - id: two
        type: io.kestra.plugin.core.debug.Return
        format: "{{ outputs.one.vars.x }}"
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: [a, b]
    tasks:
      - id: inner
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["exit 1"]
      - id: after
        type: io.kestra.plugin.core.debug.Return
        format: "{{ outputs.inner.vars.x }}"
""")
    tasks = [
        {"id": "one", "outputs": {"vars": {"x": 5}}},
        {"id": "inner", "outputs": {"vars": {"x": "of {{ item.value }}"}}},
    ]
    after = {"value": "{{ outputs.after.value }}", "taskId": "after", "equalTo": "of b"}
    found = run_case(text, case({"value": "{{ outputs.two.value }}", "equalTo": 5}, after, tasks=tasks))
    assert found.verdict is Verdict.PASSED, found


def test_triggers_of_the_flow_do_not_fire_in_the_world_of_a_case(gov: Gov) -> None:
    text = flow(
        "  - id: say\n    type: io.kestra.plugin.core.debug.Return\n    format: x\n",
        "triggers:\n  - id: always\n    type: io.kestra.plugin.core.trigger.Schedule\n    withSeconds: true\n    cron: '* * * * * *'\n",
    )
    actor = local_actor()
    parts = gov.parts  # type: ignore[attr-defined]
    revision, checked = gov.flows.register(text, actor), gov.flows.check(text).raise_for_errors()
    with (
        world(parts, seed(parts, revision, checked), FixturesSpec(), actor) as found,
        found.gov.parts.store.read() as tx,
    ):
        assert not tx.rows(Statement(select(tables.TriggerRow.__table__)), {})
