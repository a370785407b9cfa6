"""The history: appends to hash chains inside the caller's transaction, and reads them back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, bindparam, func, insert, literal_column, select, text, update

from jupyter_gov.audit import chain
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.flow import AuditEntry
from jupyter_gov.errors import AuditError
from jupyter_gov.store import tables
from jupyter_gov.store.codec import clean, from_json, to_us
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Name, Statement, add_new

_entries = tables.AuditEntryRow.__table__  # type: ignore[attr-defined]
_bodies = tables.AuditBodyRow.__table__  # type: ignore[attr-defined]
_actors = tables.AuditActorRow.__table__  # type: ignore[attr-defined]


def _head(name: Name) -> Executable:
    clock: ColumnElement[int] = (
        literal_column("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        if name == "postgresql"
        else literal_column("0")
    )
    head = (
        select(_entries.c.seq, _entries.c.leaf_hash, _entries.c.ts_us)
        .where(_entries.c.stream == bindparam("stream"))
        .order_by(_entries.c.seq.desc())
        .limit(1)
        .subquery()
    )
    one = select(literal_column("1").label("one")).subquery()
    return select(clock, head.c.seq, head.c.leaf_hash, head.c.ts_us).select_from(one.outerjoin(head, text("true")))


# Readers of one stream's head queue here until the transaction ends; SQLite's BEGIN IMMEDIATE does the same.
_LOCK = Statement(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("stream"), 0))))
_HEAD = Statement(_head)
_INSERT = Statement(insert(_entries).values({c: bindparam(c) for c in (
    "stream", "seq", "prev_hash", "leaf_hash", "ts_us", "actor_ref", "action", "subject", "body_digest",
)}).returning(_entries.c.id))  # fmt: skip
_INSERT_BODY = Statement(insert(_bodies).values(entry_id=bindparam("e"), salt=bindparam("s"), body=bindparam("b")))
_FIND_ACTOR = Statement(select(_actors.c.actor_ref).where(_actors.c.actor_id == bindparam("actor_id")))
_ADD_ACTOR = add_new(tables.AuditActorRow, unique=("actor_id",))
_FORGET_ACTOR = Statement(update(_actors).where(_actors.c.actor_id == bindparam("actor")).values(actor_id=None))
_ERASE_BODY = Statement(
    update(_bodies)
    .where(
        _bodies.c.entry_id.in_(
            select(_entries.c.id).where(
                _entries.c.stream == bindparam("of_stream"), _entries.c.seq == bindparam("of_seq")
            )
        )
    )
    .values(salt=None, body=None)
)
_SELECT = select(
    _entries.c.stream, _entries.c.seq, _entries.c.prev_hash, _entries.c.leaf_hash, _entries.c.ts_us,
    func.coalesce(_actors.c.actor_id, _entries.c.actor_ref), _entries.c.action, _entries.c.subject,
    _entries.c.body_digest, _bodies.c.body,
).select_from(
    _entries.outerjoin(_bodies, _bodies.c.entry_id == _entries.c.id).outerjoin(
        _actors, _actors.c.actor_ref == _entries.c.actor_ref
    )
)  # fmt: skip
_OF_STREAM = Statement(
    _SELECT.where(_entries.c.stream == bindparam("stream"), _entries.c.seq > bindparam("after"))
    .order_by(_entries.c.seq)
    .limit(bindparam("n"))
)
_OF_ALL = Statement(_SELECT.where(_entries.c.id > bindparam("after")).order_by(_entries.c.id).limit(bindparam("n")))
_LAST_OF_STREAM = Statement(
    _SELECT.where(_entries.c.stream == bindparam("stream"), _entries.c.seq > bindparam("after"))
    .order_by(_entries.c.seq.desc())
    .limit(bindparam("n"))
)
_LAST_OF_ALL = Statement(
    _SELECT.where(_entries.c.id > bindparam("after")).order_by(_entries.c.id.desc()).limit(bindparam("n"))
)
_STREAMS = Statement(
    select(_entries.c.stream, func.max(_entries.c.seq)).group_by(_entries.c.stream).order_by(_entries.c.stream)
)


class AuditLog:
    """Streams of entries; each is a chain of its own, so that executions never wait for one another."""

    def __init__(self) -> None:
        self._refs: dict[str, str] = {}

    def append(self, tx: Tx, stream: str, facts: Sequence[Fact], at: datetime | None = None) -> int:
        """Add one entry per fact and return the number of the last.

        Parameters
        ----------
        at
            When it happened; the database's (or this host's) clock if not given. Never earlier than the entry before.

        Raises
        ------
        AuditError
            ``GOV601``: no facts.
        """
        if not facts:
            raise AuditError("a change without an entry for the history was refused", code="GOV601")
        if tx.dialect == "postgresql":
            tx.row(_LOCK, {"stream": stream})
        row = tx.row(_HEAD, {"stream": stream})
        clock, seq, prev_hash, last_us = row or (0, None, None, None)
        ts_us = to_us(at) if at is not None else clock or time.time_ns() // 1000
        ts_us = max(ts_us, last_us or 0)
        seq, prev_hash = (0 if seq is None else seq), prev_hash or chain.genesis(stream)
        for fact in facts:
            seq += 1
            ref = self._ref(tx, fact.actor)
            sealed = chain.seal(stream, seq, prev_hash, _storable(fact), ts_us=ts_us, actor_ref=ref)
            self._insert(tx, sealed)
            prev_hash = sealed.entry.leaf_hash
        return int(seq)

    def _insert(self, tx: Tx, sealed: chain.Sealed) -> None:
        entry = sealed.entry
        row = tx.row(
            _INSERT,
            {
                "stream": entry.stream,
                "seq": entry.seq,
                "prev_hash": entry.prev_hash,
                "leaf_hash": entry.leaf_hash,
                "ts_us": entry.ts_us,
                "actor_ref": entry.actor_ref,
                "action": entry.action,
                "subject": entry.subject,
                "body_digest": entry.body_digest,
            },
        )
        assert row is not None  # noqa: S101 - an insert with RETURNING gives a row or raises
        tx.run(_INSERT_BODY, {"e": row[0], "s": sealed.salt, "b": sealed.body_text})

    def _ref(self, tx: Tx, actor: str) -> str:
        actor = clean(actor)
        known = self._refs.get(actor)
        if known is not None:
            return known
        ref = "a" + secrets.token_hex(12)
        row = tx.row(_FIND_ACTOR, {"actor_id": actor})
        if row is None and not tx.run(_ADD_ACTOR, {"actor_ref": ref, "actor_id": actor}):
            # Somebody else has met this actor for the first time at the same moment.
            row = tx.row(_FIND_ACTOR, {"actor_id": actor})
        if row is not None:
            ref = str(row[0])
        # Only what is durable may be remembered: after a rollback the pseudonym does not exist.
        tx.after_commit(lambda: self._refs.__setitem__(actor, ref))
        return ref

    def entries(
        self, tx: Tx, stream: str | None = None, after: int = 0, limit: int = 500, *, latest: bool = False
    ) -> list[AuditEntry]:
        """Return entries after a number: of a stream by ``seq``, of all by the order in which they were stored.

        If there are more than the limit: the first ones, or with ``latest`` the last ones; in any case oldest first.

        An entry whose actor was forgotten shows the pseudonym; one whose body was erased shows an empty body.
        """
        values = {"after": after, "n": limit}
        if stream is None:
            rows = tx.rows(_LAST_OF_ALL if latest else _OF_ALL, values)
        else:
            rows = tx.rows(_LAST_OF_STREAM if latest else _OF_STREAM, {**values, "stream": stream})
        if latest:
            rows = list(reversed(rows))
        return [AuditEntry(*(*row[:9], from_json(row[9]) if row[9] else {})) for row in rows]

    def streams(self, tx: Tx) -> dict[str, int]:
        """Return every stream with the number of its last entry."""
        return dict(tx.rows(_STREAMS))

    def forget(self, tx: Tx, actor: str, facts: Sequence[Fact]) -> bool:
        """Cut the link between a person and their pseudonym; the chains stay valid.

        Returns whether the person was known. The act itself goes on record in the stream ``admin``.
        """
        self.append(tx, "admin", facts)
        known = tx.run(_FORGET_ACTOR, {"actor": actor}) > 0
        tx.after_commit(lambda: self._drop_ref(actor))
        return known

    def erase(self, tx: Tx, stream: str, seqs: Sequence[int], fact: Fact) -> None:
        """Erase bodies that hold personal data; the chains stay valid, and ``admin`` records which are gone."""
        listed = [[stream, seq] for seq in seqs]
        self.append(tx, "admin", [replace(fact, body={**fact.body, "erased": listed})])
        for seq in seqs:
            tx.run(_ERASE_BODY, {"of_stream": stream, "of_seq": seq})

    def _drop_ref(self, actor: str) -> None:
        self._refs.pop(actor, None)


def _storable(fact: Fact) -> Fact:
    action, subject = clean(fact.action), clean(fact.subject)
    if action is fact.action and subject is fact.subject:
        return fact
    return Fact(action, subject, fact.actor, fact.assurance, fact.body)
