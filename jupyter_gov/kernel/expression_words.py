"""What an expression may read at a place of a flow: names, and what is behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from jupyter_gov.kernel.outline import Declared, Outline, at
from jupyter_gov.kernel.yaml_context import Place
from jupyter_gov.lang.expr.library import FILTERS, FUNCTIONS, TESTS
from jupyter_gov.lang.models.triggers import CORE_TRIGGERS
from jupyter_gov.lang.ports import TypeCatalogue, TypeInfo

Pair = tuple[str, str]
_NAMES = {
    "inputs": "values of the inputs",
    "outputs": "outputs of tasks",
    "vars": "variables of the flow",
    "labels": "labels of the execution",
    "trigger": "what started it",
    "kestra": "this installation",
    "flow": "the flow",
    "execution": "the execution",
    "task": "this task",
    "taskrun": "this task run",
    "tasks": "states of tasks",
    "parent": "the loop around",
    "parents": "the loops around",
    "item": "item of a Loop",
    "envs": "variables of the environment",
    "globals": "values of the installation",
}
_FIXED = {
    "kestra": ("url", "environment"),
    "flow": ("id", "namespace", "revision"),
    "execution": ("id", "startDate", "state", "originalId"),
    "task": ("id", "type"),
    "taskrun": ("id", "startDate", "attemptsCount", "parentId", "value", "iteration"),
    "parent": ("taskrun", "outputs"),
    "item": ("value", "index", "key", "parent", "parents"),
}
_AFTER = frozenset({"outputs", "errors", "finally", "afterExecution"})
"""Keys of the flow whose expressions are rendered after its tasks, wherever they stand."""


def in_expression(place: Place, found: Outline, types: TypeCatalogue, *, more: Iterable[str] = ()) -> Iterator[Pair]:
    """Yield the words that may stand at a place inside of ``{{ }}``, each with what it is."""
    root, *rest = re.split(r"[.\['\"\]]+", place.path or "")
    rest = rest[:-1]  # the last part is being written
    match root, len(rest):
        case _ if not re.search(r"[.\[]", place.path or ""):
            yield from _first(place.before, more)
        case "inputs", depth:
            yield from ((name, "input") for name in _dotted((one.id for one in found.inputs), rest, depth))
        case "vars", _:
            yield from ((name, "variable") for name in found.names.get(("variables", *rest), ()))
        case "labels", depth:
            labels = [*found.names.get(("labels",), ()), "system.correlationId", "system.username"]
            yield from ((name, "label") for name in _dotted(labels, rest, depth))
        case (("outputs" | "tasks"), 0):
            yield from ((task.id, _short(task)) for task in _readable(place, found, types))
        case "outputs", 1:
            yield from _outputs(rest[0], found, types)
        case "tasks", 1:
            yield "state", "text"
        case "trigger", 0:
            yield from _of_triggers(found)
        case _, 0:
            yield from ((name, root) for name in _FIXED.get(root, ()))


def _short(task: Declared) -> str:
    return task.type.rpartition(".")[2] or "task"


def _first(before: str, more: Iterable[str]) -> Iterator[Pair]:
    text = before.rstrip()
    if text.endswith("|"):
        yield from ((name, "filter") for name in FILTERS)
    elif re.search(r"\bis(\s+not)?$", text):
        yield from ((name, "test") for name in TESTS)
    else:
        yield from _NAMES.items()
        yield from ((name, "value") for name in more)
        yield from ((f"{name}(", "function") for name in FUNCTIONS)


def _dotted(names: Iterable[str], rest: Sequence[str], depth: int) -> Iterator[str]:
    """Return the next part of names with dots, below the parts that are written."""
    for name in names:
        parts = name.split(".")
        if parts[:depth] == list(rest) and len(parts) > depth:
            yield parts[depth]


def _readable(place: Place, found: Outline, types: TypeCatalogue) -> Iterator[Declared]:
    """Return the tasks whose outputs there are when the expression is rendered."""
    if place.keys and place.keys[0] in _AFTER:
        yield from (task for task in found.tasks if task.path[0] == "tasks" and task.line > place.line)
    own = at(found.tasks, place, place.column)
    yield from (task for task in found.tasks if task.line <= place.line and task is not own)
    info = types.find(own.type) if own is not None and own.type else None
    # What counts its rounds reads them itself, in its condition.
    if own is not None and info is not None and "iterationCount" in info.outputs:
        yield own


def _outputs(task_id: str, found: Outline, types: TypeCatalogue) -> Iterator[Pair]:
    info: TypeInfo | None = None
    for task in found.tasks:
        if task.id == task_id and task.type:
            info = types.find(task.type)
    yield from ((name, text) for name, text in (info.outputs if info else {}).items())


def _of_triggers(found: Outline) -> Iterator[Pair]:
    for declared in found.triggers:
        info = CORE_TRIGGERS.get(declared.type)
        yield from (info.outputs if info else {}).items()
