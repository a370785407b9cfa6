"""Runs in a terminal, for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jupyter_gov.cli import screen
from jupyter_gov.domain.approval import Approval, ApprovalStatus
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.sealed import veiled
from jupyter_gov.service import outcome, words
from jupyter_gov.service.api import ApprovalDetail

_LEVELS = {"ERROR": "red", "WARN": "yellow", "DEBUG": "dim", "TRACE": "dim"}


def ending(execution: Execution, gates: Sequence[Approval]) -> None:
    """Print how an execution stands, in one or two lines."""
    name = f"{execution.namespace}.{execution.flow_id}"
    took = words.duration(execution.history.duration())
    screen.line(screen.state_text(execution.state), f" {name} {words.short_id(execution.id)} ({took})")
    error = outcome.error_of(execution, gates)
    if error is not None:
        screen.say(f"{error.code} {error.message}", stderr=True)
        if error.hint:
            screen.say(f"  {error.hint}", stderr=True)
    for key, value in (execution.outputs or {}).items():
        screen.say(f"  {key} = {_text(value)}")


def run(execution: Execution, gates: Sequence[ApprovalDetail]) -> None:
    """Print everything a person asks first of a run."""
    ending(execution, [gate.approval for gate in gates])
    labels = {label.key: label.value for label in execution.labels if not label.key.startswith("system.")}
    screen.fields(
        {
            "id": execution.id,
            "revision": str(execution.flow_revision),
            "digest": execution.flow_digest,
            "started": f"{words.moment(execution.created)} by {execution.starter}",
            "ended": words.moment(execution.history.ended),
            "run as": execution.run_as,
            "labels": labels,
            "inputs": veiled(execution.inputs),
        }
    )
    rows = [
        (
            "  " * _depth(execution, found.parent_id)
            + found.task_id
            + (f" [{found.value}]" if found.value is not None else ""),
            screen.state_text(found.state),
            words.duration(found.history.duration()) if found.history.ended else "",
            found.failure.message
            if found.failure
            else (f"attempt {len(found.attempts)}" if len(found.attempts) > 1 else ""),
        )
        for found in execution.ordered()
    ]
    screen.table(("Task", "State", "Time", "Note"), rows, empty="No task has begun.")
    for gate in gates:
        _gate(gate.approval)


def _gate(gate: Approval) -> None:
    screen.say(f"gate {gate.task_id}: {gate.status.value}", style="bold")
    screen.block(gate.description)
    if gate.status is ApprovalStatus.OPEN:
        for command in words.decide_commands(gate.id):
            screen.say(f"    {command}")
        return
    why = f": {gate.reason}" if gate.reason else ""
    screen.say(f"    by {gate.status_by}, {words.moment(gate.status_at)}{why}")
    screen.say(f"    subject {gate.subject_digest}")


def log_line(line: LogLine) -> None:
    """Print one log line."""
    at = line.at.astimezone().strftime("%H:%M:%S.%f")[:-3]
    screen.line(
        (f"{at} {line.level:<5} ", _LEVELS.get(line.level, "")), (f"{line.task_id or '-'}: ", "bold"), line.message
    )


def _depth(execution: Execution, parent: str | None) -> int:
    depth = 0
    while parent is not None and depth < 50:
        found = execution.task_runs.get(parent)
        parent, depth = (found.parent_id if found else None), depth + 1
    return depth


def _text(value: Any) -> str:
    return words.cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), 160)
