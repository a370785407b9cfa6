"""Triggers that refuse to change or delete history, and the check that they are all there.

They stop accidents and honest tools. Whoever owns the database can drop them; ``audit verify`` then says so, and what
was edited meanwhile shows in the chains.
"""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_gov.store.database import Database, Tx
from jupyter_gov.store.statements import Name

_ENTRIES, _BODIES, _ACTORS = "gov_audit_entries", "gov_audit_bodies", "gov_audit_actors"
_MESSAGE = "audit rows cannot be changed or deleted"


def _sqlite() -> dict[str, str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
    # A body may be erased (both fields emptied), never rewritten; likewise the name behind a pseudonym.
    erase_body = "NOT (NEW.entry_id IS OLD.entry_id AND NEW.salt IS NULL AND NEW.body IS NULL)"
    forget = "NOT (NEW.actor_ref IS OLD.actor_ref AND NEW.actor_id IS NULL)"
    return {
        "gov_audit_entries_update": f"CREATE TRIGGER gov_audit_entries_update BEFORE UPDATE ON {_ENTRIES} {refuse}",
        "gov_audit_entries_delete": f"CREATE TRIGGER gov_audit_entries_delete BEFORE DELETE ON {_ENTRIES} {refuse}",
        "gov_audit_bodies_update": (
            f"CREATE TRIGGER gov_audit_bodies_update BEFORE UPDATE ON {_BODIES} WHEN {erase_body} {refuse}"
        ),
        "gov_audit_bodies_delete": f"CREATE TRIGGER gov_audit_bodies_delete BEFORE DELETE ON {_BODIES} {refuse}",
        "gov_audit_actors_update": (
            f"CREATE TRIGGER gov_audit_actors_update BEFORE UPDATE ON {_ACTORS} WHEN {forget} {refuse}"
        ),
        "gov_audit_actors_delete": f"CREATE TRIGGER gov_audit_actors_delete BEFORE DELETE ON {_ACTORS} {refuse}",
    }


_FUNCTION_BODY = f"BEGIN RAISE EXCEPTION '{_MESSAGE}'; END"
_FUNCTION = f"CREATE OR REPLACE FUNCTION gov_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {_FUNCTION_BODY} $$"


def _postgresql() -> dict[str, str]:
    call = "EXECUTE FUNCTION gov_audit_refuse()"
    erase_body = "WHEN (NOT (NEW.entry_id = OLD.entry_id AND NEW.salt IS NULL AND NEW.body IS NULL))"
    forget = "WHEN (NOT (NEW.actor_ref = OLD.actor_ref AND NEW.actor_id IS NULL))"
    conditions = {(_BODIES, "update"): erase_body, (_ACTORS, "update"): forget}
    found = {}
    for table in (_ENTRIES, _BODIES, _ACTORS):
        for act in ("update", "delete", "truncate"):
            each = "STATEMENT" if act == "truncate" else "ROW"
            name = f"{table}_{act}"
            condition = conditions.get((table, act), "")
            found[name] = f"CREATE TRIGGER {name} BEFORE {act.upper()} ON {table} FOR EACH {each} {condition} {call}"
    return found


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


def create(database: Database, tx: Tx) -> None:
    """Create the triggers in a fresh database."""
    for statement in ddl(database.dialect):
        tx.cursor.execute(statement)
