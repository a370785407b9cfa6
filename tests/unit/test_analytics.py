"""Questions over the history read the views, and nothing else."""

from __future__ import annotations

import pytest

from jupyter_gov.errors import StoreError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest
from jupyter_gov.service.identity import local_actor

FLOW = """\
id: asked
namespace: n
labels: {team: risk}
tasks:
  - id: first
    type: io.kestra.plugin.core.debug.Return
    format: "{{ execution.id }}"
  - id: second
    type: io.kestra.plugin.core.log.Log
    message: hello
"""


@pytest.fixture
def gov(tmp_path):
    service = open_gov(data_dir=str(tmp_path))
    service.start_loop()
    actor = local_actor()
    service.flows.register(FLOW, actor)
    for _ in range(3):
        execution = service.executions.start(StartRequest("n", "asked"), actor)
        service.executions.wait(execution.id, actor, until=lambda found: found.state.is_terminal, timeout=30)
    yield service
    service.close()


def ask(gov, query, *parameters):
    return gov.sql(query, local_actor(), parameters)


def test_counts_joins_and_times(gov):
    assert ask(gov, "SELECT state, count(*) AS n FROM executions GROUP BY 1").to_dict("records") == [
        {"state": "SUCCESS", "n": 3}
    ]
    joined = ask(
        gov,
        "SELECT t.task_id, count(*) n, min(t.ended - t.started) AS least FROM task_runs t "
        "JOIN executions e ON e.id = t.execution_id WHERE e.flow_id = ? GROUP BY 1 ORDER BY 1",
        "asked",
    )
    assert list(joined.task_id) == ["first", "second"]
    assert list(joined.n) == [3, 3]
    assert ask(gov, "SELECT count(*) n FROM audit WHERE action = 'execution.created'").n[0] == 3
    assert ask(gov, "SELECT message FROM logs WHERE task_id = 'second'").message.tolist() == ["hello"] * 3
    assert ask(gov, "WITH x AS (SELECT * FROM flows) SELECT max(revision) r FROM x").r[0] == 1
    for view in ("approvals", "votes", "metrics"):
        assert len(ask(gov, f"SELECT * FROM {view}")) == 0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "COPY executions TO '/tmp/stolen.csv'",
        "COPY (SELECT 1) TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "SELECT 1; SELECT 2",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW executions",
        "INSERT INTO executions VALUES (1)",
        "SELECT * FROM gov_executions",
        "SELECT * FROM sqlite_scan('gov.db', 'gov_executions')",
        "SELECT getenv('HOME')",
        "SELECT * FROM local_frame",
        "EXPORT DATABASE '/tmp/stolen'",
        "CALL pragma_version()",
        "SELEKT 1",
        "",
    ],
)
def test_everything_else_is_refused_with_a_code(gov, query):
    local_frame = [1, 2, 3]
    with pytest.raises(StoreError) as caught:
        ask(gov, query)
    assert caught.value.code in {"GOV730", "GOV731"}
    assert caught.value.hint
    assert local_frame


def test_a_question_that_takes_too_long_is_stopped(gov):
    from jupyter_gov.store.analytics import query

    with gov.parts.store.read() as tx, pytest.raises(StoreError) as caught:
        query(
            tx,
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = -1",
            limit_seconds=0.3,
        )
    assert caught.value.code == "GOV732"
