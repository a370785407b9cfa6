"""What the language needs from above, as protocols: which types exist, and what expressions may ask for.

``lang`` knows neither plugins nor files nor a store; the registry and the run context implement these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel

if TYPE_CHECKING:
    from jupyter_gov.lang.models.flow import TaskDef

TypeKind = Literal["runnable", "flowable", "trigger", "nested"]
SlotKind = Literal["list", "one", "map", "dag"]
"""How a property holds tasks: a list of them, one, a map from case to list, or a list of ``{task, dependsOn}``."""

DEPENDS_ON = "dependsOn"
"""Property of a checked task with a slot of kind ``dag``: task id -> ids of the tasks that it waits for."""


ADDED = "added:"
"""Begins the names of slots whose tasks nobody has written: a type runs them by itself; pictures leave them out."""


CHECKING = "checking"
"""Key of the pydantic validation context that is true while a flow is checked, before anything is rendered."""

NOTES = "notes"
"""Key of the pydantic validation context: a list to which validators add warnings while a flow is checked."""

CATALOGUE = "catalogue"
"""Key of the pydantic validation context: the ``TypeCatalogue`` in which nested types are looked up."""


@dataclass(frozen=True, slots=True)
class Rename:
    """A spelling that we accept with a warning although stock Kestra refuses it, or that became old."""

    to: str
    reason: str = "deprecated"


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """One type that may stand behind ``type:``.

    Attributes
    ----------
    name
        Canonical name.
    model
        The pydantic class of its own properties (those of every task are not in it).
    slots
        Properties that hold child tasks.
    renames
        Other spellings of properties -> the right one; the checker warns and rewrites.
    inline
        The loop runs it itself: cheap, pure, no I/O.
    repeatable
        Running it again after a crash does no harm.
    aliases
        Other names of the type.
    output_renames
        Other spellings of outputs -> the right one; the checker warns about expressions that use them.
    added
        Returns the tasks that a task of the type runs beside those that are written, by slot.
    only_runnable
        Its tasks may not hold tasks themselves: one worker runs all of them.
    outputs
        Outputs that are known before it runs -> what they hold.
    """

    name: str
    kind: TypeKind
    model: type[BaseModel]
    slots: Mapping[str, SlotKind] = field(default_factory=dict)
    renames: Mapping[str, Rename] = field(default_factory=dict)
    inline: bool = False
    repeatable: bool = False
    aliases: Sequence[str] = ()
    deprecated: str | None = None
    output_renames: Mapping[str, Rename] = field(default_factory=dict)
    added: Callable[[TaskDef], Mapping[str, tuple[TaskDef, ...]]] | None = None
    only_runnable: bool = False
    outputs: Mapping[str, str] = field(default_factory=dict)


class TypeCatalogue(Protocol):
    """Knows all types; implemented by ``plugins.registry.Registry``."""

    def find(self, name: str) -> TypeInfo | None:
        """Return the type of this name or alias, or None."""
        ...

    def names(self) -> Sequence[str]:
        """Return all canonical names, for "did you mean" and completion."""
        ...

    def problem(self, name: str) -> str | None:
        """Return why the plugin that offers ``name`` could not be loaded, if so."""
        ...


@dataclass(frozen=True, slots=True)
class JqAnswer:
    """What became of a jq program.

    Attributes
    ----------
    kind
        ``results``: ``text`` is a JSON list of them. Else ``text`` is why there are none: it is no ``program``, it
        ends in a ``failure``, or it passed a ``limit``.
    seconds
        CPU time that it took.
    """

    kind: Literal["results", "program", "failure", "limit"]
    text: str
    seconds: float = 0.0


class ExpressionHost(Protocol):
    """What functions and filters of an expression may reach; every method may raise ``GovError``."""

    def now(self) -> datetime:
        """Return the present time, aware."""
        ...

    def read(self, uri: str) -> str:
        """Return the text of a file of this execution or namespace."""
        ...

    def file_size(self, uri: str) -> int:
        """Return the size of a file in bytes."""
        ...

    def file_exists(self, uri: str) -> bool:
        """Return whether the file exists."""
        ...

    def file_uri(self, path: str) -> str:
        """Return the URI of a namespace file."""
        ...

    def secret(self, name: str) -> str:
        """Return a secret of the namespace."""
        ...

    def open_output(self, ciphertext: str) -> str:
        """Return the text that a task has sealed among its outputs; it is masked in logs from now on."""
        ...

    def open_sealed(self, ciphertext: str) -> str:
        """Return the text of a sealed value (a SECRET input)."""
        ...

    def kv(self, key: str, namespace: str | None, error_on_missing: bool | None) -> Any:
        """Return a stored value; with None it is as the flow's version of Kestra has it."""
        ...

    def place(self) -> Mapping[str, str]:
        """Return address and environment of this installation, as far as they are set: ``kestra`` of expressions."""
        ...

    def error_logs(self) -> Sequence[Mapping[str, Any]]:
        """Return the ERROR log lines of the execution."""
        ...

    def jq(self, program: str, source: str, *, seconds: float, characters: int) -> JqAnswer:
        """Run a jq program on a JSON text where it harms nobody: not in this process, and within these bounds."""
        ...
