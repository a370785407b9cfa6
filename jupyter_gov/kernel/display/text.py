"""Plain text of a snapshot, aligned, at most 100 columns: for consoles, logs and faces without HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from jupyter_gov.kernel.display import facts
from jupyter_gov.kernel.snapshot_types import ApprovalSnapshot, FailureSnapshot, NamedText, Snapshot
from jupyter_gov.service import words

WIDTH = 100
_ROWS = 200
_VALUE_LINES = 12


def run_text(snapshot: Snapshot) -> str:
    """Return everything a person needs of a run, as lines of at most ``WIDTH`` characters."""
    return "\n".join(words.cut(line, WIDTH) if len(line) > WIDTH else line for line in _lines(snapshot))


def line_text(snapshot: Snapshot) -> str:
    """Return one line that says where the run stands."""
    run = snapshot["execution"]
    line = f"{words.symbol(run['state'])} {run['state']} {run['flow']} · {facts.sentence(snapshot)}"
    return words.cut(f"{line} · {words.short_id(run['id'])}", WIDTH)


def _lines(snapshot: Snapshot) -> Iterator[str]:
    run = snapshot["execution"]
    yield f"{words.symbol(run['state'])} {run['state']}  {run['namespace']}.{run['flow']}  revision {run['revision']}"
    if not run["ended"]:
        yield f"  State when saved, {facts.when(snapshot['updatedAt'])}: it may have gone on since."
        yield f"  See now: %gov show {words.short_id(run['id'])}"
    took = f", took {facts.span(run['created'], run['ended'])}" if run["ended"] else ""
    yield f"  execution {run['id']}, started {facts.when(run['created'])} by {run['starter']}{took}"
    for message in snapshot["messages"]:
        yield from _wrapped(f"{message['level']}: {message['text']} {message.get('hint') or ''}".rstrip(), "  ")
    if run["failure"]:
        yield from _failure(run["failure"])
    for gate in snapshot["approvals"]:
        yield from _gate(gate)
    yield from _tasks(snapshot)
    yield from _values("inputs", run["inputs"])
    yield from _values("outputs", run["outputs"])
    if run["ended"]:
        yield f"  as of {facts.when(snapshot['updatedAt'])}; read again: %gov show {words.short_id(run['id'])}"


def _wrapped(text: str, indent: str) -> Iterator[str]:
    for line in text.splitlines() or [""]:
        yield from textwrap.wrap(line, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ") or [""]


def _failure(failure: FailureSnapshot) -> Iterator[str]:
    yield from _wrapped(f"{failure['code']} {failure['message']}", "  ")
    if failure.get("hint"):
        yield from _wrapped(str(failure["hint"]), "    ")


def _gate(gate: ApprovalSnapshot) -> Iterator[str]:
    sign = words.symbol(facts.state_of(gate["status"]))
    yield ""
    yield from _wrapped(f"{sign} {facts.gate_name(gate)}: {gate['status']}", "  ")
    yield from _wrapped(gate["description"], "    ")
    for artefact in gate["artefacts"]:
        yield f"    {artefact['name']}:"
        yield from _block(artefact["text"], "      ")
    if gate["status"] == "OPEN":
        until = f", until {facts.when(gate['deadline'])} (then {gate['behavior']})" if gate["deadline"] else ""
        yield from _wrapped(f"may be answered by {facts.who(gate['assignment'])}{until}", "    ")
        for field in gate["form"]:
            yield f"    asks for {field['id']} ({field['type']})"
        approve, reject = words.decide_commands(gate["id"])
        yield f"    {approve}   |   {reject}"
        return
    reason = f": {gate['reason']}" if gate["reason"] else ""
    yield from _wrapped(f"by {gate['statusBy']}, {facts.when(gate['statusAt'])}{reason}", "    ")
    yield from _values("answers", gate["answers"])


def _tasks(snapshot: Snapshot) -> Iterator[str]:
    tasks = snapshot["tasks"][:_ROWS]
    if not tasks:
        return
    names = [
        "  " * task["depth"] + task["taskId"] + ("" if task["value"] is None else f" [{task['value']}]")
        for task in tasks
    ]
    until = None if snapshot["execution"]["ended"] else snapshot["updatedAt"]
    width = min(max(len("TASK"), *map(len, names)), 42)
    yield ""
    yield f"  {'TASK':<{width}}  {'STATE':<11}  {'TIME':>9}  NOTE"
    for name, task in zip(names, tasks, strict=True):
        state = f"{words.symbol(task['state'])} {task['state']}"
        took = facts.span(task["started"], task["ended"] or until)
        shown = name if len(name) <= width else name[: width - 1] + "…"
        note = words.cut(facts.note(task), WIDTH - width - 30)
        yield f"  {shown:<{width}}  {state:<11}  {took:>9}  {note}".rstrip()
    if len(snapshot["tasks"]) > _ROWS:
        yield f"  … and {len(snapshot['tasks']) - _ROWS} more task runs"
    waiting = facts.not_reached(snapshot)
    if waiting:
        yield from _wrapped(f"not reached yet: {', '.join(waiting)}", "  ")
    yield ""


def _values(title: str, values: Sequence[NamedText]) -> Iterator[str]:
    if not values:
        return
    yield f"  {title}:"
    for value in values:
        if "\n" in value["text"] or len(value["text"]) > 60:
            yield f"    {value['name']}:"
            yield from _block(value["text"], "      ")
        else:
            yield f"    {value['name']} = {value['text']}"


def _block(text: str, indent: str) -> Iterator[str]:
    lines = [line for part in text.splitlines() for line in (textwrap.wrap(part, WIDTH - len(indent)) or [""])]
    yield from (indent + line for line in lines[:_VALUE_LINES])
    if len(lines) > _VALUE_LINES:
        yield f"{indent}… {len(lines) - _VALUE_LINES} more lines"
