"""Values inside a task that have a ``type:`` of their own, such as the provider and the tools of an agent.

Examples
--------
>>> class Shape(NestedType):
...     '''A shape.'''
...     family = "shape"
>>> class Circle(Shape):
...     '''A circle.'''
...     type_name = "example.Circle"
...     radius: float
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationInfo, model_validator

from jupyter_gov.lang.ports import TypeCatalogue, TypeKind
from jupyter_gov.plugins.api import CATALOGUE, TypedModel


@functools.cache
def _installed() -> TypeCatalogue:
    from jupyter_gov.plugins.registry import Registry  # noqa: PLC0415 - the registry knows tasks, not this

    return Registry()


class NestedType(TypedModel):
    """Base of a family of nested types; a field annotated with the family's base accepts every member.

    Attributes
    ----------
    family
        What a member is called in error messages; the base of a family has no ``type_name``.
    later
        Prefixes of type names that exist elsewhere and are not offered here -> what to say to who writes them.
    """

    kind: ClassVar[TypeKind] = "nested"
    family: ClassVar[str] = "type"
    later: ClassVar[Mapping[str, str]] = {}

    type_: str = Field(alias="type", description="Name of the type.")

    @classmethod
    def is_base(cls) -> bool:
        """Return whether this class stands for its family and is no member itself."""
        return not hasattr(cls, "type_name")

    @model_validator(mode="wrap")
    @classmethod
    def _resolve(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        if not cls.is_base() or isinstance(value, cls):
            return handler(value)
        member = cls.member(value, (info.context or {}).get(CATALOGUE))
        return member.model_validate(value, context=info.context)

    @classmethod
    def member(cls, value: object, catalogue: TypeCatalogue | None = None) -> type[Self]:
        """Return the class that ``value["type"]`` names.

        Raises
        ------
        ValueError
            It names none of this family; the message names those that come close.
        """
        name = value.get("type") if isinstance(value, Mapping) else None
        if not isinstance(name, str):
            raise ValueError(f"a {cls.family} is a map with a `type`")  # noqa: TRY004 - pydantic wants ValueError
        types = catalogue or _installed()
        info = types.find(name)
        if info is not None and issubclass(info.model, cls):
            return info.model
        later = next((reason for prefix, reason in cls.later.items() if name.startswith(prefix)), None)
        raise ValueError(types.problem(name) or (later.format(name=name) if later else cls._unknown(name, types)))

    @classmethod
    def _unknown(cls, name: str, types: TypeCatalogue) -> str:
        members = [known for known in types.names() if _is_member(types, known, cls)]
        short = {known.rpartition(".")[2].lower(): known for known in members}
        near = difflib.get_close_matches(name.rpartition(".")[2].lower(), short, n=3)
        near_names = [short[match] for match in near] or difflib.get_close_matches(name, members, n=3) or members
        return f"there is no {cls.family} of type {name!r}; did you mean {' or '.join(near_names)}?"


def _is_member(types: TypeCatalogue, name: str, base: type[NestedType]) -> bool:
    info = types.find(name)
    return info is not None and issubclass(info.model, base)
