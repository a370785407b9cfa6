"""Values that flows keep between executions, by namespace and key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select

from jupyter_gov.domain.commands import Fact
from jupyter_gov.errors import ConflictError, StoreError
from jupyter_gov.store import tables
from jupyter_gov.store.audit_log import AuditLog
from jupyter_gov.store.codec import from_json, from_us, from_us_or_none, to_json, to_us, to_us_or_none
from jupyter_gov.store.commitments import commit_to
from jupyter_gov.store.database import Tx
from jupyter_gov.store.facts import with_changes
from jupyter_gov.store.statements import Statement, columns, upsert

_kv = tables.KeyValueRow.__table__  # type: ignore[attr-defined]
_flows = tables.FlowRevisionRow.__table__  # type: ignore[attr-defined]
_NAMES = columns(tables.KeyValueRow)
CONTENT = ("type", "value", "salt", "expires_us")
"""Columns that the history commits to."""

KEY_LIMIT = 512
VALUE_LIMIT = 2**20
"""Characters that a key, and the JSON of a value, may have."""

_EXPIRED_AT_ONCE = 100

_of = and_(_kv.c.namespace == bindparam("ns"), _kv.c.key == bindparam("k"))
_all = select(*(_kv.c[name] for name in _NAMES))
_ROW = Statement(_all.where(_of))
_KEYS = Statement(
    select(_kv.c.key)
    .where(_kv.c.namespace == bindparam("ns"), or_(_kv.c.expires_us.is_(None), _kv.c.expires_us > bindparam("now")))
    .order_by(_kv.c.key)
)
_OVER = Statement(select(_kv.c.key).where(_kv.c.namespace == bindparam("ns"), _kv.c.expires_us <= bindparam("now")))
# As the history does: on PostgreSQL two that change one namespace must not both read before either writes.
_LOCK = Statement(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("stream"), 0))))
_EXPIRED = Statement(
    select(_kv.c.key)
    .where(_kv.c.namespace == bindparam("ns"), _kv.c.expires_us <= bindparam("now"), _kv.c.key != bindparam("k"))
    .order_by(_kv.c.expires_us)
    .limit(_EXPIRED_AT_ONCE)
)
_PUT = upsert(tables.KeyValueRow, update=[name for name in _NAMES if name not in {"namespace", "key"}])
_DELETE = Statement(delete(_kv).where(_of))
_KNOWN = Statement(
    select(_flows.c.namespace)
    .where(
        or_(
            _flows.c.namespace == bindparam("ns"),
            and_(_flows.c.namespace >= bindparam("low"), _flows.c.namespace < bindparam("high")),
        )
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A stored value.

    Attributes
    ----------
    type
        STRING, NUMBER, BOOLEAN, DATETIME, DATE, DURATION or JSON.
    value
        In the types of JSON: dates, times and durations are ISO texts.
    version
        1 for a new key, one higher with every change.
    """

    namespace: str
    key: str
    type: str
    value: Any
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    version: int


def stream(namespace: str) -> str:
    """Return the audit stream of the values of a namespace."""
    return f"kv/{namespace}"


