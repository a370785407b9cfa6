"""Nodes become plain data, typed as the property wants; unknown keys and old spellings are reported on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from jupyter_gov.lang.check.defaults import Defaults
from jupyter_gov.lang.check.forms import ANY, Form, Properties, Property, properties_of, tags_of
from jupyter_gov.lang.check.report import Report
from jupyter_gov.lang.diagnostics import quoted
from jupyter_gov.lang.models.scalars import YES_NO, core_value, is_null
from jupyter_gov.lang.nodes import Entry, ListNode, MapNode, Node, ScalarNode
from jupyter_gov.lang.ports import Rename, TypeCatalogue, TypeInfo


@dataclass(slots=True)
class Converter:
    """Turns nodes into data.

    Attributes
    ----------
    defaults
        Values by type that maps with a ``type`` get.
    origins
        (map node, canonical key) -> the entry that was written, under whatever spelling; for positions of errors.
    meant
        (map node, canonical key) of keys that are there, but misspelt.
    """

    report: Report
    catalogue: TypeCatalogue
    defaults: Defaults | None = None
    origins: dict[tuple[int, str], Entry] = field(default_factory=dict)
    meant: set[tuple[int, str]] = field(default_factory=set)

    def convert(self, node: Node, form: Form, where: str) -> Any:
        """Return a node as data."""
        if isinstance(node, ScalarNode):
            return self._scalar(node, form)
        if isinstance(node, ListNode):
            item = form.item or ANY
            return [self.convert(one, item, where) for one in node.items]
        return self._map(node, form, where)

    def _scalar(self, node: ScalarNode, form: Form) -> Any:
        if not node.plain:
            return node.text
        if form.flag and not form.text and node.text in YES_NO:
            value = YES_NO[node.text]
            self.report.warn(
                "GOV161", f"{quoted(node.text)} is text in YAML 1.2; it is read as {str(value).lower()} here", node,
                f"write {str(value).lower()}", replacement=str(value).lower(),
            )  # fmt: skip
            return value
        if not form.text:
            return core_value(node.text)
        if is_null(node.text):
            return None
        if form.flag or form.number:
            value = core_value(node.text)
            if (form.flag and isinstance(value, bool)) or (form.number and isinstance(value, int | float)):
                return value
        return node.text

    def _map(self, node: MapNode, form: Form, where: str) -> Any:
        nested = self._nested(node, form)
        if nested is not None:
            inside, properties = f"{where}, {nested.name}", properties_of(nested.model)
            merged = self._with_defaults(node, (nested.name, *nested.aliases), (*properties.by_name, *nested.renames))
            return self.members(merged, properties, inside, nested.renames)
        model = self._model(node, form)
        if model is not None:
            properties = properties_of(model)
            return self.members(self._with_defaults(node, tags_of(model), properties.by_name), properties, where)
        value = form.value or ANY
        return {key: self.convert(entry.value, value, where) for key, entry in node.entries.items()}

    def _with_defaults(self, node: MapNode, names: Collection[str], known: Collection[str]) -> MapNode:
        return node if self.defaults is None or not names else self.defaults.apply_within(node, names, known)

    def _nested(self, node: MapNode, form: Form) -> TypeInfo | None:
        name = node.get("type")
        if not isinstance(name, ScalarNode):
            return None
        info = self.catalogue.find(name.text)
        if info is None or info.kind != "nested":
            return None
        return info if form.anything or issubclass(info.model, form.models) else None

    @staticmethod
    def _model(node: MapNode, form: Form) -> type[BaseModel] | None:
        name = node.get("type")
        if len(form.models) == 1 and form.value is None:
            only = form.models[0]
            # The base of a family of types: which keys exist depends on a type that nobody knows.
            open_ended = name is not None and "type" in properties_of(only).by_name and not tags_of(only)
            return None if open_ended else only
        tag = name.text if isinstance(name, ScalarNode) else None
        return next((model for model in form.models if tag in tags_of(model)), None)

    def members(
        self,
        node: MapNode,
        properties: Properties,
        where: str,
        renames: Mapping[str, Rename] | None = None,
        further: Iterable[str] = (),
    ) -> dict[str, Any]:
        """Return the entries of a map under their canonical names; null means "not written".

        Parameters
        ----------
        further
            Other keys that exist here, for the note of an unknown key.
        """
        data: dict[str, Any] = {}
        known = (*properties.by_name, *further)
        for entry in node.entries.values():
            name = self._renamed(entry.key, properties, where, renames or {})
            found = properties.by_name.get(name)
            if found is None and properties.closed:
                meant = self.report.unknown_key(entry.key, where, known)
                if meant in properties.by_name:
                    self.meant.add((id(node), properties.by_name[str(meant)].name))
                continue
            if found is None:
                found = Property(name, ANY)
            if not (isinstance(entry.value, ScalarNode) and entry.value.plain and is_null(entry.value.text)):
                self._member(node, data, entry, found, where)
            self._age(entry.key, name, found, where)
        return data

    def _member(self, node: MapNode, data: dict[str, Any], entry: Entry, found: Property, where: str) -> None:
        if found.name in data:
            other = self.origins[id(node), found.name].key
            message = f"{quoted(entry.key.text)} and {quoted(other.text)} in {where} are the same property"
            self.report.error("GOV103", message, entry.key, "Remove one of the two.")
            return
        self.origins[id(node), found.name] = entry
        data[found.name] = self.convert(entry.value, found.form, where)

    def _renamed(self, key: ScalarNode, properties: Properties, where: str, renames: Mapping[str, Rename]) -> str:
        rename = renames.get(key.text)
        if rename is None or key.text in properties.by_name:
            return key.text
        self.report.warn(
            "GOV160", f"{quoted(key.text)} in {where} is read as {quoted(rename.to)}: {rename.reason}", key,
            f"write {quoted(rename.to)}", replacement=rename.to,
        )  # fmt: skip
        return rename.to

    def _age(self, key: ScalarNode, name: str, found: Property, where: str) -> None:
        if found.deprecated or found.name != name:
            better = f"write {quoted(found.name)}" if found.name != name else None
            reason = found.deprecated or f"its name is {quoted(found.name)} now"
            self.report.warn("GOV160", f"{quoted(name)} in {where} is deprecated: {reason}", key, better)
