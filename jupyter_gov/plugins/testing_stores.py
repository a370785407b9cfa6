"""What the test kit offers instead of a store: values and files of namespaces."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_gov.errors import ConflictError, TaskError
from jupyter_gov.plugins.context import ExecutionRange, LogLevel, StoredValue, ValueKind


class TestValues:
    """Implements ``plugins.context.KeyValues`` in memory; every namespace exists."""

    __test__ = False

    def __init__(self, own: str) -> None:
        self._own = own
        self._values: dict[tuple[str, str], StoredValue] = {}

    def get(self, key: str, *, namespace: str | None = None) -> StoredValue | None:
        """Return a value."""
        found = self._values.get((namespace or self._own, key))
        return None if found is None or _is_over(found) else found

    def set(
        self,
        key: str,
        value: Any,
        *,
        kind: ValueKind,
        namespace: str | None = None,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> StoredValue:
        """Keep a value."""
        before = self.get(key, namespace=namespace)
        if before is not None and not overwrite:
            raise ConflictError(
                f"Cannot set value for key '{key}'. Key already exists and `overwrite` is set to `false`.",
                code="GOV745",
            )
        now = datetime.now(UTC)
        stored = StoredValue(kind, value, before.version + 1 if before else 1, now, None if ttl is None else now + ttl)
        self._values[namespace or self._own, key] = stored
        return stored

    def merge(self, key: str, data: Mapping[str, Any], *, namespace: str | None = None) -> StoredValue:
        """Add to a map."""
        before = self.get(key, namespace=namespace)
        known = before.value if before is not None and isinstance(before.value, Mapping) else {}
        return self.set(key, {**known, **data}, kind="JSON", namespace=namespace)

    def delete(self, key: str, *, namespace: str | None = None) -> bool:
        """Delete a value."""
        found = self.get(key, namespace=namespace) is not None
        self._values.pop((namespace or self._own, key), None)
        return found

    def keys(self, prefix: str = "", *, namespace: str | None = None) -> list[str]:
        """Return the keys."""
        space = namespace or self._own
        known = [key for place, key in self._values if place == space and self.get(key, namespace=space)]
        return sorted(key for key in known if key.startswith(prefix))

    def purge(self, *, namespace: str | None = None) -> list[str]:
        """Delete what is over."""
        space = namespace or self._own
        over = [key for (place, key), found in self._values.items() if place == space and _is_over(found)]
        for key in over:
            del self._values[space, key]
        return over


class TestSharedFiles:
    """Implements ``plugins.context.SharedFiles`` in a folder; every namespace exists."""

    __test__ = False

    def __init__(self, folder: Path, own: str) -> None:
        self._folder = folder
        self._own = own

    def _path(self, path: str, namespace: str | None) -> Path:
        return self._folder / (namespace or self._own) / path.lstrip("/")

    def list(self, *, namespace: str | None = None) -> list[str]:
        """Return the paths."""
        root = self._folder / (namespace or self._own)
        return sorted(found.relative_to(root).as_posix() for found in root.rglob("*") if found.is_file())

    def get(self, path: str, *, namespace: str | None = None) -> Path:
        """Return a file."""
        found = self._path(path, namespace)
        if not found.is_file():
            raise TaskError(f"The namespace has no file {path!r}.", code="GOV803")
        return found

    def put(self, source: Path, path: str, *, namespace: str | None = None, overwrite: bool = True) -> str:
        """Copy a file."""
        target = self._path(path, namespace)
        if target.exists() and not overwrite:
            raise ConflictError(f"The namespace has a file '{path}' already.", code="GOV747")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return self.uri(path, namespace=namespace)

    def delete(self, path: str, *, namespace: str | None = None) -> bool:
        """Delete a file."""
        target = self._path(path, namespace)
        found = target.is_file()
        target.unlink(missing_ok=True)
        return found

    def uri(self, path: str, *, namespace: str | None = None) -> str:
        """Return the URI."""
        return f"kestra:///{(namespace or self._own).replace('.', '/')}/_files/{path.lstrip('/')}"


def _is_over(found: StoredValue) -> bool:
    return found.expires_at is not None and found.expires_at <= datetime.now(UTC)


class TestCache:
    """Implements ``plugins.context.Cache`` in a folder; what is kept there lasts as long as the folder."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self._file = folder / ".cache" / "kept"

    def get(self) -> Path | None:
        """Return the file that was kept."""
        return self._file if self._file.is_file() else None

    def put(self, source: Path, *, ttl: timedelta | None = None) -> None:
        """Keep a file."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, self._file)


class TestExecutions:
    """Implements ``plugins.context.Executions``: answers what the test has put in, and keeps what is asked for."""

    __test__ = False

    def __init__(self) -> None:
        self.counts: dict[tuple[str | None, str | None], int] = {}
        self.resumed: list[tuple[str, Mapping[str, Any]]] = []
        self.purged: list[ExecutionRange] = []
        self.gone: Mapping[str, int] = {"executions": 0, "logs": 0, "metrics": 0, "files": 0}

    def count(self, where: ExecutionRange) -> int:
        """Return the number that the test gave for a namespace and flow."""
        return self.counts.get((where.namespace, where.flow_id), 0)

    def resume(self, execution_id: str, inputs: Mapping[str, Any]) -> None:
        """Keep what is resumed."""
        self.resumed.append((execution_id, dict(inputs)))

    def purge(
        self, where: ExecutionRange, *, executions: bool, logs: bool, metrics: bool, storage: bool
    ) -> Mapping[str, int]:
        """Keep what is purged and return what the test gave."""
        self.purged.append(where)
        return self.gone

    def purge_logs(self, where: ExecutionRange, *, levels: Sequence[LogLevel] = ()) -> int:
        """Keep what is purged and return what the test gave."""
        self.purged.append(where)
        return self.gone["logs"]
