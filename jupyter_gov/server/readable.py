"""Answers that can always be sent: what JSON or UTF-8 cannot carry is replaced where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

DEEPEST = 100
"""Levels of a value that are shown; pydantic writes no more than 255, and pages should not have to."""

TOO_DEEP = f"(unreadable: nested more than {DEEPEST} levels deep)"


def json_of(body: BaseModel) -> str:
    """Return a body as JSON; a value of it that cannot be written is shown as unreadable, and the rest as it is."""
    try:
        return body.model_dump_json(by_alias=True)
    except (ValueError, RecursionError):  # pydantic's own errors of serialisation are ValueErrors
        return _readable_body(body).model_dump_json(by_alias=True)


def readable(value: Any, depth: int = 0) -> Any:
    """Return a copy of JSON-able data without halves of characters, and cut where it is nested too deeply."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if depth >= DEEPEST and isinstance(value, (Mapping, list, tuple)):
        return TOO_DEEP
    if isinstance(value, Mapping):
        return {readable(str(key)): readable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(item, depth + 1) for item in value]
    return value


def _readable_body(body: BaseModel) -> BaseModel:
    return body.model_copy(update={name: _readable_field(item) for name, item in body})


def _readable_field(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _readable_body(value)
    if isinstance(value, list):
        return [_readable_field(item) for item in value]
    return readable(value)
