"""Ids that the shell completes: few, at once, and nothing at all when anything is amiss."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import typer

_MOST = 30
_PATIENCE = 0.2
"""Seconds for a locked database: who pressed the tab key waits."""
_SHORT = 8
_RUNS = "SELECT id, flow_id || ' ' || state FROM gov_executions ORDER BY created_us DESC, id DESC LIMIT ?"
_GATES = "SELECT id, flow_id || '/' || task_id FROM gov_approvals WHERE status = 'OPEN' ORDER BY opened_us DESC LIMIT ?"

_TRIGGERS = (
    "SELECT namespace || '.' || flow_id || '/' || trigger_id, type FROM gov_triggers"
    " ORDER BY namespace, flow_id, trigger_id LIMIT ?"
)


def runs(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the newest runs that the shell may put in."""
    return [item for item in [("last", "the newest run"), *_found(ctx, _RUNS)] if item[0].startswith(incomplete)]


def gates(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the open gates that the shell may put in."""
    return [item for item in _found(ctx, _GATES) if item[0].startswith(incomplete)]


def triggers(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the triggers that the shell may put in."""
    return [item for item in _found(ctx, _TRIGGERS, shorten=False) if item[0].startswith(incomplete)]


def _found(ctx: typer.Context, query: str, *, shorten: bool = True) -> list[tuple[str, str]]:
    # Opening the store takes a second and may upgrade or make it: this only looks.
    try:
        with closing(sqlite3.connect(f"{_file(ctx).as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)) as connection:
            rows = connection.execute(query, [_MOST]).fetchall()
            return [(_short(identifier) if shorten else identifier, about) for identifier, about in rows]
    except Exception:  # noqa: BLE001 - the boundary to the shell, in whose line a message would end up
        return []


def _file(ctx: typer.Context) -> Path:
    from jupyter_gov.config import JupyterGov  # noqa: PLC0415 - traitlets, which --help does not need

    named = ctx.find_root().params.get("database") or os.environ.get("JUPYTER_GOV_COMMAND_LINE_DB_URL")
    return Path(str(named or JupyterGov().resolved_db_url()).removeprefix("sqlite:///")).expanduser().absolute()


def _short(identifier: str) -> str:
    head, dash, rest = identifier.partition("-")
    return head[-_SHORT:] + dash + rest
