"""Which version of Kestra a flow is written for, and what has to change for version 2.

A flow is read the same way whatever it is written for; what differs at run time is little (``Flow.dialect``). This
stage looks at the nodes alone, so that what other stages could not read is told as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from jupyter_gov.lang import expr
from jupyter_gov.lang.check import removed
from jupyter_gov.lang.check.removed import Removed
from jupyter_gov.lang.check.report import Report
from jupyter_gov.lang.diagnostics import quoted
from jupyter_gov.lang.models.flow import Dialect
from jupyter_gov.lang.models.patterns import matches
from jupyter_gov.lang.nodes import ListNode, MapNode, Node, ScalarNode
from jupyter_gov.lang.ports import TypeCatalogue

_LOOP = "io.kestra.plugin.core.flow.Loop"
_LOOPS = {_LOOP, *(f"io.kestra.plugin.core.flow.{name}" for name in ("ForEach", "EachSequential", "EachParallel"))}
_SCHEDULES = re.compile(r"\.trigger(s\.types)?\.Schedule(OnDates)?$")
_TASKS = ("tasks", "errors", "finally", "afterExecution")
_OF_TWO = ("when", "dependsOn", "window", "mode", "minSatisfied", "onMiss")
_LABEL = "[a-z][^:]*"


def dialect_of(root: Node | None) -> Dialect:
    """Return for which version a flow is written: 2.0 if it uses what came with that, else 1.3."""
    if not isinstance(root, MapNode):
        return "1.3"
    triggers = [one for one in _items(root.get("triggers")) if any(name in one.entries for name in _OF_TWO)]
    checks = [one for one in _items(root.get("checks")) if "when" in one.entries]
    loops = (one for name in _TASKS for one in _maps(root.get(name)) if _text(one.get("type")) == _LOOP)
    return "2.0" if triggers or checks or any(True for _ in loops) else "1.3"


def _items(node: Node | None) -> list[MapNode]:
    return [one for one in node.items if isinstance(one, MapNode)] if isinstance(node, ListNode) else []


def _maps(node: Node | None) -> Iterator[MapNode]:
    stack = [node] if node is not None else []
    while stack:
        top = stack.pop()
        if isinstance(top, MapNode):
            yield top
            stack += [entry.value for entry in top.entries.values()]
        elif isinstance(top, ListNode):
            stack += top.items


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, ScalarNode) else ""


Refuse = Literal["all", "rules", "nothing"]
_REMOVED = frozenset({"GOV172", "GOV173", "GOV174", "GOV178"})


class Lint:
    """Reports what has to change before Kestra 2 takes a flow.

    Parameters
    ----------
    refuse
        What is an error: ``all`` that Kestra 2 refuses; its ``rules``, but not what it has removed, which works here
        (for flows that mix both versions, such as one that is being rewritten); ``nothing`` of a flow that is stored.
    """

    def __init__(self, report: Report, catalogue: TypeCatalogue, *, refuse: Refuse) -> None:
        self._report = report
        self._catalogue = catalogue
        self._refuse = refuse

    def run(self, root: MapNode) -> None:
        """Look at a whole flow."""
        if self._report.tree.text.lstrip().startswith("{"):
            self._say("GOV178", "a flow written as JSON is not read by Kestra 2", root, Removed("Write it as YAML."))
        self._keys(root, removed.FLOW_KEYS, "the flow")
        self._names(root)
        for name in _TASKS:
            self._tasks(root.get(name), in_loop=False)
        self._inputs(root.get("inputs"))
        for one in _items(root.get("checks")):
            self._keys(one, {"condition": removed.renamed("when", old=True)}, "a check")
        for one in _items(root.get("triggers")):
            self._trigger(one, root)
        for name, entry in root.entries.items():
            if name not in (*_TASKS, "triggers"):
                self._expressions(entry.value, in_loop=False)

    # --- saying -----------------------------------------------------------------------------------------------

    def _say(self, code: str, message: str, at: Node, rule: Removed, place: tuple[int, int] | None = None) -> None:
        report = self._report
        where = report.tree.locate(at)
        if place is not None and isinstance(at, ScalarNode):
            where = report.tree.locate_inside(at, *place)
        works_here = code in _REMOVED or rule.to is not None
        if rule.old or self._refuse == "nothing" or (self._refuse == "rules" and works_here):
            report.warn("GOV171" if rule.old else code, message, where, rule.hint, replacement=rule.to)
        else:
            report.error(code, message, where, rule.hint, replacement=rule.to)

    def _keys(self, node: MapNode, table: Mapping[str, Removed], where: str) -> None:
        for name, rule in table.items():
            if name in node.entries:
                verb = "has another name in Kestra 2" if rule.to else "was removed in Kestra 2"
                self._say("GOV173", f"{quoted(name)} of {where} {verb}", node.entries[name].key, rule)

    # --- names ------------------------------------------------------------------------------------------------

    def _names(self, root: MapNode) -> None:
        name = root.get("id")
        if isinstance(name, ScalarNode) and name.text in removed.RESERVED:
            message = f"the flow id {quoted(name.text)} is reserved in Kestra 2"
            self._say("GOV176", message, name, Removed("Give it another id."))
        labels = root.get("labels")
        keys = [entry.key for entry in labels.entries.values()] if isinstance(labels, MapNode) else []
        keys += [key for one in _items(labels) if isinstance(key := one.get("key"), ScalarNode)]
        for key in keys:
            if not matches(_LABEL, key.text):
                message = (
                    f"the label {quoted(key.text)} must begin with a lower-case letter and have no colon in Kestra 2"
                )
                self._say("GOV176", message, key, Removed("Rename the label."))

    # --- tasks ------------------------------------------------------------------------------------------------

    def _tasks(self, node: Node | None, *, in_loop: bool) -> None:
        if isinstance(node, ListNode):
            for item in node.items:
                self._tasks(item, in_loop=in_loop)
        elif isinstance(node, MapNode):
            kind = self._type(node.get("type"))
            if kind and "id" in node.entries:
                self._task(node, kind)
            for name, entry in node.entries.items():
                if name == "onResume":
                    self._inputs(entry.value)
                elif name == "retry" and isinstance(entry.value, MapNode):
                    self._keys(entry.value, {"maxAttempt": removed.renamed("maxAttempts")}, "a retry")
                inside = in_loop or (kind in _LOOPS and name in ("tasks", "errors", "finally", "outputs"))
                self._tasks(entry.value, in_loop=inside)
        elif node is not None:
            self._expression(node, in_loop=in_loop)

    def _task(self, node: MapNode, kind: str) -> None:
        subject = f"task {quoted(_text(node.get('id')))}"
        self._keys(node, removed.TASK_KEYS, subject)
        self._keys(node, removed.OF_TYPE.get(kind, {}), subject)
        if kind.startswith(removed.SCRIPTS):
            self._keys(node, removed.SCRIPT_KEYS, subject)
        state = node.get("state")
        if kind.endswith(".execution.Exit") and isinstance(state, ScalarNode) and state.text == "CANCELED":
            self._say(
                "GOV173", f'{subject}: the state "CANCELED" has another name', state, removed.renamed("CANCELLED")
            )

    def _type(self, node: Node | None) -> str:
        """Return the canonical name of a type, after what is to be said about the written one."""
        if not isinstance(node, ScalarNode):
            return ""
        info = self._catalogue.find(node.text)
        name = info.name if info is not None else node.text
        rule = removed.TYPES.get(name)
        found = (one for prefix, one in removed.PREFIXES.items() if node.text.startswith(prefix))
        rule = rule or next(found, None)
        if rule is not None:
            self._say("GOV172", f"the type {quoted(node.text, 120)} was removed in Kestra 2", node, rule)
        elif info is not None and name != node.text:
            self._say(
                "GOV172", f"the type {quoted(node.text, 120)} has another name", node, removed.renamed(name, old=True)
            )
        return name

    # --- inputs -----------------------------------------------------------------------------------------------

    def _inputs(self, node: Node | None) -> None:
        for one in _items(node):
            name = one.get("id") or one.get("name")
            subject = f"input {quoted(_text(name))}"
            self._keys(one, removed.INPUT_KEYS, subject)
            kind = one.get("type")
            for type_node in (kind, one.get("itemType")):
                rule = removed.INPUT_TYPES.get(_text(type_node))
                if rule is not None and type_node is not None:
                    message = f"{subject}: the type {quoted(_text(type_node))} has another name in Kestra 2"
                    self._say("GOV175", message, type_node, rule)
            required = one.get("required")
            if "defaults" in one.entries and isinstance(required, ScalarNode) and required.value() is False:
                message = f"{subject} has `defaults`, so it cannot be `required: false` in Kestra 2"
                self._say("GOV175", message, one.entries["required"].key, Removed("Write prefill, or remove the line."))

    # --- triggers ---------------------------------------------------------------------------------------------

    def _trigger(self, node: MapNode, root: MapNode) -> None:
        subject = f"trigger {quoted(_text(node.get('id')))}"
        kind = self._type(node.get("type"))
        self._keys(node, removed.TRIGGER_KEYS, subject)
        if _SCHEDULES.search(kind):
            self._resolves(node, root, subject)
        flows = [_text(one.get("flowId")) for one in _items(node.get("dependsOn"))]
        for name, entry in node.entries.items():
            # What stands under a key that is gone goes with it.
            if name not in removed.TRIGGER_KEYS:
                self._expressions(entry.value, in_loop=False)
                if len(flows) > 1:
                    self._outputs(entry.value, flows)

    def _resolves(self, node: MapNode, root: MapNode, subject: str) -> None:
        given = node.get("inputs")
        names = set(given.entries) if isinstance(given, MapNode) else set()
        for one in _items(root.get("inputs")):
            name, required = _text(one.get("id") or one.get("name")), one.get("required")
            optional = isinstance(required, ScalarNode) and required.value() is False
            if name and not (optional or "defaults" in one.entries or name in names):
                message = f"{subject} gives no value for the input {quoted(name)}, and it has no default"
                rule = Removed(f"Write inputs: {{{name}: …}} on the trigger, or defaults on the input.")
                self._say("GOV177", message, node.get("id") or node, rule)

    def _outputs(self, node: Node, flows: list[str]) -> None:
        for one in _scalars(node):
            for path in sorted(_paths(one.text)):
                if path[:2] == ("trigger", "outputs") and len(path) > 2 and path[2] not in flows:
                    message = f"`trigger.outputs.{path[2]}` is that of the last flow only; several are waited for"
                    rule = Removed(f"Write trigger.outputs.<flowId>.{path[2]}.", old=True)
                    self._say("GOV174", message, one, rule, _find(one.text, path[2]))

    # --- expressions ------------------------------------------------------------------------------------------

    def _expressions(self, node: Node, *, in_loop: bool) -> None:
        for one in _scalars(node):
            self._expression(one, in_loop=in_loop)

    def _expression(self, node: ScalarNode, *, in_loop: bool) -> None:
        text = node.text
        if "[[>" in text:
            rule = Removed("Write {{ read('FILE') }}.")
            self._say("GOV174", "files are not put in by `[[> FILE]]` in Kestra 2", node, rule, _find(text, "[[>"))
        if "{" not in text:
            return
        for used in expr.uses(text):
            self._use(node, used, in_loop)
        for path in sorted(_paths(text)):
            self._path(node, path, in_loop)
        if "CANCELED" in text:
            rule = removed.renamed("CANCELLED", old=True)
            self._say("GOV174", "no state is called CANCELED in Kestra 2", node, rule, _find(text, "CANCELED"))

    def _use(self, node: ScalarNode, used: expr.Use, in_loop: bool) -> None:
        place = (used.offset, len(used.name))
        table = removed.FUNCTIONS if used.kind == "function" else removed.FILTERS
        rule = table.get(used.name)
        if rule is not None:
            self._say("GOV174", f"the {used.kind} `{used.name}` was removed in Kestra 2", node, rule, place)
        if used.kind == "function":
            for name in used.keywords:
                if (rule := removed.ARGUMENTS.get((used.name, name))) is not None:
                    message = f"the argument `{name}` of `{used.name}` has another name in Kestra 2"
                    self._say("GOV174", message, node, rule, place)
        if used.name in removed.EACH_FUNCTIONS and in_loop:
            rule = Removed("Write outputs.<task>: it is that of the same iteration.", old=True)
            self._say("GOV174", f"`{used.name}` knows nothing of a Loop", node, rule, place)

    def _path(self, node: ScalarNode, path: tuple[str, ...], in_loop: bool) -> None:
        rule = removed.NAMES.get(path[0])
        if rule is not None:
            self._say("GOV174", f"`{path[0]}` was removed in Kestra 2", node, rule, _find(node.text, path[0]))
        for beginning, better in removed.OF_LOOPS.items():
            if in_loop and path[: len(beginning)] == beginning:
                message = f"`{'.'.join(path)}` has no value inside of a Loop"
                self._say("GOV174", message, node, Removed(f"Write {better}.", old=True), _find(node.text, path[0]))


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    for one in _maps(node):
        yield from (entry.value for entry in one.entries.values() if isinstance(entry.value, ScalarNode))
    if isinstance(node, ListNode):
        yield from (item for item in node.items if isinstance(item, ScalarNode))


def _paths(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset() if expr.syntax_error(text) is not None else expr.references(text)


def _find(text: str, word: str) -> tuple[int, int]:
    found = re.search(rf"(?<!\w){re.escape(word)}", text)
    return (found.start(), len(word)) if found else (0, 1)


Target = Literal["auto", "1.3", "2.0"]
"""For which version a flow is checked; ``auto``: for the one that it is written for."""
