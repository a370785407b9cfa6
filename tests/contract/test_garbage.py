"""Cleaning up stored files: what anything refers to survives, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.states import State
from jupyter_gov.errors import StoreError
from jupyter_gov.store import Store, deletion, garbage
from jupyter_gov.store.files import digest_of
from jupyter_gov.store.namespace_files import NamespaceFile
from jupyter_gov.store.sweeping import Sweeper
from tests.contract import build

NOW = datetime.now(UTC)
FACT = Fact(garbage.COLLECTED, "files", "ada", "os", {})
DAY = timedelta(days=1)


def put(store: Store, text: str, *, days: float = 3.0) -> str:
    """Store a file that was last stored some days ago."""
    uri = store.files.put("kestra:///n/f/executions/e/tasks/t/r", text.encode(), "a.txt")
    moment = time.time() - days * 86400
    os.utime(store.files.path(uri), (moment, moment))
    return uri


def collect(store: Store, *, apply: bool = True, limit: int = 10_000) -> garbage.Garbage:
    return garbage.collect(store, FACT, grace=DAY, apply=apply, limit=limit)


def refer(store: Store, uri: str, place: str) -> None:
    """Let something refer to a file."""
    with store.write() as tx:
        match place:
            case "kv":
                store.kv.put(tx, "n", new_id(), {"deep": [uri]}, FACT, kind="JSON", now=NOW)
            case "namespace":
                file = NamespaceFile("n", new_id(), digest_of(uri), 1, NOW)
                store.namespace_files.put(tx, file, Fact("namespaceFile.set", "x", "ada", "os"))
            case "history":
                fact = Fact("approval.voted", "x", "ada", "os", {"changes": {"files": [[digest_of(uri), 1]]}})
                store.audit_log.append(tx, f"other/{new_id()}", [fact])


PLACES = ("kv", "namespace", "history")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.tuples(st.sampled_from([None, *PLACES]), st.sampled_from([0.0, 3.0])), max_size=8))
def test_what_is_referred_to_or_young_survives(store: Store, files: list[tuple[str | None, float]]) -> None:
    stored = []
    for place, days in files:
        uri = put(store, new_id(), days=days)
        stored.append((uri, place is None and days > 1))
        if place is not None:
            refer(store, uri, place)
    found = collect(store)
    assert [store.files.exists(uri) for uri, _ in stored] == [not goes for _, goes in stored]
    assert found.deleted == sum(goes for _, goes in stored)
    assert collect(store, apply=False).files == 0


def test_a_dry_run_deletes_nothing(store: Store) -> None:
    uri = put(store, "12345")
    found = collect(store, apply=False)
    assert (found.files, found.size, found.deleted, found.freed) == (1, 5, 0, 0)
    assert store.files.exists(uri)
    with store.read() as tx:
        assert not store.audit_log.entries(tx, garbage.STREAM)


def test_what_was_deleted_is_on_record_and_can_be_stored_again(store: Store) -> None:
    uri = put(store, "x")
    assert collect(store).deleted == 1
    with store.read() as tx:
        (entry,) = store.audit_log.entries(tx, garbage.STREAM)
    assert (entry.action, entry.body["collected"]) == (garbage.COLLECTED, [digest_of(uri)])
    assert store.verify().findings == ()
    put(store, "x")
    # That it was deleted once is no reference to it.
    assert collect(store).deleted == 1


def test_no_more_than_asked_for(store: Store) -> None:
    for number in range(5):
        put(store, str(number))
    assert [collect(store, limit=2).deleted for _ in range(4)] == [2, 2, 1, 0]


def test_what_was_never_stored_to_the_end_goes(store: Store) -> None:
    put(store, "x", days=0)
    rest = store.files.root / "incoming" / "rest"
    rest.write_bytes(b"123")
    moment = time.time() - 3 * 86400
    os.utime(rest, (moment, moment))
    found = collect(store)
    assert (found.unfinished, found.freed) == (1, 3)
    assert not rest.exists()


def test_storing_again_makes_young(store: Store) -> None:
    uri = put(store, "x")
    store.files.put("kestra:///other", b"x", "b.txt")
    assert collect(store).deleted == 0
    assert store.files.exists(uri)


def test_who_stores_again_while_it_is_deleted_finds_it(store: Store) -> None:
    uri = put(store, "x")
    blob, before, stop = store.files.path(uri), datetime.now(UTC) - DAY, False
    old = before.timestamp() - 1

    def sweep() -> None:
        sweeper = Sweeper(store.files)
        while not stop:
            sweeper.remove(digest_of(uri), before)

    with ThreadPoolExecutor(1) as pool:
        swept = pool.submit(sweep)
        try:
            for _ in range(300):
                store.files.put("kestra:///other", b"x", "b.txt")
                assert blob.is_file()
                os.utime(blob, (old, old))
        finally:
            stop = True
        swept.result()


def test_two_at_once_delete_each_file_once(store: Store, other: Store) -> None:
    kept = put(store, "kept")
    refer(store, kept, "kv")
    for number in range(200):
        put(store, f"file {number}")
    with ThreadPoolExecutor(2) as pool:
        found = [one.result() for one in [pool.submit(collect, each) for each in (store, other)]]
    assert sum(one.deleted for one in found) == 200
    assert store.files.exists(kept)
    assert store.verify().findings == ()


CHILD = """\
import sys
from datetime import timedelta
from pathlib import Path
from jupyter_gov.domain.commands import Fact
from jupyter_gov.store import Store, garbage
with Store.open(sys.argv[1], files_root=Path(sys.argv[2])) as store:
    fact = Fact(garbage.COLLECTED, "files", "ada", "os", {})
    garbage.collect(store, fact, grace=timedelta(days=1), apply=True, limit=10_000)
