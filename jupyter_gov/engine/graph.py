"""The shape of a flow as nodes and edges, for pictures: the widget's graph, and mermaid text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import SYMBOLS, State
from jupyter_gov.engine.flowables.base import ITERATION
from jupyter_gov.engine.flowables.dag import Dag, dependencies
from jupyter_gov.engine.flowables.foreach import EachParallel
from jupyter_gov.engine.flowables.parallel import Parallel
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.lang.ports import ADDED


@dataclass(frozen=True, slots=True)
class Node:
    """A task; ``parent`` is the flowable around it."""

    id: str
    label: str
    type: str
    kind: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    """``target`` may run after ``source``; ``label`` names the branch (``then``, ``errors``, a case)."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the order of the text, edges in the order of running."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


_SIDE_BY_SIDE = {Parallel.type_name, EachParallel.type_name}


def topology(flow: Flow) -> Graph:
    """Return the graph of a flow; disabled tasks are left out."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    last = _sequence(flow.tasks, None, nodes, edges, ends=[])
    for branch, tasks in _branches(flow):
        last = _sequence(tasks, None, nodes, edges, ends=last, label=branch) or last
    return Graph(tuple(nodes), tuple(edges))


def _branches(flow: Flow) -> tuple[tuple[str, tuple[TaskDef, ...]], ...]:
    return ("errors", flow.errors), ("finally", flow.finally_), ("afterExecution", flow.after_execution)


def _sequence(
    tasks: Iterable[TaskDef],
    parent: str | None,
    nodes: list[Node],
    edges: list[Edge],
    *,
    ends: list[str],
    label: str = "",
) -> list[str]:
    for task in tasks:
        if task.disabled:
            continue
        edges.extend(Edge(end, task.id, label) for end in ends)
        label = ""
        ends = _task(task, parent, nodes, edges)
    return ends


def _task(task: TaskDef, parent: str | None, nodes: list[Node], edges: list[Edge]) -> list[str]:
    """Add a task and what is in it; return the ids at which it ends."""
    nodes.append(Node(task.id, task.id, task.type, task.kind, parent))
    ends: list[str] = []
    for slot, children in task.slots.items():
        if slot.startswith(ADDED):
            continue
        name = slot.removeprefix("cases:")
        if task.type == Dag.type_name and slot == "tasks":
            ends.extend(_dag(task, children, nodes, edges))
            continue
        if task.type in _SIDE_BY_SIDE and slot == "tasks":
            for child in children:
                ends.extend(_sequence((child,), task.id, nodes, edges, ends=[task.id]))
            continue
        label = "" if slot == "tasks" else name
        ends.extend(_sequence(children, task.id, nodes, edges, ends=[task.id], label=label))
    covers_all = task.slots.get("else") or task.slots.get("defaults") or task.slots.get("tasks")
    if not covers_all and task.id not in ends:
        ends.append(task.id)
    return list(dict.fromkeys(ends)) or [task.id]


def _dag(dag: TaskDef, children: Iterable[TaskDef], nodes: list[Node], edges: list[Edge]) -> list[str]:
    """Add the tasks of a Dag, with an edge for each dependency; return the ids at which it ends."""
    needed = dependencies(dag)
    needers: dict[str, list[str]] = {}
    own_ends: dict[str, list[str]] = {}
    for child in children:
        if child.disabled:
            continue
        for name in needed[child.id] or (dag.id,):
            needers.setdefault(name, []).append(child.id)
        own_ends[child.id] = _task(child, dag.id, nodes, edges)
    edges.extend(Edge(dag.id, target) for target in needers.get(dag.id, ()))
    for name, ends in own_ends.items():
        edges.extend(Edge(end, target) for end in ends for target in needers.get(name, ()))
    return [end for name, ends in own_ends.items() if name not in needers for end in ends]


_CLASSES: Mapping[State, str] = {
    State.SUCCESS: "done",
    State.WARNING: "warn",
    State.FAILED: "failed",
    State.KILLED: "failed",
    State.CANCELLED: "failed",
    State.RUNNING: "running",
    State.PAUSED: "waiting",
    State.RETRYING: "waiting",
}


def states_by_task(execution: Execution) -> dict[str, State]:
    """Return the state to show for each task: of a loop's task runs, the one that says most."""
    order = [State.FAILED, State.KILLED, State.PAUSED, State.RUNNING, State.WARNING, State.SUCCESS]
    shown: dict[str, State] = {}
    for run in execution.task_runs.values():
        if run.branch == ITERATION:
            continue  # the task run of the loop itself says what its iterations come to
        known = shown.get(run.task_id)
        if known is None or _rank(run.state, order) < _rank(known, order):
            shown[run.task_id] = run.state
    return shown


def _rank(state: State, order: list[State]) -> int:
    return order.index(state) if state in order else len(order)


def mermaid(flow: Flow, execution: Execution | None = None) -> str:
    """Return the graph as mermaid text; states are a symbol and a class, never colour alone."""
    graph = topology(flow)
    states = states_by_task(execution) if execution is not None else {}
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart TD"]
    for node in graph.nodes:
        state = states.get(node.id, State.CREATED)
        symbol = f"{SYMBOLS[state]} " if state in SYMBOLS else ""
        lines.append(f'  {names[node.id]}["{symbol}{_escape(node.label)}"]')
        if state in _CLASSES:
            lines.append(f"  class {names[node.id]} {_CLASSES[state]}")
    for edge in graph.edges:
        arrow = f"-- {_escape(edge.label)} -->" if edge.label else "-->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
    return "\n".join(lines)


def _escape(text: str) -> str:
    return re.sub(r'["<>&|{}\[\]#;`\n\r]', " ", text)
