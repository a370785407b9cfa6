"""Base classes of task types: one class is schema, documentation, examples and code.

The class docstring is the page that ``jupyter gov docs TYPE`` prints; field descriptions and ``examples`` go into
the JSON Schema. Python names are snake_case, YAML names camelCase (made by alias).

A property that may be written as an expression is annotated ``Dynamic[T]``: while the flow is checked it accepts
``T`` or text with ``{{ }}``; before ``run`` it is rendered and must then be a ``T``.

Examples
--------
>>> class Greet(RunnableTask):
...     '''Greets somebody.'''
...     type_name = "example.Greet"
...     who: Dynamic[str]
...     def run(self, ctx):
...         return {"greeting": f"Hello {self.who}"}
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo, WrapValidator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from jupyter_gov.lang.ports import CATALOGUE, CHECKING, NOTES, Rename, SlotKind, TypeInfo, TypeKind

if TYPE_CHECKING:
    from jupyter_gov.lang.models.flow import TaskDef
    from jupyter_gov.plugins.context import RunContext

__all__ = [
    "CATALOGUE",
    "CHECKING",
    "NOTES",
    "Dynamic",
    "DynamicMarker",
    "ErrandTask",
    "FlowableTask",
    "GovModel",
    "Output",
    "Rename",
    "RunnableTask",
    "SlotKind",
    "Trigger",
    "TypeInfo",
    "TypeKind",
    "TypedModel",
    "is_template",
    "note",
]


def note(info: ValidationInfo, message: str) -> None:
    """Add a warning about the property under validation, for the author of the flow; nothing happens at run time."""
    if info.context and (notes := info.context.get(NOTES)) is not None:
        notes.append((info.field_name, message))


def is_template(value: object) -> bool:
    """Return whether a value is text that holds an expression."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _allow_template(value: Any, handler: Any, info: ValidationInfo) -> Any:
    if info.context and info.context.get(CHECKING) and is_template(value):
        return value
    return handler(value)


class DynamicMarker:
    """Marks a field whose value is rendered before ``run``."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Let the JSON Schema of the field accept an expression as well."""
        inner = handler(schema)
        expression = {"type": "string", "pattern": r"\{[{%]"}
        return inner if inner.get("type") == "string" and "enum" not in inner else {"anyOf": [inner, expression]}


T = TypeVar("T")
Dynamic = Annotated[T, DynamicMarker(), WrapValidator(_allow_template)]
"""``Dynamic[int]``: an int, or an expression that renders to one."""


class GovModel(BaseModel):
    """Base of everything that is written in YAML: unknown keys refused, names in camelCase, immutable."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, arbitrary_types_allowed=True
    )


class Output(GovModel):
    """Base of what a task hands back; dumped by alias into ``outputs.<task id>``."""

    model_config = ConfigDict(extra="allow")


class TypedModel(GovModel):
    """Base of everything that stands behind ``type:``.

    Attributes
    ----------
    type_name
        Canonical name, as written in ``type:``.
    aliases
        Older names that load the same class.
    renames
        Property spellings accepted with a warning -> the right one.
    deprecated
        Why not to use the type any more, and what instead.
    examples
        Complete YAML of the task, shown in the docs and executed by a test.
    output_renames
        Spellings of outputs that expressions may use with a warning -> the right one.
    output_docs
        Outputs -> what they hold, where ``run`` is not annotated with an ``Output`` that says so.
    """

    type_name: ClassVar[str]
    kind: ClassVar[TypeKind] = "nested"
    aliases: ClassVar[tuple[str, ...]] = ()
    renames: ClassVar[Mapping[str, Rename]] = {}
    deprecated: ClassVar[str | None] = None
    examples: ClassVar[tuple[str, ...]] = ()
    output_renames: ClassVar[Mapping[str, Rename]] = {}
    output_docs: ClassVar[Mapping[str, str]] = {}
    slots: ClassVar[Mapping[str, SlotKind]] = {}
    inline: ClassVar[bool] = False
    repeatable: ClassVar[bool] = False
    only_runnable: ClassVar[bool] = False

    @classmethod
    def added(cls, task: TaskDef) -> Mapping[str, tuple[TaskDef, ...]]:
        """Return the tasks that a task runs beside those that are written, by slot (``lang.ports.ADDED``)."""
        return {}

    @classmethod
    def _known_outputs(cls) -> dict[str, str]:
        declared = _output_of(getattr(cls, "run", None))
        fields = declared.model_fields.items() if declared else ()
        found = {info.serialization_alias or info.alias or name: info.description or "" for name, info in fields}
        return {**found, **cls.output_docs}

    @classmethod
    def info(cls) -> TypeInfo:
        """Return what the checker needs to know of this type."""
        return TypeInfo(
            name=cls.type_name,
            kind=cls.kind,
            model=cls,
            slots=cls.slots,
            renames=cls.renames,
            output_renames=cls.output_renames,
            outputs=cls._known_outputs(),
            inline=cls.inline,
            repeatable=cls.repeatable,
            aliases=cls.aliases,
            deprecated=cls.deprecated,
            added=cls.added,
            only_runnable=cls.only_runnable,
        )


def _output_of(run: Any) -> type[Output] | None:
    """Return the class with which ``run`` is annotated, if it is one of outputs."""
    written = getattr(run, "__annotations__", {}).get("return")
    # Where annotations are texts: those for type checkers alone cannot be evaluated, but an Output is a real class.
    found = vars(sys.modules[run.__module__]).get(written) if isinstance(written, str) else written
    return found if isinstance(found, type) and issubclass(found, Output) else None


class RunnableTask(TypedModel, ABC):
    """A task that does work on a worker.

    Set ``inline = True`` only for work without I/O that takes microseconds; ``repeatable = True`` if running it again
    after a crash does no harm.
    """

    kind: ClassVar[TypeKind] = "runnable"

    @abstractmethod
    def run(self, ctx: RunContext) -> Output | Mapping[str, Any] | None:
        """Do the work and return the outputs.

        Raises
        ------
        TaskError
            The work cannot be done; the message goes to the person who runs the flow.
        """


class FlowableTask(TypedModel):
    """A task that only decides which tasks run next; its behaviour is pure and lives in ``engine.flowables``."""

    kind: ClassVar[TypeKind] = "flowable"
    slots: ClassVar[Mapping[str, SlotKind]] = {"tasks": "list", "errors": "list", "finally": "list"}


class ErrandTask(FlowableTask, ABC):
    """A flowable that has work of its own for a worker: files, that is, whatever a pure decision cannot do.

    Attributes
    ----------
    errands
        Name of each errand -> the properties that it needs; only these are rendered for it.
    """

    errands: ClassVar[Mapping[str, frozenset[str]]] = {}

    @abstractmethod
    def do(self, errand: str, ctx: RunContext) -> Output | Mapping[str, Any] | None:
        """Do one of the errands; what the last one returns are the outputs of the flowable.

        Raises
        ------
        TaskError
            The work cannot be done; the flowable fails with this.
        """


class Trigger(TypedModel):
    """Something that starts executions by itself."""

    kind: ClassVar[TypeKind] = "trigger"
