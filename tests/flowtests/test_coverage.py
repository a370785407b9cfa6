"""Which tasks and branches were reached, over all cases of a flow."""

from __future__ import annotations

from jupyter_gov.service.flowtests.results import FileResult, coverage_line
from tests.flowtests.conftest import Run, case

RETURN = "type: io.kestra.plugin.core.debug.Return"
FLOW = f"""\
id: f
namespace: demo
inputs:
  - id: kind
    type: STRING
  - id: values
    type: ARRAY
    itemType: STRING
    defaults: "[]"
  - id: fails
    type: BOOL
    defaults: false
tasks:
  - id: by-kind
    type: io.kestra.plugin.core.flow.Switch
    value: "{{{{ inputs.kind }}}}"
    cases:
      A:
        - {{id: a, {RETURN}, format: a}}
      B:
        - {{id: b, {RETURN}, format: b}}
    defaults:
      - {{id: other, {RETURN}, format: other}}
  - id: when-a
    type: io.kestra.plugin.core.flow.If
    condition: "{{{{ inputs.kind == 'A' }}}}"
    then:
      - {{id: yes, {RETURN}, format: yes}}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{{{ inputs.values | toJson }}}}"
    tasks:
      - {{id: inside, {RETURN}, format: "{{{{ taskrun.value }}}}"}}
    errors:
      - {{id: never, {RETURN}, format: x}}
  - id: until
    type: io.kestra.plugin.core.flow.LoopUntil
    condition: "{{{{ inputs.kind == 'A' or outputs.until.iterationCount == 2 }}}}"
    checkFrequency: {{interval: PT0.01S}}
    tasks:
      - id: first-round
        type: io.kestra.plugin.core.flow.If
        condition: "{{{{ outputs.until.iterationCount == 0 }}}}"
        then:
          - {{id: begins, {RETURN}, format: x}}
        else:
          - {{id: again, {RETURN}, format: x}}
  - id: may-fail
    type: io.kestra.plugin.core.flow.If
    condition: "{{{{ inputs.fails }}}}"
    then:
      - {{id: stop, type: io.kestra.plugin.core.execution.Fail}}
    finally:
      - {{id: always, {RETURN}, format: x}}
  - {{id: unused, {RETURN}, format: x, disabled: true}}
errors:
  - {{id: oops, {RETURN}, format: x}}
"""


def missed(result: FileResult) -> set[str]:
    return {point.name for point in result.coverage.missed}


def test_one_case(run: Run) -> None:
    result = run(FLOW, case(inputs={"kind": "A"}))
    assert missed(result) == {
        "b", "other", "inside", "never", "again", "stop", "oops",
        "by-kind: B", "by-kind: defaults", "when-a: else", "each: rounds", "each: errors", "until: more rounds",
        "first-round: else", "may-fail: then", "errors of the flow",
    }  # fmt: skip
    assert coverage_line(result.coverage) == "10 of 17 tasks, 7 of 16 branches"
    [point] = [point for point in result.coverage.missed if point.name == "again"]
    assert point.line == FLOW.split("id: again", maxsplit=1)[0].count("\n") + 1


def test_all_cases_together(run: Run) -> None:
    wanted = {"value": "{{ execution.state }}", "in": ["SUCCESS", "FAILED"]}
    result = run(
        FLOW,
        case(inputs={"kind": "A"}),
        case(inputs={"kind": "B", "values": ["x"]}),
        case(wanted, inputs={"kind": "C", "fails": True}),
    )
    assert missed(result) == {"never", "each: errors"}


def test_rounds_that_are_over_count_although_their_task_runs_are_gone(run: Run) -> None:
    result = run(FLOW, case(inputs={"kind": "B"}))
    assert {"begins", "again", "first-round: then", "first-round: else", "until: one round"} & missed(result) == {
        "until: one round"
    }


def test_what_is_below_a_fixture_is_not_reached(run: Run) -> None:
    result = run(FLOW, case(inputs={"kind": "A"}, tasks=[{"id": "by-kind"}, {"id": "until"}]))
    assert {"a", "by-kind: A", "begins", "until: one round"} <= missed(result)
    assert not {"by-kind", "until"} & missed(result)


def test_coverage_of_two_files_joins(run: Run) -> None:
    one, two = run(FLOW, case(inputs={"kind": "A"})), run(FLOW, case(inputs={"kind": "B"}))
    joined = one.coverage.joined(two.coverage)
    assert {point.name for point in joined.missed} == missed(one) & missed(two)


def test_the_loop_of_the_second_dialect(run: Run) -> None:
    text = f"""\
id: f
namespace: demo
inputs:
  - id: values
    type: ARRAY
    itemType: STRING
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.Loop
    values: "{{{{ inputs.values | toJson }}}}"
    tasks:
      - {{id: inside, {RETURN}, format: "{{{{ item.value }}}}"}}
"""
    none, some = case(inputs={"values": []}), case(inputs={"values": ["a"]})
    assert missed(run(text, none)) == {"inside", "each: rounds"}
    assert missed(run(text, some)) == {"each: no round"}
    assert not missed(run(text, none, some))
