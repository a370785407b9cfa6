"""A gate as it is shown: the question, what an answer binds itself to, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.kernel.display.material import Material
from jupyter_gov.kernel.display.scrub import Scrubber, bounded, named
from jupyter_gov.kernel.snapshot_types import (
    ApprovalSnapshot,
    FormField,
    LogSnapshot,
    NamedText,
    SubjectSnapshot,
    UpstreamDigest,
)
from jupyter_gov.service.api import ApprovalDetail

MOST_UPSTREAM = 50
UPSTREAM_TEXT = 1_000
UPSTREAM_LINES = 10


def log_line(line: LogLine, scrub: Scrubber) -> LogSnapshot:
    """Return a line of a log as it is shown."""
    message = bounded(scrub(line.message), 1_000)[0]
    return {"id": line.id, "level": line.level, "at": line.at.isoformat(), "message": message}


def approval(detail: ApprovalDetail, material: Material, scrub: Scrubber) -> ApprovalSnapshot:
    """Return a gate as it is shown: what is asked, on what ground, and what became of it."""
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
        "upstream": upstream(subject, material, scrub),
    }


def upstream(subject: Mapping[str, Any], material: Material, scrub: Scrubber) -> list[UpstreamDigest]:
    """Return what a gate rests on: each digest, and the outputs that it is the digest of."""
    found = [item for item in subject.get("upstream", ()) if item["outputs"]]
    # Looked up by the digest too: a page must never show under a digest what is not of that digest.
    runs = {(run.task_id, run.path, run.outputs_digest): run for run in material.execution.ordered()}
    shown: list[UpstreamDigest] = []
    for item in found:
        key = (str(item["task"]), tuple(item.get("path", ())), str(item["outputs"]))
        run = runs.get(key) if len(shown) < MOST_UPSTREAM else None
        shown.append(
            {
                "name": _place(item),
                "digest": str(item["outputs"]),
                "outputs": None if run is None else named(run.outputs, scrub, UPSTREAM_TEXT),
                "logs": [] if run is None else _tail(run, material, scrub),
                "logTotal": 0 if run is None else material.log_totals.get(run.id, 0),
            }
        )
    return shown


def _tail(run: TaskRun, material: Material, scrub: Scrubber) -> list[LogSnapshot]:
    lines = list(material.logs.get(run.id, ()))[-UPSTREAM_LINES:]
    return [log_line(line, scrub) for line in lines]


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
