"""Tasks on stored files: the published cases, their edges, and who may read and delete what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.testing import TestContext, run_task
from jupyter_gov.tasks.storage import lines, split
from jupyter_gov.tasks.storage.files import Concat, LocalFiles, Reverse, Size, Write
from jupyter_gov.tasks.storage.items import DeduplicateItems, FilterItems, item_of
from jupyter_gov.tasks.storage.sizes import parse_size
from jupyter_gov.tasks.storage.split import Split
from tests.runtime.rig import run_of
from tests.tasks.alone import Alone, alone

CORE = "io.kestra.plugin.core."
NUMBERS = [{"key": f"k{number}", "value": number} for number in range(1, 5)]


@pytest.fixture
def kit(tmp_path: Path) -> TestContext:
    return TestContext(tmp_path)


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Alone]:
    with alone(tmp_path) as found:
        yield found


def store(kit: TestContext, data: bytes | str | list[Any], name: str = "get.yml") -> str:
    if isinstance(data, list):
        data = "".join(json.dumps(item) + "\n" for item in data)
    return kit.files.put_bytes(data if isinstance(data, bytes) else data.encode(), name)


def read(kit: TestContext, uri: str) -> str:
    return kit.files.read_text(uri)


def items(kit: TestContext, uri: str) -> list[Any]:
    return [json.loads(line) for line in read(kit, uri).splitlines()]


THOUSAND = "".join(f"{number:>20}\n" for number in range(1000))


@pytest.mark.parametrize(
    ("how", "count"),
    [
        ({"rows": 10}, 100),
        ({"rows": 333}, 4),
        ({"bytes": "1KB"}, 21),
        ({"bytes": "1"}, 1000),
        ({"bytes": "1GB"}, 1),
        ({"rows": "{{ 500 }}"}, 2),
    ],
)
def test_split(kit: TestContext, how: dict[str, Any], count: int) -> None:
    uris = run_task(Split, {"from": store(kit, THOUSAND), **how}, context=kit).outputs["uris"]
    assert len(uris) == count
    assert "".join(read(kit, uri) for uri in uris) == THOUSAND
    assert all(uri.endswith(".yml") for uri in uris)


@pytest.mark.parametrize(("text", "parts"), [("", []), ("a", ["a"]), ("a\nb", ["a\n", "b"]), ("\n\n", ["\n", "\n"])])
def test_split_keeps_every_byte(kit: TestContext, text: str, parts: list[str]) -> None:
    uris = run_task(Split, {"from": store(kit, text), "rows": 1}, context=kit).outputs["uris"]
    assert [read(kit, uri) for uri in uris] == parts


def test_split_into_partitions(kit: TestContext) -> None:
    uri = store(kit, "a;b;c;", "x.csv")
    found = run_task(Split, {"from": uri, "partitions": 2, "separator": ";"}, context=kit).outputs["uris"]
    assert [read(kit, one) for one in found] == ["a;c;", "b;"]
    found = run_task(Split, {"from": uri, "partitions": 9, "separator": ";"}, context=kit).outputs["uris"]
    assert len(found) == 3


def test_a_separator_across_the_border_of_two_reads(kit: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_CHUNK", 3)
    uri = store(kit, "ab--cd--e-f")
    found = run_task(Split, {"from": uri, "rows": 1, "separator": "--"}, context=kit).outputs["uris"]
    assert [read(kit, one) for one in found] == ["ab--", "cd--", "e-f"]


@pytest.mark.parametrize(
    "how", [{}, {"rows": 1, "bytes": "1KB"}, {"bytes": "much"}, {"bytes": "0"}, {"rows": 1, "separator": ""}]
)
def test_unclear_splits(kit: TestContext, how: dict[str, Any]) -> None:
    with pytest.raises(TaskError) as caught:
        run_task(Split, {"from": store(kit, "a"), **how}, context=kit)
    assert caught.value.code == "GOV874"


def test_bounds(kit: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = store(kit, "aaaa\nb\n")
    monkeypatch.setattr(split, "MOST_PARTS", 1)
    with pytest.raises(TaskError, match="more than 1 parts"):
        run_task(Split, {"from": uri, "rows": 1}, context=kit)
    monkeypatch.setattr(lines, "ROW_LIMIT", 3)
    monkeypatch.setattr(lines, "_CHUNK", 2)
    for kind in (Split, Reverse):
        with pytest.raises(TaskError, match="more than 3 bytes"):
            run_task(kind, {"from": uri, **({"partitions": 2} if kind is Split else {})}, context=kit)


def test_sizes() -> None:
    sizes = [parse_size(text) for text in ("7", "1KB", " 2 mib ", "1.5GB", "3k")]
    assert sizes == [7, 1024, 2 * 2**20, 3 * 2**29, 3072]


@pytest.mark.parametrize("as_text", [False, True])
def test_concat(kit: TestContext, as_text: bool) -> None:
    uri = store(kit, "a: 1\n")
    files: Any = json.dumps([uri, uri]) if as_text else [uri, uri]
    found = run_task(Concat, {"files": files, "separator": "\n", "extension": ".yml"}, context=kit).outputs["uri"]
    assert read(kit, found) == "a: 1\n\na: 1\n\n"
    assert found.endswith(".yml")


def test_concat_of_one_and_of_nothing_that_is_a_file(kit: TestContext) -> None:
    found = run_task(Concat, {"files": store(kit, "x")}, context=kit).outputs["uri"]
    assert (read(kit, found), found.endswith(".tmp")) == ("x", True)
    with pytest.raises(TaskError, match="JSON list"):
        run_task(Concat, {"files": "[1]"}, context=kit)


@pytest.mark.parametrize(
    ("text", "expected", "props"),
    [
        ("1\n2\n3\n", "3\n2\n1\n", {}),
        ("1\n2\n3", "3\n2\n1\n", {}),
        ("\n\n", "\n\n", {}),
        ("", "", {}),
        ("a, b, ü", "ü, b, a, ", {"separator": ", "}),
    ],
)
def test_reverse(kit: TestContext, text: str, expected: str, props: dict[str, Any]) -> None:
    uri = run_task(Reverse, {"from": store(kit, text), **props}, context=kit).outputs["uri"]
    assert read(kit, uri) == expected
    assert uri.endswith(".yml")


def test_reverse_in_another_character_set(kit: TestContext) -> None:
    uri = store(kit, "ä\nb\n".encode("utf-16-le"))
    found = run_task(Reverse, {"from": uri, "charset": "UTF-16LE"}, context=kit).outputs["uri"]
    assert kit.files.get(found).read_bytes().decode("utf-16-le") == "b\nä\n"
    with pytest.raises(TaskError, match="'klingon'"):
        run_task(Reverse, {"from": uri, "charset": "klingon"}, context=kit)


def test_size_and_write(kit: TestContext) -> None:
    uri = run_task(Write, {"content": "grün{{ 1 }}", "extension": ".txt"}, context=kit).outputs["uri"]
    assert run_task(Size, {"uri": uri}, context=kit).outputs == {"size": 6}


def test_a_secret_is_not_written_into_a_file(kit: TestContext) -> None:
    kit.mask("hush-hush")
    with pytest.raises(TaskError) as caught:
        run_task(Write, {"content": "token=hush-hush"}, context=kit)
    assert caught.value.code == "GOV859"
    assert "hush" not in str(caught.value)


def test_local_files(kit: TestContext) -> None:
    props = {"inputs": {"out/a.txt": "{{ 1 }}"}, "outputs": ["out/*"]}
    uris = run_task(LocalFiles, props, context=kit).outputs["uris"]
    assert read(kit, uris["out/a.txt"]) == "1"
    assert run_task(LocalFiles, {}, context=kit).outputs == {"uris": {}}


def filtered(kit: TestContext, found: list[Any], condition: str, **props: Any) -> tuple[list[Any], int, int]:
    given = {"from": store(kit, found, "x.ion"), "filterCondition": condition, **props}
    outputs = run_task(FilterItems, given, context=kit).outputs
    return items(kit, outputs["uri"]), outputs["processedItemsTotal"], outputs["droppedItemsTotal"]


EVEN = " {{ value % 2 == 0 }} "


@pytest.mark.parametrize(
    ("found", "condition", "props", "kept"),
    [
        (NUMBERS, EVEN, {"filterType": "INCLUDE"}, [1, 3]),
        (NUMBERS, EVEN, {"filterType": "EXCLUDE"}, [0, 2]),
        (NUMBERS, "{{ value }}", {}, [0, 1, 2, 3]),
        (NUMBERS, "{{ value - 1 }}", {}, [1, 2, 3]),
        (NUMBERS, "{{ value > 3 ? 'yes' : '' }}", {}, [3]),
        (NUMBERS, "value is {{ value }}", {}, [0, 1, 2, 3]),
        ([{"value": None}, {"value": 0.0}, {"value": []}], "{{ value }}", {"errorOrNullBehavior": "EXCLUDE"}, [2]),
    ],
)
def test_filter(kit: TestContext, found: list[Any], condition: str, props: dict[str, Any], kept: list[int]) -> None:
    expected = [found[number] for number in kept]
    assert filtered(kit, found, condition, **props) == (expected, len(found), len(found) - len(kept))


@pytest.mark.parametrize(("behavior", "kept"), [("INCLUDE", [1, 3]), ("EXCLUDE", [3])])
def test_filter_with_errors(kit: TestContext, behavior: str, kept: list[int]) -> None:
    found = [*NUMBERS]
    found[1] = {"key": "k2", "value": "dummy"}
    expected = [found[number] for number in kept]
    assert filtered(kit, found, EVEN, errorOrNullBehavior=behavior) == (expected, 4, 4 - len(kept))
    with pytest.raises(TaskError, match="line 2") as caught:
        filtered(kit, found, EVEN)
    assert caught.value.code == "GOV877"


def test_null_fails(kit: TestContext) -> None:
    with pytest.raises(TaskError, match="it is null"):
        filtered(kit, [{"value": None}], "{{ value }}")


DOUBLES = [
    {"key": "k1", "v1": "k1", "v2": "v1"},
    {"key": "k2", "v1": "k2", "v2": "v1"},
    {"key": "k3", "v1": "k3", "v2": "v1"},
    {"key": "k1", "v1": "k1", "v2": "v2"},
    {"key": "k2", "v1": "k2", "v2": None},
    {"key": "k3", "v1": "k3", "v2": "v2"},
    {"key": "k1", "v1": "k1", "v2": "v3"},
]


def test_deduplicate(kit: TestContext) -> None:
    props = {"from": store(kit, DOUBLES, "x.ion"), "expr": " {{ key }}-{{ v1 }}"}
    outputs = run_task(DeduplicateItems, props, context=kit).outputs
    assert items(kit, outputs.pop("uri")) == DOUBLES[4:]
    assert outputs == {"numKeys": 3, "processedItemsTotal": 7, "droppedItemsTotal": 4}
    with pytest.raises(TaskError, match="line 1") as caught:
        run_task(DeduplicateItems, {**props, "expr": "{{ nothing }}"}, context=kit)
    assert caught.value.code == "GOV877"


def test_ion_is_kept_as_it_was_written(kit: TestContext) -> None:
    text = '{key:"k1",at:2024-01-01T00:00:00Z,value:1}\n\n{key:"k2",value:2}'
    outputs = run_task(FilterItems, {"from": store(kit, text), "filterCondition": EVEN}, context=kit).outputs
    assert read(kit, outputs["uri"]) == '{key:"k2",value:2}'
    assert outputs["processedItemsTotal"] == 2


@pytest.mark.parametrize("line", [b"1", b"[1]", b"{", b"\xff", b'"a"', b"[" * 100_000])
def test_lines_without_an_item(line: bytes) -> None:
    with pytest.raises(TaskError, match="Line 7 ") as caught:
        item_of(line, 7)
    assert caught.value.code == "GOV876"


# --- on a real store -----------------------------------------------------------------------------------------------

WRITE = {"type": CORE + "storage.Write", "content": "hello", "extension": ".txt"}


def test_a_deleted_file_is_not_read_any_more(task: Alone) -> None:
    uri = "{{ outputs.t0.uri }}"
    ended = task.execution(
        WRITE,
        {"type": CORE + "storage.Delete", "uri": uri},
        {"type": CORE + "storage.Delete", "uri": uri},
        {"type": CORE + "storage.Delete", "uri": uri, "errorOnMissing": True, "allowFailure": True},
        {"type": CORE + "debug.Return", "format": "{{ fileExists(outputs.t0.uri) }}"},
        {"type": CORE + "storage.Size", "uri": uri},
    )
    found = (run_of(ended, "t0").outputs or {})["uri"]
    assert run_of(ended, "t1").outputs == {"uri": found, "deleted": True}
    assert run_of(ended, "t2").outputs == {"uri": found, "deleted": False}
    assert run_of(ended, "t4").outputs == {"value": "false"}
    for name in ("t3", "t5"):
        failure = run_of(ended, name).failure
        assert failure is not None
        assert failure.code == "GOV861"
    with task.rig.store.read() as tx:
        entries = task.rig.store.audit_log.entries(tx, f"execution/{ended.id}")
    (told,) = [entry for entry in entries if entry.action == "file.deleted"]
    assert told.body["files"] == [found]
    assert task.rig.store.verify().findings == ()


def test_the_same_content_elsewhere_stays(task: Alone) -> None:
    kept = task.execution(WRITE, {"type": CORE + "debug.Return", "format": "{{ read(outputs.t0.uri) }}"})
    task.execution(WRITE, {"type": CORE + "storage.Delete", "uri": "{{ outputs.t0.uri }}"})
    uri = (run_of(kept, "t0").outputs or {})["uri"]
    assert task.rig.store.files.path(uri).read_text() == "hello"


def test_purge(task: Alone) -> None:
    ended = task.execution(WRITE, {**WRITE, "content": "other"}, {"type": CORE + "storage.PurgeCurrentExecutionFiles"})
    made = [(run_of(ended, name).outputs or {})["uri"] for name in ("t0", "t1")]
    assert run_of(ended, "t2").outputs == {"uris": made}


def test_files_of_others_are_out_of_reach(task: Alone) -> None:
    other = task.execution(WRITE)
    uri = (run_of(other, "t0").outputs or {})["uri"]
    digest = uri.split("/")[-2]
    for kind in ("storage.Size", "storage.Delete"):
        code, message = task.failure(kind, uri=uri)
        assert code == "GOV862"
        assert "didn't belong to the current execution" in message
    for foreign in (f"gov:///sha256/{digest}/file.txt", "gov:///x", "kestra://[", "http://["):
        code, _ = task.failure("storage.Size", uri=foreign)
        assert code == ("GOV861" if foreign == "gov:///x" else "GOV862")
    assert task.failure("storage.Delete", uri="store.db")[0] == "GOV862"


def test_content_that_was_handed_over_is_read(task: Alone) -> None:
    given = "gov:///sha256/{{ (outputs.t0.uri | split('/'))[12] }}/file.txt"
    read = {"type": CORE + "debug.Return", "format": "{{ read(render(vars.uri)) }}"}
    ended = task.execution(WRITE, read, variables={"uri": given})
    assert run_of(ended, "t1").outputs == {"value": "hello"}, run_of(ended, "t1").failure


def test_a_child_reads_the_files_of_its_parent(task: Alone) -> None:
    child = task.flow(
        {"type": CORE + "debug.Return", "format": "{{ read(inputs.uri) }}"}, inputs=[{"id": "uri", "type": "STRING"}]
    )
    task.rig.register(child)
    call = {
        "type": CORE + "flow.Subflow",
        "namespace": "io.kestra.test",
        "flowId": "f1",
        "inputs": {"uri": "{{ outputs.t0.uri }}"},
    }
    ended = task.execution(WRITE, call)
    called = task.rig.get((run_of(ended, "t1").outputs or {})["executionId"])
    assert run_of(called, "t0").outputs == {"value": "hello"}
