"""Checks declared inputs: of a flow, and of the form of a gate."""

from __future__ import annotations

from typing import Any

from jupyter_gov.errors import LanguageError
from jupyter_gov.lang.check.convert import Converter
from jupyter_gov.lang.check.forms import properties_of
from jupyter_gov.lang.check.report import described
from jupyter_gov.lang.check.slips import report_slips, with_type
from jupyter_gov.lang.check.validate import Validator
from jupyter_gov.lang.diagnostics import listing, quoted
from jupyter_gov.lang.models.base import is_expression
from jupyter_gov.lang.models.flow import InputDef
from jupyter_gov.lang.models.inputs import INPUT_SPECS, InputSpec, dependency_order
from jupyter_gov.lang.models.values import ValueProblem, coerce
from jupyter_gov.lang.nodes import ListNode, MapNode, Node, ScalarNode

# An old name of `id`; what is nearly called so means something else.
_KEYS = tuple(key for key in properties_of(InputSpec).by_name if key != "name")


class Inputs:
    """Turns a list of inputs into definitions."""

    def __init__(self, converter: Converter, validator: Validator) -> None:
        self._converter = converter
        self._validator = validator
        self._report = converter.report
        self._kept: list[MapNode] = []

    def read(self, node: Node | None, where: str) -> tuple[tuple[InputDef, ...], list[dict[str, Any]]]:
        """Return the definitions, and the same as plain data."""
        if node is None or (isinstance(node, ScalarNode) and node.value() is None):
            return (), []
        if not isinstance(node, ListNode):
            self._report.error("GOV114", f"{where} must be a list, got {described(node)}", node,
                               "Write each input as an item: - id: name")  # fmt: skip
            return (), []
        found = [one for item in node.items if (one := self._one(item, where)) is not None]
        definitions = tuple(definition for definition, _ in found)
        self._names(definitions, where)
        return definitions, [data for _, data in found]

    def _one(self, node: Node, where: str) -> tuple[InputDef, dict[str, Any]] | None:
        if not isinstance(node, MapNode):
            self._report.error("GOV114", f"an input of {where} must be a map, got {described(node)}", node,
                               "Write - id: name and type: STRING below each other.")  # fmt: skip
            return None
        name = node.get("id") or node.get("name")
        subject = f"input {quoted(name.text)}" if isinstance(name, ScalarNode) else "an input"
        at = name or node
        node = with_type(self._report, node, subject, _KEYS, self._kept)
        type_node = node.get("type")
        if not isinstance(type_node, ScalarNode) or not type_node.text:
            self._report.error("GOV113", f'{subject} needs the key "type"', at, f"Add type: {listing(INPUT_SPECS)}")
            report_slips(self._report, node, subject, _KEYS)
            return None
        spec = INPUT_SPECS.get(type_node.text)
        if spec is None:
            meant = self._report.meant(type_node.text, INPUT_SPECS)
            self._report.error(
                "GOV111", f"{subject} has the unknown type {quoted(type_node.text)}", type_node,
                f"did you mean {quoted(meant)}?" if meant else None,
                note=f"Known types: {listing(INPUT_SPECS, 30)}", replacement=meant,
            )  # fmt: skip
            report_slips(self._report, node, subject, _KEYS)
            return None
        data = self._converter.members(node, properties_of(spec), subject)
        checked = self._validator.validate(spec, data, node, subject, at)
        if checked is None:
            return None
        definition = checked.definition(self._report.tree.locate(at))
        self._default(definition, node.get("defaults"))
        return definition, data

    def _default(self, definition: InputDef, node: Node | None) -> None:
        if node is None or definition.defaults is None or is_expression(definition.defaults):
            return
        try:
            coerce(definition.type, definition.defaults, definition.props)
        except ValueProblem as problem:
            self._report.warn("GOV167", f"the default of input {quoted(definition.id)} does not fit: {problem}", node,
                              "An execution that gives no value is refused.")  # fmt: skip

    def _names(self, definitions: tuple[InputDef, ...], where: str) -> None:
        seen: dict[str, InputDef] = {}
        for one in definitions:
            former = seen.setdefault(one.id, one)
            if former is not one and one.location and former.location:
                self._report.error(
                    "GOV115", f"duplicate input id {quoted(one.id)} in {where}; line {former.location.line} has it",
                    one.location, "Give one of them another id.",
                )  # fmt: skip
        for one in definitions:
            parts = one.id.split(".")
            prefixes = (".".join(parts[:count]) for count in range(1, len(parts)))
            parent = next((prefix for prefix in prefixes if prefix in seen), None)
            if parent and one.location:
                self._report.error(
                    "GOV115", f"input {quoted(one.id)} cannot stand beside input {quoted(parent)}: dots make maps",
                    one.location, "Rename one of them.",
                )  # fmt: skip
        try:
            dependency_order(seen.values())
        except LanguageError as error:
            name = error.message.rpartition(" ")[2]
            self._report.error(error.code, error.message, seen[name].location or definitions[0].location,  # type: ignore[arg-type]
                               "Remove one of the dependencies.")  # fmt: skip