class KeyValues:
    """The values of all namespaces; every change is put on record, by a salted digest of the value."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def get(self, tx: Tx, namespace: str, key: str, *, now: datetime) -> KeyValue | None:
        """Return a value; None if there is none, or its time is over."""
        row = tx.row(_ROW, {"ns": namespace, "k": key})
        found = None if row is None else _value(row)
        return None if found is None or _is_over(found, now) else found

    def keys(self, tx: Tx, namespace: str, prefix: str = "", *, now: datetime) -> list[str]:
        """Return the keys that start with ``prefix`` and have a value, in order."""
        found = (row[0] for row in tx.rows(_KEYS, {"ns": namespace, "now": to_us(now)}))
        return sorted(key for key in found if key.startswith(prefix))

    def is_known(self, tx: Tx, namespace: str) -> bool:
        """Return whether a flow lives in this namespace or below it."""
        # By range and not by LIKE: an underscore is a wildcard there, and no index helps.
        below = {"low": f"{namespace}.", "high": f"{namespace}/"}
        return tx.row(_KNOWN, {"ns": namespace, **below}) is not None

    def put(
        self,
        tx: Tx,
        namespace: str,
        key: str,
        value: Any,
        fact: Fact,
        *,
        kind: str,
        now: datetime,
        expires_at: datetime | None = None,
        overwrite: bool = True,
    ) -> KeyValue:
        """Store a value, and forget some of the namespace whose time is over.

        Raises
        ------
        ConflictError
            ``GOV745``: the key has a value already, and ``overwrite`` is false.
        StoreError
            ``GOV746``: the key or the value is too long.
        """
        text = to_json(value)
        _check(key, text)
        self.lock(tx, namespace)
        before = self.get(tx, namespace, key, now=now)
        if before is not None and not overwrite:
            raise ConflictError(
                f"Cannot set value for key '{key}'. Key already exists and `overwrite` is set to `false`.",
                code="GOV745",
            )
        row = {
            "namespace": namespace,
            "key": key,
            "type": kind,
            "value": text,
            "salt": secrets.token_hex(16),
            "created_us": to_us(before.created_at if before else now),
            "updated_us": to_us(now),
            "expires_us": to_us_or_none(expires_at),
            "version": before.version + 1 if before else 1,
        }
        over = self._forget_expired(tx, namespace, key, now)
        tx.run(_PUT, row)
        told = [[key, commit_to([row[name] for name in CONTENT])], *over]
        self._record(tx, namespace, fact, told)
        return _value(tuple(row[name] for name in _NAMES))

    def delete(self, tx: Tx, namespace: str, keys: Sequence[str], fact: Fact, *, now: datetime) -> list[str]:
        """Delete values and return the keys that had one; nothing is recorded if none had."""
        self.lock(tx, namespace)
        found = [key for key in dict.fromkeys(keys) if self.get(tx, namespace, key, now=now) is not None]
        gone = [key for key in dict.fromkeys(keys) if tx.run(_DELETE, {"ns": namespace, "k": key})]
        if gone:
            self._record(tx, namespace, fact, [[key, None] for key in gone])
        return found

    def purge(self, tx: Tx, namespace: str, fact: Fact, *, now: datetime) -> list[str]:
        """Delete the values of a namespace whose time is over and return their keys."""
        over = sorted(row[0] for row in tx.rows(_OVER, {"ns": namespace, "now": to_us(now)}))
        self.delete(tx, namespace, over, fact, now=now)
        return over

    @staticmethod
    def lock(tx: Tx, namespace: str) -> None:
        """Let nobody else change the namespace until the transaction ends."""
        if tx.dialect == "postgresql":
            tx.row(_LOCK, {"stream": stream(namespace)})

    def _forget_expired(self, tx: Tx, namespace: str, but: str, now: datetime) -> list[list[str | None]]:
        # With every change a bounded number, so that values with a ttl do not pile up and nobody has to sweep.
        keys = [row[0] for row in tx.rows(_EXPIRED, {"ns": namespace, "now": to_us(now), "k": but})]
        for key in keys:
            tx.run(_DELETE, {"ns": namespace, "k": key})
        return [[key, None] for key in keys]

    def _record(self, tx: Tx, namespace: str, fact: Fact, told: Sequence[Any]) -> None:
        self._audit.append(tx, stream(namespace), with_changes([fact], {"values": list(told)}))


def _check(key: str, text: str) -> None:
    if not key or len(key) > KEY_LIMIT or "\0" in key or not key.isprintable():
        raise StoreError(
            f"A key has 1 to {KEY_LIMIT} printable characters, not {key[:80]!r}.",
            code="GOV746",
            hint="Choose a short name.",
        )
    if len(text) > VALUE_LIMIT:
        raise StoreError(
            f"The value of key '{key}' has {len(text)} characters; {VALUE_LIMIT} are allowed.",
            code="GOV746",
            hint="Store it as a file and keep its URI.",
        )


def _is_over(found: KeyValue, now: datetime) -> bool:
    return found.expires_at is not None and found.expires_at <= now


def _value(row: Sequence[Any]) -> KeyValue:
    named = dict(zip(_NAMES, row, strict=True))
    return KeyValue(
        namespace=named["namespace"],
        key=named["key"],
        type=named["type"],
        value=from_json(named["value"]),
        created_at=from_us(named["created_us"]),
        updated_at=from_us(named["updated_us"]),
        expires_at=from_us_or_none(named["expires_us"]),
        version=named["version"],
    )
