"""Checks tasks that one worker runs together: none may hold tasks of its own, or ask for another worker."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_gov.lang.check.report import Report
from jupyter_gov.lang.diagnostics import quoted
from jupyter_gov.lang.models.flow import TaskDef
from jupyter_gov.lang.nodes import ListNode, MapNode, Node
from jupyter_gov.lang.ports import TypeInfo


def check_unit(report: Report, node: Node, tasks: Sequence[TaskDef], subject: str, info: TypeInfo) -> None:
    """Refuse what cannot be part of the unit."""
    kind = info.name.rpartition(".")[2]
    for task in tasks:
        if task.kind == "flowable" and task.location:
            report.error(
                "GOV118",
                f"{subject}: only runnable tasks are allowed as children of a {kind} task, and {quoted(task.id)} "
                f"({task.type}) decides about others",
                task.location,
                f"Put it before or behind the {kind}.",
            )
    for item in node.items if isinstance(node, ListNode) else ():
        entry = item.entries.get("workerGroup") if isinstance(item, MapNode) else None
        if entry is not None:
            report.error(
                "GOV118",
                f"Cannot set a Worker Group in any {kind} sub-tasks, it is only supported at the {kind} level",
                entry.key,
                f"Write workerGroup: at the {kind} task.",
            )
