"""Questions in SQL: the same answers over both databases; only what is named is read; nothing else can be reached."""

from __future__ import annotations

import time
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
from jupyter_gov.store.answers import ResultCutWarning
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
    assert caught.value.code == "GOV732"
    assert sorted(tmp_path.iterdir()) == before


def test_a_long_result_is_cut_and_says_so(store: Store) -> None:
    with store.read() as tx:
        with pytest.warns(ResultCutWarning, match="first 100000 rows"):
            frame = analytics.query(tx, "SELECT unnest(range(3000000)) AS n", max_rows=100_000)
        assert frame.n.tolist() == list(range(100_000))
        assert "there are more" in frame.attrs["cut"]
        whole = analytics.query(tx, "SELECT unnest(range(100000)) AS n", max_rows=100_000)
        assert (len(whole), whole.attrs) == (100_000, {})


@pytest.mark.parametrize("kind", ["repeat('x', 1000)", "range(1000)", "list_value(repeat('x', 1000))"])
def test_a_heavy_result_is_cut_and_says_so(store: Store, kind: str) -> None:
    with store.read() as tx, pytest.warns(ResultCutWarning, match="exceeds 8 MiB"):
        frame = analytics.query(tx, f"SELECT {kind} AS s FROM range(400000)", max_bytes=8 * 2**20)
    assert 0 < len(frame) * 1000 <= 8 * 2**20


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT repeat('x', 3000000000)", "GOV732"),
        ("SELECT lpad('x', 2000000000, 'y')", "GOV732"),
        ("SELECT rpad(s, 2000000000, s) FROM (SELECT 'x' AS s)", "GOV732"),
        ("SELECT repeat('x', range * 1000000) FROM range(100)", "GOV732"),
        ("SELECT range(2000000000)", "GOV732"),
        ("SELECT generate_series(1, 20000000000, 2)", "GOV732"),
        ("SELECT system.main.repeat('x', 3000000000)", "GOV731"),
        ("SELECT repeat('x', 40000000) || range FROM range(1000)", "GOV732"),
    ],
)
def test_a_value_too_large_is_refused_before_it_is_made(store: Store, query: str, code: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(StoreError) as caught:
        store.sql(query)
    assert caught.value.code == code
    assert time.perf_counter() - begun < 20


def test_functions_that_are_bounded_still_work(store: Store) -> None:
    assert ask(store, "SELECT repeat('ab', 2), lpad('a', 3, 'x'), rpad('a', 3, 'x'), repeat(NULL, 2) IS NULL") == [
        ("abab", "xxa", "axx", True)
    ]
    assert ask(store, "SELECT list_sum(range(4)), len(range(9, 1, -2)), list_sum(generate_series(1, 3))") == [(6, 4, 6)]
    days = "range(TIMESTAMP '2020-01-01', TIMESTAMP '2020-01-03', INTERVAL 1 DAY)"
    assert ask(store, f"SELECT len({days}), (SELECT count(*) FROM range(5))") == [(2, 5)]


def test_the_time_limit_covers_reading_and_taking_over(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analytics, "_ROWS_AT_ONCE", 1)
    for query in ("SELECT * FROM logs", "SELECT 1", "SELECT unnest(range(100000000))"):
        with filled.read() as tx, pytest.raises(StoreError) as caught:
            analytics.query(tx, query, limit_seconds=0.0)
        assert caught.value.code == "GOV732"
