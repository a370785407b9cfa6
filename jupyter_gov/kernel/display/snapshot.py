"""Makes the one document that every view of a run shows, from values that the service handed out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.domain.execution import Execution, Failure, TaskRun
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import History, State
from jupyter_gov.engine.graph import topology
from jupyter_gov.kernel.display.scrub import Scrubber, as_text, bounded, legible, named, scrubber
from jupyter_gov.kernel.snapshot_types import (
    SERVER_PATH,
    ApprovalSnapshot,
    ExecutionSnapshot,
    FailureSnapshot,
    FormField,
    GraphSnapshot,
    LogSnapshot,
    MessageSnapshot,
    NamedText,
    ProgressSnapshot,
    Snapshot,
    SubjectSnapshot,
    TaskSnapshot,
)
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.service.api import ApprovalDetail

MAX_TASKS = 500
GATES = frozenset(
    {"io.kestra.plugin.core.flow.Pause", "io.kestra.plugin.ee.flow.HumanTask", "jupyter_gov.flow.Approval"}
)
_KILLABLE = frozenset({State.CREATED, State.QUEUED, State.RUNNING, State.PAUSED, State.RETRYING, State.RESTARTED})
_RESTARTABLE = frozenset({State.FAILED, State.KILLED, State.WARNING, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a snapshot is made of.

    Attributes
    ----------
    logs
        Task run id (None: the execution itself) -> its newest lines.
    log_totals
        Task run id -> how many lines there are.
    artefacts
        URI -> text of a file that a gate refers to.
    decisions
        Approval id -> number of the audit entry that recorded its decision.
    """

    execution: Execution
    now: datetime
    flow: Flow | None = None
    approvals: Sequence[ApprovalDetail] = ()
    logs: Mapping[str | None, Sequence[LogLine]] = field(default_factory=dict)
    log_totals: Mapping[str | None, int] = field(default_factory=dict)
    progress: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)
    artefacts: Mapping[str, str] = field(default_factory=dict)
    decisions: Mapping[str, int] = field(default_factory=dict)
    messages: Sequence[MessageSnapshot] = ()


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
        "approvals": [_approval(detail, material, scrub) for detail in material.approvals],
        "messages": messages,
        "verbs": verbs(material.execution),
        "updatedAt": material.now.isoformat(),
        "serverPath": SERVER_PATH,
    }
    # Here and nowhere else: card, text, widget and JSON all show this document.
    return cast("Snapshot", legible(document))


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
        "logs": [_log(line, scrub) for line in material.logs.get(run.id, ())],
        "logTotal": material.log_totals.get(run.id, 0),
    }


def _progress(found: tuple[int, int, str] | None) -> ProgressSnapshot | None:
    return None if found is None else {"done": found[0], "total": found[1], "label": found[2]}


def _log(line: LogLine, scrub: Scrubber) -> LogSnapshot:
    message = bounded(scrub(line.message), 1_000)[0]
    return {"id": line.id, "level": line.level, "at": line.at.isoformat(), "message": message}


def _approval(detail: ApprovalDetail, material: Material, scrub: Scrubber) -> ApprovalSnapshot:
    gate = detail.approval
    is_open = gate.status is ApprovalStatus.OPEN
    return {
        "id": gate.id,
        "taskId": gate.task_id,
        "taskRunId": gate.task_run_id,
        "status": gate.status.value,
        "title": gate.title,
        "description": bounded(scrub(gate.description))[0],
        "artefacts": _artefacts(gate.artefacts, material, scrub),
        "form": [form_field(declared) for declared in gate.form],
        "verdicts": [verdict.value for verdict in Verdict] if is_open else [],
        "subjectDigest": gate.subject_digest,
        "subject": _subject(gate.subject, material, scrub),
        "openedAt": gate.opened_at.isoformat(),
        "deadline": gate.deadline.isoformat() if gate.deadline else None,
        "behavior": gate.behavior,
        "assignment": {"users": sorted(gate.assignment.users), "groups": sorted(gate.assignment.groups)},
        "votes": [
            {
                "by": vote.actor_name,
                "at": vote.at.isoformat(),
                "verdict": vote.verdict.value,
                "reason": vote.reason,
                "assurance": vote.assurance,
            }
            for vote in detail.votes
        ],
        "canDecide": detail.can_decide and is_open,
        "whyNot": detail.why_not,
        "statusBy": gate.status_by,
        "statusAt": gate.status_at.isoformat() if gate.status_at else None,
        "reason": gate.reason,
        "answers": named(gate.inputs, scrub),
        "auditSeq": material.decisions.get(gate.id),
    }


def _artefacts(artefacts: Sequence[Mapping[str, str]], material: Material, scrub: Scrubber) -> list[NamedText]:
    shown: list[NamedText] = []
    for artefact in artefacts:
        text = material.artefacts.get(artefact["uri"])
        if text is not None:
            beginning, truncated = bounded(scrub(text))
            shown.append({"name": artefact["name"], "text": beginning, "truncated": truncated})
    return shown


def _subject(subject: Mapping[str, Any], material: Material, scrub: Scrubber) -> SubjectSnapshot:
    # The subject commits to digests and shown values; keys that are missing were simply not part of it.
    flow = subject.get("flow")
    flow = flow if isinstance(flow, Mapping) else {}
    inputs = subject.get("inputs")
    return {
        "revision": int(flow.get("revision", material.execution.flow_revision)),
        "digest": str(flow.get("digest", material.execution.flow_digest)),
        "inputs": named(inputs if isinstance(inputs, Mapping) else {}, scrub),
        "upstream": [
            {"name": _place(item), "digest": str(item["outputs"])}
            for item in subject.get("upstream", ())
            if item["outputs"]
        ],
    }


def _place(upstream: Mapping[str, Any]) -> str:
    path = "/".join(str(value) for value in upstream.get("path", ()))
    return f"{upstream['task']}[{path}]" if path else str(upstream["task"])


def form_field(declared: Mapping[str, Any]) -> FormField:
    """Return one ``onResume`` input as a form shows it."""
    identifier = str(declared.get("id", ""))
    values = declared.get("values")
    return {
        "id": identifier,
        "type": str(declared.get("type", "STRING")).upper(),
        "label": str(declared.get("displayName") or identifier),
        "description": declared.get("description"),
        "required": bool(declared.get("required", True)),
        "defaults": declared.get("defaults", declared.get("prefill")),
        "values": [str(value) for value in values]
        if isinstance(values, Sequence) and not isinstance(values, str)
        else None,
        "allowCustomValue": bool(declared.get("allowCustomValue", False)),
        "minimum": declared.get("min", declared.get("after")),
        "maximum": declared.get("max", declared.get("before")),
        "validator": declared.get("validator"),
    }
