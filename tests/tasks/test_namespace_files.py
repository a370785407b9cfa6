"""Files of namespaces: uploaded, read by name, taken along by scripts, downloaded and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.testing import TestContext, run_task
from jupyter_gov.tasks.namespace.files import UploadFiles
from jupyter_gov.tasks.namespace.patterns import matcher, matching
from tests.runtime.rig import run_of
from tests.tasks.alone import SPACE, Alone, alone

CORE = "io.kestra.plugin.core."
UPLOAD = {"type": CORE + "namespace.UploadFiles"}
RETURN = {"type": CORE + "debug.Return"}
SHELL = {"type": "io.kestra.plugin.scripts.shell.Commands"}
URI = "kestra:///io/kestra/test/_files/"


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Alone]:
    (tmp_path / "start").mkdir()
    with alone(tmp_path) as found:
        found.rig.folder = tmp_path / "start"
        yield found


def upload(task: Alone, files: dict[str, Any], **props: Any) -> dict[str, str]:
    found: dict[str, str] = task.outputs("namespace.UploadFiles", filesMap=files, **props)["files"]
    return found


def test_upload_and_read(task: Alone) -> None:
    assert upload(task, {"/a/b.sql": "SELECT {{ 1 }}", "c d.txt": "x"}) == {
        "a/b.sql": URI + "a/b.sql",
        "c d.txt": URI + "c%20d.txt",
    }
    texts = {
        "{{ read('a/b.sql') }}": "SELECT 1",
        "{{ read('/a/b.sql') }}": "SELECT 1",
        "{{ fileURI('c d.txt') }}": URI + "c%20d.txt",
        "{{ read(fileURI('c d.txt')) }}": "x",
        "{{ read('nsfile:///a/b.sql') }}": "SELECT 1",
        "{{ fileSize('a/b.sql') }} {{ fileExists('a/b.sql') }} {{ fileExists('a/c.sql') }}": "8 true false",
    }
    ended = task.execution(*({**RETURN, "format": text} for text in texts))
    found = [(run_of(ended, f"t{number}").outputs or {}).get("value") for number in range(len(texts))]
    assert found == list(texts.values()), ended.failure


def test_a_file_of_the_namespace_comes_before_one_of_the_host(task: Alone) -> None:
    (task.rig.folder / "both.txt").write_text("host")
    (task.rig.folder / "own.txt").write_text("host")
    upload(task, {"both.txt": "namespace"})
    assert task.outputs("debug.Return", format="{{ read('both.txt') }} {{ read('own.txt') }}") == {
        "value": "namespace host"
    }


@pytest.mark.parametrize("path", ["../x", "a/../../x", "kestra:///other/_files/x", "nsfile://other/x", URI + "../x"])
def test_paths_that_lead_elsewhere(task: Alone, path: str) -> None:
    for function in ("read", "fileURI"):
        code, _ = task.failure("debug.Return", format=f"{{{{ {function}('{path}') }}}}")
        assert code in {"GOV862", "GOV878", "GOV861"}


@pytest.mark.parametrize("path", ["..", "a/../b", "", "/", "a\nb", "a\\b", "x" * 1001])
def test_paths_that_are_none(task: Alone, path: str) -> None:
    code, _ = task.failure("namespace.UploadFiles", filesMap={path: "x"})
    assert code == "GOV878"


def test_namespaces(task: Alone) -> None:
    upload(task, {"up.txt": "above"}, namespace="io.kestra")
    assert task.outputs("debug.Return", format="{{ read('kestra:///io/kestra/_files/up.txt') }}") == {"value": "above"}
    for kind, props in (
        ("Upload", {"filesMap": {"a": "x"}}),
        ("Download", {"files": "**"}),
        ("Delete", {"files": "**"}),
    ):
        assert task.failure(f"namespace.{kind}Files", namespace="other", **props)[0] == "GOV870"


@pytest.mark.parametrize(("conflict", "kept"), [("OVERWRITE", "new"), ("SKIP", "old"), ("ERROR", "old")])
def test_conflicts(task: Alone, conflict: str, kept: str) -> None:
    upload(task, {"a": "old"})
    run = task.run("namespace.UploadFiles", filesMap={"a": "new"}, conflict=conflict)
    if conflict == "ERROR":
        assert run.failure is not None
        assert run.failure.code == "GOV747"
    else:
        assert list((run.outputs or {})["files"]) == (["a"] if conflict == "OVERWRITE" else [])
    assert task.outputs("debug.Return", format="{{ read('a') }}") == {"value": kept}


def test_upload_of_stored_files_into_a_folder(task: Alone) -> None:
    write = {"type": CORE + "storage.Write", "content": "hello"}
    ended = task.execution(write, {**UPLOAD, "filesMap": '{"x.txt": "{{ outputs.t0.uri }}"}', "destination": "/to/"})
    assert run_of(ended, "t1").outputs == {"files": {"to/x.txt": URI + "to/x.txt"}}, run_of(ended, "t1").failure
    assert task.outputs("debug.Return", format="{{ read('to/x.txt') }}") == {"value": "hello"}


def test_upload_from_the_working_directory(tmp_path: Path) -> None:
    kit = TestContext(tmp_path)
    (kit.working_dir / "sub").mkdir()
    for name in ("a.sql", "sub/b.sql", "c.txt"):
        (kit.working_dir / name).write_text(name)
    (kit.working_dir / "link.sql").symlink_to("/etc/passwd")
    files = run_task(UploadFiles, {"files": "*.sql", "destination": "q"}, context=kit).outputs["files"]
    assert sorted(files) == ["q/a.sql", "q/sub/b.sql"]


def test_download_and_delete(task: Alone) -> None:
    upload(task, {"q/a.sql": "1", "q/deep/b.sql": "2", "c.txt": "3"})
    found = task.outputs("namespace.DownloadFiles", files=["/q/**"], destination="in")["files"]
    assert sorted(found) == ["in/q/a.sql", "in/q/deep/b.sql"]
    assert task.rig.store.files.path(found["in/q/a.sql"]).read_text() == "1"
    deleted = task.outputs("namespace.DeleteFiles", files="**.sql")["files"]
    assert deleted == {"q/a.sql": URI + "q/a.sql", "q/deep/b.sql": URI + "q/deep/b.sql"}
    assert list(task.outputs("namespace.DownloadFiles", files="**")["files"]) == ["c.txt"]
    with task.rig.store.read() as tx:
        entries = task.rig.store.audit_log.entries(tx, f"files/{SPACE}")
    assert [entry.action for entry in entries] == ["namespaceFile.set"] * 3 + ["namespaceFile.deleted"] * 2
    assert task.rig.store.verify().findings == ()


def test_scripts_take_them_along(task: Alone) -> None:
    upload(task, {"a.txt": "namespace", "b.txt": "namespace", "ignore/c.txt": "c"})
    props = {"namespaceFiles": {"exclude": ["/ignore/**"]}, "inputFiles": {"b.txt": "input"}}
    script = {
        **SHELL,
        **props,
        "commands": ["cat a.txt b.txt; test ! -e ignore; echo x > a.txt"],
        "outputFiles": ["*.txt"],
    }
    ended = task.execution(script)
    assert ended.state.name == "SUCCESS", task.rig.logs(ended.id)
    assert "INFO namespaceinput" in task.rig.logs(ended.id)
    assert task.outputs("debug.Return", format="{{ read('a.txt') }}") == {"value": "namespace"}
    off = task.execution({**SHELL, "namespaceFiles": {"enabled": False}, "commands": ["test ! -e a.txt"]})
    assert off.state.name == "SUCCESS"


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.sql", ["a.sql", "x/y/a.sql"], ["a.txt", "a.sql/x"]),
        ("/*.sql", ["a.sql"], ["x/a.sql"]),
        ("/q/**", ["q/a", "q/b/c"], ["q", "x/q/a"]),
        ("q/", ["q/a", "x/q/b/c"], ["q"]),
        ("**.sql", ["a.sql", "x/a.sql"], ["a.txt"]),
        ("glob:/a/**/b", ["a/b", "a/x/y/b"], ["a/xb"]),
        ("{a,b}?.[ct]sv", ["a1.csv", "x/b2.tsv"], ["c1.csv", "a1.xsv", "a/.csv"]),
        ("[!a].txt", ["b.txt"], ["a.txt"]),
        ("a,b}.txt", ["a,b}.txt"], ["a.txt"]),
        (r"\*.txt", ["*.txt"], ["a.txt"]),
        (r"regex:.*\.sq[l]", ["x/a.sql"], ["a.sq"]),
        ("/", ["a", "b/c"], []),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_patterns(pattern: str, yes: list[str], no: list[str]) -> None:
    match = matcher(pattern)
    assert [path for path in (*yes, *no) if match(path)] == yes


def test_include_and_exclude() -> None:
    assert matching(["a.sql", "b.sql", "c"], [], ["b*"]) == ["a.sql", "c"]
    assert matching(["a.sql", "b.sql", "c"], ["*.sql"], ["b*"]) == ["a.sql"]


@pytest.mark.parametrize("pattern", ["", "{a", "regex:(", "x" * 501])
def test_wrong_patterns(pattern: str) -> None:
    with pytest.raises(TaskError) as caught:
        matcher(pattern)
    assert caught.value.code == "GOV878"


def test_a_pattern_does_not_take_for_ever() -> None:
    assert not matcher("**a" * 100)("a" * 900 + "b")
