"""What the stages of a check share: the report, the catalogue, and what was found so far."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from jupyter_gov.lang.check.convert import Converter
from jupyter_gov.lang.check.defaults import Defaults
from jupyter_gov.lang.check.inputs import Inputs
from jupyter_gov.lang.check.report import Report
from jupyter_gov.lang.check.validate import Validator
from jupyter_gov.lang.diagnostics import quoted
from jupyter_gov.lang.nodes import MapNode, Node, ScalarNode, scalars
from jupyter_gov.lang.ports import TypeCatalogue, TypeInfo

_PLUGINS = (
    "Types come from installed packages, by entry points of the group jupyter_gov.tasks: install the one that offers "
    "it, or allow unknown types (--allow-unknown-types) to store a flow that shall run elsewhere."
)


@dataclass(frozen=True, slots=True)
class Use:
    """A text that holds an expression.

    Attributes
    ----------
    where
        What it belongs to, for messages.
    local
        Whether names in it mean this execution; those of a trigger or of a called flow's outputs do not.
    inputs
        Further inputs that exist here: the fields of a gate's form.
    """

    node: ScalarNode
    where: str
    local: bool = True
    inputs: frozenset[str] = frozenset()


@dataclass(slots=True)
class Scope:
    """The state of one check."""

    report: Report
    catalogue: TypeCatalogue
    allow_unknown: bool
    converter: Converter
    validator: Validator
    inputs: Inputs
    defaults: Defaults
    uses: list[Use] = field(default_factory=list)
    places: dict[str, list[Node]] = field(default_factory=dict)
    """Task id -> where it is written, once per task of that id."""
    types: dict[str, TypeInfo | None] = field(default_factory=dict)
    """Task id -> its type; also ids found inside tasks of unknown types."""

    @classmethod
    def of(cls, report: Report, catalogue: TypeCatalogue, *, allow_unknown: bool) -> Scope:
        """Return the state at the beginning of a check."""
        defaults = Defaults(report, catalogue)
        converter = Converter(report, catalogue, defaults)
        validator = Validator(converter)
        inputs = Inputs(converter, validator)
        return cls(report, catalogue, allow_unknown, converter, validator, inputs, defaults)

    def use(self, node: Node, where: str, **more: Any) -> None:
        """Note every expression below a node."""
        self.uses += [Use(one, where, **more) for one in scalars(node) if "{" in one.text]

    def unknown_type(self, name: ScalarNode, subject: str, first: Collection[str] = ()) -> None:
        """Report a type that no plugin offers, or whose plugin is broken.

        Parameters
        ----------
        first
            Types that are more likely to be meant than others.
        """
        note = None
        problem = self.catalogue.problem(name.text)
        if problem:
            code, message, hint = "GOV119", f"{subject}: {problem}", "Repair or reinstall the plugin."
        else:
            meant = self.report.meant(name.text, first, is_type=True) if first else None
            meant = meant or self.report.meant(name.text, self.catalogue.names(), is_type=True)
            code, message = "GOV111", f"{subject} has the unknown type {quoted(name.text, 120)}"
            hint = f"did you mean {quoted(meant, 120)}?" if meant else "No installed plugin offers this type."
            note = _PLUGINS
        if self.allow_unknown:
            self.report.warn("GOV165", message + "; it cannot run here", name, hint, note=note)
        else:
            self.report.error(code, message, name, hint, note=note)


def task_ids_below(node: Node) -> Iterator[str]:
    """Yield the ids of everything that looks like a task, inside a task whose type is unknown."""
    stack = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, MapNode):
            name = top.get("id")
            if isinstance(name, ScalarNode) and "type" in top.entries:
                yield name.text
            stack += [entry.value for entry in top.entries.values()]
        elif not isinstance(top, ScalarNode):
            stack += top.items
