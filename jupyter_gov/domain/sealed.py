"""How a secret value looks at rest: a mapping with the published type name, and the ciphertext.

Everything above passes it around as it is; only an expression host that holds the key can open it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_gov.domain.canonical import digest_bytes

SEALED = "io.kestra.datatype:aes_encrypted"
MASK = "********"
"""Stands where a secret would be, in logs, outputs and on every face."""


def sealed(ciphertext: str) -> dict[str, str]:
    """Return the mapping that stands for a sealed text."""
    return {"type": SEALED, "value": ciphertext}


def is_sealed(value: Any) -> bool:
    """Return whether a value is a sealed text."""
    return isinstance(value, Mapping) and value.get("type") == SEALED and isinstance(value.get("value"), str)


def veiled(value: Any) -> Any:
    """Return ``value`` for people: a mask at any depth where something is sealed."""
    if is_sealed(value):
        return MASK
    if isinstance(value, Mapping):
        return {key: veiled(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [veiled(item) for item in value]
    return value


def recorded(value: Any) -> Any:
    """Return ``value`` for the record: of what is sealed only a digest, since a record can never be deleted."""
    if is_sealed(value):
        return {"type": SEALED, "digest": digest_bytes(value["value"].encode())}
    if isinstance(value, Mapping):
        return {key: recorded(item) for key, item in value.items()}
    return value
