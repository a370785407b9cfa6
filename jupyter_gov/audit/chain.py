"""How one entry of the history commits to itself and to the one before it.

``leaf_hash = SHA-256(0x00 ‖ JCS{stream, seq, prev_hash, ts_us, actor_ref, action, subject, body_digest})``. The prefix
is the leaf prefix of RFC 9162, so that a Merkle tree can be built over the same hashes later. Times are whole
microseconds: what is hashed is exactly what the column holds. The first entry of a stream follows ``genesis(stream)``.

A body may hold personal data. It is committed to by a salted digest and stored apart, so that it can be erased; the
salt keeps its content from being guessed from the digest.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jupyter_gov.audit.canonical import leaf_text
from jupyter_gov.domain.canonical import canonical_text
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.flow import AuditEntry

_LEAF_PREFIX = b"\x00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry ready to be stored: what is hashed, and the body with the salt that its digest needs."""

    entry: AuditEntry
    body_text: str
    salt: str


def genesis(stream: str) -> str:
    """Return what the first entry of a stream names as its predecessor."""
    return hashlib.sha256(b"jupyter_gov/genesis/" + stream.encode("utf-8", "replace")).hexdigest()


def leaf_hash(  # noqa: PLR0917 - the hashed fields, in the order of the format
    stream: str, seq: int, prev_hash: str, ts_us: int, actor_ref: str, action: str, subject: str, body_digest: str
) -> str:
    """Return the hash of an entry, hexadecimal."""
    text = leaf_text(stream, seq, prev_hash, ts_us, actor_ref, action, subject, body_digest)
    return hashlib.sha256(_LEAF_PREFIX + text.encode()).hexdigest()


def body_digest(salt: str, body_text: str) -> str:
    """Return the salted digest of a body's canonical text."""
    return hashlib.sha256(salt.encode() + body_text.encode()).hexdigest()


def new_salt() -> str:
    """Return a fresh salt, hexadecimal and of fixed length, so that salt and body cannot be shifted."""
    return os.urandom(_SALT_BYTES).hex()


def seal(stream: str, seq: int, prev_hash: str, fact: Fact, *, ts_us: int, actor_ref: str) -> Sealed:
    """Return the entry for a fact; ``actor_ref`` stands for the fact's actor."""
    # The assurance of the actor is part of what is committed to, though not a field of its own.
    body = {**fact.body, "assurance": str(fact.assurance)}
    text = canonical_text(body)
    salt = new_salt()
    digest = body_digest(salt, text)
    action, subject = _utf8(fact.action), _utf8(fact.subject)
    leaf = leaf_hash(stream, seq, prev_hash, ts_us, actor_ref, action, subject, digest)
    entry = AuditEntry(stream, seq, prev_hash, leaf, ts_us, actor_ref, action, subject, digest, body)
    return Sealed(entry, text, salt)


def entry(stream: str, seq: int, prev_hash: str | None, at: datetime, fact: Fact) -> AuditEntry:
    """Return the entry for a fact, with the actor's own name as its reference; for export formats and tests."""
    ts_us = (at - _EPOCH) // timedelta(microseconds=1)
    return seal(stream, seq, prev_hash or genesis(stream), fact, ts_us=ts_us, actor_ref=fact.actor).entry


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
