"""Questions in SQL: the same answers over both databases; only what is named is read; nothing else can be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from jupyter_gov.domain.execution import Label
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import State
from jupyter_gov.errors import StoreError
from jupyter_gov.plugins.context import Metric
from jupyter_gov.store import Store, analytics
from jupyter_gov.store.views import VIEWS
from tests.contract import build
from tests.contract.build import T0


@pytest.fixture
def filled(store: Store) -> Store:
    with store.write() as tx:
        store.flows.add(tx, build.revision(), (build.fact("flow.registered"),))
        for number, state in enumerate((State.SUCCESS, State.FAILED, State.SUCCESS)):
            labels = (Label("team", "risk"),) if number else ()
            run = build.execution(state=state, labels=labels, inputs={"n": number}, created=T0 + number * build.SECOND)
            store.executions.insert(tx, run, (build.created_fact(run),), None)
            task = build.rich_task_run(run, 0)
            gates = (build.approval(run),)
            store.executions.commit(tx, build.step(run, task, approvals=gates), expected_version=0)
            line = LogLine(0, run.id, task.id, task.task_id, 1, "INFO", T0, f"hello {number}")
            store.logs.add(tx, [line])
            store.metrics.add(tx, run.id, task.id, task.task_id, [Metric("rows", "counter", 1.5, {"a": "b"})], at=T0)
    return store


def ask(store: Store, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in store.sql(query, parameters).itertuples(index=False)]


def test_answers(filled: Store) -> None:
    assert ask(filled, "SELECT state, count(*) FROM executions GROUP BY 1 ORDER BY 1") == [
        ("FAILED", 1),
        ("SUCCESS", 2),
    ]
    assert ask(filled, "SELECT labels->>'team' FROM executions WHERE created > ? ORDER BY created", T0) == [
        ("risk",),
        ("risk",),
    ]
    assert ask(filled, "SELECT sum((inputs->>'n')::int) FROM executions") == [(3,)]
    assert ask(filled, "SELECT attempts, outputs->'value'->>1, value FROM task_runs LIMIT 1") == [
        (2, "two", "Zoë\u2028")
    ]
    assert ask(filled, "SELECT max(created) = ? FROM executions", T0 + 2 * build.SECOND) == [(True,)]
    joined = "SELECT l.message FROM logs l JOIN executions e ON e.id = l.execution_id WHERE e.state = ?"
    assert ask(filled, joined, "FAILED") == [("hello 1",)]
    assert ask(filled, "SELECT sum(value) FROM metrics") == [(4.5,)]
    assert ask(filled, "SELECT status, count(*) FROM approvals GROUP BY ALL") == [("OPEN", 3)]
    assert ask(filled, "SELECT DISTINCT actor FROM audit ORDER BY 1") == [("ada",), ("system",)]
    assert ask(filled, "SELECT count(*) FROM votes") == [(0,)]


def test_forms_that_mean_all_columns(filled: Store) -> None:
    for view in VIEWS:
        frame = filled.sql(f"SELECT * FROM {view}")
        assert list(frame.columns) == list(VIEWS[view].columns)
    assert "created" in filled.sql("FROM executions").columns
    assert ask(filled, "SELECT e.state FROM (SELECT * FROM executions) e LIMIT 1")
    assert ask(filled, "SELECT x.namespace FROM (SELECT e AS x FROM executions e) LIMIT 1") == [("company.team",)]
    assert ask(filled, "SELECT count(*) FROM flows NATURAL JOIN flows b") == [(1,)]
    assert ask(filled, "SELECT COLUMNS('name.*') FROM executions LIMIT 1") == [("company.team",)]
    pivot = "SELECT * FROM executions PIVOT (count(*) FOR state IN ('SUCCESS', 'FAILED') GROUP BY namespace)"
    assert ask(filled, pivot) == [("company.team", 2, 1)]
    assert ask(filled, 'SELECT "STATE" FROM Executions ORDER BY ALL LIMIT 1') == [("FAILED",)]
    assert ask(filled, "SELECT count(*) FROM executions a JOIN executions b USING (flow_id)") == [(9,)]


def test_only_what_is_named_is_read() -> None:
    connection = duckdb.connect()

    def named(query: str) -> tuple[list[str], set[str] | None]:
        found = analytics._named(connection, query)
        return list(found.views), None if found.columns is None else set(found.columns)

    assert named("SELECT state FROM executions WHERE id = 'audit'") == (["executions"], {"state", "id"})
    assert named("SELECT count(*) FROM audit") == (["audit"], set())
    assert named("WITH logs AS (SELECT 1 AS x) SELECT x FROM flows") == (["flows"], {"x"})
    assert named("SELECT 'FROM audit, logs'") == ([], set())
    assert named("SELECT * FROM votes")[1] is None
    connection.close()


SECRET = "the password"
ATTACKS = [
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM '{file}'",
    'SELECT * FROM "{file}"',
    "FROM '{file}' SELECT *",
    "SELECT (SELECT content FROM read_text('{file}')) FROM executions",
    "WITH x AS (SELECT * FROM read_text('{file}')) SELECT * FROM x",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
    "SELECT * FROM query_table('{file}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sqlite_scan('{database}', 'gov_executions')",
    "SELECT * FROM gov_executions",
    "SELECT getenv('HOME')",
    "COPY executions TO '{target}'",
    "COPY (SELECT 1) TO '{target}' (FORMAT csv)",
    "EXPORT DATABASE '{target}'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{target}'",
    "ATTACH '{database}' (TYPE sqlite)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{file}'",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "SELECT 1; COPY executions TO '{target}'",
    "SELECT 1 /* ; */ ; SELECT 2",
    "CREATE TABLE t AS SELECT 1",
    "CREATE SECRET s (TYPE s3)",
    "CREATE MACRO f() AS 1",
    "INSERT INTO executions VALUES (1)",
    "UPDATE executions SET state = 'SUCCESS'",
    "DELETE FROM audit",
    "DROP VIEW executions",
    "EXPLAIN ANALYZE SELECT 1",
    "PREPARE p AS SELECT 1",
    "CHECKPOINT",
    "VACUUM",
    "USE memory",
    "SELECT * FROM secret_frame",
    "SELEKT 1",
    "SELECT 'unclosed",
    "",
    ";",
    "\x00",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_else_can_be_reached(tmp_path: Path, attack: str) -> None:
    import pandas as pd

    secret_frame = pd.DataFrame({"x": [SECRET]})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "secret.csv").write_text(SECRET)
    before = sorted(tmp_path.rglob("*"))
    with Store.open(tmp_path / "folder" / "store.db") as store:
        query = attack.format(
            file=folder / "secret.csv", folder=folder, target=tmp_path / "stolen", database=folder / "store.db"
        )
        with pytest.raises(StoreError) as caught:
            store.sql(query)
        assert caught.value.code in {"GOV730", "GOV731"}
        assert caught.value.hint
        assert SECRET not in str(caught.value)
        assert store.verify().ok
    assert [path for path in sorted(tmp_path.rglob("*")) if "store.db" not in path.name] == before
    assert len(secret_frame) == 1


def test_a_question_without_end_is_stopped(store: Store) -> None:
    endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range * b.range % 7 = 3"
    with store.read() as tx, pytest.raises(StoreError) as caught:
        analytics.query(tx, endless, limit_seconds=0.2)
    assert caught.value.code == "GOV732"


def test_a_question_too_large_fails_and_leaves_no_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(analytics._CONFIG, "memory_limit", "50MB")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoreError) as caught:
        store.sql("SELECT list(range::text || repeat('x', 100)) FROM range(3000000)")
    assert caught.value.code == "GOV730"
    assert sorted(tmp_path.iterdir()) == before
