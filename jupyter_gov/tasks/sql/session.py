"""A DuckDB connection that reads and writes only where this execution may, and cannot be talked out of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.context import RunContext

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SPILL = ".duckdb-spill"
_CONFIG = {
    # Nothing is fetched or loaded by itself, and a table name never means a Python variable of this process.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "allow_persistent_secrets": "false",
    "allow_community_extensions": "false",
}
DENIED_HINT = (
    "Read files below the folder in which the flow was started, or by URI; write to '{{ workingDir }}/name' and name "
    "the file in outputFiles. Further folders: the setting allowed_paths."
)


def allowed_directories(ctx: RunContext) -> list[Path]:
    """Return the folders in which this execution may read and write."""
    configured = ctx.settings.get("paths.allowed") or ()
    parts = configured.split(os.pathsep) if isinstance(configured, str) else configured
    further = [Path(part).expanduser() for part in parts if str(part)]
    return [ctx.working_dir.resolve(), ctx.start_dir.resolve(), *(path.resolve() for path in further)]


@contextmanager
def session(
    ctx: RunContext, *, database: Path | None, files: Iterable[Path], time_zone: str | None
) -> Iterator[DuckDBPyConnection]:
    """Open a connection, close it to the outside, and interrupt it when the task must stop.

    Parameters
    ----------
    database
        A database file, or None for one in memory.
    files
        Single files that may be read besides those in the allowed directories.

    Raises
    ------
    TaskError
        ``GOV820``: the database cannot be opened, or the time zone is unknown.
    """
    config: dict[str, Any] = {**_CONFIG, "temp_directory": str(ctx.working_dir / _SPILL), **_limits(ctx.settings)}
    with translated(ctx):
        connection = duckdb.connect(str(database) if database else ":memory:", config=config)
    try:
        with translated(ctx):
            if time_zone:
                connection.execute(f"SET TimeZone = {literal(time_zone)}")
            _lock(connection, allowed_directories(ctx), files)
        ctx.cancellation.on_request(_interrupter(connection))
        ctx.cancellation.raise_if_requested()
        yield connection
    finally:
        connection.close()


def _limits(settings: Mapping[str, Any]) -> dict[str, str]:
    names = {"duckdb.memory_limit": "memory_limit", "duckdb.threads": "threads"}
    return {option: str(settings[name]) for name, option in names.items() if settings.get(name)}


def _lock(connection: DuckDBPyConnection, directories: Iterable[Path], files: Iterable[Path]) -> None:
    folders = ", ".join(literal(str(path)) for path in directories)
    single = ", ".join(literal(str(path)) for path in files)
    connection.execute(f"SET allowed_directories = [{folders}]")
    connection.execute(f"SET allowed_paths = [{single}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _interrupter(connection: DuckDBPyConnection) -> Callable[[], None]:
    def interrupt() -> None:
        try:
            connection.interrupt()
        except duckdb.Error:
            return  # It was closed meanwhile.

    return interrupt


def literal(text: str) -> str:
    """Return ``text`` as a string of SQL."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def translated(ctx: RunContext) -> Iterator[None]:
    """Turn what DuckDB says into errors of ours.

    Raises
    ------
    TaskError
        ``GOV820``: the statement failed; ``GOV821``: it asked for a file that it may not have; ``GOV811``,
        ``GOV812``, ``GOV814``: it was interrupted since the task must stop.
    """
    try:
        yield
    except duckdb.InterruptException as error:
        ctx.cancellation.raise_if_requested()
        raise TaskError("The query was interrupted.", code="GOV820") from error
    except duckdb.PermissionException as error:
        raise TaskError(f"The query may not do this: {_text(error)}", code="GOV821", hint=DENIED_HINT) from error
    except duckdb.OutOfMemoryException as error:
        raise TaskError(
            f"The query ran out of memory: {_text(error)}", code="GOV820", hint="Raise duckdb.memory_limit."
        ) from error
    except duckdb.Error as error:
        raise TaskError(f"The query failed: {_text(error)}", code="GOV820", hint=_hint(str(error))) from error


def _text(error: Exception) -> str:
    # DuckDB shows the line of the statement and a caret below it, and sometimes a C++ stack that helps nobody.
    return str(error).split("\n\nStack Trace")[0].strip()


def _hint(message: str) -> str | None:
    if "Configuration has been locked" in message or "configuration has been locked" in message:
        return "Settings of the session cannot be changed by a flow."
    if "Could not set lock" in message:
        return "Another process has the database file open; close it there, or give each task a file of its own."
    if "No files found" in message:
        return "Paths begin in the folder in which the flow was started."
    return None
