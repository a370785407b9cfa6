"""Questions in SQL over the history, answered by DuckDB.

DuckDB never sees the database: the views that a query names are read through our own reading transaction and handed
over as tables in memory. Its access to files, network and settings is off and locked, so that a query can read what
the views hold and nothing else.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from threading import Timer
from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import StoreError
from jupyter_gov.store.database import Tx

if TYPE_CHECKING:
    import pandas as pd

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "2GB",
    "lock_configuration": "true",
}
_TIME = "_us"

VIEWS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "flows": (
        "gov_flow_revisions f",
        {
            "namespace": "f.namespace",
            "flow_id": "f.flow_id",
            "revision": "f.revision",
            "digest": "f.digest",
            "author": "f.author",
            "created_us": "f.created_us",
            "source": "f.source",
        },
    ),
    "executions": (
        "gov_executions e LEFT JOIN gov_execution_data d ON d.execution_id = e.id",
        {
            "id": "e.id",
            "namespace": "e.namespace",
            "flow_id": "e.flow_id",
            "flow_revision": "e.flow_revision",
            "state": "e.state",
            "created_us": "e.created_us",
            "ended_us": "e.ended_us",
            "starter": "e.starter",
            "run_as": "e.run_as",
            "parent_id": "e.parent_id",
            "supersedes": "e.supersedes",
            "labels": "e.labels",
            "inputs": "d.inputs",
            "outputs": "d.outputs",
            "failure": "d.failure",
        },
    ),
    "task_runs": (
        "gov_task_runs t",
        {
            "execution_id": "t.execution_id",
            "id": "t.id",
            "task_id": "t.task_id",
            "parent_id": "t.parent_id",
            "value": "t.value",
            "iteration": "t.iteration",
            "state": "t.state",
            "started_us": "t.started_us",
            "ended_us": "t.ended_us",
            "attempts": "t.attempts",
            "outputs": "t.outputs",
            "outputs_digest": "t.outputs_digest",
            "failure": "t.failure",
        },
    ),
    "approvals": (
        "gov_approvals a",
        {
            "id": "a.id",
            "execution_id": "a.execution_id",
            "task_id": "a.task_id",
            "namespace": "a.namespace",
            "flow_id": "a.flow_id",
            "status": "a.status",
            "opened_us": "a.opened_us",
            "deadline_us": "a.deadline_us",
            "decided_us": "a.status_us",
            "decided_by": "a.status_by",
            "reason": "a.reason",
            "inputs": "a.inputs",
            "title": "a.title",
            "description": "a.description",
            "subject_digest": "a.subject_digest",
        },
    ),
    "votes": (
        "gov_votes v",
        {
            "id": "v.id",
            "approval_id": "v.approval_id",
            "actor_id": "v.actor_id",
            "actor_name": "v.actor_name",
            "assurance": "v.assurance",
            "verdict": "v.verdict",
            "at_us": "v.at_us",
            "reason": "v.reason",
            "subject_digest": "v.subject_digest",
        },
    ),
    "audit": (
        "gov_audit_entries n LEFT JOIN gov_audit_bodies b ON b.entry_id = n.id "  # noqa: ISC004 - one text
        "LEFT JOIN gov_audit_actors w ON w.actor_ref = n.actor_ref",
        {
            "stream": "n.stream",
            "seq": "n.seq",
            "at_us": "n.ts_us",
            "actor": "coalesce(w.actor_id, n.actor_ref)",
            "action": "n.action",
            "subject": "n.subject",
            "leaf_hash": "n.leaf_hash",
            "body": "b.body",
        },
    ),
    "logs": (
        "gov_logs l",
        {
            "id": "l.id",
            "execution_id": "l.execution_id",
            "task_run_id": "l.task_run_id",
            "task_id": "l.task_id",
            "attempt": "l.attempt",
            "level": "l.level",
            "at_us": "l.at_us",
            "message": "l.message",
        },
    ),
    "metrics": (
        "gov_metrics m",
        {
            "execution_id": "m.execution_id",
            "task_run_id": "m.task_run_id",
            "task_id": "m.task_id",
            "name": "m.name",
            "type": "m.type",
            "value": "m.value",
            "tags": "m.tags",
            "at_us": "m.at_us",
        },
    ),
}
"""View -> where it comes from, and its columns; a column ``x_us`` is shown as the time ``x``."""

_INTEGERS = {"revision", "flow_revision", "iteration", "seq", "attempt"}


LIMIT_SECONDS = 60.0
"""How long a question may take."""


def query(tx: Tx, sql: str, parameters: Sequence[Any] = (), *, limit_seconds: float = LIMIT_SECONDS) -> pd.DataFrame:
    """Answer one SELECT over ``VIEWS``.

    Raises
    ------
    StoreError
        ``GOV730``: the query is wrong; ``GOV731``: it is no single SELECT, or reaches beyond the views;
        ``GOV732``: it took too long.
    """
    import duckdb  # noqa: PLC0415 - 0.1 s that only questions need

    connection = duckdb.connect(":memory:", config=_CONFIG)
    alarm = Timer(limit_seconds, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        for name in _named(sql):
            connection.register(name, _frame(tx, name))
        with warnings.catch_warnings():
            # DuckDB still uses what the newest pandas announces to remove.
            warnings.simplefilter("ignore", DeprecationWarning)
            return connection.execute(sql, list(parameters)).df()
    except duckdb.PermissionException as error:
        raise _forbidden(str(error)) from error
    except duckdb.InterruptException as error:
        raise StoreError(
            f"the query took longer than {limit_seconds:g} s and was stopped", code="GOV732", hint="Narrow it down."
        ) from error
    except duckdb.Error as error:
        raise StoreError(f"the query failed: {_first_lines(error)}", code="GOV730", hint=_hint()) from error
    finally:
        alarm.cancel()
        connection.close()


def _named(sql: str) -> list[str]:
    """Return the views that a query names, once it is known to be one SELECT."""
    import duckdb  # noqa: PLC0415 - see query

    statements = duckdb.extract_statements(sql)
    if len(statements) != 1:
        raise _forbidden(f"one SELECT was expected, got {len(statements)} statements")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise _forbidden(f"only SELECT can be asked, not {statements[0].type.name}")
    # Every word counts: a view too many costs a little time, one too few would be an error.
    return sorted(set(re.findall(r"\w+", sql.lower())) & set(VIEWS))


def _frame(tx: Tx, view: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - see query

    source, columns = VIEWS[view]
    shown = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    tx.cursor.execute(f"SELECT {shown} FROM {source}")  # noqa: S608 - both come from VIEWS
    frame = pd.DataFrame(tx.cursor.fetchall(), columns=list(columns), dtype=object)
    for name in columns:
        if name.endswith(_TIME):
            times = pd.to_datetime(pd.to_numeric(frame[name]), unit="us", utc=True)
            frame = frame.assign(**{name: times}).rename(columns={name: name.removesuffix(_TIME)})
        elif name in _INTEGERS:
            frame[name] = pd.array(frame[name], dtype="Int64")
        elif name == "value" and view == "metrics":
            frame[name] = frame[name].astype(float)
        else:
            frame[name] = frame[name].astype("string")
    return frame


def _forbidden(message: str) -> StoreError:
    return StoreError(f"the query was refused: {message}", code="GOV731", hint=_hint())


def _hint() -> str:
    return f"One SELECT over {', '.join(VIEWS)}."


def _first_lines(error: Exception) -> str:
    return "\n".join(str(error).splitlines()[:6])
