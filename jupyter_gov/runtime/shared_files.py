"""Files of namespaces as an attempt or an expression reaches them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, unquote, urlsplit

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.errors import TaskError
from jupyter_gov.runtime.clock import Clock
from jupyter_gov.runtime.kv import refuse_unknown, task_fact

if TYPE_CHECKING:
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx

T = TypeVar("T")
_MARK = "/_files/"
_LONGEST_PATH = 1000


def shared_uri(namespace: str, path: str) -> str:
    """Return the URI of a file of a namespace."""
    return f"kestra:///{namespace.replace('.', '/')}{_MARK}{quote(path)}"


def parse_shared(uri: str, own: str) -> tuple[str, str] | None:
    """Return namespace and path of the URI of a namespace file; None if it is another kind of URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme == "nsfile":
        return parts.netloc or own, plain_path(unquote(parts.path))
    space, mark, path = parts.path.partition(_MARK)
    if parts.scheme != "kestra" or not mark:
        return None
    return space.strip("/").replace("/", "."), plain_path(unquote(path))


def plain_path(written: str) -> str:
    """Return a path in a namespace in its one form: without a slash before it, and nothing to climb by.

    Raises
    ------
    TaskError
        ``GOV878``: it leads elsewhere, or is none.
    """
    path = PurePosixPath(written.lstrip("/"))
    text = path.as_posix()
    if text == "." or ".." in path.parts or "\\" in text or not text.isprintable() or len(text) > _LONGEST_PATH:
        raise TaskError(
            f"{written[:200]!r} is no path of a namespace file.",
            code="GOV878",
            hint="Write one such as scripts/train.py, without `..`.",
        )
    return text


def find(store: Store, namespace: str, path: str) -> Path | None:
    """Return where the content of a namespace file lies, or None if there is no such file."""
    with store.read() as tx:
        found = store.namespace_files.get(tx, namespace, path)
    return None if found is None else store.files.path(_content(found.digest, path))


def _content(digest: str, path: str) -> str:
    return f"gov:///sha256/{digest}/{quote(PurePosixPath(path).name)}"


class AttemptSharedFiles:
    """Files of namespaces for one attempt; implements ``plugins.context.SharedFiles``."""

    def __init__(self, store: Store, execution: Execution, run: TaskRun, *, clock: Clock) -> None:
        self._store = store
        self._execution = execution
        self._run = run
        self._clock = clock

    def list(self, *, namespace: str | None = None) -> list[str]:
        """Return the paths of all files, in order."""
        space = self._space(namespace)
        with self._store.read() as tx:
            self._reach(tx, space)
            return [found.path for found in self._store.namespace_files.all(tx, space)]

    def get(self, path: str, *, namespace: str | None = None) -> Path:
        """Return where the content of a file lies; it must not be written to.

        Raises
        ------
        TaskError
            ``GOV861``: there is no such file. ``GOV870``: no such namespace.
        """
        space = self._space(namespace)
        with self._store.read() as tx:
            self._reach(tx, space)
        found = find(self._store, space, plain_path(path))
        if found is None:
            raise TaskError(f"The namespace '{space}' has no file '{path}'.", code="GOV861")
        return found

    def put(self, source: Path, path: str, *, namespace: str | None = None, overwrite: bool = True) -> str:
        """Let a path have the content of a file, and return its URI.

        Raises
        ------
        TaskError
            ``GOV870``: no such namespace. ``GOV878``: no path.
        ConflictError
            ``GOV747``: there is such a file, and ``overwrite`` is false.
        """
        from jupyter_gov.store.files import digest_of  # noqa: PLC0415 - whoever has a file has loaded the store
        from jupyter_gov.store.namespace_files import NamespaceFile  # noqa: PLC0415

        space, plain = self._space(namespace), plain_path(path)
        with self._store.read() as tx:
            self._reach(tx, space)
        stored = self._store.files.put("gov:///sha256", source, PurePosixPath(plain).name)
        size = self._store.files.size(stored)
        file = NamespaceFile(space, plain, digest_of(stored), size, self._clock())
        fact = task_fact("namespaceFile.set", plain, self._execution, self._run)
        self._changing(space, lambda tx: self._store.namespace_files.put(tx, file, fact, overwrite=overwrite))
        return shared_uri(space, plain)

    def delete(self, path: str, *, namespace: str | None = None) -> bool:
        """Delete a file; return whether there was one."""
        space, plain = self._space(namespace), plain_path(path)
        fact = task_fact("namespaceFile.deleted", plain, self._execution, self._run)
        return bool(self._changing(space, lambda tx: self._store.namespace_files.delete(tx, space, [plain], fact)))

    def uri(self, path: str, *, namespace: str | None = None) -> str:
        """Return the URI of a path."""
        return shared_uri(self._space(namespace), plain_path(path))

    def _changing(self, space: str, change: Callable[[Tx], T]) -> T:
        def work(tx: Tx) -> T:
            self._reach(tx, space)
            return change(tx)

        return self._store.retrying(work)

    def _space(self, namespace: str | None) -> str:
        return namespace or self._execution.namespace

    def _reach(self, tx: Tx, space: str) -> None:
        refuse_unknown(self._store, tx, space, self._execution.namespace)
