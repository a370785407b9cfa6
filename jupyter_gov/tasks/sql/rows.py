"""Rows of a result as maps of JSON values, and how many of them an output may hold."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.outputs import jsonable

Row = dict[str, Any]
_CALL = re.compile(r'"?(\w+)"?\(.*\)(?: FILTER \(.*\))?', re.DOTALL)
_MOST_BYTES = 8 * 2**20
_BATCH = 1000


@functools.cache
def _aggregates() -> frozenset[str]:
    with duckdb.connect(":memory:") as connection:
        query = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'"
        return frozenset(name for (name,) in connection.execute(query).fetchall())


def row_keys(columns: list[str]) -> list[tuple[str, ...]]:
    """Return for each column the keys under which a row holds its value.

    The first is DuckDB's name (a second column of the same name gets ``_1``). An aggregate without alias is found by
    the name of its function too, if that is unique: ``count_star()`` also as ``count``.

    Examples
    --------
    >>> row_keys(["region", "count_star()", "sum(a)", "sum(b)"])
    [('region',), ('count_star()', 'count'), ('sum(a)',), ('sum(b)',)]
    """
    names = list(_unique(columns))
    short = [_function(name) for name in columns]
    times = Counter(short)
    taken = set(names)
    return [
        (name, function) if function and times[function] == 1 and function not in taken else (name,)
        for name, function in zip(names, short, strict=True)
    ]


def _unique(columns: list[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for name in columns:
        yield name if not seen[name] else f"{name}_{seen[name]}"
        seen[name] += 1


def _function(column: str) -> str | None:
    match = _CALL.fullmatch(column)
    if match is None or not _is_one_call(column):
        return None
    name = match[1]
    if name == "count_star":
        return "count"
    return name if name in _aggregates() else None


def _is_one_call(column: str) -> bool:
    # ``min(x) + max(x)`` begins and ends like a call; in it the first bracket closes before the end.
    depth = 0
    for position, character in enumerate(column):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == ")" and depth == 0:
            rest = column[position + 1 :]
            return not rest or rest.startswith(" FILTER (")
    return False


def rows_of(connection: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    """Yield the rows of the last result, a batch at a time."""
    keys = row_keys([column[0] for column in connection.description or ()])
    while batch := connection.fetchmany(_BATCH):
        for values in batch:
            yield {key: value for group, item in zip(keys, values, strict=True) for key in group for value in [item]}


def fetch_all(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return all rows.

    Raises
    ------
    TaskError
        ``GOV824``: they are too large for an output.
    """
    rows: list[Row] = []
    size = 0
    for row in rows_of(connection):
        rows.append(jsonable(row))
        size += len(json.dumps(rows[-1]))
        if size > _MOST_BYTES:
            raise TaskError(
                f"The result is larger than {_MOST_BYTES // 2**20} MiB after {len(rows)} rows.",
                code="GOV824",
                hint="Use `fetchType: STORE`, which writes the rows to a file, or add a LIMIT.",
            )
    return rows


def fetch_first(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Return the first row, None if there is none."""
    row = next(rows_of(connection), None)
    return None if row is None else jsonable(row)


def store_all(connection: duckdb.DuckDBPyConnection, target: Path) -> int:
    """Write all rows to ``target``, one JSON object a line, and return how many there were."""
    count = 0
    with target.open("w", encoding="utf-8") as file:
        for row in rows_of(connection):
            file.write(json.dumps(jsonable(row), ensure_ascii=False) + "\n")
            count += 1
    return count
