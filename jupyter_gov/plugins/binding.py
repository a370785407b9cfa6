"""From the properties as written to a task that can run: renders what is ``Dynamic``, then validates."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.ports import TypeCatalogue
from jupyter_gov.plugins.api import CATALOGUE, DynamicMarker, TypedModel, is_template
from jupyter_gov.plugins.nested import NestedType
from jupyter_gov.plugins.outputs import jsonable, outputs_of

__all__ = ["bind", "jsonable", "outputs_of", "problems", "render_props"]

Render = Callable[[Any], Any]
T = TypeVar("T", bound=TypedModel)


def bind(model: type[T], props: Mapping[str, Any], render: Render, catalogue: TypeCatalogue | None = None) -> T:
    """Return a task whose ``Dynamic`` properties are rendered and whose values have their declared types.

    Parameters
    ----------
    props
        As in ``TaskDef.props``: canonical YAML names, unrendered.
    render
        Renders texts at any depth, such as ``RunContext.render``.

    Raises
    ------
    TaskError
        ``GOV801``: a rendered value does not fit its property; says which, and what was expected.
    """
    values = render_props(model, props, render, catalogue)
    try:
        return model.model_validate(values, context={CATALOGUE: catalogue})
    except ValidationError as error:
        raise TaskError(
            f"{'; '.join(problems(error))}.",
            code="GOV801",
            hint="Check what the expressions in these properties give, for example with a Log task before it.",
        ) from error


def problems(error: ValidationError) -> Iterator[str]:
    """Yield one sentence for each property that pydantic refuses."""
    for problem in error.errors(include_url=False, include_context=False):
        name = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        got = repr(problem["input"])
        shown = got if len(got) <= 80 else got[:77] + "..."
        yield f"Property `{name}`: {message} (got {shown})" if name else message


def render_props(
    model: type[BaseModel], props: Mapping[str, Any], render: Render, catalogue: TypeCatalogue | None = None
) -> dict[str, Any]:
    """Return ``props`` with the values of dynamic fields rendered; everything else as it is."""
    plan = _plan(model)
    return {name: _render(plan.get(name), value, render, catalogue) for name, value in props.items()}


class _Field:
    """How one property is rendered."""

    def __init__(self, field: FieldInfo) -> None:
        parts = list(_walk(field.annotation))
        self.dynamic = any(isinstance(part, DynamicMarker) for part in (*field.metadata, *parts))
        self.models = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
        # Rendering gives text; a list or a map that an expression gives arrives as JSON, null as nothing.
        self.is_text = str in parts or Any in parts
        self.is_optional = NoneType in parts


def _walk(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        yield from metadata
        yield from _walk(inner)
    elif origin in (Union, UnionType):
        for choice in get_args(annotation):
            yield from _walk(choice)
    elif isinstance(origin, type) and issubclass(origin, Mapping | list | tuple | set | frozenset):
        # The texts inside a list are not the list: only what may stand for the whole value counts as its type.
        yield origin
        inner_parts = (part for argument in get_args(annotation) for part in _walk(argument))
        yield from (part for part in inner_parts if part not in (str, Any, NoneType))
    else:
        yield annotation


@functools.cache
def _plan(model: type[BaseModel]) -> Mapping[str, _Field]:
    plan: dict[str, _Field] = {}
    for name, field in model.model_fields.items():
        plan[name] = plan[field.alias or name] = _Field(field)
    return plan


def _render(field: _Field | None, value: Any, render: Render, catalogue: TypeCatalogue | None) -> Any:
    if field is None:
        return value
    if field.models and isinstance(value, Mapping):
        return render_props(_member(field.models[0], value, catalogue), value, render, catalogue)
    if field.models and isinstance(value, list):
        return [_render(field, item, render, catalogue) for item in value]
    if not field.dynamic:
        return value
    rendered = render(value)
    if is_template(value) and isinstance(rendered, str) and not field.is_text:
        return _read(rendered, field)
    return rendered


def _member(model: type[BaseModel], value: Mapping[str, Any], catalogue: TypeCatalogue | None) -> type[BaseModel]:
    if not (issubclass(model, NestedType) and model.is_base()):
        return model
    try:
        return model.member(value, catalogue)
    except ValueError:
        return model  # The validation that follows says what is wrong with it.


def _read(text: str, field: _Field) -> Any:
    if not text.strip() and field.is_optional:
        return None
    if text.lstrip()[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
