"""A small real host for expressions: files in memory, secrets, stored values, a clock that stands."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.ports import JqAnswer
from jupyter_gov.runtime import jq


@dataclass
class Host:
    """What functions of an expression may reach."""

    files: dict[str, str] = field(default_factory=lambda: {"a.txt": "content", "empty.txt": ""})
    secrets: dict[str, str] = field(default_factory=lambda: {"KEY": "s3cret", "JSON": '{"user": "u", "list": [1]}'})
    values: dict[tuple[str | None, str], Any] = field(default_factory=lambda: {(None, "k"): {"a": 1}, ("ns", "k"): 2})
    moment: datetime = datetime(2024, 3, 5, 6, 8, 9, 123456, tzinfo=UTC)
    delay: float = 0.0

    def place(self) -> dict[str, str]:
        return {}

    def now(self) -> datetime:
        return self.moment

    def read(self, uri: str) -> str:
        time.sleep(self.delay)
        if uri not in self.files:
            raise TaskError(f"There is no file `{uri}`.")
        return self.files[uri]

    def file_size(self, uri: str) -> int:
        return len(self.read(uri).encode())

    def file_exists(self, uri: str) -> bool:
        return uri in self.files

    def file_uri(self, path: str) -> str:
        return f"kestra:///ns/_files/{path}"

    def secret(self, name: str) -> str:
        if name not in self.secrets:
            raise TaskError(f"There is no secret `{name}`.")
        return self.secrets[name]

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> Any:
        if error_on_missing and (namespace, key) not in self.values:
            raise TaskError(f"There is no key `{key}`.")
        return self.values.get((namespace, key))

    def jq(self, program: str, source: str, *, seconds: float, characters: int) -> JqAnswer:
        return jq.ask(program, source, seconds=seconds, characters=characters)

    def error_logs(self) -> Sequence[Mapping[str, Any]]:
        return [{"taskId": "a", "message": "it broke"}]


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where the system zone is UTC."""
    monkeypatch.setenv("TZ", "UTC")
