"""Small readings of a snapshot that HTML and text share."""

from __future__ import annotations

from datetime import datetime

from jupyter_gov.kernel.snapshot_types import ApprovalSnapshot, AssignmentSnapshot, Snapshot, TaskSnapshot
from jupyter_gov.service import words

_ENDED = frozenset({"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "SKIPPED", "RETRIED"})
_GATE_STATES = {
    "OPEN": "PAUSED",
    "APPROVED": "SUCCESS",
    "REJECTED": "FAILED",
    "EXPIRED": "FAILED",
    "WITHDRAWN": "CANCELLED",
}

# Of a loop's task runs a graph shows the state that says most; labextension/src/model/states.ts has the same order.
_WEIGHT = ("FAILED", "KILLED", "KILLING", "PAUSED", "RUNNING", "RETRYING", "WARNING", "CREATED", "SUCCESS")


def state_of(word: str) -> str:
    """Return the state whose sign and colour a gate's status wears."""
    return _GATE_STATES.get(word, word)


def when(text: str | None) -> str:
    """Return a time of the snapshot as people read it."""
    return words.moment(datetime.fromisoformat(text)) if text else ""


def span(start: str | None, end: str | None) -> str:
    """Return the time between two moments of the snapshot; nothing while one is missing."""
    if not start or not end:
        return ""
    return words.duration(datetime.fromisoformat(end) - datetime.fromisoformat(start))


def gate_name(gate: ApprovalSnapshot) -> str:
    """Return what a gate is called; its title stands for the id of its task unless it is that id."""
    task_id = gate["taskId"]
    name = task_id if "gate" in task_id.lower() else f"gate {task_id}"
    return name if gate["title"] in {"", task_id} else f"{gate['title']} (gate {task_id})"


def states(snapshot: Snapshot) -> dict[str, str]:
    """Return the state that the runs of each task show together."""
    shown: dict[str, str] = {}
    for task in snapshot["tasks"]:
        known = shown.get(task["taskId"])
        if known is None or _weight(task["state"]) < _weight(known):
            shown[task["taskId"]] = task["state"]
    return shown


def _weight(state: str) -> int:
    return _WEIGHT.index(state) if state in _WEIGHT else len(_WEIGHT)


def who(assignment: AssignmentSnapshot) -> str:
    """Return who may answer a gate, in words."""
    users = [f"user {name}" for name in assignment["users"]]
    groups = [f"group {name}" for name in assignment["groups"]]
    return ", ".join(users + groups) or "any approver"


def note(task: TaskSnapshot) -> str:
    """Return what is worth saying beside a task's state."""
    if task["failure"]:
        return f"{task['failure']['code']}: {task['failure']['message']}"
    if task["progress"] and task["state"] == "RUNNING":
        progress = task["progress"]
        return f"{progress['done']}/{progress['total'] or '?'} {progress['label']}".rstrip()
    return f"attempt {task['attempts']}" if task["attempts"] > 1 else ""


def counted(snapshot: Snapshot) -> tuple[int, int]:
    """Return how many leaf task runs ended, and how many tasks there are or will be as far as is known."""
    groups = {node["id"] for node in snapshot["graph"]["nodes"] if node["kind"] == "group"}
    leaves = [task for task in snapshot["tasks"] if task["taskId"] not in groups]
    done = sum(task["state"] in _ENDED for task in leaves)
    known = {node["id"] for node in snapshot["graph"]["nodes"]} - groups
    return done, max(len(leaves), len(known))


def not_reached(snapshot: Snapshot) -> list[str]:
    """Return the tasks of a run that goes on which have no task run yet."""
    if snapshot["execution"]["ended"]:
        return []
    begun = {task["taskId"] for task in snapshot["tasks"]}
    return [node["id"] for node in snapshot["graph"]["nodes"] if node["id"] not in begun]


def sentence(snapshot: Snapshot) -> str:
    """Return where the run stands, in a few words."""
    run = snapshot["execution"]
    gates = [gate["taskId"] for gate in snapshot["approvals"] if gate["status"] == "OPEN"]
    if gates:
        return "waits for approval at " + ", ".join(gates)
    if run["ended"]:
        return f"took {span(run['created'], run['ended'])}"
    done, total = counted(snapshot)
    active = [task["taskId"] for task in snapshot["tasks"] if task["state"] in {"RUNNING", "RETRYING"}]
    leaf = active[-1] if active else ""
    elapsed = span(run["created"], snapshot["updatedAt"])
    return " · ".join(part for part in (f"{done}/{total}", leaf, elapsed) if part)
