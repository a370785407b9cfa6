"""Queries over Parquet, CSV and JSON files (and DuckDB databases) by DuckDB."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, RunnableTask, note
from jupyter_gov.plugins.context import Metric, RunContext
from jupyter_gov.tasks.workspace import URI_SCHEMES, inside, store_outputs, write_inputs

if TYPE_CHECKING:
    import duckdb

FetchType = Literal["NONE", "FETCH", "FETCH_ONE", "STORE"]
_URL = "jdbc:duckdb:"
_OLD_FETCH: Mapping[str, FetchType] = {"store": "STORE", "fetch_one": "FETCH_ONE", "fetch": "FETCH"}
_PLAIN_RESULTS = frozenset(
    {"INSERT", "UPDATE", "DELETE", "COPY", "CREATE", "CREATE_FUNC", "MERGE_INTO", "ALTER", "DROP"}
)


class DuckDBTask(RunnableTask):
    """Properties of both DuckDB tasks."""

    sql: str = Field(
        description="SQL. Values belong into `parameters`, as `$name`. `{{ workingDir }}` is the folder of "
        "`inputFiles` and `outputFiles`."
    )
    parameters: Dynamic[dict[str, Any]] = Field(
        default_factory=dict, description="Values for `$name` (or `:name`) in the SQL; never part of the text."
    )
    fetch_type: Dynamic[FetchType] = Field(
        default="NONE",
        description="FETCH: all rows as output `rows`; FETCH_ONE: the first as `row`; STORE: a file of JSON lines as "
        "`uri`; NONE: nothing.",
    )
    fetch: Dynamic[bool] = Field(default=False, description="Older spelling of `fetchType: FETCH`.")
    fetch_one: Dynamic[bool] = Field(default=False, description="Older spelling of `fetchType: FETCH_ONE`.")
    store: Dynamic[bool] = Field(default=False, description="Older spelling of `fetchType: STORE`.")
    url: Dynamic[str] = Field(default=_URL, description="`jdbc:duckdb:` for a database in memory, or with a path.")
    username: Dynamic[str] | None = Field(default=None, description="Accepted and ignored: files have no users.")
    password: Dynamic[str] | None = Field(default=None, description="Accepted and ignored: files have no users.")
    database_file: Dynamic[str] | None = Field(default=None, description="A DuckDB database file.")
    database_uri: Dynamic[str] | None = Field(default=None, description="URI of a database file; a copy is used.")
    output_db_file: Dynamic[bool] = Field(default=False, description="Store the database and give `databaseUri`.")
    input_files: Dynamic[dict[str, str] | str] | None = Field(
        default=None, description="Files to write before the query: name -> text or URI; or such a map as JSON text."
    )
    output_files: Dynamic[list[str]] = Field(default_factory=list, description="Files to keep: names or patterns.")
    time_zone_id: Dynamic[str] | None = Field(default=None, description="Time zone of the session, as Europe/Berlin.")
    fetch_size: Dynamic[int] | None = Field(default=None, description="Accepted and ignored: rows come in batches.")

    @field_validator("sql")
    @classmethod
    def _no_inputs_in_text(cls, value: str, info: ValidationInfo) -> str:
        if "{{" in value and ("inputs." in value or "inputs[" in value or "trigger." in value):
            note(
                info,
                "the value of an input becomes part of the SQL, and whoever starts the flow can change its meaning; "
                "write $name and give the value by `parameters`",
            )
        return value

    @field_validator("url")
    @classmethod
    def _known_url(cls, value: str) -> str:
        if "{{" not in value and not value.startswith(_URL):
            raise ValueError(f"a URL that begins with {_URL}")
        if value.startswith((f"{_URL}md:", f"{_URL}http", f"{_URL}s3")):
            raise ValueError("only databases in memory or in local files are offered")
        return value

    @model_validator(mode="after")
    def _one_way_to_fetch(self) -> Self:
        old = [name for name in _OLD_FETCH if getattr(self, name) is True]
        if len(old) > 1 or (old and self.fetch_type not in ("NONE", _OLD_FETCH[old[0]])):
            raise ValueError("`fetchType`, `fetch`, `fetchOne` and `store` contradict each other; keep one")
        return self

    @property
    def wanted(self) -> FetchType:
        """How rows are handed back, in whichever spelling."""
        return next((kind for name, kind in _OLD_FETCH.items() if getattr(self, name)), self.fetch_type)

    def perform(self, ctx: RunContext, statements: _Plan) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Run the statements and return what each handed back, and what all did together."""
        results: list[dict[str, Any]] = []
        with statements.open(ctx) as connection, self._transaction(connection, statements):
            for number, statement in enumerate(statements.all, 1):
                ctx.cancellation.raise_if_requested()
                result = statements.execute(ctx, connection, statement, self.wanted, number)
                if result is not None:
                    results.append(result)
        together: dict[str, Any] = {}
        if self.output_files:
            together["outputFiles"] = store_outputs(ctx, self.output_files)
        if self.output_db_file and statements.database:
            together["databaseUri"] = ctx.files.put(statements.database)
        return results, together

    def _transaction(
        self, connection: duckdb.DuckDBPyConnection, statements: _Plan
    ) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def database(self, ctx: RunContext) -> Path | None:
        """Return the database file to open.

        Raises
        ------
        TaskError
            ``GOV821``: it lies outside the allowed directories.
        """
        from jupyter_gov.tasks.sql.session import DENIED_HINT, allowed_directories  # noqa: PLC0415

        if self.database_uri:
            copy = ctx.working_dir / "database.duckdb"
            shutil.copyfile(ctx.files.get(self.database_uri), copy)
            return copy
        name = self.database_file or self.url.removeprefix(_URL)
        if name in ("", ":memory:"):
            return ctx.working_dir / "database.duckdb" if self.output_db_file else None
        if name.startswith(URI_SCHEMES):
            raise TaskError("A database by URI belongs into `databaseUri`.", code="GOV821")
        in_work = ctx.working_dir / name
        path = (in_work if in_work.exists() else ctx.start_dir / name).resolve()
        if not any(path.is_relative_to(folder) for folder in allowed_directories(ctx)):
            raise TaskError(
                f"The database {name!r} is outside the directories that this execution may use.",
                code="GOV821",
                hint=DENIED_HINT,
            )
        return path