"""


def test_who_is_killed_in_the_middle_has_harmed_nothing(tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    with Store.open(url, files_root=tmp_path / "files") as store:
        uris = [put(store, f"file {number}") for number in range(3000)]
        for uri in uris[::10]:
            refer(store, uri, "kv")
        child = subprocess.Popen([sys.executable, "-c", CHILD, url, str(tmp_path / "files")])
        try:
            while Sweeper(store.files).count() == 3000 and child.poll() is None:
                time.sleep(0.001)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        assert all(store.files.exists(uri) for uri in uris[::10])
        with store.read() as tx:
            told = {one for entry in store.audit_log.entries(tx, garbage.STREAM) for one in entry.body["collected"]}
        gone = {digest_of(uri) for uri in uris if not store.files.exists(uri)}
        # It had begun: a child that fails at once would prove nothing.
        assert gone
        assert gone <= told
        assert store.verify().findings == ()
        collect(store)
        assert Sweeper(store.files).count() == 300


def test_files_elsewhere_are_refused(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "store.db"), files_root="memory://files") as store:
        with pytest.raises(StoreError) as caught:
            collect(store)
        assert caught.value.code == "GOV718"


@pytest.mark.parametrize("storage", [True, False])
def test_files_of_an_execution_that_was_deleted_with_them_go(store: Store, storage: bool) -> None:
    own, shared = put(store, "own"), put(store, "shared")
    run = build.execution(state=State.SUCCESS, inputs={"a": own, "b": shared, "say": 'with "storage":true in it'})
    other = build.execution(state=State.SUCCESS, inputs={"b": shared})
    with store.write() as tx:
        for one in (run, other):
            store.executions.insert(tx, one, (build.created_fact(one),), None)
    assert collect(store).deleted == 0
    body = {"storage": storage, "reason": '"storage":true'}
    with store.write() as tx:
        fact = Fact(deletion.DELETED, run.id, "ada", "os", body)
        store.deletions.delete(tx, run, fact, logs=True, metrics=True)
    assert collect(store).deleted == (1 if storage else 0)
    assert store.files.exists(shared)
    assert store.files.exists(own) is not storage
    assert store.verify().ok
