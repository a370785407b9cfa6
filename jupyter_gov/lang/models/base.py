"""What all shapes of the flow language share: camelCase in YAML, unknown keys refused, immutable."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationInfo
from pydantic.alias_generators import to_camel

from jupyter_gov.lang.models.scalars import parse_duration

TASK_ID = r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$"
INPUT_ID = r"^[a-zA-Z0-9][.a-zA-Z0-9_-]*$"
FLOW_ID = r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$"
NAMESPACE = r"^[a-z0-9][a-z0-9._-]*$"


class Spec(BaseModel):
    """Base of everything in a flow that is no task type."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


def is_expression(value: object) -> bool:
    """Return whether a value is text that is rendered before use."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _duration_or_expression(value: Any, _: ValidationInfo) -> Any:
    if not is_expression(value):
        parse_duration(value)
    return value if isinstance(value, str) else str(value)


DurationText = Annotated[str, BeforeValidator(_duration_or_expression), PlainSerializer(str)]
"""A duration or an expression, kept as written."""
