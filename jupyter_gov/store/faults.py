"""What a database says, in words that a person can act on."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any

from jupyter_gov.errors import ConflictError, StoreError

LOCKED, DAMAGED, READ_ONLY, FULL, UNREACHABLE = "GOV702", "GOV703", "GOV704", "GOV705", "GOV706"
NETWORK_DISK, SCHEMA_OLD, SCHEMA_NEW, BAD_URL, CLOSED = "GOV707", "GOV708", "GOV709", "GOV710", "GOV711"
REFUSED = "GOV712"

TRANSIENT = frozenset({LOCKED, "GOV713"})
"""Codes after which the same transaction may succeed when it is tried again."""

_SQLITE: dict[str, tuple[str, str, str]] = {
    "SQLITE_BUSY": (
        LOCKED,
        "the database is locked by another process, which did not finish in time",
        "Wait and try again; a stopped or hanging process that has the file open holds the lock.",
    ),
    "SQLITE_CORRUPT": (
        DAMAGED,
        "the database file is damaged",
        "Restore a backup (*.backup beside the file), or rescue what can be read with 'sqlite3 FILE .recover'.",
    ),
    "SQLITE_NOTADB": (
        DAMAGED,
        "the file is not a SQLite database",
        "Point the store to another file, or restore a backup.",
    ),
    "SQLITE_READONLY": (
        READ_ONLY,
        "the database cannot be written: the file or its folder is read-only",
        "Make both writable for this user, or choose another place.",
    ),
    "SQLITE_CANTOPEN": (
        READ_ONLY,
        "the database file cannot be opened or created",
        "Make the folder exist and writable for this user, or choose another place.",
    ),
    "SQLITE_PERM": (READ_ONLY, "access to the database file is denied", "Make it writable for this user."),
    "SQLITE_FULL": (FULL, "the disk is full", "Make room; nothing was stored by the failed step."),
    "SQLITE_IOERR": (
        FULL,
        "the disk failed or is full while the database was written",
        "Check the disk; nothing was stored by the failed step.",
    ),
}
_SQLITE["SQLITE_LOCKED"] = _SQLITE["SQLITE_PROTOCOL"] = _SQLITE["SQLITE_BUSY"]

_AUDIT_REFUSAL = "audit rows cannot be changed"
"""Beginning of the message that the triggers raise."""


_COLLISIONS = {
    "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_FOREIGNKEY", "23503", "23505",
}  # fmt: skip


def from_os(error: OSError, where: str) -> StoreError:
    """Return the error of ours that explains one of the operating system's; ``where`` names the file."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreError(f"the disk is full ({where})", code=FULL, hint="Make room; nothing was stored.")
    return StoreError(
        f"{where} cannot be opened or written: {error.strerror or error}",
        code=READ_ONLY,
        hint="Make its folder writable for this user, or choose another place.",
    )


def is_broken(error: BaseException) -> bool:
    """Return whether the connection that raised ``error`` is of no more use."""
    state = getattr(error, "sqlstate", None)
    return not isinstance(error, sqlite3.Error) and (not state or state.startswith(("08", "57P")))


def from_sqlite(error: sqlite3.Error, where: str) -> StoreError:
    """Return the error of ours that explains one of sqlite3's; ``where`` names the file."""
    name = getattr(error, "sqlite_errorname", None) or ""
    for prefix, (code, message, hint) in _SQLITE.items():
        if name.startswith(prefix):
            return StoreError(f"{message} ({where})", code=code, hint=hint)
    return _from_text(str(error), name in _COLLISIONS)


def from_postgresql(error: Any, where: str) -> StoreError:
    """Return the error of ours that explains one of psycopg's; ``where`` names the server, without a password."""
    state = getattr(error, "sqlstate", None) or ""
    if state.startswith("40"):
        return StoreError("two transactions stood in each other's way", code="GOV713", hint="Try again.")
    if state in {"55P03", "57014"}:
        return StoreError(f"the database did not answer in time ({where})", code=LOCKED, hint="Try again.")
    if state.startswith("53"):
        return StoreError(f"the database server lacks resources ({where}): {error}", code=FULL)
    if state in {"25006", "42501"}:
        hint = "Ask the database's owner for the right to write."
        return StoreError(f"the database may not be written ({where}): {error}", code=READ_ONLY, hint=hint)
    if state in {"42P01", "42703"}:
        return StoreError(
            f"the database lacks a table or column of this version ({where})",
            code=SCHEMA_OLD,
            hint="Run 'jupyter gov db upgrade'.",
        )
    if not state or state.startswith(("08", "57P", "28", "3D")):
        hint = "Check that the server runs, and the address, user and password in the store's URL."
        return StoreError(f"the database server cannot be used ({where}): {error}".strip(), code=UNREACHABLE, hint=hint)
    return _from_text(str(error), state in _COLLISIONS)


def _from_text(message: str, collision: bool) -> StoreError:
    if _AUDIT_REFUSAL in message:
        return StoreError(message, code=REFUSED, hint="The history is append-only.")
    if collision:
        return ConflictError(
            f"a row of this kind exists already, or one that it needs is missing: {message}",
            hint="Read again and decide anew.",
        )
    return StoreError(f"the database refused: {message}")
