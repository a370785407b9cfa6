"""Makes the one document that every view of a run shows, from values that the service handed out. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.execution import Execution, Failure, TaskRun
from jupyter_gov.domain.states import History, State
from jupyter_gov.engine.graph import topology
from jupyter_gov.kernel.display.gates import approval, log_line
from jupyter_gov.kernel.display.material import Material
from jupyter_gov.kernel.display.scrub import Scrubber, as_text, bounded, named, scrubber
from jupyter_gov.kernel.snapshot_types import (
    SERVER_PATH,
    ExecutionSnapshot,
    FailureSnapshot,
    GraphSnapshot,
    ProgressSnapshot,
    Snapshot,
    TaskSnapshot,
    ViewerSnapshot,
)
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.legible import legible

MAX_TASKS = 500
GATES = frozenset(
    {"io.kestra.plugin.core.flow.Pause", "io.kestra.plugin.ee.flow.HumanTask", "jupyter_gov.flow.Approval"}
)
_KILLABLE = frozenset({State.CREATED, State.QUEUED, State.RUNNING, State.PAUSED, State.RETRYING, State.RESTARTED})
_RESTARTABLE = frozenset({State.FAILED, State.KILLED, State.WARNING, State.CANCELLED})


def build(material: Material) -> Snapshot:
    """Return the document that shows one moment of an execution."""
    scrub = scrubber(material.execution.workdir)
    tasks = [_task(run, material, scrub) for run in material.execution.ordered()[-MAX_TASKS:]]
    messages = [*material.messages]
    hidden = len(material.execution.task_runs) - len(tasks)
    if hidden > 0:
        messages.append({"level": "info", "text": f"{hidden} earlier task runs are not shown here."})
    document: Snapshot = {
        "execution": _execution(material, scrub),
        "graph": graph(material.flow),
        "tasks": tasks,
        "approvals": [approval(detail, material, scrub) for detail in material.approvals],
        "messages": messages,
        "verbs": verbs(material.execution),
        "updatedAt": material.now.isoformat(),
        "viewer": _viewer(material.viewer),
        "serverPath": SERVER_PATH,
    }
    # Here and nowhere else: card, text, widget and JSON all show this document.
    return cast("Snapshot", legible(document))


def _viewer(actor: Actor | None) -> ViewerSnapshot | None:
    return None if actor is None else {"id": actor.id, "name": actor.name, "assurance": str(actor.assurance)}


def verbs(execution: Execution) -> list[Literal["kill", "restart"]]:
    """Return what may be asked of an execution in its present state."""
    if execution.state in _KILLABLE:
        return ["kill"]
    return ["restart"] if execution.state in _RESTARTABLE else []


def graph(flow: Flow | None) -> GraphSnapshot:
    """Return the topology of a flow for drawing; nothing if the flow is not at hand."""
    if flow is None:
        return {"nodes": [], "edges": []}
    found = topology(flow)
    return {
        "nodes": [
            {
                "id": node.id,
                "label": node.label,
                "type": node.type,
                "kind": _kind(flow.index.get(node.id)),
                "parent": node.parent,
            }
            for node in found.nodes
        ],
        "edges": [(edge.source, edge.target, edge.label or "") for edge in found.edges],
    }


def _kind(task: TaskDef | None) -> Literal["task", "gate", "group"]:
    if task is None:
        return "task"
    if task.type in GATES:
        return "gate"
    return "group" if task.slots else "task"


def _execution(material: Material, scrub: Scrubber) -> ExecutionSnapshot:
    execution = material.execution
    ended = execution.history.ended
    return {
        "id": execution.id,
        "flow": execution.flow_id,
        "namespace": execution.namespace,
        "revision": execution.flow_revision,
        "digest": execution.flow_digest,
        "state": execution.state.value,
        "created": execution.created.isoformat(),
        "ended": ended.isoformat() if ended else None,
        "starter": execution.starter,
        "runAs": execution.run_as,
        "inputs": named(execution.inputs, scrub),
        "outputs": named(execution.outputs, scrub),
        "failure": failure(execution.failure, scrub),
        "labels": {label.key: scrub(label.value) for label in execution.labels},
    }


def failure(found: Failure | None, scrub: Scrubber) -> FailureSnapshot | None:
    """Return a failure as it is shown: one sentence, and the details as text."""
    if found is None:
        return None
    shown: FailureSnapshot = {"code": found.code, "message": bounded(scrub(found.message))[0]}
    details = dict(found.details or {})
    hint = details.pop("hint", None)
    if hint:
        shown["hint"] = scrub(str(hint))
    if details:
        text = "\n".join(f"{key}: {as_text(value)}" for key, value in details.items() if value not in (None, ""))
        shown["details"] = bounded(scrub(text))[0]
    return shown


def _started(history: History) -> datetime | None:
    return next((moment.at for moment in history.moments if moment.state is not State.CREATED), None)


def _depth(run: TaskRun, execution: Execution) -> int:
    depth, parent = 0, run.parent_id
    while parent is not None and depth < 100:
        found = execution.task_runs.get(parent)
        parent, depth = (found.parent_id if found else None), depth + 1
    return depth


def _task(run: TaskRun, material: Material, scrub: Scrubber) -> TaskSnapshot:
    definition = material.flow.index.get(run.task_id) if material.flow else None
    started, ended = _started(run.history), run.history.ended
    return {
        "id": run.id,
        "taskId": run.task_id,
        "type": definition.type if definition else "",
        "value": None if run.value is None else bounded(scrub(run.value), 200)[0],
        "depth": _depth(run, material.execution),
        "parentId": run.parent_id,
        "state": run.state.value,
        "started": started.isoformat() if started else None,
        "ended": ended.isoformat() if ended else None,
        "attempts": max(len(run.attempts), 0),
        "failure": failure(run.failure, scrub),
        "outputs": named(run.outputs, scrub),
        "progress": _progress(material.progress.get(run.id)),
        "logs": [log_line(line, scrub) for line in material.logs.get(run.id, ())],
        "logTotal": material.log_totals.get(run.id, 0),
    }


def _progress(found: tuple[int, int, str] | None) -> ProgressSnapshot | None:
    return None if found is None else {"done": found[0], "total": found[1], "label": found[2]}
