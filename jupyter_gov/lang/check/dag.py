"""Checks a list of ``{task, dependsOn}``: every name must be a task of the list, and none may wait for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter

from jupyter_gov.lang.check.report import Report, described
from jupyter_gov.lang.diagnostics import listing, quoted
from jupyter_gov.lang.models.flow import TaskDef
from jupyter_gov.lang.models.scalars import is_null
from jupyter_gov.lang.nodes import ListNode, MapNode, Node, ScalarNode

_KEYS = ("task", "dependsOn")


def read_dag(
    report: Report, node: Node, subject: str, read: Callable[[Node, str], TaskDef | None]
) -> tuple[tuple[TaskDef, ...], Mapping[str, list[str]]]:
    """Return the tasks of a list, and the ids of the tasks that each one waits for.

    Parameters
    ----------
    read
        Checks one task and returns it, or None.
    """
    if isinstance(node, ScalarNode) and node.plain and is_null(node.text):
        return (), {}
    if not isinstance(node, ListNode):
        report.error("GOV114", f'"tasks" of {subject} must be a list, got {described(node)}', node,
                     "Write each task as an item: - task: and the task below it.")  # fmt: skip
        return (), {}
    tasks: list[TaskDef] = []
    needed: dict[str, list[ScalarNode]] = {}
    for item in node.items:
        task, names = _item(report, item, subject, read)
        if task is not None:
            tasks.append(task)
            needed.setdefault(task.id, []).extend(names)
    known = {task.id for task in tasks}
    _check_names(report, subject, needed, known)
    depends_on = {name: [one.text for one in names if one.text in known] for name, names in needed.items() if names}
    _check_circles(report, subject, needed, depends_on)
    return tuple(tasks), depends_on


def _item(
    report: Report, item: Node, subject: str, read: Callable[[Node, str], TaskDef | None]
) -> tuple[TaskDef | None, list[ScalarNode]]:
    if not isinstance(item, MapNode):
        report.error("GOV114", f'an item of "tasks" of {subject} must be a map, got {described(item)}', item,
                     "Write - task: and the task below it.")  # fmt: skip
        return None, []
    for key, entry in item.entries.items():
        if key not in _KEYS and not ("task" not in item.entries and key in ("id", "type")):
            report.unknown_key(entry.key, f'an item of "tasks" of {subject}', _KEYS)
    node = item.get("task")
    if node is None:
        report.error("GOV113", f'an item of "tasks" of {subject} needs the key "task"', item,
                     "Write - task: and the task below it, then dependsOn: beside task.")  # fmt: skip
        return None, []
    return read(node, f'"tasks" of {subject}'), _names(report, item.get("dependsOn"), subject)


def _names(report: Report, node: Node | None, subject: str) -> list[ScalarNode]:
    if node is None or (isinstance(node, ScalarNode) and node.plain and is_null(node.text)):
        return []
    items = node.items if isinstance(node, ListNode) else [node]
    names = [one for one in items if isinstance(one, ScalarNode)]
    if not isinstance(node, ListNode) or len(names) < len(items):
        wrong = node if not isinstance(node, ListNode) else next(one for one in items if one not in names)
        report.error("GOV114", f'"dependsOn" in {subject} must be a list of task ids, got {described(wrong)}', wrong,
                     "Write dependsOn: [first-task, second-task].")  # fmt: skip
        return []
    return names


def _check_names(report: Report, subject: str, needed: Mapping[str, list[ScalarNode]], known: set[str]) -> None:
    for name, names in needed.items():
        for one in names:
            if one.text in known:
                continue
            meant = report.meant(one.text, known)
            report.error(
                "GOV143",
                f"{subject}: task {quoted(name)} depends on {quoted(one.text)}, and no task of this list is called so",
                one,
                f"did you mean {quoted(meant)}?" if meant else f"Its tasks are {listing(sorted(known))}.",
                replacement=meant,
            )


def _check_circles(
    report: Report, subject: str, needed: Mapping[str, list[ScalarNode]], depends_on: Mapping[str, list[str]]
) -> None:
    try:
        TopologicalSorter(depends_on).prepare()
    except CycleError as error:
        # In the list each one is what the next one waits for; a reader follows it the other way round.
        circle: list[str] = error.args[1][::-1]
        place = next(one for one in needed[circle[0]] if one.text == circle[1])
        report.error(
            "GOV144",
            f"{subject}: a circle of dependencies, none of which could begin: {' -> '.join(map(quoted, circle))}",
            place,
            "Remove one of these dependencies.",
        )
