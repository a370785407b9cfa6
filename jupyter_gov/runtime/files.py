"""Which files an execution may read, and where those that it makes are stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.errors import StoreError, TaskError
from jupyter_gov.legible import shortened
from jupyter_gov.runtime.clock import Clock, utc_now
from jupyter_gov.runtime.kv import task_fact
from jupyter_gov.runtime.shared_files import find, parse_shared, plain_path, shared_uri

if TYPE_CHECKING:
    from jupyter_gov.store import Store

TEXT_LIMIT = 32 * 2**20
"""Bytes that an expression may read of one file."""


class FileAccess:
    """Reads files for one execution: its own ones, its parent's, and those in allowed directories.

    Parameters
    ----------
    directories
        Further directories, from the setting ``paths.allowed``; the folder in which the execution was started is
        always allowed.
    """

    def __init__(
        self, store: Store, execution: Execution | None, directories: Sequence[Path] = (), namespace: str = ""
    ) -> None:
        self._store = store
        self._namespace = execution.namespace if execution else namespace
        self._execution = execution
        self._start = Path(execution.workdir) if execution and execution.workdir else Path.cwd()
        self._executions = _readable(execution)
        self._directories = tuple(directories)

    @property
    def start_dir(self) -> Path:
        """Where relative paths begin."""
        return self._start

    def path(self, uri: str, *also: Path) -> Path:
        """Return a local path of a stored file or of one in an allowed directory (or in ``also``).

        Raises
        ------
        TaskError
            ``GOV861``: it is not there. ``GOV862``: this execution may not read it.
        """
        text = str(uri)
        if (shared := parse_shared(text, self._namespace)) is not None:
            return self._shared(text, *shared)
        if text.startswith(("kestra:", "gov:")):
            return self._stored(text)
        if text.startswith("file:"):
            return self._local(Path(unquote(urlsplit(text).path)), also)
        if "://" in text:
            raise TaskError(
                f"{text!r} is no file of this execution.",
                code="GOV862",
                hint="Files are read by kestra:// and gov:// URIs, or by paths inside the allowed directories.",
            )
        return self._local(Path(text), also)

    def read_text(self, uri: str, *also: Path) -> str:
        """Return the text of a file.

        Raises
        ------
        TaskError
            As ``path``; ``GOV863``: it is too large for a text, or no UTF-8.
        """
        path = self.path(uri, *also)
        if (size := path.stat().st_size) > TEXT_LIMIT:
            raise TaskError(
                f"The file {uri!r} has {size} bytes; a text may have {TEXT_LIMIT}.",
                code="GOV863",
                hint="Let a script or a query read it instead of an expression.",
            )
        try:
            return path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise TaskError(f"The file {uri!r} is no UTF-8 text: {error.reason}.", code="GOV863") from error

    def exists(self, uri: str) -> bool:
        """Return whether the file is there; one that may not be read is an error all the same."""
        try:
            self.path(uri)
        except TaskError as error:
            if error.code == "GOV861":
                return False
            raise
        return True

    def named(self, path: str) -> str:
        """Return the URI of a file of the namespace, if there is one of this path; else the path as it is."""
        if ":" in path.partition("/")[0] or not self._namespace:
            return path
        try:
            plain = plain_path(path)
        except TaskError:
            return path  # No path in a namespace, but perhaps one on this host.
        found = find(self._store, self._namespace, plain)
        return path if found is None else shared_uri(self._namespace, plain)

    def _shared(self, uri: str, namespace: str, path: str) -> Path:
        own = self._namespace
        if not (own == namespace or own.startswith(f"{namespace}.")):
            raise TaskError(
                f"Unable to read the file '{uri}' as it is of the namespace '{namespace}'.",
                code="GOV862",
                hint=f"Files of '{own}' and the namespaces above it are read so; others by a DownloadFiles task.",
            )
        found = find(self._store, namespace, path)
        if found is None:
            raise TaskError(f"The file {uri!r} does not exist.", code="GOV861")
        return found

    def _stored(self, uri: str) -> Path:
        if not self._may_read(uri):
            raise TaskError(
                f"Unable to read the file '{uri}' as it didn't belong to the current execution.",
                code="GOV862",
                hint="Pass the file on as an input of type FILE.",
            )
        try:
            path = self._store.files.path(uri)
        except StoreError as error:
            raise TaskError(f"The file {uri!r} cannot be read: {error.message}", code="GOV861") from error
        with self._store.read() as tx:
            deleted = self._store.deleted_files.has(tx, uri)
        if deleted or not path.is_file():
            raise TaskError(f"The file {uri!r} does not exist (any more).", code="GOV861")
        return path

    def _may_read(self, uri: str) -> bool:
        if uri.startswith("gov:"):
            # Such a URI names content and no owner: it must have been handed to this execution.
            return self._execution is None or _knows(self._execution, uri)
        return _owner(uri) in self._executions

    def _local(self, path: Path, also: tuple[Path, ...]) -> Path:
        wanted = path if path.is_absolute() else self._start / path
        # Links are followed first: one that leads out of an allowed directory must not help.
        real, there = _followed(wanted)
        allowed = (self._start, *self._directories, *also)
        if not any(real.is_relative_to(directory.resolve()) for directory in allowed):
            raise TaskError(
                f"The file {shortened(str(path))!r} is outside the directories that this execution may read.",
                code="GOV862",
                hint="Put it below the folder in which you start the flow, or add its folder to the setting "
                "paths.allowed.",
            )
        if not there:
            raise TaskError(f"The file {shortened(str(path))!r} does not exist.", code="GOV861")
        return real


def _followed(wanted: Path) -> tuple[Path, bool]:
    """Return where a path leads, and whether there is a file."""
    try:
        real = wanted.resolve()
        return real, real.is_file()
    except (OSError, ValueError, RuntimeError):
        # Too long for the disk, a zero character, links in a ring: no file can have such a name.
        return Path(os.path.normpath(wanted)), False


def _slug(name: str) -> str:
    """Return an id as Kestra writes it into paths: dashes for underscores."""
    return name.replace("_", "-").lower()


def file_name(uri: str) -> str:
    """Return the name that a path or URI gives its file: stored ones are called by their digest on the disk."""
    if uri.startswith(("kestra:", "gov:", "file:")):
        return Path(unquote(urlsplit(uri).path)).name
    return Path(uri).name


def _readable(execution: Execution | None) -> frozenset[str]:
    if execution is None:
        return frozenset()
    caller = execution.trigger.variables.get("executionId") if execution.trigger else None
    related = (execution.id, execution.parent_id, execution.original_id, execution.supersedes, caller)
    return frozenset(str(found) for found in related if found)


def _owner(uri: str) -> str | None:
    """Return the id of the execution that a URI says its file is of."""
    try:
        parts = urlsplit(uri).path.split("/")
    except ValueError:
        return None
    return parts[parts.index("executions") + 1] if "executions" in parts[:-1] else None


def _knows(execution: Execution, uri: str) -> bool:
    """Return whether the content of a URI was handed to an execution, or came out of its tasks."""
    from jupyter_gov.store.files import digest_of  # noqa: PLC0415 - whoever has a file has loaded the store

    try:
        mark = f"/{digest_of(uri)}/"
    except StoreError:
        return True  # Reading it says what is wrong with it.
    return any(mark in text for place in _places(execution) for text in _strings(place))


def _places(execution: Execution) -> Iterator[Any]:
    """Yield what was handed to an execution, and what its tasks hand on."""
    yield execution.inputs
    if execution.trigger is not None:
        yield execution.trigger.variables
    for run in execution.ordered():
        yield run.outputs
        yield [attempt.log_file for attempt in run.attempts]


def files_of(execution: Execution) -> list[str]:
    """Return the URIs of all files of an execution that it or its tasks hand on, in order."""
    found = (text for place in _places(execution) for text in _strings(place))
    return list(dict.fromkeys(text for text in found if text.startswith("kestra:///") and _owner(text) == execution.id))


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for item in value.values():
                yield from _strings(item)
        case list() | tuple():
            for item in value:
                yield from _strings(item)


class AttemptFiles:
    """Files of one attempt, which may also read its own working directory; implements ``plugins.context.Files``."""

    def __init__(
        self,
        store: Store,
        access: FileAccess,
        execution: Execution,
        run: TaskRun,
        *,
        working_dir: Callable[[], Path],
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._access = access
        self._execution = execution
        self._run = run
        self._clock = clock
        self._working_dir = working_dir
        space = execution.namespace.replace(".", "/")
        self._prefix = (
            f"kestra:///{space}/{execution.flow_id}/executions/{execution.id}/tasks/{_slug(run.task_id)}/{run.id}"
        )

    def put(self, source: Path, name: str | None = None) -> str:
        """Store a file and return its URI.

        Raises
        ------
        TaskError
            ``GOV861``: there is no such file.
        """
        if not source.is_file():
            raise TaskError(f"The file {str(source)!r} does not exist.", code="GOV861")
        return self._stored(self._store.files.put(self._prefix, source, name or source.name))

    def put_bytes(self, data: bytes, name: str) -> str:
        """Store bytes and return their URI."""
        return self._stored(self._store.files.put(self._prefix, data, name))

    def _stored(self, uri: str) -> str:
        # An attempt after the one that deleted it may store the same content again, under the same URI.
        with self._store.read() as tx:
            deleted = self._store.deleted_files.has(tx, uri)
        if deleted:
            self._store.retrying(lambda tx: self._store.deleted_files.restore(tx, uri))
        return uri

    def delete(self, uri: str) -> bool:
        """Delete a stored file, so that it cannot be read any more; return whether it was there.

        Raises
        ------
        TaskError
            ``GOV862``: it is no stored file of this execution or its parent.
        """
        if not uri.startswith("kestra:"):
            raise TaskError(
                f"{uri!r} is no stored file of this execution.",
                code="GOV862",
                hint="Only files with kestra:/// URIs are deleted, as they stand in the outputs of tasks.",
            )
        if not self._access.exists(uri):
            return False
        self._delete([uri])
        return True

    def delete_all(self) -> list[str]:
        """Delete all files of the execution and return their URIs."""
        return self._delete([uri for uri in files_of(self._execution) if self._access.exists(uri)])

    def _delete(self, uris: Sequence[str]) -> list[str]:
        fact = task_fact("file.deleted", self._run.task_id, self._execution, self._run)
        at, by = self._clock(), self._execution.id
        owners = {uri: _owner(uri) or by for uri in uris}
        return self._store.retrying(lambda tx: self._store.deleted_files.add(tx, by, owners, fact, at=at))

    def get(self, uri: str) -> Path:
        """Return a local, read-only path; see ``FileAccess.path``."""
        return self._access.path(uri, self._working_dir())

    def read_text(self, uri: str) -> str:
        """Return the text of a file; see ``FileAccess.read_text``."""
        return self._access.read_text(uri, self._working_dir())


def allowed_directories(settings: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the setting ``paths.allowed`` (a list, or a text with the system's path separator) as paths."""
    written = settings.get("paths.allowed") or ()
    parts = written.split(os.pathsep) if isinstance(written, str) else written
    return tuple(Path(part).expanduser() for part in parts if str(part))
