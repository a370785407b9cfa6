"""What is well formed and still wants a word: gates that nobody has to answer, flows that call themselves."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_gov.lang.check.report import Report
from jupyter_gov.lang.diagnostics import quoted
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.lang.nodes import Entry, MapNode, Node, ScalarNode

PAUSE = "io.kestra.plugin.core.flow.Pause"
HUMAN_TASK = "io.kestra.plugin.ee.flow.HumanTask"
FLOW_WITHOUT_EFFECT: Mapping[str, str] = {
    "workerGroup": "is accepted and has no effect in this version",
    "workerSelector": "is accepted and has no effect in this version",
    "extend": "is the metadata of a blueprint and has no effect",
}
"""Keys of a flow, or values below them, that do nothing -> what is said about them."""
TASK_WITHOUT_EFFECT: Mapping[str, str] = {
    "taskCache": "is accepted and has no effect in this version",
    "assets": "is accepted and has no effect in this version",
    "workerGroup": "is accepted and has no effect in this version",
    "workerSelector": "is accepted and has no effect in this version",
}
"""The same for what all tasks have."""
TRIGGER_WITHOUT_EFFECT: Mapping[str, str] = {
    "wait: true": "is accepted and has no effect in this version: the call does not wait for the end",
    "returnOutputs: true": "is accepted and has no effect in this version: the call does not wait for the end",
    "interval": "is accepted and has no effect: dates are not looked for by polling",
    "logLevel": "is accepted and has no effect in this version",
    "logToFile: true": "is accepted and has no effect in this version",
    "failOnTriggerError": "is accepted and has no effect in this version",
    "assets": "is accepted and has no effect in this version",
    "workerGroup": "is accepted and has no effect in this version",
}
"""The same for triggers."""
_ITSELF = ({"{{ flow.namespace }}", "{{flow.namespace}}"}, {"{{ flow.id }}", "{{flow.id}}"})


def advise(report: Report, task: TaskDef, own: MapNode, slots: Mapping[str, Entry], at: Node) -> None:
    """Warn about what one task does that its author may not expect."""
    if task.type in (PAUSE, HUMAN_TASK):
        _gate(report, task, own, at)
        if "tasks" in slots:
            report.warn("GOV160", f'"tasks" of task {quoted(task.id)} is deprecated', slots["tasks"].key,
                        "write the tasks after the gate")  # fmt: skip


def warn_without_effect(report: Report, node: MapNode, table: Mapping[str, str]) -> None:
    """Warn about what is accepted so that a flow can be used unchanged, and does nothing."""
    for written, effect in table.items():
        path, _, value = written.partition(": ")
        found: Entry | None = None
        here: Node | None = node
        for key in path.split("."):
            found = here.entries.get(key) if isinstance(here, MapNode) else None
            here = found.value if found is not None else None
        holds = not value or (isinstance(here, ScalarNode) and here.text == value)
        if found is not None and holds:
            report.warn("GOV163", f"{quoted(written)} {effect}", found.value if value else found.key)


def _gate(report: Report, task: TaskDef, own: MapNode, at: Node) -> None:
    timed = next((name for name in ("pauseDuration", "delay") if name in task.props), None)
    default = "RESUME" if task.type == PAUSE else "FAIL"
    behavior = "RESUME" if timed == "delay" else task.props.get("behavior") or default
    if timed is not None and behavior in ("RESUME", "WARN"):
        entry = own.entries.get(timed)
        report.warn(
            "GOV162",
            f"task {quoted(task.id)} goes on without a human after {quoted(task.props[timed])}: it is a timed wait, "
            "and is never shown as approved",
            entry.key if entry else at,
            "Write behavior: FAIL or CANCEL if a person must approve."
            if timed == "pauseDuration"
            else "Write pauseDuration and behavior: FAIL if a person must approve.",
        )


def check_after(report: Report, flow: Flow) -> None:
    """Refuse a gate after the end: there is nothing left that it could hold back."""
    for task in (found for one in flow.after_execution for found in one.walk()):
        if task.type in (PAUSE, HUMAN_TASK, "jupyter_gov.flow.Approval") and task.location:
            report.error("GOV118", f"task {quoted(task.id)} is a gate after the end of the execution", task.location,
                         "Put it under tasks: or finally:, where it can hold something back.")  # fmt: skip


def check_calls(report: Report, flow: Flow) -> None:
    """Refuse a flow that calls itself directly: it would never end."""
    for task in flow.walk():
        if not task.type.endswith(".flow.Subflow"):
            continue
        namespace, flow_id = str(task.props.get("namespace")), str(task.props.get("flowId"))
        if namespace in {flow.namespace, *_ITSELF[0]} and flow_id in {flow.id, *_ITSELF[1]} and task.location:
            report.error("GOV141", f"task {quoted(task.id)} calls the flow {quoted(flow.id)} that it belongs to",
                         task.location, "Call another flow, or use a loop.")  # fmt: skip
