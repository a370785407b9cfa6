"""What a gate binds its votes to: everything an approver saw, and its digest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jupyter_gov.domain.canonical import digest, plain
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.engine.flowables.base import Gate

_URI = re.compile(r"(?:kestra|gov)://[^\s\"'<>)\]},]+")


def subject_of(execution: Execution, run: TaskRun, gate: Gate) -> dict[str, Any]:
    """Return what is approved at a gate.

    Upstream outputs appear by digest; a stored file's URI contains the digest of its content, so a digest of outputs
    binds the artefacts too.
    """
    upstream = [
        {"task": found.task_id, "path": list(found.path), "state": str(found.state), "outputs": found.outputs_digest}
        for found in execution.ordered()
        if found.outputs_digest is not None and found.id != run.id
    ]
    return {
        "execution": execution.id,
        "flow": {
            "namespace": execution.namespace,
            "id": execution.flow_id,
            "revision": execution.flow_revision,
            "digest": execution.flow_digest,
        },
        "inputs": plain(execution.inputs),
        "gate": {
            "task": run.task_id,
            "path": list(run.path),
            "title": gate.title,
            "description": gate.description,
            "form": plain(gate.form),
            "assignment": {"users": sorted(gate.assignment.users), "groups": sorted(gate.assignment.groups)},
        },
        "upstream": upstream,
    }


def subject_digest(subject: Mapping[str, Any]) -> str:
    """Return the digest that a vote must carry."""
    return digest(subject)


def artefacts_in(text: str) -> tuple[Mapping[str, str], ...]:
    """Return the files that a rendered description names, to be shown inline."""
    uris = dict.fromkeys(match.group().rstrip(".;:") for match in _URI.finditer(text))
    return tuple({"name": uri.rsplit("/", 1)[-1], "uri": uri} for uri in uris)
