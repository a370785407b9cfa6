"""Every column of every table that holds states is covered by the history, or known not to be."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean
from sqlalchemy import Integer as IntegerType

from jupyter_gov.audit.verify import LIMITS
from jupyter_gov.domain.approval import ApprovalStatus, Verdict, Vote
from jupyter_gov.domain.canonical import digest
from jupyter_gov.store import Store, commitments, tables
from tests.contract import build

HELD = (
    tables.FlowRevisionRow,
    tables.ExecutionRow,
    tables.ExecutionDataRow,
    tables.ExecutionLabelRow,
    tables.TaskRunRow,
    tables.TaskRunItemsRow,
    tables.ApprovalRow,
    tables.VoteRow,
)
UNSEEN = {
    # Who works on it right now; changes without any change of state.
    ("gov_executions", "fence"),
    ("gov_executions", "lease_owner"),
    ("gov_executions", "lease_expires_us"),
    # Counts changes, so that two people do not answer at once.
    ("gov_approvals", "version"),
}
COLUMNS = [
    (table.__tablename__, column)
    for table in HELD
    for column in table.__table__.columns  # type: ignore[attr-defined]
]
REPORT = b"the report"


@dataclass
class Place:
    """A store whose every table has a row, and a way around our code."""

    store: Store
    path: Path
    uri: str
    execution_id: str

    def sql(self, text: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            assert connection.execute(text, values).rowcount == 1, text

    def codes(self, *, files: bool = False) -> set[str]:
        return {one.code for one in self.store.verify(files=files).findings}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    path = tmp_path / "store.db"
    with Store.open(path, files_root=tmp_path / "files") as store:
        uri = store.files.put("kestra:///company/team/churn", REPORT, "report.txt")
        run = build.execution(inputs={"data": uri}, variables={"x": 1}, labels=(build.Label("team", "risk"),))
        outputs = {"file": uri}
        task = replace(build.rich_task_run(run, 0), outputs=outputs, outputs_digest=digest(outputs))
        gate = build.approval(run)
        step = build.step(run, task, approvals=(gate,))
        vote = Vote("v1", gate.id, "bob", "Bob", "browser", Verdict.APPROVE, build.T0, gate.subject_digest, "fine")
        with store.write() as tx:
            store.flows.add(tx, build.revision(), (build.fact("flow.registered"),))
            store.executions.insert(tx, run, (build.created_fact(run),), None)
            store.executions.commit(tx, step, expected_version=0)
            store.approvals.decide(
                tx,
                gate.id,
                expected_version=0,
                status=ApprovalStatus.APPROVED,
                by="bob",
                at=build.T0,
                reason="fine",
                inputs={"comment": "x"},
                vote=vote,
                facts=(build.fact("approval.approved", "bob"),),
                event=None,
            )
        assert store.verify(files=True).ok
        yield Place(store, path, uri, run.id)


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda found: getattr(found, "name", found))
def test_an_edited_column_is_found(place: Place, table: str, column: Any) -> None:
    if isinstance(column.type, Boolean):
        other = f'NOT "{column.name}"'
    elif isinstance(column.type, IntegerType) or column.type.python_type is int:
        other = f'coalesce("{column.name}", 0) + 1'
    elif column.name in {"outputs", "subject"} and table in {"gov_task_runs", "gov_approvals"}:
        other = "'{}'"  # blanks do not alter a value whose own digest is on record
    else:
        other = f"""coalesce("{column.name}", '') || ' '"""  # what is JSON stays JSON
    place.sql(f'UPDATE {table} SET "{column.name}" = {other}')
    found = place.codes()
    if (table, column.name) in UNSEEN:
        assert not found
    else:
        assert found & {"GOV620", "GOV621", "GOV622", "GOV623"}, f"{table}.{column.name} was edited unnoticed"


EMPTIED = [(table, column) for table, column in COLUMNS if column.nullable and (table, column.name) not in UNSEEN]


@pytest.mark.parametrize(("table", "column"), EMPTIED, ids=lambda found: getattr(found, "name", found))
def test_an_emptied_column_is_found(place: Place, table: str, column: Any) -> None:
    with closing(sqlite3.connect(place.path)) as connection:
        ((before,),) = connection.execute(f'SELECT "{column.name}" FROM {table}').fetchall()
    place.sql(f'UPDATE {table} SET "{column.name}" = ?', "None" if before is None else None)
    assert place.codes()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO gov_execution_labels SELECT execution_id, 'approved', 'yes', created_us FROM gov_execution_labels",
        "DELETE FROM gov_execution_labels",
        "DELETE FROM gov_task_run_items",
        "DELETE FROM gov_votes",
    ],
)
def test_rows_added_and_removed_are_found(place: Place, statement: str) -> None:
    place.sql(statement)
    assert place.codes() & {"GOV620", "GOV623"}


def test_values_that_a_task_run_never_walked_are_found(place: Place) -> None:
    with place.store.write() as tx:
        run = place.store.executions.load(tx, place.execution_id)
        assert run is not None
        place.store.executions.commit(tx, build.step(run, build.task_run(run, 1)), expected_version=run.version)
    place.sql("""INSERT INTO gov_task_run_items SELECT execution_id, 1, '["x"]' FROM gov_task_run_items""")
    assert place.codes() == {"GOV620"}


def blob(place: Place) -> Path:
    found = place.store.files.path(place.uri)
    found.chmod(0o600)
    return found


def gone(place: Place) -> None:
    blob(place).unlink()


def longer(place: Place) -> None:
    blob(place).write_bytes(REPORT + b"!")


def other(place: Place) -> None:
    blob(place).write_bytes(REPORT.upper())


@pytest.mark.parametrize(
    ("harm", "word", "only_when_read"),
    [(gone, "is gone", False), (longer, "11 bytes", False), (other, "content", True)],
)
def test_a_file_that_was_altered_or_deleted_is_found(
    place: Place, harm: Callable[[Place], None], word: str, only_when_read: bool
) -> None:
    harm(place)
    assert place.codes() == (set() if only_when_read else {"GOV624"})
    findings = place.store.verify(files=True).findings
    assert {one.code for one in findings} == {"GOV624"}
    assert {one.stream for one in findings} == {f"execution/{place.execution_id}"}
    assert all(word in one.message for one in findings)


def test_a_copy_without_its_files_is_said_once(place: Place, tmp_path: Path) -> None:
    (tmp_path / "files").rename(tmp_path / "elsewhere")
    (finding,) = place.store.verify().findings
    assert finding.code == "GOV624"
    assert "not copied along" in finding.message


def test_whether_files_were_read_is_said(place: Place) -> None:
    assert any("files were not read" in limit for limit in place.store.verify().limits)
    assert place.store.verify(files=True).limits == LIMITS


def test_a_uri_that_somebody_only_typed_is_no_fault(place: Place) -> None:
    run = build.execution(inputs={"data": f"kestra:///made/up/{'0' * 64}/name", "text": "https://example.org/x"})
    with place.store.write() as tx:
        place.store.executions.insert(tx, run, (build.created_fact(run),), None)
    assert place.store.verify(files=True).ok


def test_a_history_of_an_earlier_version_still_holds(place: Place) -> None:
    """Entries without the newer commitments: what they tell is compared, and nothing is missed that they cannot."""
    from jupyter_gov.audit.fold import compare, fold

    told: dict[str, Any] = {}
    fold(told, {"taskRuns": [["r", "t", "RUNNING", 1, None]], "approvals": [["g", "OPEN", "d"]]})
    stored = {
        "taskRuns": {"r": ["t", "RUNNING", 1, None, "commitment"]},
        "approvals": {"g": ["OPEN", "d"]},
        "gates": {"g": ["commitment"]},
        "items": {"r": ["commitment"]},
        "row": "commitment",
    }
    assert list(compare(told, stored)) == []
    fold(told, {"taskRuns": [["r", "t", "SUCCESS", 1, None]], "runs": ["commitment"]})
    assert any("stored but never told of" in found for found in compare(told, stored))


def test_a_value_cannot_be_moved_between_columns() -> None:
    """The sign that parts the columns may stand in a value."""
    one = commitments.commit_to_run([1, None, "a\x1f=b", None, "[]"])
    assert one != commitments.commit_to_run([1, None, "a", "b", "[]"])
    assert commitments.commit_to_run([None, ""]) != commitments.commit_to_run(["", None])
    assert commitments.commit_to_run([None]) != commitments.commit_to_run(["None"])
    assert commitments.commit_to_run(["a\x1f=b", "c"]) != commitments.commit_to_run(["a", "b\x1f=c"])
