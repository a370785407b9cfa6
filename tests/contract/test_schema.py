"""The schema: made at once or by migrations it is the same; older is upgraded or refused, newer is never touched."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from jupyter_gov.errors import StoreError
from jupyter_gov.store import Store, migrations, schema
from jupyter_gov.store.database import Database, parse_url
from jupyter_gov.store.tables import HEAD, VERSION_TABLE, Base
from tests.contract import build

LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "later", "HEAD", None, None


def upgrade():
    op.add_column("gov_logs", sa.Column("later", sa.Text()))
""".replace("HEAD", HEAD)


@pytest.fixture
def later_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that this program is one schema revision further."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "later.py").write_text(LATER)
    monkeypatch.setattr(migrations, "_FOLDER", folder)
    monkeypatch.setattr(schema, "HEAD", "later")
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "later"))


def schema_of(path: Path) -> dict[str, Any]:
    """Everything that a SQLite file says of its tables, independent of how the statements were written."""
    with closing(sqlite3.connect(path)) as connection:

        def ask(pragma: str) -> list[tuple[Any, ...]]:
            return connection.execute(f"PRAGMA {pragma}").fetchall()

        objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        found: dict[str, Any] = {"triggers": {name: sql for kind, name, _, sql in objects if kind == "trigger"}}
        found["partial"] = {
            name: " ".join((sql or "").split()).partition(" WHERE ")[2]
            for kind, name, _, sql in objects
            if kind == "index"
        }
        for kind, name, _, sql in objects:
            if kind == "table" and not name.startswith("sqlite_"):
                indexes = {
                    one[1] if one[3] == "c" else f"{one[3]} {ask(f'index_info({one[1]})')}": (
                        one[2],
                        one[4],
                        [column[2] for column in ask(f"index_info({one[1]})")],
                    )
                    for one in ask(f"index_list({name})")
                }
                found[name] = (ask(f"table_info({name})"), ask(f"foreign_key_list({name})"), indexes, "AUTOINC" in sql)
        return found


def test_revisions_are_known_without_alembic() -> None:
    script = ScriptDirectory.from_config(migrations.config())
    walked = [one.revision for one in script.walk_revisions()][::-1]
    assert tuple(walked) == schema.REVISIONS
    assert script.get_current_head() == HEAD == schema.REVISIONS[-1]


def test_a_fresh_file_equals_a_migrated_one(tmp_path: Path) -> None:
    Store.open(tmp_path / "fresh.db").close()
    migrated = Database(parse_url(str(tmp_path / "migrated.db")))
    migrations.run(migrated)
    assert schema.current(migrated) == HEAD
    migrated.close()
    assert schema_of(tmp_path / "fresh.db") == schema_of(tmp_path / "migrated.db")


def test_migrations_make_the_tables_of_the_models(store_url: str, store: Store) -> None:
    with migrations.connected(Database(parse_url(store_url))) as connection:
        options = {"compare_type": True, "version_table": VERSION_TABLE}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_a_fresh_file_opens_fast(tmp_path: Path) -> None:
    Store.open(tmp_path / "warm.db").close()  # statements compiled, modules loaded
    begun = time.perf_counter()
    Store.open(tmp_path / "fresh.db").close()
    # Usually 15 ms; a bound that only a mistake of another order breaks.
    assert time.perf_counter() - begun < 1.0


def test_an_older_file_is_copied_and_upgraded(
    tmp_path: Path, later_version: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    with monkeypatch.context() as before:
        before.setattr(schema, "HEAD", HEAD)
        with Store.open(path) as old, old.write() as tx:
            old.audit_log.append(tx, "admin", [build.fact("kept")])
    with caplog.at_level(logging.WARNING, logger="jupyter_gov.store"), Store.open(path) as store:
        assert store.verify().entries == 1
    (copy,) = tmp_path.glob("store.db.*.backup")
    assert str(copy) in caplog.text
    assert "later" in [column[1] for column in schema_of(path)["gov_logs"][0]]
    assert "later" not in [column[1] for column in schema_of(copy)["gov_logs"][0]]
    with Store.open(path):
        assert len(list(tmp_path.glob("*.backup"))) == 1


def test_an_older_file_can_be_left_alone(tmp_path: Path, later_version: None, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    with monkeypatch.context() as before:
        before.setattr(schema, "HEAD", HEAD)
        Store.open(path).close()
    with pytest.raises(StoreError, match=f"older schema {HEAD}") as caught:
        Store.open(path, upgrade=False)
    assert caught.value.code == "GOV708"
    assert "db upgrade" in str(caught.value.hint)
    assert Store.upgrade(path) == (HEAD, "later")


def test_a_failed_upgrade_changes_nothing(tmp_path: Path, later_version: None, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    with monkeypatch.context() as before:
        before.setattr(schema, "HEAD", HEAD)
        Store.open(path).close()
    broken = LATER + '    op.execute("INSERT INTO nowhere VALUES (1)")\n'
    (tmp_path / "migrations" / "versions" / "later.py").write_text(broken)
    shutil.rmtree(tmp_path / "migrations" / "versions" / "__pycache__", ignore_errors=True)
    before_upgrade = schema_of(path)
    with pytest.raises(StoreError, match="nowhere"):
        Store.open(path)
    assert schema_of(path) == before_upgrade


@pytest.mark.postgres
def test_an_older_server_database_waits_for_its_owner(pg_url: str, tmp_path: Path, later_version: None) -> None:
    with pytest.raises(StoreError, match=f"older schema {HEAD}") as caught:
        Store.open(pg_url, files_root=tmp_path)
    assert caught.value.code == "GOV708"
    assert Store.upgrade(pg_url) == (HEAD, "later")
    Store.open(pg_url, files_root=tmp_path).close()


@pytest.mark.postgres
def test_an_empty_server_database_waits_for_its_owner(pg_empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no schema yet") as caught:
        Store.open(pg_empty_url, files_root=tmp_path)
    assert caught.value.code == "GOV708"
    assert Store.upgrade(pg_empty_url) == (None, HEAD)
    assert Store.upgrade(pg_empty_url) == (HEAD, HEAD)
    with Store.open(pg_empty_url, files_root=tmp_path) as store:
        assert store.verify().ok


def test_a_newer_schema_is_not_touched(store_url: str, store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        tx.cursor.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for attempt in (lambda: Store.open(store_url, files_root=tmp_path), lambda: Store.upgrade(store_url)):
        with pytest.raises(StoreError, match="newer version") as caught:
            attempt()
        assert caught.value.code == "GOV709"
    assert list(tmp_path.glob("*.backup")) == []


def test_an_upgrade_puts_dropped_triggers_back_and_says_so(store_url: str, store: Store) -> None:
    on = " ON gov_audit_entries" if store.dialect == "postgresql" else ""
    with store.write() as tx:
        tx.cursor.execute(f"DROP TRIGGER gov_audit_entries_delete{on}")
    assert [one.code for one in store.verify().findings] == ["GOV630"]
    Store.upgrade(store_url)
    assert store.verify().ok
    with store.read() as tx:
        (entry,) = store.audit_log.entries(tx, "admin")
    assert entry.action == "audit.triggersRestored"
    assert entry.body["triggers"] == ["gov_audit_entries_delete"]
