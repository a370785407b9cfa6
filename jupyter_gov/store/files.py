"""Files of executions: blobs named by their digest, behind URIs that carry it.

A URI ends in ``/<sha256>/<name>``; what stands before it tells people (and Kestra's expressions) whose file it is, but
does not decide what is read. The same content is stored once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from jupyter_gov.errors import StoreError
from jupyter_gov.store import faults
from jupyter_gov.store.disks import make_private

_HEX = re.compile(r"[0-9a-f]{64}")
_SCHEMES = frozenset({"kestra", "gov"})
_CHUNK = 1 << 20


class Files:
    """Content-addressed files under one root (a folder, or any place that fsspec knows)."""

    def __init__(self, root: Path | str, *, cache: Path | None = None) -> None:
        text = str(root)
        self._remote: Any = None
        if "://" in text and not text.startswith("file://"):
            import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - a folder needs none of it

            self._remote, self._remote_root = fsspec.core.url_to_fs(text)
            self.root = cache or Path(tempfile.gettempdir()) / f"jupyter-gov-files-{os.getuid()}"
        else:
            self.root = Path(text.removeprefix("file://")).expanduser().absolute()

    @property
    def is_remote(self) -> bool:
        """Whether files lie in another place than a folder of this host."""
        return self._remote is not None

    def put(self, uri_prefix: str, source: Path | bytes, name: str) -> str:
        """Store a file (or bytes) and return its URI ``<prefix>/<sha256>/<name>``.

        Raises
        ------
        StoreError
            ``GOV704``/``GOV705``: the folder cannot be written; nothing is half stored.
        """
        try:
            digest = self._put_bytes(source) if isinstance(source, bytes) else self._put_file(source)
        except FileNotFoundError as error:
            raise StoreError(f"there is no file {source!s}", code="GOV720", hint="Check its name.") from error
        except OSError as error:
            raise faults.from_os(error, str(self.root)) from error
        return f"{uri_prefix.rstrip('/')}/{digest}/{quote(_plain_name(name))}"

    def path(self, uri: str) -> Path:
        """Return a local path of the file; it must not be written to.

        Raises
        ------
        StoreError
            ``GOV720``: no such file; ``GOV721``: not a URI of ours.
        """
        digest = digest_of(uri)
        local = self._blob(digest)
        if not local.is_file():
            self._fetch(digest, local, uri)
        return local

    def exists(self, uri: str) -> bool:
        """Return whether the file is there."""
        digest = digest_of(uri)
        if self._blob(digest).is_file():
            return True
        return self._remote is not None and bool(self._remote.exists(self._remote_blob(digest)))

    def size(self, uri: str) -> int:
        """Return the size in bytes."""
        return self.path(uri).stat().st_size

    def verify(self, uri: str) -> bool:
        """Return whether the stored bytes still are those that the URI names."""
        return _sha256_of(self.path(uri)) == digest_of(uri)

    def size_of(self, digest: str) -> int | None:
        """Return the size of a file that lies on this host, by its digest; None if it does not."""
        try:
            return self._blob(digest).stat().st_size
        except OSError:
            return None

    def problem(self, digest: str, size: int, *, read: bool) -> str | None:
        """Return what is wrong with a file that must be here, None if nothing is; its content only if it is ``read``.

        A file that lies in another place than this host is looked at only when it is read.
        """
        found = self.size_of(digest)
        if found is None and self._remote is not None:
            if not read:
                return None
            with suppress(StoreError, OSError):
                self._fetch(digest, self._blob(digest), digest)
            found = self.size_of(digest)
        if found is None:
            return "is gone"
        if found != size:
            return f"has {found} bytes instead of {size}"
        try:
            altered = read and _sha256_of(self._blob(digest)) != digest
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"
        return "has another content" if altered else None

    def _blob(self, digest: str) -> Path:
        return self.root / "sha256" / digest[:2] / digest

    def _remote_blob(self, digest: str) -> str:
        return f"{self._remote_root}/sha256/{digest[:2]}/{digest}"

    @contextmanager
    def guarded(self, *, exclusive: bool) -> Iterator[None]:
        """Keep cleaning up, and storing again what is there, apart: across processes, gone with them."""
        folder = self.root / "incoming"
        make_private(folder)
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield
        finally:
            os.close(handle)

    def _still_has(self, digest: str) -> bool:
        """Return whether a file is there, and make it young: it is about to be referred to again."""
        if self._remote is not None:
            return self._has(digest)
        blob = self._blob(digest)
        if not blob.is_file():
            return False
        with self.guarded(exclusive=False), suppress(OSError):
            os.utime(blob)
            return True
        return False

    def _put_bytes(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if not self._still_has(digest):
            with self._incoming() as (stream, temporary):
                stream.write(data)
                self._settle(stream, temporary, digest)
        return digest

    def _put_file(self, source: Path) -> str:
        # Copied and hashed in one pass: the source may change while we read it, the blob must match its name.
        hasher = hashlib.sha256()
        with source.open("rb") as reader, self._incoming() as (stream, temporary):
            while chunk := reader.read(_CHUNK):
                hasher.update(chunk)
                stream.write(chunk)
            digest = hasher.hexdigest()
            self._settle(stream, temporary, digest)
        return digest

    def _has(self, digest: str) -> bool:
        if self._remote is not None:
            return bool(self._remote.exists(self._remote_blob(digest)))
        return self._blob(digest).is_file()

    def _incoming(self) -> _Incoming:
        folder = self.root / "incoming"
        make_private(folder)
        return _Incoming(folder)

    def _settle(self, stream: BinaryIO, temporary: Path, digest: str) -> None:
        stream.flush()
        os.fsync(stream.fileno())
        temporary.chmod(0o400)
        target = self._blob(digest)
        make_private(target.parent)
        with self.guarded(exclusive=False):
            temporary.replace(target)
        _sync_folder(target.parent)
        if self._remote is not None and not self._has(digest):
            self._remote.makedirs(os.path.dirname(self._remote_blob(digest)), exist_ok=True)  # noqa: PTH120 - a URL
            self._remote.put_file(str(target), self._remote_blob(digest))

    def _fetch(self, digest: str, local: Path, uri: str) -> None:
        if self._remote is None or not self._remote.exists(self._remote_blob(digest)):
            raise StoreError(f"there is no file {uri}", code="GOV720", hint="It was removed, or never stored here.")
        with self._incoming() as (stream, temporary):
            self._remote.get_file(self._remote_blob(digest), str(temporary))
            with temporary.open("rb") as fetched:
                found = hashlib.file_digest(fetched, "sha256").hexdigest()
            if found != digest:
                raise StoreError(f"the stored file {uri} was altered: its digest is {found}", code="GOV722")
            stream.flush()
            make_private(local.parent)
            shutil.move(temporary, local)


class _Incoming:
    """A temporary file that is gone afterwards unless it was moved away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> tuple[BinaryIO, Path]:
        handle, name = tempfile.mkstemp(dir=self._folder)
        self._stream, self._path = os.fdopen(handle, "wb"), Path(name)
        return self._stream, self._path

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._path.unlink(missing_ok=True)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(uri: str) -> str:
    """Return the digest in a URI of ours.

    Raises
    ------
    StoreError
        ``GOV721``.
    """
    with suppress(ValueError):  # a text that is no URL at all
        parts = urlsplit(uri)
        segments = parts.path.split("/")
        if parts.scheme in _SCHEMES and len(segments) >= 2 and _HEX.fullmatch(segments[-2]):
            return segments[-2]
    raise StoreError(
        f"{uri!r} is not the URI of a stored file",
        code="GOV721",
        hint="Stored files have URIs such as kestra:///…/<digest>/<name>, as in a task's outputs.",
    )


def name_of(uri: str) -> str:
    """Return the file name in a URI of ours."""
    digest_of(uri)
    return unquote(urlsplit(uri).path.rsplit("/", 1)[-1])


def _plain_name(name: str) -> str:
    found = Path(name.replace("\\", "/")).name
    return "file" if found in {"", ".."} else found


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
