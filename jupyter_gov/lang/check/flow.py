"""Checks a flow as a whole: its own keys, then its inputs, tasks and triggers, then names and expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_gov.lang.check.advice import FLOW_WITHOUT_EFFECT, check_after, check_calls, warn_without_effect
from jupyter_gov.lang.check.expressions import Expressions
from jupyter_gov.lang.check.forms import properties_of
from jupyter_gov.lang.check.removed import RESERVED
from jupyter_gov.lang.check.report import described
from jupyter_gov.lang.check.scope import Scope
from jupyter_gov.lang.check.tasks import Tasks, is_nothing
from jupyter_gov.lang.check.triggers import Triggers
from jupyter_gov.lang.diagnostics import quoted
from jupyter_gov.lang.models.flow import Concurrency, Flow, InputDef, OutputDef, TaskDef, index_tasks
from jupyter_gov.lang.models.flow_specs import FlowSpec, OutputSpec, labels_map
from jupyter_gov.lang.nodes import ListNode, MapNode, Node, ScalarNode
from jupyter_gov.lang.ports import Rename

_TASKS = ("tasks", "errors", "finally", "afterExecution")
_OTHER = (*_TASKS, "inputs", "triggers", "listeners", "templates", "extend")
SET_VARIABLES = "io.kestra.plugin.core.execution.SetVariables"
_RENAMES = {"taskDefaults": Rename("pluginDefaults", "that is its name now")}
_REFUSED = {
    "listeners": ("listeners are not supported", "Use errors:, finally:, or a flow with a Flow trigger."),
    "templates": ("templates are not supported", "Use a Subflow task."),
}


def read_flow(root: Node, scope: Scope) -> Flow | None:
    """Return the flow, or None when it cannot be built; problems are in the report."""
    report = scope.report
    if not isinstance(root, MapNode):
        what = "the text is empty" if is_nothing(root) else f"a flow must be a map, got {described(root)}"
        report.error("GOV110", what, root, "Write id:, namespace: and tasks: each on a line of its own.")
        return None
    spec = _own_keys(root, scope)
    scope.defaults.read(root.get("pluginDefaults") or root.get("taskDefaults"))
    inputs, _ = scope.inputs.read(root.get("inputs"), "the flow")
    reader = Tasks(scope)
    tasks, errors, finally_, after = (
        reader.read_list(root.get(name), f"{quoted(name)} of the flow") for name in _TASKS
    )
    _listeners(root.get("listeners"), reader, scope)
    triggers = Triggers(scope).read_list(root.get("triggers"))
    _check_tasks(root, scope)
    _check_names(scope)
    undeclared = _check_expressions(root, scope, inputs, (*tasks, *errors, *finally_, *after))
    if spec is None:
        return None
    flow = Flow(
        id=spec.id,
        namespace=spec.namespace,
        tasks=tasks,
        errors=errors,
        finally_=finally_,
        after_execution=after,
        description=spec.description,
        labels=labels_map(spec.labels),
        inputs=inputs,
        undeclared_inputs=undeclared,
        variables=spec.variables or {},
        outputs=tuple(_output(one) for one in spec.outputs or ()),
        retry=spec.retry.retry() if spec.retry else None,
        concurrency=Concurrency(spec.concurrency.limit, spec.concurrency.behavior) if spec.concurrency else None,
        sla=tuple(one.sla() for one in spec.sla or ()),
        checks=tuple(one.check() for one in spec.checks or ()),
        triggers=triggers,
        disabled=spec.disabled,
        index=index_tasks((*tasks, *errors, *finally_, *after)),
    )
    check_calls(report, flow)
    check_after(report, flow)
    return flow


def _output(spec: OutputSpec) -> OutputDef:
    return OutputDef(spec.id, spec.value, spec.type, spec.description, spec.display_name, spec.required)


def _own_keys(root: MapNode, scope: Scope) -> FlowSpec | None:
    """Check what is neither tasks nor inputs nor triggers."""
    report = scope.report
    own = MapNode(root.line, root.column, root.start)
    for key, entry in root.entries.items():
        if key in _REFUSED and not is_nothing(entry.value):
            message, hint = _REFUSED[key]
            report.error("GOV118", message, entry.key, hint)
        elif key not in _OTHER:
            own.entries[key] = entry
    warn_without_effect(report, root, FLOW_WITHOUT_EFFECT)
    data = scope.converter.members(own, properties_of(FlowSpec), "the flow", _RENAMES, _OTHER)
    scope.defaults.made.append(own)
    spec = scope.validator.validate(FlowSpec, data, own, "the flow", root)
    _check_outputs(root.get("outputs"), scope)
    name = root.get("id")
    if isinstance(name, ScalarNode) and name.text in RESERVED:
        report.warn("GOV164", f"the flow id {quoted(name.text)} is reserved in Kestra 2", name, "Give it another id.")
    return spec


def _check_outputs(node: Node | None, scope: Scope) -> None:
    seen: dict[str, ScalarNode] = {}
    for item in node.items if isinstance(node, ListNode) else ():
        name = item.get("id") if isinstance(item, MapNode) else None
        if isinstance(name, ScalarNode):
            former = seen.setdefault(name.text, name)
            if former is not name:
                message = f"duplicate output id {quoted(name.text)}; line {former.line} has it"
                scope.report.error("GOV115", message, name, "Give one of them another id.")


def _listeners(node: Node | None, reader: Tasks, scope: Scope) -> None:
    """Check the tasks of listeners, which are refused: who rewrites them must know what else is wrong with them."""
    for place, item in enumerate(node.items if isinstance(node, ListNode) else (), 1):
        tasks = item.get("tasks") if isinstance(item, MapNode) else None
        if isinstance(tasks, ListNode) and tasks.items:
            reader.read_list(tasks, f"listener {place}")
        else:
            scope.report.error("GOV117", f'"tasks" of listener {place} must not be empty: no task is defined',
                               tasks or item, "Add a task, or leave the listener out.")  # fmt: skip


def _check_tasks(root: MapNode, scope: Scope) -> None:
    entry = root.entries.get("tasks")
    if entry is None:
        scope.report.error("GOV113", 'the flow needs the key "tasks"', root, "Add tasks: and a list of tasks.")
    elif is_nothing(entry.value) or (isinstance(entry.value, ListNode) and not entry.value.items):
        scope.report.error("GOV117", '"tasks" of the flow must not be empty: no task is defined', entry.key,
                           "Add a task.")  # fmt: skip


def _check_names(scope: Scope) -> None:
    for name, places in scope.places.items():
        for place in places[1:]:
            scope.report.error(
                "GOV115", f"duplicate task id {quoted(name)}; line {places[0].line} has it already", place,
                "Give it another id: all tasks of a flow share one name space.",
            )  # fmt: skip


def _set_on_the_way(tasks: Sequence[TaskDef]) -> frozenset[str] | None:
    """Return the names of variables that tasks set; None if an expression gives them, so that nobody knows yet."""
    found: set[str] = set()
    for task in (one for listed in tasks for one in listed.walk()):
        if task.type == SET_VARIABLES:
            given = task.props.get("variables")
            if not isinstance(given, Mapping):
                return None
            found.update(str(name) for name in given)
    return frozenset(found)


def _check_expressions(
    root: MapNode, scope: Scope, inputs: tuple[InputDef, ...], tasks: Sequence[TaskDef]
) -> tuple[str, ...]:
    for key in ("inputs", "outputs", "labels", "variables", "sla", "checks", "description", "concurrency"):
        value = root.get(key)
        if value is not None:
            scope.use(value, f"{quoted(key)} of the flow")
    variables = root.get("variables")
    names = frozenset(variables.entries) if isinstance(variables, MapNode) else frozenset()
    given = _set_on_the_way(tasks)
    expressions = Expressions(scope, frozenset(one.id for one in inputs), None if given is None else names | given)
    expressions.check()
    return tuple(expressions.undeclared)
