"""Files of namespaces: a path and its content, on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jupyter_gov.domain.commands import Fact
from jupyter_gov.errors import ConflictError
from jupyter_gov.store import Store
from jupyter_gov.store.namespace_files import NamespaceFile

FILE = NamespaceFile("company.team", "a/b.sql", "0" * 64, 7, datetime(2026, 5, 4, tzinfo=UTC))
FACT = Fact("namespaceFile.set", "a/b.sql", "ada", "os")


def test_put_get_delete(store: Store, other: Store) -> None:
    newer = replace(FILE, digest="1" * 64)
    with store.write() as tx:
        store.namespace_files.put(tx, FILE, FACT)
        store.namespace_files.put(tx, newer, FACT)
        store.namespace_files.put(tx, replace(FILE, path="A"), FACT)
        store.namespace_files.put(tx, replace(FILE, namespace="company"), FACT)
    with other.read() as tx:
        assert other.namespace_files.get(tx, "company.team", "a/b.sql") == newer
        assert [one.path for one in other.namespace_files.all(tx, "company.team")] == ["A", "a/b.sql"]
    with pytest.raises(ConflictError, match=r"'a/b\.sql'"), store.write() as tx:
        store.namespace_files.put(tx, FILE, FACT, overwrite=False)
    for expected in (["A"], []):
        with store.write() as tx:
            assert store.namespace_files.delete(tx, "company.team", ["A", "b"], FACT) == expected
    assert store.verify().findings == ()


def test_what_is_edited_behind_the_history(store: Store) -> None:
    with store.write() as tx:
        store.namespace_files.put(tx, FILE, FACT)
        tx.cursor.execute("INSERT INTO gov_namespace_files VALUES ('n', 'p', 'd', 1, 1)")
    assert [(one.code, one.stream) for one in store.verify().findings] == [("GOV621", "files/n")]
    with store.write() as tx:
        tx.cursor.execute("UPDATE gov_namespace_files SET digest = 'x' WHERE namespace = 'company.team'")
    assert ("GOV620", "files/company.team") in [(one.code, one.stream) for one in store.verify().findings]
