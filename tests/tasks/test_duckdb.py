"""DuckDB tasks on real files, and every way out of the allowed directories that we know."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.testing import TaskResult, TestContext, check, run_task
from jupyter_gov.tasks.duckdb import Queries, Query
from jupyter_gov.tasks.sql.rows import row_keys
from jupyter_gov.tasks.sql.statements import with_paths


@pytest.fixture
def context(tmp_path: Path) -> TestContext:
    context = TestContext(tmp_path / "run")
    data = context.start_dir / "data"
    data.mkdir()
    pq.write_table(pa.table({"user_id": [1, None, 3], "country": ["DE", "FR", "DE"]}), data / "users.parquet")
    (data / "users.csv").write_text("user_id,country\n1,DE\n2,FR\n")
    (data / "users.json").write_text('[{"user_id": 1}, {"user_id": 2}]')
    return context


def query(context: TestContext, sql: str, **props: Any) -> TaskResult:
    return run_task(Query, {"sql": sql, **props}, context=context)


def one(context: TestContext, sql: str, **props: Any) -> dict[str, Any]:
    row = query(context, sql, fetchType="FETCH_ONE", **props).outputs["row"]
    assert isinstance(row, dict)
    return row


def fails(context: TestContext, sql: str, **props: Any) -> TaskError:
    with pytest.raises(TaskError) as caught:
        query(context, sql, fetchType="FETCH", **props)
    return caught.value


@pytest.mark.parametrize(
    "name", ["data/users.parquet", "{start}/data/users.parquet", "file://{start}/data/users.parquet"]
)
def test_the_published_query(context: TestContext, name: str) -> None:
    context.variables = {"inputs": {"data_uri": name.format(start=context.start_dir)}}
    sql = "SELECT count(*) FROM read_parquet('{{ inputs.data_uri }}') WHERE user_id IS NULL;\n"
    outputs = query(context, sql, fetchOne=True).outputs
    assert outputs == {"row": {"count_star()": 1, "count": 1}, "size": 1}


@pytest.mark.parametrize(
    "source",
    [
        "'data/users.parquet'",
        "read_parquet('data/users.parquet')",
        "read_parquet(['data/users.parquet'])",
        "parquet_scan('data/users.parquet')",
        "read_csv('data/users.csv', header = true)",
        "'data/users.csv'",
        "read_json('data/users.json')",
        "read_csv('data/*.csv')",
        "(SELECT * FROM 'data/users.csv') JOIN 'data/users.json' USING (user_id)",
    ],
)
def test_kinds_of_files(context: TestContext, source: str) -> None:
    assert query(context, f"SELECT user_id FROM {source}", fetch=True).outputs["size"] in (2, 3)


def test_files_by_uri(context: TestContext) -> None:
    blob = context.files.put(context.start_dir / "data" / "users.parquet", "users.parquet")
    assert one(context, f"SELECT count(*) FROM '{blob}'")["count"] == 3
    assert one(context, f"SELECT count(*) FROM read_parquet('{blob}')")["count"] == 3


def test_a_uri_of_another_execution(context: TestContext) -> None:
    assert fails(context, "SELECT * FROM 'kestra:///other/file.csv'").code == "GOV804"


def test_paths_that_may_be_files_but_are_not(context: TestContext) -> None:
    assert one(context, "SELECT 'data/users.csv' AS name, ['data/users.csv'] AS names") == {
        "name": "data/users.csv", "names": ["data/users.csv"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("SELECT * FROM 'a'", "SELECT * FROM '/x/a'"),
        ("select * from'a'", "select * from'/x/a'"),
        ("SELECT 'a', x FROM t WHERE b = 'a' -- FROM 'a'", None),
        (
            "SELECT * FROM read_csv( ['a', 'b''c'], names = ['d'])",
            "SELECT * FROM read_csv( ['/x/a', '/x/b''c'], names = ['d'])",
        ),
        ("COPY t TO 'a' (FORMAT 'csv')", "COPY t TO '/x/a' (FORMAT 'csv')"),
        ("ATTACH 'a' AS q", "ATTACH '/x/a' AS q"),
        ("ATTACH IF NOT EXISTS 'a'", "ATTACH IF NOT EXISTS '/x/a'"),
        ("SELECT 'é', '漢' FROM 'ü'", "SELECT 'é', '漢' FROM '/x/ü'"),
        ("SELECT upper('a') FROM t", None),
        ("SELECT replace(x, 'a', 'b') FROM glob('a')", "SELECT replace(x, 'a', 'b') FROM glob('/x/a')"),
        ("SELECT $$a$$ FROM t", None),
    ],
)
def test_file_names_are_found_by_their_place(sql: str, changed: str | None) -> None:
    assert with_paths(sql, lambda name: f"/x/{name}") == (changed or sql)


def test_options_of_file_functions(context: TestContext) -> None:
    sql = "SELECT a FROM read_csv('data/users.csv', names = ['a', 'b'], header = true, delim = ',', nullstr = ['1'])"
    assert query(context, sql, fetch=True).outputs["rows"] == [{"a": None}, {"a": 2}]


def test_fetch_types(context: TestContext) -> None:
    sql = "SELECT i FROM range(3) t(i)"
    assert query(context, sql, fetchType="FETCH").outputs == {"rows": [{"i": 0}, {"i": 1}, {"i": 2}], "size": 3}
    assert query(context, sql, fetch=True).outputs["size"] == 3
    assert query(context, sql, fetchType="{{ 'FETCH_ONE' }}").outputs == {"row": {"i": 0}, "size": 1}
    assert query(context, sql).outputs == {}
    assert query(context, "SELECT 1 WHERE false", fetchOne=True).outputs == {"row": None, "size": 0}
    stored = query(context, sql, store=True)
    assert stored.outputs["size"] == 3
    assert [json.loads(line) for line in stored.path(stored.outputs["uri"]).read_text().splitlines()] == [
        {"i": 0},
        {"i": 1},
        {"i": 2},
    ]
    assert [metric.value for metric in stored.metrics][-1] == 3


@pytest.mark.parametrize("props", [{"fetch": True, "store": True}, {"fetchType": "STORE", "fetchOne": True}])
def test_contradicting_fetch_types(props: dict[str, Any]) -> None:
    with pytest.raises(TaskError, match="contradict"):
        check(Query, {"sql": "SELECT 1", **props})


@pytest.mark.parametrize(
    ("columns", "keys"),
    [
        (["a", "a", "a"], [("a",), ("a_1",), ("a_2",)]),
        (["count_star()"], [("count_star()", "count")]),
        (["sum(x)", "sum(y)"], [("sum(x)",), ("sum(y)",)]),
        (["sum(x)", "sum"], [("sum(x)",), ("sum",)]),
        (['"first"(x)'], [('"first"(x)', "first")]),
        (["count(DISTINCT x)"], [("count(DISTINCT x)", "count")]),
        (["sum(x) FILTER (WHERE (x > 1))"], [("sum(x) FILTER (WHERE (x > 1))", "sum")]),
        (["upper(x)"], [("upper(x)",)]),
        (["(min(x) + 1)"], [("(min(x) + 1)",)]),
        (["min(x) + max(x)"], [("min(x) + max(x)",)]),
    ],
)
def test_keys_of_rows(columns: list[str], keys: list[tuple[str, ...]]) -> None:
    assert row_keys(columns) == keys


def test_values_become_json(context: TestContext) -> None:
    sql = """
        SELECT 1::HUGEINT AS huge, 1.10::DECIMAL(9, 2) AS money, 12345678901234567.89::DECIMAL(20, 2) AS exact,
               'nan'::DOUBLE AS nan, DATE '2026-01-31' AS day, TIMESTAMP '2026-01-31 10:00:00' AS moment,
               TIMESTAMPTZ '2026-01-31 10:00:00+02' AS zoned, TIME '10:00:00' AS clock, INTERVAL 90 SECOND AS span,
               'ab'::BLOB AS raw, {'k': [1, NULL]} AS struct, MAP {'m': DATE '2026-01-01'} AS map, NULL AS nothing,
               '2fbcdb4b-93f6-4f68-a578-9de4f31a53f5'::UUID AS id, true AS yes, [1.5] AS list
    """
    row = one(context, sql, timeZoneId="Europe/Berlin")
    assert row == {
        "huge": 1, "money": 1.1, "exact": "12345678901234567.89", "nan": "nan", "day": "2026-01-31",
        "moment": "2026-01-31T10:00:00", "zoned": "2026-01-31T09:00:00+01:00", "clock": "10:00:00", "span": "PT1M30S",
        "raw": "ab", "struct": {"k": [1, None]}, "map": {"m": "2026-01-01"}, "nothing": None,
        "id": "2fbcdb4b-93f6-4f68-a578-9de4f31a53f5", "yes": True, "list": [1.5],
    }  # fmt: skip


def test_parameters_are_values_and_never_text(context: TestContext) -> None:
    evil = "x'; DROP TABLE users; --"
    context.variables = {"inputs": {"name": evil, "n": 3}}
    props = {"parameters": {"name": "{{ inputs.name }}", "n": "{{ inputs.n }}", "list": [1, 2]}}
    assert one(context, "SELECT $name AS name, $n::INT + 1 AS n, len($list) AS l", **props) == {
        "name": evil, "n": 4, "l": 2
    }  # fmt: skip


def test_kestra_style_parameters(context: TestContext) -> None:
    assert one(context, "SELECT :a::INT + 1 AS x, '12:30' AS t", parameters={"a": "4"}) == {"x": 5, "t": "12:30"}


def test_files_by_parameter(context: TestContext) -> None:
    path = str(context.start_dir / "data" / "users.csv")
    assert one(context, "SELECT count(*) FROM read_csv($path)", parameters={"path": path})["count"] == 2


def test_missing_parameter(context: TestContext) -> None:
    error = fails(context, "SELECT $a, $b", parameters={"a": 1, "c": 2})
    assert (error.code, error.message) == (
        "GOV823",
        "The statement uses the parameters b, which `parameters` does not give.",
    )


def test_note_about_inputs_in_the_text() -> None:
    assert "parameters" in check(Query, {"sql": "SELECT '{{ inputs.x }}'"})[0]
    assert check(Query, {"sql": "SELECT $x", "parameters": {"x": "{{ inputs.x }}"}}) == []


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "", "-- nothing"])
def test_query_takes_one_statement(context: TestContext, sql: str) -> None:
    assert fails(context, sql).code == "GOV822"


def test_errors_show_the_place(context: TestContext) -> None:
    error = fails(context, "SELECT 1,\n  nonsense(2)")
    assert error.code == "GOV820"
    assert "LINE 2" in error.message
    assert "Stack Trace" not in error.message


def test_missing_file(context: TestContext) -> None:
    error = fails(context, "SELECT * FROM 'data/gone.parquet'")
    assert error.code == "GOV820"
    assert "gone.parquet" in error.message
    assert "folder in which the flow was started" in (error.hint or "")


def test_a_file_that_is_no_parquet(context: TestContext) -> None:
    (context.start_dir / "bad.parquet").write_bytes(b"not parquet at all")
    assert fails(context, "SELECT * FROM 'bad.parquet'").code == "GOV820"


@pytest.fixture
def outside(context: TestContext, tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("secret\n42\n")
    (context.start_dir / "link.csv").symlink_to(outside / "secret.csv")
    (context.start_dir / "link").symlink_to(outside)
    return outside


ESCAPES = [
    "SELECT * FROM '{outside}/secret.csv'",
    "SELECT * FROM read_csv('{outside}/secret.csv')",
    "SELECT * FROM read_text('{outside}/secret.csv')",
    "SELECT * FROM read_blob('{outside}/secret.csv')",
    "SELECT * FROM read_json('{outside}/secret.csv')",
    "SELECT * FROM '../../outside/secret.csv'",
    "SELECT * FROM '{start}/../../outside/secret.csv'",
    "SELECT * FROM 'file://{outside}/secret.csv'",
    "SELECT * FROM read_text('file:{outside}/secret.csv')",
    "SELECT * FROM 'link.csv'",
    "SELECT * FROM 'link/secret.csv'",
    "SELECT * FROM glob('{outside}/*')",
    "SELECT * FROM read_csv('{outside}/*.csv')",
    "SELECT * FROM sniff_csv('{outside}/secret.csv')",
    "SELECT * FROM read_csv('/dev/stdin')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM 'http://127.0.0.1:9/x.csv'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "COPY (SELECT 1) TO '{outside}/new.csv'",
    "COPY (SELECT 1) TO 'link/new.csv'",
    "COPY (SELECT 1) TO '../../outside/new.csv'",
    "EXPORT DATABASE '{outside}/new'",
    "IMPORT DATABASE '{outside}'",
    "ATTACH '{outside}/new.db'",
    "ATTACH 'link/new.db'",
    "ATTACH 'http://127.0.0.1:9/x.db'",
    "INSTALL httpfs",
    "INSTALL httpfs FROM community",
    "LOAD httpfs",
    "LOAD '{outside}/x.duckdb_extension'",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET allowed_paths = ['{outside}/secret.csv']",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "PRAGMA temp_directory='{outside}'",
    "SET profiling_output = '{outside}/new.json'",
    "CREATE PERSISTENT SECRET s (TYPE http)",
    "SELECT getenv('HOME')",
    "SELECT * FROM secret_variable",
    "SELECT * FROM query('SELECT * FROM ''{outside}/secret.csv''')",
    "FROM query_table(['{outside}/secret.csv'])",
]
secret_variable = [{"secret": 42}]  # DuckDB would find it by its name, were it allowed to.


@pytest.mark.parametrize("sql", ESCAPES)
def test_no_way_out(context: TestContext, outside: Path, sql: str) -> None:
    error = fails(context, sql.format(outside=outside, start=context.start_dir))
    assert error.code in ("GOV820", "GOV821", "GOV804")
    assert "42" not in error.message
    assert sorted(path.name for path in outside.iterdir()) == ["secret.csv"]


@pytest.mark.parametrize("name", ["{outside}/new.db", "../../outside/new.db", "link/new.db"])
@pytest.mark.parametrize("prop", ["databaseFile", "url"])
def test_no_way_out_by_the_database(context: TestContext, outside: Path, name: str, prop: str) -> None:
    value = ("jdbc:duckdb:" if prop == "url" else "") + name.format(outside=outside)
    assert fails(context, "SELECT 1", **{prop: value}).code == "GOV821"
    assert sorted(path.name for path in outside.iterdir()) == ["secret.csv"]


def test_a_further_folder_by_setting(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x.csv").write_text("a\n1\n")
    context = TestContext(tmp_path / "run", settings={"paths.allowed": [str(tmp_path / "more")]})
    assert one(context, f"SELECT a FROM '{tmp_path}/more/x.csv'") == {"a": 1}


@pytest.mark.parametrize("url", ["jdbc:duckdb:md:my_db", "jdbc:postgresql://x", "jdbc:duckdb:https://x/y.db"])
def test_other_databases_are_refused_at_check(url: str) -> None:
    with pytest.raises(TaskError, match="url"):
        check(Query, {"sql": "SELECT 1", "url": url})


def test_database_file(context: TestContext) -> None:
    query(context, "CREATE TABLE t AS SELECT 7 AS x", databaseFile="my.duckdb")
    assert one(context, "SELECT x FROM t", url="jdbc:duckdb:my.duckdb") == {"x": 7}


def test_database_by_uri_and_back(context: TestContext) -> None:
    stored = run_task(
        Queries, {"sql": "CREATE TABLE t AS SELECT 7 AS x; SELECT 1", "outputDbFile": True}, context=context
    )
    uri = stored.outputs["databaseUri"]
    fresh = TestContext(context.folder.parent / "second")
    fresh.files = context.files
    assert one(fresh, "SELECT x FROM t", databaseUri=uri) == {"x": 7}


def test_a_locked_database(context: TestContext, tmp_path: Path) -> None:
    path = context.start_dir / "my.duckdb"
    with duckdb.connect(str(path)):
        # The same process may open it twice; with another configuration DuckDB refuses.
        error = fails(context, "SELECT 1", databaseFile="my.duckdb")
    assert error.code == "GOV820"


def test_a_corrupt_database(context: TestContext) -> None:
    (context.start_dir / "bad.duckdb").write_bytes(b"x" * 20_000)
    assert fails(context, "SELECT 1", databaseFile="bad.duckdb").code == "GOV820"


def test_files_in_and_out(context: TestContext) -> None:
    result = query(
        context,
        "COPY (SELECT a + 1 AS b FROM '{{ workingDir }}/in.csv') TO '{{ outputFiles['out.csv'] }}' (HEADER)",
        inputFiles={"in.csv": "a\n1\n"},
        outputFiles=["out.csv"],
    )
    assert result.path(result.outputs["outputFiles"]["out.csv"]).read_text() == "b\n2\n"


def test_too_many_rows_for_an_output(context: TestContext) -> None:
    error = fails(context, "SELECT repeat('x', 1000) AS x FROM range(100000)")
    assert error.code == "GOV824"
    assert "STORE" in (error.hint or "")


def test_cancel_interrupts(context: TestContext) -> None:
    threading.Timer(0.3, context.cancellation.request, ("timeout",)).start()
    begin = time.monotonic()
    with pytest.raises(TaskError, match="timeout"):
        query(context, "SELECT count(*) FROM range(100000000000), range(1000)", fetchOne=True)
    assert time.monotonic() - begin < 10


def test_out_of_memory(context: TestContext) -> None:
    context.settings = {"duckdb.memory_limit": "20MB", "duckdb.threads": 1}
    error = fails(context, "SELECT len(string_agg(repeat('x', 100), ',')) FROM range(10000000)")
    assert (error.code, error.hint) == ("GOV820", "Raise duckdb.memory_limit.")


def test_queries(context: TestContext) -> None:
    sql = "CREATE TABLE t(i INT); INSERT INTO t VALUES (1), (2); SELECT sum(i) FROM t; SELECT i FROM t WHERE i = $n"
    result = run_task(Queries, {"sql": sql, "fetchType": "FETCH", "parameters": {"n": 2}}, context=context)
    assert result.outputs == {
        "outputs": [{"rows": [{"sum(i)": 3, "sum": 3}], "size": 1}, {"rows": [{"i": 2}], "size": 1}]
    }


@pytest.fixture
def table(context: TestContext) -> str:
    query(context, "CREATE TABLE t AS SELECT 1 AS i", databaseFile="my.duckdb")
    return "INSERT INTO t VALUES (2); SELECT nonsense"


@pytest.mark.parametrize(("transaction", "rows"), [(True, 1), (False, 2)])
def test_queries_are_all_or_nothing(context: TestContext, table: str, transaction: bool, rows: int) -> None:
    with pytest.raises(TaskError, match="nonsense"):
        run_task(Queries, {"sql": table, "databaseFile": "my.duckdb", "transaction": transaction}, context=context)
    assert one(context, "SELECT count(*) FROM t", databaseFile="my.duckdb")["count"] == rows


def test_own_transactions(context: TestContext) -> None:
    sql = "BEGIN; CREATE TABLE t(i INT); COMMIT; SELECT 5 AS x"
    result = run_task(Queries, {"sql": sql, "fetchType": "FETCH_ONE"}, context=context)
    assert result.outputs["outputs"][-1] == {"row": {"x": 5}, "size": 1}


def test_insert_returning(context: TestContext) -> None:
    sql = "CREATE TABLE t(i INT); INSERT INTO t VALUES (4) RETURNING i"
    result = run_task(Queries, {"sql": sql, "fetchType": "FETCH_ONE"}, context=context)
    assert result.outputs["outputs"] == [{"row": {"i": 4}, "size": 1}]
