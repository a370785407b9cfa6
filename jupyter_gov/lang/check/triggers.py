"""Checks triggers: those of the core, those of plugins, and others by their common properties."""

from __future__ import annotations

from jupyter_gov.lang.check.advice import TRIGGER_WITHOUT_EFFECT, warn_without_effect
from jupyter_gov.lang.check.forms import properties_of
from jupyter_gov.lang.check.report import described
from jupyter_gov.lang.check.scope import Scope
from jupyter_gov.lang.check.slips import report_slips, with_type
from jupyter_gov.lang.check.tasks import is_nothing
from jupyter_gov.lang.diagnostics import quoted
from jupyter_gov.lang.models.base import TASK_ID
from jupyter_gov.lang.models.flow import TriggerDef
from jupyter_gov.lang.models.patterns import matches
from jupyter_gov.lang.models.triggers import CORE_TRIGGERS, TriggerSpec
from jupyter_gov.lang.nodes import ListNode, MapNode, Node, ScalarNode, plain_data
from jupyter_gov.lang.ports import TypeInfo

_COMMON = properties_of(TriggerSpec)
_KEYS = ("id", "type", *_COMMON.by_name)


class Triggers:
    """Turns nodes into trigger definitions."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._report = scope.report
        self._seen: dict[str, ScalarNode] = {}

    def read_list(self, node: Node | None) -> tuple[TriggerDef, ...]:
        """Return the triggers of a flow."""
        if node is None or is_nothing(node):
            return ()
        if not isinstance(node, ListNode):
            self._report.error("GOV114", f'"triggers" must be a list, got {described(node)}', node,
                               "Write each trigger as an item: - id: name")  # fmt: skip
            return ()
        return tuple(found for item in node.items if (found := self._one(item)) is not None)

    def _one(self, node: Node) -> TriggerDef | None:
        if not isinstance(node, MapNode):
            self._report.error("GOV114", f"a trigger must be a map, got {described(node)}", node)
            return None
        name = node.get("id")
        if not isinstance(name, ScalarNode) or not name.text:
            self._report.error("GOV113", 'a trigger needs the key "id"', node, "Add id: and a name.")
            return None
        subject = f"trigger {quoted(name.text)}"
        self._name(name)
        node = with_type(self._report, node, subject, _KEYS, self._scope.defaults.made)
        type_node = node.get("type")
        if not isinstance(type_node, ScalarNode) or not type_node.text:
            self._report.error("GOV113", f'{subject} needs the key "type"', name,
                               "Add type: io.kestra.plugin.core.trigger.Schedule, or another type.")  # fmt: skip
            report_slips(self._report, node, subject, _KEYS)
            return None
        info = self._info(type_node, subject)
        if info is None:
            report_slips(self._report, node, subject, _KEYS, as_warning=self._scope.allow_unknown)
        merged = self._scope.defaults.apply(node, type_node.text, info)
        return self._trigger(merged, name, type_node.text, info)

    def _name(self, name: ScalarNode) -> None:
        former = self._seen.setdefault(name.text, name)
        if former is not name:
            self._report.error("GOV115", f"duplicate trigger id {quoted(name.text)}; line {former.line} has it", name,
                               "Give one of them another id.")  # fmt: skip
        if not matches(TASK_ID[1:-1], name.text):
            self._report.error("GOV116", f"the trigger id {quoted(name.text)} has characters that are not allowed",
                               name, "Use letters, digits, - and _, the first a letter or digit.")  # fmt: skip

    def _info(self, type_node: ScalarNode, subject: str) -> TypeInfo | None:
        info = self._scope.catalogue.find(type_node.text) or CORE_TRIGGERS.get(type_node.text)
        if info is None:
            self._scope.unknown_type(type_node, subject, CORE_TRIGGERS)
        elif info.kind != "trigger":
            self._report.error("GOV111", f"{subject}: {quoted(info.name, 120)} is no trigger", type_node)
            return None
        return info

    def _trigger(self, node: MapNode, name: ScalarNode, written: str, info: TypeInfo | None) -> TriggerDef:
        subject = f"trigger {quoted(name.text)}" + (f" (type {info.name})" if info else "")
        common, own = self._split(node, info)
        data = self._scope.converter.members(common, _COMMON, subject)
        spec = self._scope.validator.validate(TriggerSpec, data, common, subject, name)
        if info is None:
            props = {key: plain_data(entry.value) for key, entry in own.entries.items()}
        else:
            props = self._scope.converter.members(own, properties_of(info.model), subject, info.renames,
                                                  _KEYS)  # fmt: skip
            self._scope.validator.validate(info.model, props, own, subject, name)
            if info.name.endswith(".Webhook"):
                self._webhook(common.get("conditions"))
            if info.name not in CORE_TRIGGERS:
                self._report.warn("GOV163", f"{subject}: triggers of type {quoted(info.name, 120)} do not fire", name)
            warn_without_effect(self._report, node, TRIGGER_WITHOUT_EFFECT)
        for entry in (*common.entries.values(), *own.entries.values()):
            self._scope.use(entry.value, subject, local=False)
        disabled = bool(spec and spec.disabled)
        data.pop("disabled", None)
        return TriggerDef(name.text, info.name if info else written, disabled, {**data, **props},
                          self._report.tree.locate(name))  # fmt: skip

    def _webhook(self, conditions: Node | None) -> None:
        # A look at the text: a condition that is wrong in other ways must be named as well.
        for node in conditions.items if isinstance(conditions, ListNode) else ():
            kind = node.get("type") if isinstance(node, MapNode) else None
            if isinstance(kind, ScalarNode) and kind.text.endswith(".MultipleCondition"):
                message = "invalid webhook: conditions of type MultipleCondition are not supported"
                self._report.error("GOV120", message, kind, "Use a Flow trigger with preconditions.")

    def _split(self, node: MapNode, info: TypeInfo | None) -> tuple[MapNode, MapNode]:
        common = MapNode(node.line, node.column, node.start)
        own = MapNode(node.line, node.column, node.start)
        declared = properties_of(info.model).by_name if info else {}
        for key, entry in node.entries.items():
            if key not in ("id", "type"):
                (common if key in _COMMON.by_name and key not in declared else own).entries[key] = entry
        self._scope.defaults.made += (common, own)
        return common, own
