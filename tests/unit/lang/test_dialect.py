"""Two versions of Kestra: for which a flow is written, and what has to change for the newer one."""

from __future__ import annotations

import pytest

from jupyter_gov.lang.check import check
from jupyter_gov.plugins.registry import Registry

REGISTRY = Registry()
HEAD = "id: f\nnamespace: n\n"
TASK = "tasks:\n  - {id: t, type: io.kestra.plugin.core.log.Log, message: hi}\n"
CORE = "io.kestra.plugin.core."
EACH = (
    "tasks:\n  - id: e\n    type: %s\n    %s\n    tasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: m}]\n"
)
LOOP = """\
tasks:
  - id: l
    type: io.kestra.plugin.core.flow.Loop
    values: [1]
    tasks:
      - id: t
        type: io.kestra.plugin.core.log.Log
        message: "{{ %s }}"
"""
SCHEDULE = 'triggers:\n  - id: s\n    type: io.kestra.plugin.core.trigger.Schedule\n    cron: "@daily"\n'
AFTER = "triggers:\n  - id: s\n    type: io.kestra.plugin.core.trigger.Flow\n"


def log(expression: str) -> str:
    return TASK.replace("hi", f'"{{{{ {expression} }}}}"')


def found(text: str, **options) -> list[tuple[str, int]]:
    checked = check(HEAD + text, REGISTRY, target="2.0", allow_unknown_types=True, **options)
    return [(one.code, one.location.line) for one in checked.diagnostics if one.code not in {"GOV163", "GOV165"}]


REFUSED = [
    (EACH % (CORE + "flow.ForEach", "values: [1]"), [("GOV172", 5)], "Loop"),
    (EACH % (CORE + "flow.EachSequential", "value: [1]"), [("GOV172", 5)], "Loop"),
    (EACH % (CORE + "flow.EachParallel", "value: [1]"), [("GOV172", 5)], "concurrencyLimit: 0"),
    (EACH % ("io.kestra.core.tasks.flows.EachSequential", "value: [1]"), [("GOV172", 5)], "Loop"),
    (TASK.replace("log.Log, message: hi", "debug.Echo, format: hi"), [("GOV172", 4)], "log.Log"),
    (TASK.replace("log.Log, message: hi", "storage.LocalFiles"), [("GOV172", 4)], "inputFiles"),
    (TASK.replace("log.Log, message: hi", "state.Get"), [("GOV172", 4)], "kv.Get"),
    (TASK.replace("log.Log, message: hi", "execution.Resume"), [("GOV172", 4)], "plugin"),
    (TASK.replace(CORE + "log.Log, message: hi", "io.kestra.plugin.langchain4j.ChatCompletion"), [("GOV172", 4)], "ai"),
    (TASK + "pluginDefaults:\n  - {type: x, values: {level: INFO}}\n", [("GOV173", 5)], "variables"),
    (TASK + "taskDefaults:\n  - {type: x, values: {level: INFO}}\n", [("GOV173", 5)], "variables"),
    (TASK.replace("log.Log, message: hi", "flow.Pause, delay: PT1S"), [("GOV173", 4), ("GOV162", 4)], "pauseDuration"),
    (
        "tasks:\n  - id: p\n    type: io.kestra.plugin.core.flow.Pause\n    timeout: PT1H\n    tasks: []\n",
        [("GOV173", 6), ("GOV173", 7)],
        "behavior: FAIL",
    ),
    (TASK.replace("core.log.Log, message: hi", "scripts.shell.Script, script: ls, runner: PROCESS"),
     [("GOV173", 4), ("GOV170", 4)], "taskRunner"),
    (TASK.replace("hi", "hi, retry: {type: constant, interval: PT1S, maxAttempt: 2}"), [("GOV173", 4)], "maxAttempts"),
    (TASK + SCHEDULE + f"    conditions: [{{type: {CORE}condition.Weekend}}]\n", [("GOV173", 9)], "when"),
    (TASK + AFTER + "    preconditions: {id: p, flows: [{namespace: n}]}\n", [("GOV173", 8)], "dependsOn"),
    (TASK + "inputs:\n  - {id: a, type: BOOLEAN}\n", [("GOV175", 6)], "BOOL"),
    (TASK + "inputs:\n  - {id: a, type: ENUM, values: [x]}\n", [("GOV175", 6)], "SELECT"),
    (TASK + "inputs:\n  - {id: a, type: MULTISELECT, options: [x]}\n", [("GOV173", 6)], "values"),
    (TASK + "inputs:\n  - {name: a, type: STRING}\n", [("GOV173", 6)], "id"),
    (TASK + "inputs:\n  - {id: a, type: STRING, defaults: x, required: false}\n", [("GOV175", 6)], "prefill"),
    (TASK + "inputs:\n  - {id: a, type: STRING}\n" + SCHEDULE, [("GOV177", 8)], "inputs: {a: "),
    (TASK + "labels: {Team: risk}\n", [("GOV176", 5)], "Rename"),
    (TASK + "labels: [{key: 'a:b', value: x}]\n", [("GOV176", 5)], "Rename"),
    (log("json('{}')"), [("GOV174", 4)], "fromJson"),
    (log("[1] | json"), [("GOV174", 4)], "toJson"),
    (log("read('a', version=1)"), [("GOV174", 4)], "revision"),
    (log("outputDir"), [("GOV174", 4)], "outputFiles"),
    (TASK.replace("hi", "'[[> file.txt]]'"), [("GOV174", 4)], "read"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "codes", "hint"), REFUSED)
