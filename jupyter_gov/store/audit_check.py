"""Runs ``audit.verify`` over the database, in one reading transaction."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from jupyter_gov.audit.verify import (
    FILES_UNREAD,
    LIMITS,
    TRIGGER,
    UNRECORDED,
    FileCheck,
    Finding,
    Report,
    Row,
    Verifier,
)
from jupyter_gov.store import triggers
from jupyter_gov.store.audit_states import States
from jupyter_gov.store.codec import from_json
from jupyter_gov.store.database import Tx
from jupyter_gov.store.files import Files

_PAGE = 5000
_SELECT = (
    "SELECT e.stream, e.seq, e.prev_hash, e.leaf_hash, e.ts_us, e.actor_ref, e.action, e.subject, e.body_digest,"
    " b.salt, b.body FROM gov_audit_entries e LEFT JOIN gov_audit_bodies b ON b.entry_id = e.id"
)
_EXPORTED = (
    "stream", "seq", "prev_hash", "leaf_hash", "ts_us", "actor_ref", "action", "subject", "body_digest", "salt", "body",
)  # fmt: skip
_ORDER = " ORDER BY e.stream, e.seq"


def check(
    tx: Tx, files: Files, on_progress: Callable[[int, int], None] | None = None, *, read_files: bool = False
) -> Report:
    """Check all chains, that folding the entries gives the stored states, and that the files told of are there.

    ``on_progress`` gets (entries checked, entries in all); ``read_files``: hash the files too.
    """
    started = time.perf_counter()
    total = _count(tx) if on_progress else 0
    states = States(tx)
    verifier = Verifier(
        states.lookup, (lambda done: on_progress(done, total)) if on_progress else None, _problems(files, read_files)
    )
    with _collector_off():
        verifier.feed(rows(tx))
    further = [
        Finding(TRIGGER, "", None, f"the trigger {name} that protects the history is missing, off or altered")
        for name in triggers.missing(tx)
    ]
    further += [
        Finding(UNRECORDED, stream, None, f"{stream} is stored, but the history does not tell of it at all")
        for stream in states.unrecorded()
    ]
    limits = LIMITS if read_files else (*LIMITS, FILES_UNREAD)
    return verifier.finish(time.perf_counter() - started, further, limits)


@contextmanager
def _collector_off() -> Iterator[None]:
    """Let Python not search for cycles: a walk over all entries makes none, and the searches cost an eighth of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _problems(files: Files, read: bool) -> FileCheck:
    sound: set[str] = set()  # the same file may be told of in many places; it is read once

    def problems(told: Mapping[str, Sequence[Any]]) -> Iterator[str]:
        if not files.root.is_dir() and not files.is_remote:
            if "" not in sound:
                sound.add("")
                yield f"the folder of stored files {files.root} is not there: it was deleted, or not copied along"
            return
        for digest, (size,) in told.items():
            if digest in sound:
                continue
            problem = files.problem(digest, size, read=read)
            if problem is None:
                sound.add(digest)
            else:
                yield f"the stored file {digest} {problem}"

    return problems


def records(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield all entries as they are exported: enough for a stranger to recompute each hash.

    ``leaf_hash`` covers the fields up to ``body_digest``; ``body_digest`` is SHA-256 over ``salt`` and the RFC 8785
    text of ``body``. ``actor`` names who stands behind ``actor_ref``, as far as this store remembers.
    """
    tx.cursor.execute("SELECT actor_ref, actor_id FROM gov_audit_actors")
    actors = dict(tx.cursor.fetchall())
    for row in rows(tx):
        record: dict[str, Any] = dict(zip(_EXPORTED, row, strict=True))
        record["body"] = None if row[-1] is None else from_json(row[-1])
        record["actor"] = actors.get(record["actor_ref"])
        yield record


def rows(tx: Tx) -> Iterator[Row]:
    """Yield all entries with salt and body, ordered by stream and number."""
    return _sqlite(tx) if tx.dialect == "sqlite" else _postgresql(tx)


def _sqlite(tx: Tx) -> Iterator[Row]:
    cursor = tx.cursor.connection.cursor()
    cursor.execute(_SELECT + _ORDER)
    while page := cursor.fetchmany(_PAGE):
        yield from page


def _postgresql(tx: Tx) -> Iterator[Row]:
    # In pages by key: psycopg's plain cursor would hold the whole history in memory.
    cursor = tx.cursor.connection.cursor()
    after: tuple[Any, ...] = ("", 0)
    where = " WHERE (e.stream, e.seq) > (%s, %s)"
    while True:
        cursor.execute(_SELECT + where + _ORDER + f" LIMIT {_PAGE}", after)
        page = cursor.fetchall()
        if not page:
            return
        yield from page
        after = page[-1][:2]


def _count(tx: Tx) -> int:
    tx.cursor.execute("SELECT count(*) FROM gov_audit_entries")
    return int(tx.cursor.fetchone()[0])
