"""Importing the package is cheap, and its front doors import lazily."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pydantic", "sqlmodel", "sqlalchemy", "duckdb", "papermill", "pandas", "IPython", "tornado", "yaml", "typer")


def loaded_after(code: str) -> set[str]:
    shown = f"{code}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_itself_imports_nothing_heavy():
    assert not loaded_after("import jupyter_gov") & set(HEAVY)


def test_the_papermill_entry_point_cannot_fail_or_be_slow():
    loaded = loaded_after("import jupyter_gov.kernel.papermill_engine")
    assert not loaded & {"papermill", "sqlmodel", "duckdb", "pandas", "jupyter_gov.service"}


def test_help_does_not_open_the_store():
    loaded = loaded_after("import jupyter_gov.cli")
    assert not loaded & {"sqlmodel", "duckdb", "papermill", "pandas", "jinja2", "jupyter_gov.service.wire"}
