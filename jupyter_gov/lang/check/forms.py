"""What kind of value a property wants, read from the annotations of its pydantic class.

The kind decides what a plain scalar means: ``on`` is text for a text property, true (with a warning) for a boolean.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Set
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Form:
    """The kinds of value that a property accepts.

    Attributes
    ----------
    item, value
        Form of the items of a list, of the values of a map; None if neither is wanted.
    models
        Classes of which a map may be.
    """

    anything: bool = False
    text: bool = False
    flag: bool = False
    number: bool = False
    item: Form | None = None
    value: Form | None = None
    models: tuple[type[BaseModel], ...] = ()


ANY = Form(anything=True)
_PLAIN: tuple[tuple[tuple[type, ...], Form], ...] = (
    ((str, bytes, date, time, timedelta, PurePath, Enum), Form(text=True)),  # a datetime is a date
    ((bool,), Form(flag=True)),
    ((int, float, Decimal), Form(number=True)),
    ((type(None),), Form()),
)


def form_of(annotation: Any) -> Form:
    """Return the form of an annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return form_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _joined([form_of(one) for one in get_args(annotation)])
    if origin is Literal:
        return _joined([form_of(type(one)) for one in get_args(annotation)])
    if isinstance(annotation, TypeVar):
        return form_of(annotation.__bound__ or Any)
    alias = getattr(annotation, "__value__", None) or getattr(annotation, "__supertype__", None)
    if alias is not None:
        return ANY if origin else form_of(alias)
    return _form_of_class(origin or annotation, get_args(annotation))


def _form_of_class(cls: Any, arguments: tuple[Any, ...]) -> Form:
    if not isinstance(cls, type):
        return ANY
    if issubclass(cls, BaseModel):
        return Form(models=(cls,))
    if issubclass(cls, Mapping):
        return Form(value=form_of(arguments[1]) if len(arguments) == 2 else ANY)
    if issubclass(cls, SequenceABC | Set) and not issubclass(cls, str | bytes):
        return Form(item=form_of(arguments[0]) if arguments else ANY)
    return next((form for classes, form in _PLAIN if issubclass(cls, classes)), ANY)


def _joined(forms: list[Form]) -> Form:
    def inner(parts: list[Form | None]) -> Form | None:
        present = [part for part in parts if part is not None]
        return _joined(present) if present else None

    return Form(
        anything=any(form.anything for form in forms),
        text=any(form.text for form in forms),
        flag=any(form.flag for form in forms),
        number=any(form.number for form in forms),
        item=inner([form.item for form in forms]),
        value=inner([form.value for form in forms]),
        models=tuple(dict.fromkeys(model for form in forms for model in form.models)),
    )


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a class: its name in YAML, and what it wants."""

    name: str
    form: Form
    deprecated: str | None = None


@dataclass(frozen=True, slots=True)
class Properties:
    """The properties of a class by every name that YAML may use, and whether others are refused."""

    by_name: Mapping[str, Property]
    closed: bool


@lru_cache(maxsize=4096)
def properties_of(model: type[BaseModel]) -> Properties:
    """Return the properties of a class."""
    by_name: dict[str, Property] = {}
    for python_name, field in model.model_fields.items():
        names = _names(python_name, field)
        found = Property(names[0], form_of(field.annotation), _deprecation(field))
        by_name |= dict.fromkeys(names, found)
    return Properties(by_name, model.model_config.get("extra") == "forbid")


def _names(python_name: str, field: FieldInfo) -> list[str]:
    alias = field.validation_alias or field.alias or python_name
    if isinstance(alias, AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, str)]
    return [alias] if isinstance(alias, str) else [python_name]


def _deprecation(field: FieldInfo) -> str | None:
    if not field.deprecated:
        return None
    return field.deprecated if isinstance(field.deprecated, str) else field.description or "it is deprecated"


@lru_cache(maxsize=4096)
def tags_of(model: type[BaseModel]) -> frozenset[str]:
    """Return the values of ``type`` for which a class stands, if it says so by a ``Literal``."""
    field = model.model_fields.get("type") or model.model_fields.get("type_")
    if field is None or get_origin(field.annotation) is not Literal:
        return frozenset()
    return frozenset(str(one) for one in get_args(field.annotation))
