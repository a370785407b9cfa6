"""Stored files: named by their content, stored once, never half."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from jupyter_gov.errors import StoreError
from jupyter_gov.store.files import Files, name_of

PREFIX = "kestra:///company/team/churn/executions/e1/tasks/t/e1-0"
DIGEST = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture(params=["folder", "fsspec"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    if request.param == "folder":
        return Files(tmp_path / "files")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return Files(f"memory://{tmp_path.name}", cache=tmp_path / "cache")


def blobs(files: Files) -> list[Path]:
    return [path for path in files.root.rglob("*") if path.is_file()]


def test_bytes(files: Files) -> None:
    uri = files.put(PREFIX, b"hello", "a file.txt")
    assert uri == f"{PREFIX}/{DIGEST}/a%20file.txt"
    assert files.path(uri).read_bytes() == b"hello"
    assert files.exists(uri)
    assert files.size(uri) == 5
    assert files.verify(uri)
    assert name_of(uri) == "a file.txt"


def test_a_file(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "big.bin"
    source.write_bytes(os.urandom(3_000_000))
    uri = files.put("gov:///inputs/", source, "big.bin")
    source.unlink()
    assert files.size(uri) == 3_000_000
    assert files.verify(uri)


def test_the_same_content_is_stored_once(files: Files, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"hello")
    uris = {files.put(PREFIX, b"hello", "one"), files.put("gov:///x", tmp_path / "copy", "two")}
    assert len(uris) == 2
    assert [path.name for path in blobs(files)] == [DIGEST]


def test_the_digest_alone_resolves(files: Files) -> None:
    files.put(PREFIX, b"hello", "x")
    assert files.path(f"gov:///sha256/{DIGEST}/anything.txt").read_bytes() == b"hello"


def test_stored_files_are_read_only(files: Files) -> None:
    path = files.path(files.put(PREFIX, b"hello", "x"))
    assert path.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "a/b/c", "", ".", ".."])
def test_names_do_not_lead_elsewhere(files: Files, name: str) -> None:
    uri = files.put(PREFIX, b"hello", name)
    assert uri.startswith(f"{PREFIX}/{DIGEST}/")
    assert "/" not in uri.removeprefix(f"{PREFIX}/{DIGEST}/")
    assert uri.rsplit("/", 1)[1] not in {"", ".", ".."}


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "kestra:///a/b",
        "kestra:///a/../../../../etc/passwd",
        f"https://host/{DIGEST}/x",
        f"kestra:///{DIGEST.upper()}/x",
        f"kestra:///{DIGEST[:-1]}/x",
        "kestra:///" + "../" * 10 + "x",
        "",
        "http://[",
    ],
)
def test_what_is_no_uri_of_ours(files: Files, uri: str) -> None:
    with pytest.raises(StoreError) as caught:
        files.path(uri)
    assert caught.value.code == "GOV721"
    with pytest.raises(StoreError):
        files.exists(uri)


def test_a_file_that_is_gone(files: Files) -> None:
    uri = f"{PREFIX}/{DIGEST}/x"
    assert not files.exists(uri)
    with pytest.raises(StoreError, match="no file") as caught:
        files.path(uri)
    assert caught.value.code == "GOV720"


def test_an_altered_file_is_noticed(files: Files) -> None:
    uri = files.put(PREFIX, b"hello", "x")
    path = files.path(uri)
    path.chmod(0o600)
    path.write_bytes(b"evil!")
    assert not files.verify(uri)


def test_a_source_that_cannot_be_read(files: Files, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        files.put(PREFIX, tmp_path / "missing", "x")
    assert caught.value.code == "GOV720"
    assert blobs(files) == []


def test_another_host_fetches_and_checks(tmp_path: Path) -> None:
    here, there = (Files(f"memory://{tmp_path.name}", cache=tmp_path / name) for name in ("here", "there"))
    uri = here.put(PREFIX, b"hello", "x")
    assert blobs(there) == []
    assert there.path(uri).read_bytes() == b"hello"

    other = here.put(PREFIX, b"content", "y")
    import fsspec

    digest = hashlib.sha256(b"content").hexdigest()
    fsspec.filesystem("memory").pipe_file(f"/{tmp_path.name}/sha256/{digest[:2]}/{digest}", b"changed")
    with pytest.raises(StoreError, match="altered") as caught:
        there.path(other)
    assert caught.value.code == "GOV722"
    assert [path.name for path in blobs(there)] == [DIGEST]