class _Plan:
    """The statements of one task, rendered, with their files and parameters."""

    def __init__(self, task: DuckDBTask, ctx: RunContext) -> None:
        from jupyter_gov.tasks.sql.statements import Files, split, with_paths  # noqa: PLC0415 - DuckDB loads late

        self.task = task
        write_inputs(ctx, task.input_files)
        outputs = {name: str(inside(ctx.working_dir, name, "outputFiles")) for name in task.output_files}
        text = ctx.render(task.sql, {"workingDir": str(ctx.working_dir), "outputFiles": outputs})
        files = Files(ctx)
        self.database = task.database(ctx)
        self.all = split(ctx, with_paths(text, files.path), task.parameters)
        self.files = files.used

    def open(self, ctx: RunContext) -> contextlib.AbstractContextManager[duckdb.DuckDBPyConnection]:
        from jupyter_gov.tasks.sql.session import session  # noqa: PLC0415

        return session(ctx, database=self.database, files=self.files, time_zone=self.task.time_zone_id)

    def execute(
        self,
        ctx: RunContext,
        connection: duckdb.DuckDBPyConnection,
        statement: duckdb.Statement,
        wanted: FetchType,
        number: int,
    ) -> dict[str, Any] | None:
        """Run one statement and return its outputs; None if it has no rows."""
        from jupyter_gov.tasks.sql.session import translated  # noqa: PLC0415
        from jupyter_gov.tasks.sql.statements import values_for  # noqa: PLC0415

        with translated(ctx):
            connection.execute(statement, values_for(statement, self.task.parameters))
            if not _has_rows(connection, statement):
                return None
            result = _fetched(ctx, connection, wanted, number)
        if "size" in result:
            ctx.metric(Metric("fetch.size", "counter", result["size"]))
        return result


