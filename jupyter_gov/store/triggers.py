"""Triggers that refuse to change or delete history, and the check that they are all there.

They stop accidents and honest tools. Whoever owns the database can drop them; ``audit verify`` then says so, and what
was edited meanwhile shows in the chains.
"""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Name

_ENTRIES, _BODIES, _ACTORS = "gov_audit_entries", "gov_audit_bodies", "gov_audit_actors"
_MESSAGE = "audit rows cannot be changed or deleted"


# A body may be erased (both fields emptied), never rewritten; likewise the name behind a pseudonym.
_ERASES = "NEW.entry_id = OLD.entry_id AND NEW.salt IS NULL AND NEW.body IS NULL"
_FORGETS = "NEW.actor_ref = OLD.actor_ref AND NEW.actor_id IS NULL"


def _sqlite() -> dict[str, str]:
    # INSERT OR REPLACE deletes without asking the delete trigger, hence those on INSERT.
    same = f"FROM {_ENTRIES} WHERE id = NEW.id OR (stream = NEW.stream AND seq = NEW.seq)"
    conditions = {
        (_ENTRIES, "insert"): f"EXISTS (SELECT 1 {same})",
        (_ENTRIES, "update"): "true",
        (_ENTRIES, "delete"): "true",
        (_BODIES, "insert"): f"NEW.entry_id IN (SELECT entry_id FROM {_BODIES})",  # noqa: S608 - constants
        (_BODIES, "update"): f"NOT ({_ERASES})",
        (_BODIES, "delete"): "true",
        (_ACTORS, "update"): f"NOT ({_FORGETS})",
        (_ACTORS, "delete"): "true",
    }
    return {
        f"{table}_{act}": f"CREATE TRIGGER {table}_{act} BEFORE {act.upper()} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
        for (table, act), condition in conditions.items()
    }


_FUNCTION_BODY = f"BEGIN RAISE EXCEPTION '{_MESSAGE}'; END"
_FUNCTION = f"CREATE OR REPLACE FUNCTION gov_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {_FUNCTION_BODY} $$"


def _postgresql() -> dict[str, str]:
    conditions = {(_BODIES, "update"): f"WHEN (NOT ({_ERASES})) ", (_ACTORS, "update"): f"WHEN (NOT ({_FORGETS})) "}
    return {
        f"{table}_{act}": f"CREATE TRIGGER {table}_{act} BEFORE {act.upper()} ON {table} "
        f"FOR EACH {'STATEMENT' if act == 'truncate' else 'ROW'} {conditions.get((table, act), '')}"
        "EXECUTE FUNCTION gov_audit_refuse()"
        for table in (_ENTRIES, _BODIES, _ACTORS)
        for act in ("update", "delete", "truncate")
    }


TRIGGERS: Mapping[Name, Mapping[str, str]] = {"sqlite": _sqlite(), "postgresql": _postgresql()}


def ddl(name: Name) -> list[str]:
    """Return the statements that create the triggers."""
    first = [_FUNCTION] if name == "postgresql" else []
    return [*first, *TRIGGERS[name].values()]


def missing(tx: Tx) -> list[str]:
    """Return the names of triggers that are gone, switched off or do something else than they should."""
    return _missing_sqlite(tx) if tx.dialect == "sqlite" else _missing_postgresql(tx)


def _missing_sqlite(tx: Tx) -> list[str]:
    tx.cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    present = dict(tx.cursor.fetchall())
    return [name for name, sql in TRIGGERS["sqlite"].items() if present.get(name) != sql]


def _missing_postgresql(tx: Tx) -> list[str]:
    tx.cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'gov_audit_refuse'")
    functions = {row[0].strip() for row in tx.cursor.fetchall()}
    tx.cursor.execute(
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE tgname LIKE 'gov_audit%' AND tgenabled IN ('O', 'A')"
    )
    present = dict(tx.cursor.fetchall())
    gone = [name for name in TRIGGERS["postgresql"] if "gov_audit_refuse" not in present.get(name, "")]
    if functions != {_FUNCTION_BODY}:
        gone.append("gov_audit_refuse()")
    return gone


def restore(tx: Tx) -> None:
    """Create the triggers, in a fresh database or where they were dropped or altered."""
    for name in TRIGGERS[tx.dialect]:
        on = f" ON {name.rsplit('_', 1)[0]}" if tx.dialect == "postgresql" else ""
        tx.cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")
    for statement in ddl(tx.dialect):
        tx.cursor.execute(statement)
