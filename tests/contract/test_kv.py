"""Values of namespaces: typed, with a time to live, one writer at a time, on record without being given away."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.errors import ConflictError, StoreError
from jupyter_gov.store import Store
from jupyter_gov.store.kv import KEY_LIMIT, VALUE_LIMIT, KeyValue

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPACE = "company.team"


def fact(action: str = "kv.set", subject: str = "k") -> Fact:
    return Fact(action, subject, "ada", "os")


def put(store: Store, key: str = "k", value: Any = "v", kind: str = "STRING", **options: Any) -> KeyValue:
    options.setdefault("now", NOW)
    space = options.pop("namespace", SPACE)
    return store.retrying(lambda tx: store.kv.put(tx, space, key, value, fact(subject=key), kind=kind, **options))


def get(store: Store, key: str = "k", *, namespace: str = SPACE, now: datetime = NOW) -> KeyValue | None:
    with store.read() as tx:
        return store.kv.get(tx, namespace, key, now=now)


def keys(store: Store, prefix: str = "", now: datetime = NOW) -> list[str]:
    with store.read() as tx:
        return store.kv.keys(tx, SPACE, prefix, now=now)


@pytest.mark.parametrize("value", ["text \x00 \ud800 ü", 1.5, 2**70, True, None, {"a": [1, {"b": None}]}, [], ""])
def test_a_value_comes_back(store: Store, other: Store, value: Any) -> None:
    put(store, value=value, kind="JSON")
    found = get(other)
    assert found is not None
    assert found.value == value
    assert (found.type, found.version, found.created_at, found.expires_at) == ("JSON", 1, NOW, None)


def test_namespaces_are_apart(store: Store) -> None:
    put(store)
    assert get(store, namespace="company") is None
    assert get(store, namespace="company.teams") is None


def test_a_change_keeps_the_date_of_creation(store: Store) -> None:
    put(store, value=1)
    put(store, value=2, now=NOW + MINUTE)
    found = get(store)
    assert found is not None
    assert (found.value, found.version, found.created_at, found.updated_at) == (2, 2, NOW, NOW + MINUTE)


def test_a_value_is_over_at_its_time(store: Store) -> None:
    put(store, expires_at=NOW + MINUTE)
    assert get(store, now=NOW + MINUTE - timedelta(microseconds=1)) is not None
    assert get(store, now=NOW + MINUTE) is None
    assert keys(store, now=NOW + MINUTE) == []
    again = put(store, value="new", now=NOW + MINUTE, overwrite=False)
    assert (again.version, again.expires_at) == (1, None)


def test_what_is_over_goes_with_the_next_change(store: Store) -> None:
    for number in range(3):
        put(store, f"old{number}", expires_at=NOW + MINUTE)
    put(store, "new", now=NOW + 2 * MINUTE)
    with store.read() as tx:
        tx.cursor.execute("SELECT count(*) FROM gov_kv")
        assert tx.cursor.fetchone()[0] == 1
    assert store.verify().findings == ()


def test_overwrite_can_be_refused(store: Store) -> None:
    put(store)
    with pytest.raises(ConflictError, match=r"'k'\. Key already exists and `overwrite` is set to `false`") as caught:
        put(store, value="other", overwrite=False)
    assert caught.value.code == "GOV745"
    found = get(store)
    assert found is not None
    assert found.value == "v"


def test_of_many_at_once_one_is_first(store: Store, other: Store) -> None:
    won: list[int] = []
    ready = threading.Barrier(8)

    def run(number: int) -> None:
        ready.wait()
        try:
            put((store, other)[number % 2], value=number, overwrite=False)
        except ConflictError:
            return
        won.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = get(store)
    assert found is not None
    assert [found.value] == won


def test_keys_by_prefix(store: Store) -> None:
    for key in ("b", "a_1", "a%2", "A", "é"):
        put(store, key)
    assert keys(store) == ["A", "a%2", "a_1", "b", "é"]
    assert keys(store, "a_") == ["a_1"]


def test_delete(store: Store) -> None:
    put(store)
    for expected in (["k"], []):
        with store.write() as tx:
            assert store.kv.delete(tx, SPACE, ["k", "missing"], fact("kv.deleted"), now=NOW) == expected
    assert get(store) is None
    with store.read() as tx:
        assert [one.action for one in store.audit_log.entries(tx, f"kv/{SPACE}")] == ["kv.set", "kv.deleted"]
    assert store.verify().findings == ()


def test_purge(store: Store) -> None:
    put(store, "stays")
    put(store, "goes", expires_at=NOW + MINUTE)
    with store.write() as tx:
        assert store.kv.purge(tx, SPACE, fact("kv.purged"), now=NOW + MINUTE) == ["goes"]
    assert keys(store) == ["stays"]
    assert store.verify().findings == ()


@pytest.mark.parametrize("key", ["", "x" * (KEY_LIMIT + 1), "a\nb", "a\0b", "\ud800"])
def test_keys_that_are_refused(store: Store, key: str) -> None:
    with pytest.raises(StoreError) as caught:
        put(store, key)
    assert caught.value.code == "GOV746"


def test_a_value_that_is_too_long(store: Store) -> None:
    with pytest.raises(StoreError, match="1048578 characters"):
        put(store, value="x" * VALUE_LIMIT)


def test_where_flows_live(store: Store) -> None:
    revision = FlowRevision("a_b.team", "f", 1, "id: f", "sha256:0", "ada", NOW)
    with store.write() as tx:
        store.flows.add(tx, revision, [fact("flow.registered")])
    with store.read() as tx:
        known = {space: store.kv.is_known(tx, space) for space in ("a_b.team", "a_b", "a", "a_b.tea", "axb", "a_b.te")}
    assert known == {"a_b.team": True, "a_b": True, "a": False, "a_b.tea": False, "axb": False, "a_b.te": False}


def test_the_history_commits_to_a_value_and_does_not_tell_it(store: Store) -> None:
    put(store, value="yes")
    with store.write() as tx:
        tx.cursor.execute("SELECT body FROM gov_audit_bodies")
        told = tx.cursor.fetchone()[0]
        assert "yes" not in told
    put(store, value="yes")
    with store.read() as tx:
        first, second = store.audit_log.entries(tx, f"kv/{SPACE}")
    assert first.body["changes"]["values"] != second.body["changes"]["values"]
    assert store.verify().findings == ()
    with store.write() as tx:
        tx.cursor.execute("""UPDATE gov_kv SET value = '"no"'""")
    assert [(one.code, one.stream) for one in store.verify().findings] == [("GOV620", f"kv/{SPACE}")]
    with store.write() as tx:
        tx.cursor.execute("DELETE FROM gov_kv")
    assert "told of but not stored" in store.verify().findings[0].message


def test_a_value_that_nobody_told_of(store: Store) -> None:
    with store.write() as tx:
        tx.cursor.execute("INSERT INTO gov_kv VALUES ('n', 'k', 'STRING', '\"v\"', 's', 1, 1, NULL, 1)")
    assert [(one.code, one.stream) for one in store.verify().findings] == [("GOV621", "kv/n")]
