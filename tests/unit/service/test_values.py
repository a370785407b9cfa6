"""Values of namespaces, set by people and read by flows, each change on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_gov.errors import ConflictError, TaskError
from jupyter_gov.service.api import StartRequest
from jupyter_gov.service.identity import local_actor
from jupyter_gov.service.wire import LocalGov, open_local

ME = local_actor()
READS = """\
id: reads
namespace: company.team
tasks:
  - id: show
    type: io.kestra.plugin.core.debug.Return
    format: "{{ kv('limit') }}"
"""


@pytest.fixture
def gov(tmp_path: Path) -> Iterator[LocalGov]:
    opened = open_local(data_dir=str(tmp_path))
    yield opened
    opened.close()


def test_a_value_that_a_person_set_is_read_by_a_flow_and_on_record(gov: LocalGov) -> None:
    gov.kv.set("company.team", "limit", 5, ME)
    gov.flows.register(READS, ME)
    gov.start_loop()
    started = gov.executions.start(StartRequest("company.team", "reads"), ME)
    ended = gov.executions.wait(started.id, ME, until=lambda run: run.state.is_terminal, timeout=20)
    assert next(iter(ended.task_runs.values())).outputs == {"value": "5"}
    (entry,) = gov.audit.entries(ME, "kv/company.team")
    assert (entry.action, entry.subject, entry.actor_ref) == ("kv.set", "limit", ME.id)
    assert gov.audit.verify(ME).ok


def test_values_keep_their_kind_expire_and_are_deleted(gov: LocalGov) -> None:
    gov.kv.set("a.b", "map", '{"k": [1]}', ME)
    gov.kv.set("a.b", "day", "2026-01-31", ME, kind="DATE", ttl=timedelta(hours=1))
    gov.kv.set("a.b", "gone", "x", ME, ttl=timedelta(0))
    assert gov.kv.get("a.b", "map", ME) == {"k": [1]}
    assert gov.kv.keys("a.b", ME) == ["day", "map"]
    assert gov.kv.get("a.b", "gone", ME) is None
    assert gov.kv.expires("a.b", "map", ME) is None
    assert gov.kv.expires("a.b", "day", ME) is not None
    assert gov.kv.delete("a.b", "day", ME)
    assert not gov.kv.delete("a.b", "day", ME)


def test_what_is_refused_changes_nothing(gov: LocalGov) -> None:
    gov.kv.set("a.b", "n", 1, ME)
    with pytest.raises(ConflictError) as taken:
        gov.kv.set("a.b", "n", 2, ME, overwrite=False)
    assert taken.value.code == "GOV745"
    with pytest.raises(TaskError) as wrong:
        gov.kv.set("a.b", "n", "many", ME, kind="NUMBER")
    assert wrong.value.code == "GOV872"
    assert gov.kv.get("a.b", "n", ME) == 1
    assert len(gov.audit.entries(ME, "kv/a.b")) == 1
