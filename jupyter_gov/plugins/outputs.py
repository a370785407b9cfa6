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
from jupyter_gov.lang.models.storable import MAX_DEPTH, cleaned


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
        return dict(jsonable(result.model_dump(by_alias=True)))
    if isinstance(result, Mapping):
        return dict(jsonable(result))
    raise TaskError(f"A task hands back a map or an Output, not {type(result).__name__}.", code="GOV802")


def jsonable(value: Any) -> Any:
    r"""Return ``value`` in the types of JSON: dates and decimals as text, not-a-number as text, bytes as text.

    Halves of surrogate pairs, as Python makes them of file names that are no UTF-8, are written out: ``\udcff``.

    Raises
    ------
    TaskError
        ``GOV802``: there is something in it that JSON does not know, or it is nested too deeply.
    """
    return _jsonable(value, MAX_DEPTH)


def _jsonable(value: Any, depth: int) -> Any:  # noqa: PLR0911 - one line per kind of value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _nested(value, depth)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, UUID | PurePath):
        return cleaned(str(value))
    if isinstance(value, BaseModel):
        return _jsonable(value.model_dump(by_alias=True), depth)
    raise TaskError(
        f"A {type(value).__name__} cannot be an output.", code="GOV802", hint="Hand back texts, numbers, lists, maps."
    )


def _nested(value: Any, depth: int) -> Any:
    if depth == 0:
        hint = "Hand deep structures on as a file: outputFiles."
        raise TaskError(f"An output is nested deeper than {MAX_DEPTH} levels.", code="GOV802", hint=hint)
    if isinstance(value, Mapping):
        return {cleaned(str(key)): _jsonable(item, depth - 1) for key, item in value.items()}
    return [_jsonable(item, depth - 1) for item in value]


def _number(value: Decimal) -> int | float | str:
    # Exactly, or as text: a sum of money must not change by being handed on.
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)
