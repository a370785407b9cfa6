"""What an execution gets that a trigger starts: variables, labels, inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jupyter_gov.domain.execution import Execution, TriggerInfo
from jupyter_gov.engine.flowables.base import ITERATION
from jupyter_gov.engine.start import CORRELATION
from jupyter_gov.engine.triggers.parse import Parsed
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import ExpressionError
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.models.triggers import FlowTrigger

_SYSTEM = "system."


def flow_context(flow: Flow) -> dict[str, Any]:
    """Return what expressions of a trigger see of the flow that it would start."""
    return {"flow": {"id": flow.id, "namespace": flow.namespace}, "vars": flow.variables}


def upstream_variables(
    execution: Execution, parsed: Parsed | None = None, others: Iterable[Execution] = ()
) -> dict[str, Any]:
    """Return what a Flow trigger shows as ``trigger.*`` of the execution that it reacts to.

    Parameters
    ----------
    parsed
        The trigger. With ``dependsOn`` the outputs are found by the id of the flow as well.
    others
        The executions that came in the same window before, oldest first.
    """
    outputs = dict(execution.outputs or {})
    if parsed is not None and isinstance(parsed.own, FlowTrigger) and parsed.own.depends_on is not None:
        outputs |= {one.flow_id: dict(one.outputs or {}) for one in (*others, execution)}
    return {
        "executionId": execution.id,
        "namespace": execution.namespace,
        "flowId": execution.flow_id,
        "flowRevision": execution.flow_revision,
        "state": str(execution.state),
        "outputs": outputs,
    }


def upstream_context(flow: Flow, execution: Execution) -> dict[str, Any]:
    """Return what conditions and inputs of a Flow trigger see: the upstream execution, and the flow to start."""
    return {
        **flow_context(flow),
        "execution": {"id": execution.id, "startDate": execution.created, "state": str(execution.state)},
        "inputs": execution.inputs,
        "labels": {label.key: label.value for label in execution.labels},
        "outputs": {**outputs_by_task(execution), **(execution.outputs or {})},
        "trigger": upstream_variables(execution),
        "namespace": execution.namespace,
        "flowId": execution.flow_id,
        "state": str(execution.state),
        "hasRetryAttempt": any(len(run.attempts) > 1 for run in execution.task_runs.values()),
    }


def outputs_by_task(execution: Execution) -> dict[str, Any]:
    """Return the outputs of all task runs: by task, then by the loop values around it, the latest run winning.

    Those inside of the iterations of a Loop stay there.
    """
    found: dict[str, Any] = {}
    inside: set[str] = set()
    for run in execution.ordered():
        if run.branch == ITERATION or run.parent_id in inside:
            inside.add(run.id)
        if run.outputs is None or run.id in inside:
            continue
        level, key = found, run.task_id
        for value in run.path:
            level, key = level.setdefault(key, {}), value
        level[key] = dict(run.outputs)
    return found


def labels_for(
    flow: Flow, parsed: Parsed, render: Callable[[str], str], upstream: Execution | None = None
) -> dict[str, str]:
    """Return the labels of the started execution: the flow's and then the trigger's, rendered.

    One that cannot be rendered is left out: a label is no reason not to run. An execution that another one led to
    belongs to the same chain.
    """
    own = {key: value for key, value in flow.labels.items() if not key.startswith(_SYSTEM)}
    found: dict[str, str] = {}
    for key, written in {**own, **parsed.labels}.items():
        try:
            found[key] = render(str(written))
        except ExpressionError:
            continue
    if upstream is not None:
        chain = {label.key: label.value for label in upstream.labels}
        found[CORRELATION] = chain.get(CORRELATION, upstream.id)
    return found


def inputs_for(parsed: Parsed, subject: Subject, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the inputs that a trigger gives, rendered; they are typed with those of a person's start.

    Parameters
    ----------
    more
        Those of a backfill, which win.

    Raises
    ------
    GovError
        One cannot be rendered.
    """
    written = {**parsed.inputs, **(more or {})}
    return dict(expr.render_value(written, subject.context, subject.host))


def trigger_info(parsed: Parsed, variables: Mapping[str, Any]) -> TriggerInfo:
    """Return what the started execution remembers of its trigger."""
    return TriggerInfo(parsed.definition.id, parsed.definition.type, variables)
