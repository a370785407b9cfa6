"""Files of namespaces, as people put them there and read them; tasks have their own way to the same store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.commands import Fact
from jupyter_gov.errors import NotFoundError, StoreError
from jupyter_gov.lang.models.base import NAMESPACE
from jupyter_gov.lang.models.patterns import matches
from jupyter_gov.runtime.shared_files import find, plain_path, shared_uri

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.namespace_files import NamespaceFile


class SharedFiles:
    """Implements ``api.NamespaceFileService`` over the store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def list(self, namespace: str, actor: Actor) -> Sequence[NamespaceFile]:
        """Return the files of a namespace, ordered by path."""
        check_namespace(namespace)
        store = self._parts.store
        with store.read() as tx:
            return store.namespace_files.all(tx, namespace)

    def get(self, namespace: str, path: str, actor: Actor) -> Path:
        """Return where the content of a file lies; it must not be written to.

        Raises
        ------
        NotFoundError
            ``GOV716``: there is no such file.
        """
        check_namespace(namespace)
        found = find(self._parts.store, namespace, plain_path(path))
        if found is None:
            raise NotFoundError(
                f"the namespace {namespace} has no file {path!r}",
                code="GOV716",
                hint=f"`jupyter gov namespace-files list {namespace}` lists those that it has.",
            )
        return found

    def put(self, namespace: str, path: str, content: Path | bytes, actor: Actor, *, overwrite: bool = True) -> str:
        """Let a path have this content, and return its URI.

        Raises
        ------
        StoreError
            ``GOV717``: it is no name of a namespace. ``GOV720``: there is no such source.
        TaskError
            ``GOV878``: it is no path.
        ConflictError
            ``GOV747``: there is such a file, and ``overwrite`` is false.
        """
        from jupyter_gov.store.files import digest_of  # noqa: PLC0415 - only who puts one needs it
        from jupyter_gov.store.namespace_files import NamespaceFile  # noqa: PLC0415

        check_namespace(namespace)
        plain, store = plain_path(path), self._parts.store
        stored = store.files.put("gov:///sha256", content, PurePosixPath(plain).name)
        file = NamespaceFile(namespace, plain, digest_of(stored), store.files.size(stored), self._parts.now())
        fact = _fact("namespaceFile.set", plain, actor)
        store.retrying(lambda tx: store.namespace_files.put(tx, file, fact, overwrite=overwrite))
        return shared_uri(namespace, plain)

    def delete(self, namespace: str, path: str, actor: Actor) -> bool:
        """Delete a file; return whether there was one."""
        check_namespace(namespace)
        plain, store = plain_path(path), self._parts.store
        fact = _fact("namespaceFile.deleted", plain, actor)
        return bool(store.retrying(lambda tx: store.namespace_files.delete(tx, namespace, [plain], fact)))


def check_namespace(name: str) -> None:
    """Refuse what cannot be the namespace of a flow: nobody would find there what is kept.

    Raises
    ------
    StoreError
        ``GOV717``.
    """
    if not matches(NAMESPACE[1:-1], name):
        raise StoreError(
            f"{name[:80]!r} is no name of a namespace", code="GOV717", hint="Write one such as company.team."
        )


def _fact(action: str, path: str, actor: Actor) -> Fact:
    return Fact(action, path, actor.id, str(actor.assurance), {})
