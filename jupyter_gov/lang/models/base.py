"""What all shapes of the flow language share: camelCase in YAML, unknown keys refused, immutable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from jupyter_gov.lang.models.scalars import parse_duration

TASK_ID = r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$"
INPUT_ID = r"^[a-zA-Z0-9][.a-zA-Z0-9_-]*$"
FLOW_ID = r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$"
NAMESPACE = r"^[a-z0-9][a-z0-9._-]*$"


class Spec(BaseModel):
    """Base of everything in a flow that is no task type."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON Schema, in which older names of properties exist as well, as they do for the checker."""
        schema = handler(core)
        found = handler.resolve_ref_schema(schema)
        for field in cls.model_fields.values():
            if isinstance(field.validation_alias, AliasChoices):
                name, *older = (str(one) for one in field.validation_alias.choices)
                _add_older(found, name, older)
        return schema


def _add_older(schema: JsonSchemaValue, name: str, older: Sequence[str]) -> None:
    properties = schema["properties"]
    for old in older:
        properties[old] = {**properties[name], "description": f"Write {name}.", "deprecated": True}
    # One of the names must be there; which is told by the checker, in words.
    schema["required"] = [one for one in schema.get("required", ()) if one != name]


def is_expression(value: object) -> bool:
    """Return whether a value is text that is rendered before use."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _duration_or_expression(value: Any, _: ValidationInfo) -> Any:
    if not is_expression(value):
        parse_duration(value)
    return value if isinstance(value, str) else str(value)


DurationText = Annotated[str, BeforeValidator(_duration_or_expression), PlainSerializer(str)]
"""A duration or an expression, kept as written."""
