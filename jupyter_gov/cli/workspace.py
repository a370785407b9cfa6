"""The example notebooks, flows and data that ``jupyter gov demo`` puts into a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

import jupyter_gov
from jupyter_gov.errors import ExecutionError, InstallationError

_USERS = (
    "SELECT CASE WHEN {missing} THEN NULL ELSE range + 1 END AS user_id, 'user-' || range AS name, "
    "(range * 7919) % 100 AS score FROM range(500)"
)
_SALES = (
    "SELECT DATE '2026-11-09' + CAST(range % 7 AS INTEGER) AS day, "
    "['north', 'south', 'west'][1 + CAST(range % 3 AS INTEGER)] AS region, 100 + (range * 37) % 250 AS amount "
    "FROM range(42)"
)


def examples() -> Path:
    """Return the folder of the examples: in an installed package inside of it, in a clone beside it.

    Raises
    ------
    InstallationError
        ``GOV951``: there is none.
    """
    package = Path(jupyter_gov.__file__).parent
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / "00_start.ipynb").is_file():
            return folder
    raise InstallationError(
        "the example notebooks are missing in this installation",
        code="GOV951",
        hint="pip install --force-reinstall --no-deps jupyter_gov",
    )


def prepare(folder: Path) -> None:
    """Put examples and data into a folder; files that are there already (perhaps edited) are left alone.

    Raises
    ------
    ExecutionError
        ``GOV352``: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        source = examples()
        for file in sorted(source.rglob("*")):
            target = folder / file.relative_to(source)
            if file.is_file() and file.suffix in {".ipynb", ".yaml"} and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
        make_data(folder / "data")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ExecutionError(
            f"{folder} cannot be written: {reason}.", code="GOV352", hint="Name another folder: jupyter gov demo DIR"
        ) from error


def make_data(folder: Path) -> None:
    """Write users with and without missing ids, and a week of sales, as Parquet and CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for name, query in (
            ("users.parquet", _USERS.format(missing="false")),
            ("users-with-nulls.parquet", _USERS.format(missing="range % 100 = 7")),
            ("sales.csv", _SALES),
        ):
            if not (folder / name).exists():
                form = "CSV, HEADER" if name.endswith(".csv") else "PARQUET"
                target = str(folder / name).replace("'", "''")
                connection.execute(f"COPY ({query}) TO '{target}' (FORMAT {form})")
