"""The one canonical form (RFC 8785) in which values are hashed.

Subject digests, audit entries and flow revisions all commit to bytes made here, so that a stranger with any
RFC 8785 library gets the same digest.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from json import JSONEncoder
from typing import Any

import rfc8785

_MAX_SAFE_INTEGER = 2**53 - 1
_encode = JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line per kind
    """Return ``value`` as JSON-able data: mappings with text keys, lists, texts, numbers, booleans, null.

    Integers beyond 2**53 and non-finite numbers become texts, since RFC 8785 cannot write them exactly.
    """
    match value:
        case None | bool():
            return value
        case Enum():
            return plain(value.value)
        case str():
            return str(value)
        case int():
            return int(value) if abs(value) <= _MAX_SAFE_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return f"PT{value.total_seconds():g}S"
        case Decimal():
            return str(value)
        case bytes():
            return value.hex()
        case Sequence() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return str(value)


def _is_simple(value: Any) -> bool:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-_MAX_SAFE_INTEGER <= value <= _MAX_SAFE_INTEGER)
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_simple(item) for key, item in value.items())
    if kind is list or kind is tuple:
        return all(map(_is_simple, value))
    return False


def canonical_text(value: Any) -> str:
    """Return the RFC 8785 text of ``value``; lone surrogates, which UTF-8 cannot hold, become ``?``.

    ``json`` in C writes the same bytes as RFC 8785 as long as there are no fractions, no integers beyond 2**53 and only
    ASCII keys (others sort differently); that is several times faster, so only the rest goes the general way.
    """
    if _is_simple(value):
        return _utf8(_encode(value))
    data = plain(value)
    try:
        return rfc8785.dumps(data).decode()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return rfc8785.dumps(_without_surrogates(data)).decode()


def _utf8(text: str) -> str:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _utf8(value)
    if isinstance(value, dict):
        return {_utf8(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of ``value``."""
    return canonical_text(value).encode()


def digest(value: Any) -> str:
    """Return ``sha256:<hex>`` over the canonical bytes of ``value``."""
    return digest_bytes(canonical_bytes(value))


def digest_bytes(data: bytes) -> str:
    """Return ``sha256:<hex>`` of raw bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
