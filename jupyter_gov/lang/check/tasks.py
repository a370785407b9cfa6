"""Checks tasks: what all have in common, the properties of their type, and the tasks that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jupyter_gov.lang.check.advice import TASK_WITHOUT_EFFECT, advise, warn_without_effect
from jupyter_gov.lang.check.dag import read_dag
from jupyter_gov.lang.check.forms import properties_of
from jupyter_gov.lang.check.report import described
from jupyter_gov.lang.check.scope import Scope, task_ids_below
from jupyter_gov.lang.check.slips import report_slips, with_type
from jupyter_gov.lang.check.units import check_unit
from jupyter_gov.lang.diagnostics import quoted
from jupyter_gov.lang.models.base import TASK_ID
from jupyter_gov.lang.models.flow import TaskDef
from jupyter_gov.lang.models.flow_specs import TaskSpec
from jupyter_gov.lang.models.patterns import matches
from jupyter_gov.lang.models.scalars import is_null
from jupyter_gov.lang.models.triggers import CORE_TRIGGERS
from jupyter_gov.lang.nodes import Entry, ListNode, MapNode, Node, ScalarNode, plain_data
from jupyter_gov.lang.ports import ADDED, DEPENDS_ON, TypeInfo

FORM = "onResume"
"""Property of a gate that holds the inputs of its form."""
_GATES = ("io.kestra.plugin.core.flow.Pause", "io.kestra.plugin.ee.flow.HumanTask", "jupyter_gov.flow.Approval")
_COMMON = properties_of(TaskSpec)
_HEAD = ("id", "type")
_KEYS = (*_HEAD, *_COMMON.by_name)


def is_nothing(node: Node | None) -> bool:
    """Return whether a property is absent or null."""
    return node is None or (isinstance(node, ScalarNode) and node.plain and is_null(node.text))


class Tasks:
    """Turns nodes into task definitions."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._report = scope.report

    def read_list(self, node: Node | None, where: str) -> tuple[TaskDef, ...]:
        """Return the tasks of a list; an absent one is empty."""
        if node is None or is_nothing(node):
            return ()
        if not isinstance(node, ListNode):
            self._report.error("GOV114", f"{where} must be a list of tasks, got {described(node)}", node,
                               "Write each task as an item: - id: name")  # fmt: skip
            return ()
        return tuple(task for item in node.items if (task := self.read(item, where)) is not None)

    def read(self, node: Node, where: str) -> TaskDef | None:
        """Return one task, or None after its problems are reported."""
        if not isinstance(node, MapNode):
            self._report.error("GOV114", f"a task in {where} must be a map, got {described(node)}", node,
                               "Write - id: name and type: … below each other.")  # fmt: skip
            return None
        name = node.get("id")
        subject = f"task {quoted(name.text)}" if isinstance(name, ScalarNode) else "a task"
        node = with_type(self._report, node, subject, _KEYS, self._scope.defaults.made)
        type_node = node.get("type")
        at = name if name is not None else node
        self._head(name, at, where, node)
        if not isinstance(type_node, ScalarNode) or not type_node.text:
            self._report.error("GOV113", f'{subject} needs the key "type"', at,
                               "Add type: io.kestra.plugin.core.log.Log, or another type.")  # fmt: skip
            info, written = None, ""
        else:
            written = type_node.text
            info = self._info(type_node, subject)
        task_id = name.text if isinstance(name, ScalarNode) else ""
        self._scope.types.setdefault(task_id, info)
        merged = self._scope.defaults.apply(node, written, info)
        base = self._common(merged, task_id, info, written, at)
        if info is None:
            return self._unknown(merged, base, subject)
        return self._known(merged, base, info, f"{subject} (type {info.name})", at)

    def _head(self, name: Node | None, at: Node, where: str, node: MapNode) -> None:
        if not isinstance(name, ScalarNode) or not name.text:
            self._report.error("GOV113", f'a task in {where} needs the key "id"', at if name else node,
                               "Add id: and a name of letters, digits, - and _.")  # fmt: skip
            return
        if not matches(TASK_ID[1:-1], name.text):
            self._report.error("GOV116", f"the task id {quoted(name.text)} has characters that are not allowed", name,
                               "Use letters, digits, - and _, the first a letter or digit.")  # fmt: skip
        self._scope.places.setdefault(name.text, []).append(name)

    def _info(self, type_node: ScalarNode, subject: str) -> TypeInfo | None:
        info = self._scope.catalogue.find(type_node.text) or CORE_TRIGGERS.get(type_node.text)
        if info is None:
            self._scope.unknown_type(type_node, subject)
            return None
        trigger = info.kind == "trigger"
        if info.kind not in ("runnable", "flowable"):
            message = f"{subject}: {quoted(info.name, 120)} is a {info.kind} type, no task"
            self._report.error("GOV111", message, type_node, "Write it under triggers:" if trigger else None)
            return None
        if info.deprecated:
            self._report.warn("GOV160", f"{subject}: the type {info.name} is deprecated: {info.deprecated}", type_node)
        return info

    def _own(self, node: MapNode, info: TypeInfo | None) -> tuple[MapNode, MapNode]:
        """Return what all tasks have, and what only this type has, as two maps."""
        common = MapNode(node.line, node.column, node.start)
        own = MapNode(node.line, node.column, node.start)
        declared = properties_of(info.model).by_name if info else {}
        for key, entry in node.entries.items():
            if key in _HEAD:
                continue
            target = common if key in _COMMON.by_name and key not in declared else own
            target.entries[key] = entry
        self._scope.defaults.made += (common, own)
        return common, own

    def _common(self, node: MapNode, task_id: str, info: TypeInfo | None, written: str, at: Node) -> TaskDef:
        common, _ = self._own(node, info)
        subject = f"task {quoted(task_id)}"
        task = TaskDef(
            id=task_id,
            type=info.name if info else written,
            kind="unknown" if info is None or info.kind not in ("runnable", "flowable") else info.kind,
            inline=bool(info and info.inline),
            repeatable=bool(info and info.repeatable),
            location=self._report.tree.locate(at),
            model=info.model if info else None,
        )
        if not common.entries:
            return task
        data = self._scope.converter.members(common, _COMMON, subject)
        spec = self._scope.validator.validate(TaskSpec, data, common, subject, at)
        for entry in common.entries.values():
            self._scope.use(entry.value, subject)
        warn_without_effect(self._report, common, TASK_WITHOUT_EFFECT)
        if spec is None:
            return task
        return replace(
            task,
            description=spec.description,
            retry=spec.retry.retry() if spec.retry else None,
            timeout=spec.timeout,
            disabled=spec.disabled,
            run_if=spec.run_if if spec.when is None else spec.when,
            allow_failure=spec.allow_failure,
            allow_warning=spec.allow_warning,
            log_level=spec.log_level,
            log_to_file=spec.log_to_file,
        )

    def _unknown(self, node: MapNode, base: TaskDef, subject: str) -> TaskDef:
        report_slips(self._report, node, subject, _KEYS, as_warning=self._scope.allow_unknown)
        _, own = self._own(node, None)
        for child in task_ids_below(own):
            self._scope.types.setdefault(child, None)
        for entry in own.entries.values():
            self._scope.use(entry.value, subject)
        return replace(base, props={key: plain_data(entry.value) for key, entry in own.entries.items()})

    def _known(self, node: MapNode, base: TaskDef, info: TypeInfo, subject: str, at: Node) -> TaskDef:
        _, own = self._own(node, info)
        slots = {key: own.entries.pop(key) for key in info.slots if key in own.entries}
        form = self._form(own, subject)
        data = self._scope.converter.members(own, properties_of(info.model), subject, info.renames,
                                             (*_KEYS, *info.slots))  # fmt: skip
        if form is not None:
            data[FORM] = form
        self._scope.validator.validate(info.model, data, own, subject, at)
        children, needed = self._slots(slots, info, subject, at)
        task = replace(base, props=data | needed, slots=children)
        if info.added is not None:
            added = info.added(task)
            task = replace(task, slots={**children, **added})
            self._visible(added, at)
        advise(self._report, task, own, slots, at)
        self._uses(own, task, subject, data)
        return task

    def _visible(self, added: Mapping[str, tuple[TaskDef, ...]], at: Node) -> None:
        """Let expressions know the tasks that a task has beside those that are written, if their ids show."""
        for slot, tasks in added.items():
            for task in tasks if not slot.startswith(ADDED) else ():
                self._scope.places.setdefault(task.id, []).append(at)
                self._scope.types.setdefault(task.id, self._scope.catalogue.find(task.type))

    def _form(self, own: MapNode, subject: str) -> list[dict[str, Any]] | None:
        entry = own.entries.get(FORM)
        if entry is None or is_nothing(entry.value):
            return None
        _, data = self._scope.inputs.read(entry.value, f"{quoted(FORM)} of {subject}")
        return data

    def _uses(self, own: MapNode, task: TaskDef, subject: str, data: Mapping[str, Any]) -> None:
        fields = frozenset(str(one.get("id")) for one in data.get(FORM) or ())
        for key, entry in own.entries.items():
            # The outputs of a called flow are rendered in that flow's context.
            local = not (key == "outputs" and task.type.endswith(".Subflow"))
            self._scope.use(entry.value, subject, local=local, inputs=fields if key == FORM else frozenset())

    def _slots(
        self, slots: Mapping[str, Entry], info: TypeInfo, subject: str, at: Node
    ) -> tuple[dict[str, tuple[TaskDef, ...]], dict[str, Any]]:
        """Return the child tasks by slot, and what the order of some of them adds to the properties."""
        found: dict[str, tuple[TaskDef, ...]] = {}
        needed: dict[str, Any] = {}
        for name, entry in slots.items():
            if info.slots[name] == "list":
                found[name] = self.read_list(entry.value, f"{quoted(name)} of {subject}")
            elif info.slots[name] == "one":
                one = None if is_nothing(entry.value) else self.read(entry.value, f"{quoted(name)} of {subject}")
                found[name] = () if one is None else (one,)
            elif info.slots[name] == "dag":
                found[name], needed[DEPENDS_ON] = read_dag(self._report, entry.value, subject, self.read)
            elif isinstance(entry.value, MapNode):
                for case, inner in entry.value.entries.items():
                    found[f"{name}:{case}"] = self.read_list(inner.value, f"{quoted(case)} of {subject}")
            elif not is_nothing(entry.value):
                self._report.error("GOV114", f"{quoted(name)} of {subject} must be a map, got {described(entry.value)}",
                                   entry.value, "Write a case per line, and its tasks as a list below it.")  # fmt: skip
        self._not_empty(slots, info, subject, at)
        if info.only_runnable and "tasks" in slots:
            check_unit(self._report, slots["tasks"].value, found.get("tasks", ()), subject, info)
        return found, needed

    def _not_empty(self, slots: Mapping[str, Entry], info: TypeInfo, subject: str, at: Node) -> None:
        maps = [name for name, kind in info.slots.items() if kind == "map"]
        wanted = [[name] for name in ("tasks", "then") if name in info.slots and info.name not in _GATES]
        wanted += [[*maps, "defaults"]] if maps else []
        for names in wanted:
            if not any(_holds_tasks(slots[name].value) for name in names if name in slots):
                place = next((slots[name].key for name in names if name in slots), at)
                which = " and ".join(quoted(name) for name in names)
                self._report.error("GOV117", f"{which} of {subject} must not be empty: no task is defined", place,
                                   "Add a task.")  # fmt: skip


def _holds_tasks(node: Node) -> bool:
    if isinstance(node, MapNode):
        return any(_holds_tasks(entry.value) for entry in node.entries.values())
    # Anything else than a list is reported as such.
    return bool(node.items) if isinstance(node, ListNode) else not is_nothing(node)
