"""The verbs of ``%gov`` for what namespaces keep: values and files."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from jupyter_gov.kernel.display.table import Table
from jupyter_gov.service import words

if TYPE_CHECKING:
    from jupyter_gov.kernel.session import Session

ACTS = ("list", "get", "set", "delete")
FILE_ACTS = ("list", "get", "put", "delete")


def values(session: Session, options: Namespace) -> Any:
    """List, read, set or delete values of a namespace."""
    kv, space, actor = session.gov.kv, options.namespace, session.actor
    if options.what == "list":
        rows = [(key, _until(kv.expires(space, key, actor))) for key in kv.keys(space, actor, options.key or "")]
        return Table(("Key", "Until"), rows, empty=f"{space} keeps no values: %gov kv set {space} KEY VALUE")
    key = _needed(options.key, "kv", options.what, "KEY")
    if options.what == "get":
        return kv.get(space, key, actor)
    if options.what == "delete":
        return kv.delete(space, key, actor)
    kv.set(space, key, _needed(options.value, "kv", "set", "VALUE"), actor)
    return None


def files(session: Session, options: Namespace) -> Any:
    """List, read, store or delete files of a namespace."""
    kept, space, actor = session.gov.namespace_files, options.namespace, session.actor
    if options.what == "list":
        rows = [(one.path, f"{one.size:,}", words.moment(one.updated_at)) for one in kept.list(space, actor)]
        return Table(("Path", "Size", "Since"), rows, empty=f"{space} keeps no files")
    path = _needed(options.path, "namespace-files", options.what, "PATH")
    if options.what == "get":
        return kept.get(space, path, actor)
    if options.what == "delete":
        return kept.delete(space, path, actor)
    return kept.put(space, path, Path(_needed(options.file, "namespace-files", "put", "FILE")), actor)


def _needed(given: str | None, verb: str, what: str, name: str) -> str:
    if given is None:
        raise UsageError(f"%gov {verb} {what} needs {name}")
    return given


def _until(expires: Any) -> str:
    return "" if expires is None else words.moment(expires)
