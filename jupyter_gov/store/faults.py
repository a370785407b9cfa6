"""What a database says, in words that a person can act on."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any

from jupyter_gov.errors import ConflictError, StoreError

LOCKED, DAMAGED, READ_ONLY, FULL, UNREACHABLE = "GOV714", "GOV703", "GOV704", "GOV705", "GOV706"
NETWORK_DISK, SCHEMA_OLD, SCHEMA_NEW, BAD_URL, CLOSED = "GOV707", "GOV708", "GOV709", "GOV710", "GOV711"
REFUSED, FOREIGN = "GOV712", "GOV715"

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
    return not isinstance(error, sqlite3.Error) and _sqlstate(error).startswith(("08", "57P", "no connection"))


def from_sqlite(error: sqlite3.Error, where: str) -> StoreError:
    """Return the error of ours that explains one of sqlite3's; ``where`` names the file."""
    name = getattr(error, "sqlite_errorname", None) or ""
    for prefix, (code, message, hint) in _SQLITE.items():
        if name.startswith(prefix):
            return StoreError(f"{message} ({where})", code=code, hint=hint)
    return _from_text(str(error), name in _COLLISIONS)


_POSTGRESQL: tuple[tuple[tuple[str, ...], str, str, str], ...] = (
    (("40",), "GOV713", "two transactions stood in each other's way", "Try again."),
    (("55P03", "57014"), LOCKED, "the database did not answer in time", "Try again."),
    (("53",), FULL, "the database server lacks room or resources", "Make room; nothing was stored."),
    (("25006", "42501"), READ_ONLY, "the database may not be written", "Ask its owner for the right to write."),
    (
        ("42P01", "42703"),
        SCHEMA_OLD,
        "the database lacks a table or column of this version",
        "Run 'jupyter gov db upgrade'.",
    ),
    (
        ("08", "57P", "28", "3D", "no connection"),
        UNREACHABLE,
        "the database server cannot be used",
        "Check that it runs, and the address, user and password in the store's URL.",
    ),
)
"""Beginnings of SQLSTATE -> what they mean to a person."""


def from_postgresql(error: Any, where: str) -> StoreError:
    """Return the error of ours that explains one of psycopg's; ``where`` names the server, without a password."""
    state = _sqlstate(error)
    for beginnings, code, message, hint in _POSTGRESQL:
        if state.startswith(beginnings):
            return StoreError(f"{message} ({where}): {error}".strip(), code=code, hint=hint)
    return _from_text(str(error), state in _COLLISIONS)


def _sqlstate(error: BaseException) -> str:
    state: str | None = getattr(error, "sqlstate", None)
    # psycopg has no code for a server that is not there or went away in the middle.
    lost = any(kind.__name__ == "OperationalError" for kind in type(error).__mro__)
    return state or ("no connection" if lost else "")


def _from_text(message: str, collision: bool) -> StoreError:
    if _AUDIT_REFUSAL in message:
        return StoreError(message, code=REFUSED, hint="The history is append-only.")
    if collision:
        return ConflictError(
            f"a row of this kind exists already, or one that it needs is missing: {message}",
            hint="Read again and decide anew.",
        )
    return StoreError(f"the database refused: {message}")


def passes(error: BaseException) -> bool:
    """Return whether an error says that the database is busy: nothing is wrong with what was asked of it."""
    return isinstance(error, StoreError) and error.code in TRANSIENT