def _has_rows(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> bool:
    columns = [column[0] for column in connection.description or ()]
    kind = statement.type.name
    # A change gives one column named so; with RETURNING it gives rows.
    return (
        bool(columns)
        and not (kind in _PLAIN_RESULTS and columns in (["Count"], ["Success"]))
        and columns != ["Success"]
    )


def _fetched(ctx: RunContext, connection: duckdb.DuckDBPyConnection, wanted: FetchType, number: int) -> dict[str, Any]:
    from jupyter_gov.tasks.sql.rows import fetch_all, fetch_first, store_all  # noqa: PLC0415

    if wanted == "FETCH":
        rows = fetch_all(connection)
        return {"rows": rows, "size": len(rows)}
    if wanted == "FETCH_ONE":
        row = fetch_first(connection)
        return {"row": row, "size": 0 if row is None else 1}
    if wanted == "STORE":
        target = ctx.working_dir / f".rows-{number}.jsonl"
        size = store_all(connection, target)
        return {"uri": ctx.files.put(target, "rows.jsonl"), "size": size}
    return {}


class Query(DuckDBTask):
    """Run one SQL statement over Parquet, CSV and JSON files or a DuckDB database.

    Files are named by their path from the folder in which the flow was started, by URI, or by bound parameter.
    Nothing outside the allowed directories can be read or written, no extension loaded, and no network reached. An
    aggregate without alias is found under the name of its function: `outputs.<task id>.row.count`.
    """

    type_name = "io.kestra.plugin.jdbc.duckdb.Query"
    repeatable = True
    output_docs: ClassVar[Mapping[str, str]] = {
        "row": "The first row, with FETCH_ONE.",
        "rows": "All rows, with FETCH.",
        "uri": "URI of the file of rows, with STORE.",
        "size": "How many rows there are.",
        "outputFiles": "Name -> URI of the files that the statement has written.",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: count-missing
type: io.kestra.plugin.jdbc.duckdb.Query
inputFiles:
  users.csv: |
    user_id,country
    1,DE
    ,FR
sql: |
  SELECT count(*) FROM read_csv('users.csv') WHERE user_id IS NULL
fetchType: FETCH_ONE
""",
        """\
id: by-parameter
type: io.kestra.plugin.jdbc.duckdb.Query
sql: SELECT i, i * $factor AS product FROM range(3) AS t(i)
parameters:
  factor: 10
fetchType: FETCH
""",
    )

    def run(self, ctx: RunContext) -> dict[str, Any]:
        """Run the statement and return its rows.

        Raises
        ------
        TaskError
            ``GOV82x``: it failed, may not do what it asks, or is not exactly one.
        """
        plan = _Plan(self, ctx)
        if len(plan.all) != 1:
            raise TaskError(
                f"Query takes exactly one statement, and this are {len(plan.all)}.",
                code="GOV822",
                hint="Several statements: use io.kestra.plugin.jdbc.duckdb.Queries.",
            )
        results, together = self.perform(ctx, plan)
        return {**(results[0] if results else {}), **together}


class Queries(DuckDBTask):
    """Run several SQL statements one after the other, by default all or nothing.

    Each statement that gives rows adds an item to the output `outputs`, with the same keys as the outputs of Query.
    """

    type_name = "io.kestra.plugin.jdbc.duckdb.Queries"
    output_docs: ClassVar[Mapping[str, str]] = {
        "outputs": "For each statement that gives rows: row, rows or uri, and size.",
        "outputFiles": "Name -> URI of the files that the statements have written.",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: prepare
type: io.kestra.plugin.jdbc.duckdb.Queries
sql: |
  CREATE TABLE sales AS SELECT i AS id, i * 2.5 AS amount FROM range(10) AS t(i);
  COPY sales TO '{{ workingDir }}/sales.parquet';
  SELECT sum(amount) FROM sales;
fetchType: FETCH_ONE
outputFiles:
  - sales.parquet
""",
    )

    transaction: Dynamic[bool] = Field(default=True, description="Undo everything in the database if one fails.")

    def run(self, ctx: RunContext) -> dict[str, Any]:
        """Run the statements and return the rows of each.

        Raises
        ------
        TaskError
            ``GOV82x``: one failed, or may not do what it asks.
        """
        plan = _Plan(self, ctx)
        if not plan.all:
            raise TaskError("There is no statement in `sql`.", code="GOV822")
        results, together = self.perform(ctx, plan)
        return {"outputs": results, **together}

    @contextlib.contextmanager
    def _transaction(self, connection: duckdb.DuckDBPyConnection, statements: _Plan) -> Iterator[None]:
        own = any(statement.type.name == "TRANSACTION" for statement in statements.all)
        if own or not self.transaction:
            yield
            return
        # Left without COMMIT when a statement fails, and closed with the connection: nothing of it stays.
        connection.execute("BEGIN")
        yield
        connection.execute("COMMIT")
