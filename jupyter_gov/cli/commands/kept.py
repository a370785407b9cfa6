"""What namespaces keep: values and files; and the stored files that nothing refers to."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.cli import host, screen
from jupyter_gov.errors import ExecutionError
from jupyter_gov.legible import visible, visible_json
from jupyter_gov.service.words import moment

if TYPE_CHECKING:
    from jupyter_gov.plugins.context import ValueKind


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value to store."""

    namespace: str
    key: str
    value: str
    kind: ValueKind | None
    ttl: float | None
    overwrite: bool


def get_value(namespace: str, key: str, *, as_json: bool) -> int:
    """Print a value; return 1 if there is none."""
    with host.opened() as (gov, actor):
        there = key in gov.kv.keys(namespace, actor, key)
        value = gov.kv.get(namespace, key, actor)
        expires = gov.kv.expires(namespace, key, actor)
    if as_json:
        screen.emit({"namespace": namespace, "key": key, "found": there, "value": value, "expires": expires})
    elif there:
        screen.say(value if isinstance(value, str) else visible_json(value))
    else:
        screen.say(f"{namespace} has no value for {key}", stderr=True)
    return 0 if there else 1


def set_value(wanted: Wanted, *, as_json: bool) -> None:
    """Store a value."""
    ttl = None if wanted.ttl is None else timedelta(seconds=wanted.ttl)
    with host.opened(begins=True) as (gov, actor):
        gov.kv.set(
            wanted.namespace, wanted.key, wanted.value, actor, kind=wanted.kind, ttl=ttl, overwrite=wanted.overwrite
        )
        expires = gov.kv.expires(wanted.namespace, wanted.key, actor)
    if as_json:
        screen.emit({"namespace": wanted.namespace, "key": wanted.key, "expires": expires})
        return
    until = "" if expires is None else f", until {moment(expires)}"
    screen.say(f"✔ {wanted.namespace}: {wanted.key} is stored{until}", style="green")


def list_values(namespace: str, prefix: str, *, as_json: bool) -> None:
    """List keys."""
    with host.opened() as (gov, actor):
        found = [(key, gov.kv.expires(namespace, key, actor)) for key in gov.kv.keys(namespace, actor, prefix)]
    if as_json:
        screen.emit([{"key": key, "expires": expires} for key, expires in found])
        return
    rows = [(key, "" if expires is None else moment(expires)) for key, expires in found]
    screen.table(("Key", "Until"), rows, empty=f"{namespace} keeps no values: jupyter gov kv set {namespace} KEY VALUE")


def delete_value(namespace: str, key: str, *, as_json: bool) -> int:
    """Delete a value; return 1 if there was none."""
    with host.opened() as (gov, actor):
        gone = gov.kv.delete(namespace, key, actor)
    return _deleted(f"{namespace}: {key}", gone, as_json=as_json)


def put_file(namespace: str, source: Path, path: str | None, *, overwrite: bool, as_json: bool) -> None:
    """Store a file."""
    if str(source) == "-":
        if path is None:
            raise ExecutionError("what is read from the standard input needs a path there", code="GOV350")
        content: Path | bytes = sys.stdin.buffer.read()
    elif source.is_file():
        content = source
    else:
        hint = "Store its files one by one." if source.is_dir() else "Check the path."
        raise ExecutionError(f"{source} is no file that can be read.", code="GOV350", hint=hint)
    with host.opened(begins=True) as (gov, actor):
        uri = gov.namespace_files.put(namespace, path or source.name, content, actor, overwrite=overwrite)
    if as_json:
        screen.emit({"namespace": namespace, "path": path or source.name, "uri": uri})
    else:
        screen.say(f"✔ {uri}", style="green")


def get_file(namespace: str, path: str, output: Path | None, *, force: bool) -> None:
    """Print a file, or copy it."""
    with host.opened() as (gov, actor):
        found = gov.namespace_files.get(namespace, path, actor)
    if output is None:
        _print(found)
        return
    if output.exists() and not force:
        raise ExecutionError(f"{output} exists already.", code="GOV352", hint="Name another file, or write --force.")
    try:
        shutil.copyfile(found, output)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ExecutionError(f"{output} cannot be written: {reason}.", code="GOV352") from error
    screen.say(f"✔ {output}", style="green")


def _print(file: Path) -> None:
    content = file.read_bytes()
    if sys.stdout.isatty():
        # A terminal obeys what others have written; a pipe gets the bytes.
        sys.stdout.write(visible(content.decode("utf-8", "replace")))
    else:
        sys.stdout.buffer.write(content)


def list_files(namespace: str, *, as_json: bool) -> None:
    """List files."""
    with host.opened() as (gov, actor):
        found = gov.namespace_files.list(namespace, actor)
    if as_json:
        rows: list[Any] = [
            {"path": one.path, "size": one.size, "digest": f"sha256:{one.digest}", "updated": one.updated_at}
            for one in found
        ]
        screen.emit(rows)
        return
    screen.table(
        ("Path", "Size", "Since"),
        [(one.path, f"{one.size:,}", moment(one.updated_at)) for one in found],
        empty=f"{namespace} keeps no files: jupyter gov namespace-files put {namespace} FILE",
    )


def delete_file(namespace: str, path: str, *, as_json: bool) -> int:
    """Delete a file; return 1 if there was none."""
    with host.opened() as (gov, actor):
        gone = gov.namespace_files.delete(namespace, path, actor)
    return _deleted(f"{namespace}: {path}", gone, as_json=as_json)


def _deleted(what: str, gone: bool, *, as_json: bool) -> int:
    if as_json:
        screen.emit({"deleted": gone})
    elif gone:
        screen.say(f"✔ {what} is deleted", style="green")
    else:
        screen.say(f"{what} is not there", stderr=True)
    return 0 if gone else 1


def collect(*, apply: bool, grace: float, limit: int, as_json: bool) -> None:
    """Say which stored files nothing refers to; delete them if that is asked for."""
    with host.opened() as (gov, actor):
        found = gov.files.collect(actor, grace=timedelta(seconds=grace), apply=apply, limit=limit)
    if as_json:
        screen.emit(
            {
                "applied": apply,
                "files": found.files,
                "bytes": found.size,
                "deleted": found.deleted,
                "freed": found.freed,
                "unfinished": found.unfinished,
                "kept": found.kept,
                "before": found.before,
            }
        )
        return
    screen.say(f"{found.files:,} files ({found.size:,} bytes) that nothing refers to, stored before", style=None)
    screen.say(f"{moment(found.before)}; {found.kept:,} files stay")
    if apply:
        screen.say(f"✔ {found.deleted:,} files ({found.freed:,} bytes) are deleted", style="green")
    elif found.files:
        screen.say("Nothing was deleted: jupyter gov files gc --apply")
