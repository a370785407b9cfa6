"""Applies ``pluginDefaults``: values by task type, put under what a task writes itself (or over it, when forced)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from jupyter_gov.lang.check.forms import properties_of
from jupyter_gov.lang.check.report import Report, described
from jupyter_gov.lang.models.flow_specs import TaskSpec
from jupyter_gov.lang.models.scalars import is_null
from jupyter_gov.lang.nodes import Entry, ListNode, MapNode, Node, ScalarNode
from jupyter_gov.lang.ports import TypeCatalogue, TypeInfo


@dataclass(frozen=True, slots=True)
class _Default:
    prefix: str
    forced: bool
    values: MapNode


@dataclass(slots=True)
class Defaults:
    """The defaults of one flow.

    Attributes
    ----------
    made
        Merged maps; kept since errors find their place by the identity of nodes.
    """

    report: Report
    catalogue: TypeCatalogue
    rules: list[_Default] = field(default_factory=list)
    made: list[MapNode] = field(default_factory=list)
    _of_type: dict[str, tuple[MapNode | None, MapNode | None]] = field(default_factory=dict)

    def read(self, node: Node | None) -> None:
        """Read the block of a flow; its shape was checked with the flow."""
        for item in node.items if isinstance(node, ListNode) else ():
            if not isinstance(item, MapNode):
                continue
            name, values, forced = item.get("type"), item.get("values"), item.get("forced")
            if isinstance(name, ScalarNode) and isinstance(values, MapNode):
                kept = self._kept(values, self.catalogue.find(name.text), name.text)
                is_forced = isinstance(forced, ScalarNode) and forced.value() is True
                self.rules.append(_Default(name.text, is_forced, kept))

    def _kept(self, values: MapNode, info: TypeInfo | None, written: str) -> MapNode:
        """Return the values without those that no task of the type could take."""
        kept = MapNode(values.line, values.column, values.start)
        known = {} if info is None else {**properties_of(info.model).by_name, **properties_of(TaskSpec).by_name}
        for key, entry in values.entries.items():
            if isinstance(entry.value, ScalarNode) and entry.value.plain and is_null(entry.value.text):
                self.report.error("GOV114", f"the default of {key} must be a value, got {described(entry.value)}",
                                  entry.value, "Remove the line.")  # fmt: skip
            elif info is not None and key not in known and key not in info.renames and key not in info.slots:
                self.report.unknown_key(entry.key, f"the defaults of {written}", known)
            else:
                kept.entries[key] = entry
        return kept

    def apply(self, node: MapNode, written: str, info: TypeInfo | None) -> MapNode:
        """Return a task, trigger or nested value with the defaults of its type merged in."""
        if not self.rules:
            return node
        if written not in self._of_type:
            self._of_type[written] = self._collect({written, *((info.name, *info.aliases) if info else ())})
        below, above = self._of_type[written]
        merged = node if below is None else self._merge(below, node)
        return merged if above is None else self._merge(merged, above)

    def apply_within(self, node: MapNode, names: Collection[str], known: Collection[str]) -> MapNode:
        """Return a value inside of a task or trigger with the defaults of its type merged in.

        Parameters
        ----------
        names
            The type and its aliases.
        known
            Keys that it can take. A rule for many types is mostly meant for the tasks among them: of its values a value
            inside gets only those.
        """
        if not self.rules:
            return node
        below, above = self._collect(set(names))
        for rule, over in ((below, False), (above, True)):
            if rule is not None:
                fit = {key: entry for key, entry in rule.entries.items() if key in known}
                kept = MapNode(rule.line, rule.column, rule.start, fit)
                node = self._merge(node, kept) if over else self._merge(kept, node)
        return node

    def _collect(self, names: set[str]) -> tuple[MapNode | None, MapNode | None]:
        """Return what goes below and what above a task of these names; of several rules the first wins."""
        below: MapNode | None = None
        above: MapNode | None = None
        for rule in reversed(self.rules):
            if not any(name.startswith(rule.prefix) for name in names):
                continue
            if rule.forced:
                above = rule.values if above is None else self._merge(above, rule.values)
            else:
                below = rule.values if below is None else self._merge(below, rule.values)
        return below, above

    def _merge(self, below: MapNode, above: MapNode) -> MapNode:
        """Return two maps as one; ``above`` wins, inner maps are merged, lists joined."""
        result = MapNode(above.line, above.column, above.start, dict(below.entries))
        self.made.append(result)
        for key, entry in above.entries.items():
            other = below.entries.get(key)
            value = entry.value
            if other is not None and isinstance(value, MapNode) and isinstance(other.value, MapNode):
                value = self._merge(other.value, value)
            elif other is not None and isinstance(value, ListNode) and isinstance(other.value, ListNode):
                value = ListNode(value.line, value.column, value.start, [*other.value.items, *value.items])
            result.entries[key] = Entry(entry.key, value)
        return result
