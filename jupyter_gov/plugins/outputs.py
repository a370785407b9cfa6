"""What a task returns, as it is stored: a map of JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.scalars import format_duration


def outputs_of(result: object) -> dict[str, Any] | None:
    """Return what ``run`` gave back as a map of JSON values, or None.

    Raises
    ------
    TaskError
        ``GOV802``: it is no ``Output``, map or None.
    """
    if result is None:
        return None
    if isinstance(result, BaseModel):
        return {key: jsonable(value) for key, value in result.model_dump(by_alias=True).items()}
    if isinstance(result, Mapping):
        return {str(key): jsonable(value) for key, value in result.items()}
    raise TaskError(f"A task hands back a map or an Output, not {type(result).__name__}.", code="GOV802")


def jsonable(value: Any) -> Any:  # noqa: PLR0911 - one line per kind of value
    """Return ``value`` in the types of JSON: dates and decimals as text, not-a-number as text, bytes as text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, UUID | PurePath):
        return str(value)
    if isinstance(value, BaseModel):
        return jsonable(value.model_dump(by_alias=True))
    raise TaskError(
        f"A {type(value).__name__} cannot be an output.", code="GOV802", hint="Hand back texts, numbers, lists, maps."
    )


def _number(value: Decimal) -> int | float | str:
    # Exactly, or as text: a sum of money must not change by being handed on.
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)
