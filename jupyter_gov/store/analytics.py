"""Questions in SQL over the history, answered by DuckDB.

DuckDB never sees the database: of the views that a query names, the columns that it names are read through our own
reading transaction and handed over as tables in memory. Its access to files, network and settings is off and locked,
so that a query can read what the views hold and nothing else.

Time and memory are bounded from the first row read to the last one handed over. DuckDB does not count the memory of a
text while it is made, so the functions that make a huge one from a few characters are bounded by ourselves.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import StoreError
from jupyter_gov.store.answers import MAX_BYTES, MAX_ROWS, Clock, taken
from jupyter_gov.store.codec import from_json
from jupyter_gov.store.database import Tx
from jupyter_gov.store.views import VIEWS, Kind

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "2GB",
    # Without a folder to spill into, a question that is too large fails instead of filling somebody's disk.
    "temp_directory": "",
    "lock_configuration": "true",
}
LIMIT_SECONDS = 60.0
"""How long a question may take, with everything."""

_LONGEST = 50_000_000
_Forms = Sequence[tuple[tuple[str, ...], int, str]]
_SPAN = "(TRY_CAST(b::VARCHAR AS HUGEINT) - TRY_CAST(a::VARCHAR AS HUGEINT))"  # null for times, which are no numbers
_SERIES: _Forms = [
    (("b",), 0, "b"),
    (("a", "b"), 1, _SPAN),
    (("a", "b", "c"), 1, f"{_SPAN} / TRY_CAST(c::VARCHAR AS HUGEINT)"),
]
_GROWING: Mapping[str, _Forms] = {
    "repeat": [(("s", "n"), 1, "length(s::VARCHAR) * n")],
    "lpad": [(("s", "n", "p"), 1, "n")],
    "rpad": [(("s", "n", "p"), 1, "n")],
    "range": _SERIES,
    "generate_series": _SERIES,
}
"""Functions whose result is as long as a number says -> for each form: parameters, which one decides, the length."""

_TOO_LONG = f"() would make more than {_LONGEST} characters or elements"

_ROWS_AT_ONCE = 5_000


def query(
    tx: Tx,
    sql: str,
    parameters: Sequence[Any] = (),
    *,
    limit_seconds: float = LIMIT_SECONDS,
    max_rows: int = MAX_ROWS,
    max_bytes: int = MAX_BYTES,
) -> pd.DataFrame:
    """Answer one SELECT over ``views.VIEWS``; of a larger result only the first ``max_rows`` or ``max_bytes``.

    Raises
    ------
    StoreError
        ``GOV730``: the query is wrong; ``GOV731``: it is no single SELECT, or reaches beyond the views;
        ``GOV732``: it took too long, or needs too much memory.
    """
    import duckdb  # noqa: PLC0415 - 0.1 s that only questions need

    clock = Clock(limit_seconds)
    connection = duckdb.connect(":memory:", config=_CONFIG)
    try:
        with _alarm(connection, clock):
            _refuse_all_but_select(sql)
            named = _named(connection, sql)
            for name in _GROWING:
                connection.execute(_bounded(name))
            for view in named.views:
                connection.register(view, _frame(tx, view, named.columns, clock))
            clock.check()
            return taken(connection.execute(sql, list(parameters)), clock, max_rows, max_bytes)
    except duckdb.PermissionException as error:
        raise _forbidden(str(error)) from error
    except duckdb.InterruptException as error:
        raise clock.over() from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise StoreError(
            f"the query needs more memory than it may have: {_first_lines(error)}",
            code="GOV732",
            hint="Narrow it down, or let it count and sum instead of listing.",
        ) from error
    except duckdb.Error as error:
        if _TOO_LONG in str(error):
            raise StoreError(_first_lines(error), code="GOV732", hint="Ask for less.") from error
        raise StoreError(f"the query failed: {_first_lines(error)}", code="GOV730", hint=_hint()) from error
    finally:
        connection.close()


@contextmanager
def _alarm(connection: duckdb.DuckDBPyConnection, clock: Clock) -> Iterator[None]:
    """Interrupt the connection once the time is over, again and again: an interruption of nothing is forgotten."""
    done = threading.Event()

    def watch() -> None:
        pause = clock.until - time.monotonic()
        while not done.wait(max(pause, 0.0)):
            connection.interrupt()
            pause = 0.05

    thread = threading.Thread(target=watch, name="jupyter-gov-sql-alarm", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _bounded(name: str) -> str:
    """Return a macro that stands in for a function and refuses to make something huge.

    The refusal stands in an argument: beside the call, DuckDB would compute both when all is constant.
    """
    forms = []
    for parameters, decisive, length in _GROWING[name]:
        refusal = f"error('{name}{_TOO_LONG}')"
        passed = list(parameters)
        passed[decisive] = f"CASE WHEN {length} > {_LONGEST} THEN {refusal} ELSE {passed[decisive]} END"
        forms.append(f"({', '.join(parameters)}) AS system.main.{name}({', '.join(passed)})")
    return f"CREATE MACRO {name}{', '.join(forms)}"


def _refuse_all_but_select(sql: str) -> None:
    import duckdb  # noqa: PLC0415 - see query

    statements = duckdb.extract_statements(sql)
    if len(statements) != 1:
        raise _forbidden(f"one SELECT was expected, got {len(statements)} statements")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise _forbidden(f"only SELECT can be asked, not {statements[0].type.name}")


@dataclass(frozen=True, slots=True)
class _Named:
    """What a query names; ``columns`` is None when it may mean all of them (a star, a whole row)."""

    views: Sequence[str]
    columns: frozenset[str] | None


def _named(connection: duckdb.DuckDBPyConnection, sql: str) -> _Named:
    """Ask DuckDB's own parser which views and columns a query names."""
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    parsed = json.loads(text)
    if parsed.get("error", True):
        # A form that it does not serialise (PIVOT): every word may be a view, and all columns are read.
        return _Named(sorted(set(re.findall(r"\w+", sql.lower())) & set(VIEWS)), None)
    tables: set[str] = set()
    columns: set[str] = set()
    whole = False
    for node in _nodes(parsed):
        kind = node.get("type")
        if kind == "BASE_TABLE":
            tables |= {str(node["table_name"]).lower(), str(node["alias"]).lower()}
        elif kind == "COLUMN_REF":
            columns.update(str(name).lower() for name in node["column_names"])
        if kind == "FUNCTION" and node.get("catalog") and str(node.get("function_name", "")).lower() in _GROWING:
            raise _forbidden(f"{node['function_name']}() can only be called by its plain name")
        whole = whole or kind in {"STAR", "POSITIONAL_REFERENCE"} or node.get("ref_type") == "NATURAL"
        columns.update(str(name).lower() for name in node.get("using_columns", ()))
    rows = any(
        len(node["column_names"]) == 1 and str(node["column_names"][0]).lower() in tables
        for node in _nodes(parsed)
        if node.get("type") == "COLUMN_REF"
    )
    return _Named(sorted(tables & set(VIEWS)), None if whole or rows else frozenset(columns))


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _frame(tx: Tx, view: str, wanted: frozenset[str] | None, clock: Clock) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - see query

    columns = {name: item for name, item in VIEWS[view].columns.items() if wanted is None or name in wanted}
    if not columns:  # only counted: one column has the rows
        columns = dict(list(VIEWS[view].columns.items())[:1])
    shown = ", ".join(expression for expression, _ in columns.values())
    tx.cursor.execute(f"SELECT {shown} FROM {VIEWS[view].source}")  # noqa: S608 - both come from VIEWS
    rows: list[tuple[Any, ...]] = []
    while page := tx.cursor.fetchmany(_ROWS_AT_ONCE):
        rows += page
        clock.check()
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pd.DataFrame(
        {name: _series(kind, column) for (name, (_, kind)), column in zip(columns.items(), values, strict=True)}
    )


def _series(kind: Kind, values: Sequence[Any]) -> Any:
    import pandas as pd  # noqa: PLC0415 - see query

    match kind:
        case "time":
            return pd.to_datetime(pd.Series(pd.array(values, dtype="Int64")), unit="us", utc=True)
        case "integer":
            return pd.array(values, dtype="Int64")
        case "float":
            return pd.array(values, dtype="Float64")
        case "count":
            return pd.array([0 if text == "[]" else len(from_json(text)) for text in values], dtype="Int64")
        case "labels":
            return pd.array([_object(text) for text in values], dtype="string")
        case "text":
            return pd.array(values, dtype="string")


def _object(pairs: str) -> str:
    return "{}" if pairs == "[]" else json.dumps(dict(from_json(pairs)))


def _forbidden(message: str) -> StoreError:
    return StoreError(f"the query was refused: {message}", code="GOV731", hint=_hint())


def _hint() -> str:
    return f"One SELECT over {', '.join(VIEWS)}."


def _first_lines(error: Exception) -> str:
    return "\n".join(str(error).splitlines()[:6])
