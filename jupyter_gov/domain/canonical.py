"""The one canonical form (RFC 8785) in which values are hashed.

Subject digests, audit entries and flow revisions all commit to bytes made here, so that a stranger with any
RFC 8785 library gets the same digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import rfc8785

_MAX_SAFE_INTEGER = 2**53 - 1


def plain(value: Any) -> Any:
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
            return value if value == value and abs(value) != float("inf") else str(value)
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


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of ``value``."""
    return rfc8785.dumps(plain(value))


def digest(value: Any) -> str:
    """Return ``sha256:<hex>`` over the canonical bytes of ``value``."""
    return digest_bytes(canonical_bytes(value))


def digest_bytes(data: bytes) -> str:
    """Return ``sha256:<hex>`` of raw bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
