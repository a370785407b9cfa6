"""``pluginDefaults`` inside of tasks and triggers: task runners, conditions."""

from __future__ import annotations

from jupyter_gov.lang.check import check
from jupyter_gov.plugins.registry import Registry

LOG = "tasks:\n  - {id: a, type: io.kestra.plugin.core.log.Log, message: x}\n"
CONDITION = """\
triggers:
  - id: t
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - {type: io.kestra.plugin.core.condition.Expression}
"""


def flow(text):
    return check(f"id: f\nnamespace: n\n{text}", Registry()).raise_for_errors()


def test_a_condition_gets_the_values_of_its_type():
    rule = "{type: io.kestra.plugin.core.condition.Expression, values: {expression: '{{ true }}'}}"
    (trigger,) = flow(f"{LOG}{CONDITION}pluginDefaults: [{rule}]\n").triggers
    assert trigger.props["conditions"][0]["expression"] == "{{ true }}"


def test_an_alias_names_the_same_type_and_what_is_written_wins():
    rule = "{type: io.kestra.core.models.conditions.types.ExpressionCondition, values: {expression: '{{ true }}'}}"
    text = CONDITION.replace("Expression}", "Expression, expression: own}")
    (trigger,) = flow(f"{LOG}{text}pluginDefaults: [{rule}]\n").triggers
    assert trigger.props["conditions"][0]["expression"] == "own"


def test_a_task_runner_gets_the_values_of_its_type():
    task = (
        "tasks:\n  - id: a\n    type: io.kestra.plugin.scripts.shell.Commands\n    commands: [ls]\n"
        "    taskRunner: {type: io.kestra.plugin.core.runner.Process}\n"
    )
    rule = "{type: io.kestra.plugin.core.runner.Process, values: {}}"
    (one,) = flow(f"{task}pluginDefaults: [{rule}]\n").tasks
    assert one.props["taskRunner"]["type"] == "io.kestra.plugin.core.runner.Process"


def test_a_rule_for_many_types_gives_a_value_inside_only_what_it_can_take():
    rule = "{type: io.kestra.plugin.core, values: {message: hello, expression: '{{ true }}'}}"
    text = "tasks:\n  - {id: a, type: io.kestra.core.tasks.debugs.Return, format: x}\n"
    found = check(f"id: f\nnamespace: n\n{text}{CONDITION}pluginDefaults: [{rule}]\n", Registry())
    assert not [one for one in found.errors if "ondition" in one.message]