def test_what_version_2_refuses_is_an_error_for_it_and_nothing_before(text, codes, hint):
    assert found(text) == codes
    checked = check(HEAD + text, REGISTRY, target="2.0", allow_unknown_types=True)
    told = [one for one in checked.errors if one.code.startswith("GOV17")]
    assert told
    assert any(hint in one.hint for one in told)
    before = check(HEAD + text, REGISTRY, allow_unknown_types=True)
    assert not [one.code for one in before.diagnostics if one.code > "GOV170" and one.code < "GOV179"]
    kept = check(HEAD + text, REGISTRY, target="2.0", allow_unknown_types=True, stored=True)
    assert {one.code for one in kept.warnings} >= {code for code, _ in codes}
    assert not [one for one in kept.errors if one.code.startswith("GOV17")]


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        (TASK.replace("hi", "hi, runIf: 'true'"), 4, "when"),
        (TASK + "checks:\n  - {condition: 'true', message: m}\n", 6, "when"),
        (TASK.replace(CORE + "log.Log", "io.kestra.core.tasks.log.Log"), 4, CORE + "log.Log"),
        (LOOP % "taskrun.value", 10, "item.value"),
        (LOOP % "taskrun.iteration", 10, "item.index"),
        (LOOP % "parents[0].taskrun.value", 10, "item.parents"),
        (LOOP % "currentEachOutput(outputs.t)", 10, "outputs.<task>"),
        (log("execution.state == 'CANCELED'"), 4, "CANCELLED"),
        (TASK + AFTER + "    dependsOn: [{flowId: a}, {flowId: b}]\n    inputs: {x: '{{ trigger.outputs.rows }}'}\n", 9,
         "<flowId>.rows"),
    ],
)  # fmt: skip
def test_what_version_2_still_reads_is_a_warning_for_it(text, line, hint):
    assert found(text) == [("GOV171", line)]
    checked = check(HEAD + text, REGISTRY, target="2.0")
    assert not checked.errors
    assert any(hint in (one.hint or "") for one in checked.warnings)


@pytest.mark.parametrize(
    "text",
    [
        LOOP % "item.value",
        LOOP % "fromJson(item.value) | toJson",
        TASK.replace("hi", "hi, when: 'true'"),
        TASK + "inputs:\n  - {id: a, type: BOOL, prefill: true, required: false}\n",
        TASK + "inputs:\n  - {id: a, type: SELECT, values: [x], defaults: x}\n",
        TASK + "inputs:\n  - {id: a, type: STRING}\n" + SCHEDULE + "    inputs: {a: x}\n    when: '{{ isWeekend(trigger.date) }}'\n",
        TASK + AFTER + "    dependsOn: [{flowId: a}, {flowId: b}]\n    inputs: {x: '{{ trigger.outputs.a.rows }}'}\n",
        TASK + "checks:\n  - {when: 'true', message: m}\n",
        TASK.replace("hi", "hi, retry: {type: constant, interval: PT1S, maxAttempts: 2}"),
        TASK.replace("hi", "hi, workerSelector: {tags: [a]}"),
        TASK + "labels: {team: risk, system.readOnly: 'true'}\n",
    ],
)  # fmt: skip
def test_a_flow_of_version_2_has_nothing_to_change(text):
    assert found(text) == []


def test_a_flow_id_that_its_api_uses_is_refused_and_said_once():
    checked = check("id: pause\nnamespace: n\n" + TASK, REGISTRY, target="2.0")
    assert [(one.code, one.severity) for one in checked.diagnostics] == [("GOV176", "error")]


def test_json_is_no_flow_of_version_2():
    text = (
        '{"id": "f", "namespace": "n", "tasks": [{"id": "t", "type": "io.kestra.plugin.core.log.Log", "message": "m"}]}'
    )
    assert [one.code for one in check(text, REGISTRY, target="2.0").errors] == ["GOV178"]
    assert check(text, REGISTRY).errors == ()


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (TASK, "1.3"),
        (EACH % (CORE + "flow.ForEach", "values: [1]"), "1.3"),
        (LOOP % "item.value", "2.0"),
        (TASK + AFTER + "    dependsOn: [{flowId: a}]\n", "2.0"),
        (TASK + SCHEDULE + "    when: 'true'\n", "2.0"),
        (TASK + "checks:\n  - {when: 'true', message: m}\n", "2.0"),
    ],
)
def test_the_version_is_seen_from_what_a_flow_uses(text, dialect):
    assert check(HEAD + text, REGISTRY).raise_for_errors().dialect == dialect
    assert check(HEAD + text, REGISTRY, target="1.3").raise_for_errors().dialect == "1.3"


def test_a_flow_of_version_2_is_warned_of_what_that_has_removed_and_refused_where_its_rules_are_asked_for():
    text = LOOP % "item.value" + "pluginDefaults: [{type: x, values: {a: b}}]\n"
    checked = check(HEAD + text, REGISTRY)
    assert ([one.code for one in checked.warnings], checked.errors) == (["GOV173"], ())
    assert [one.code for one in check(HEAD + text, REGISTRY, target="2.0").errors] == ["GOV173"]
    assert check(HEAD + text, REGISTRY, target="1.3").errors == ()


def test_the_place_in_an_expression_is_that_of_the_name():
    checked = check(HEAD + log("outputs.t.value ?? json('{}')"), REGISTRY, target="2.0")
    (one,) = checked.errors
    line = (HEAD + log("outputs.t.value ?? json('{}')")).splitlines()[3]
    assert line[one.location.column - 1 :].startswith("json(")
    assert one.replacement == "fromJson()"


def test_runif_and_when_are_one_property():
    checked = check(HEAD + TASK.replace("hi", "hi, runIf: 'true', when: 'true'"), REGISTRY)
    assert [one.code for one in checked.errors] == ["GOV120"]
    flow = check(HEAD + TASK.replace("hi", "hi, when: 'false'"), REGISTRY).raise_for_errors()
    assert flow.tasks[0].run_if == "false"
