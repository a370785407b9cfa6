"""Statements compiled once, run on the driver's own cursor.

SQLAlchemy Core writes the SQL (one text for both databases), but a commit of five rows must not pay for its
connection and result layers: each statement is compiled once per dialect, then handed to sqlite3 or psycopg directly.
All columns hold plain texts and integers, so no value needs converting on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement

Name = Literal["sqlite", "postgresql"]


@cache
def _dialect(name: Name) -> Dialect:
    if name == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql import psycopg  # noqa: PLC0415 - SQLite's users do not pay for it

    found: Dialect = psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
    return found


class Compiled:
    """SQL text and the order of its parameters."""

    __slots__ = ("_defaults", "_names", "sql")

    def __init__(self, statement: Executable, name: Name) -> None:
        assert isinstance(statement, ClauseElement)  # noqa: S101 - for the type checker
        compiled = statement.compile(dialect=_dialect(name), compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())  # type: ignore[attr-defined]
        self._defaults = dict(compiled.params)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order in which the text asks for them."""
        defaults = self._defaults
        return [values[name] if name in values else defaults[name] for name in self._names]


class Statement:
    """A statement that is compiled when a dialect first needs it.

    Parameters
    ----------
    build
        The statement, or a function from the dialect's name to it where the two databases differ.
    """

    __slots__ = ("_build", "_compiled")

    def __init__(self, build: Executable | Callable[[Name], Executable]) -> None:
        self._build = build
        self._compiled: dict[Name, Compiled] = {}

    def on(self, name: Name) -> Compiled:
        """Return the compiled form for a dialect."""
        found = self._compiled.get(name)
        if found is None:
            statement = self._build if isinstance(self._build, Executable) else self._build(name)
            found = self._compiled[name] = Compiled(statement, name)
        return found


def upsert(table: Any, *, update: Sequence[str], where: Any = None) -> Statement:
    """Return a statement that inserts a row, or rewrites the columns ``update`` of the row with the same key.

    ``where`` narrows which rows may be rewritten; a row that is left alone counts as zero rows.
    """
    core: Table = table.__table__
    keys = [column.name for column in core.primary_key.columns]

    def build(name: Name) -> Executable:
        insert = _insert(core, name)
        if not update:
            nothing: Executable = insert.on_conflict_do_nothing(index_elements=keys)
            return nothing
        changes = {column: insert.excluded[column] for column in update}
        found: Executable = insert.on_conflict_do_update(index_elements=keys, set_=changes, where=where)
        return found

    return Statement(build)


def add_new(table: Any, *, unique: Sequence[str]) -> Statement:
    """Return a statement that inserts a row unless there is one with the same ``unique`` columns: then zero rows."""
    core: Table = table.__table__
    return Statement(lambda name: _insert(core, name).on_conflict_do_nothing(index_elements=list(unique)))


def _insert(table: Table, name: Name) -> Any:
    if name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - SQLite's users do not pay for it

    return postgresql.insert(table)


def columns(table: Any, *, without: Iterable[str] = ()) -> list[str]:
    """Return the column names of a table class."""
    left_out = set(without)
    return [column.name for column in table.__table__.columns if column.name not in left_out]
