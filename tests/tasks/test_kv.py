"""The tasks of the key-value store, and ``kv()``, on a real store."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.runtime.secrets import from_settings
from jupyter_gov.store.kv import KeyValue
from jupyter_gov.tasks.kv.values import typed
from tests.runtime.rig import run_of
from tests.tasks.alone import SPACE, Alone, alone

MAP = {"date": "2024-12-20T10:00:00.123Z", "int": 1, "string": "string"}
RETURN = "debug.Return"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def task(tmp_path: Path, clock: Clock) -> Iterator[Alone]:
    secrets = from_settings({"SECRET_TOKEN": base64.b64encode(b"hush-hush").decode()}, {})
    with alone(tmp_path, clock=clock, secrets=secrets) as found:
        yield found


def stored(task: Alone, clock: Clock, key: str = "test-key", namespace: str = SPACE) -> KeyValue | None:
    with task.rig.store.read() as tx:
        return task.rig.store.kv.get(tx, namespace, key, now=clock())


@pytest.mark.parametrize("namespace", [SPACE, "io.kestra", "io", None])
def test_set(task: Alone, clock: Clock, namespace: str | None) -> None:
    given = {"key": "test-key", "value": "test-value"}
    props = {} if namespace is None else {"namespace": namespace}
    assert task.outputs("kv.Set", given, key="{{ inputs.key }}", value="{{ inputs.value }}", **props) == {}
    found = stored(task, clock, namespace=namespace or SPACE)
    assert found is not None
    assert (found.value, found.type, found.expires_at) == ("test-value", "STRING", None)


@pytest.mark.parametrize("namespace", ["not-found", "io.kest", "io.kestra.test.below", "io.kestra.tests", ""])
def test_an_unknown_namespace_is_refused(task: Alone, namespace: str) -> None:
    code, message = task.failure("kv.Set", key="k", value="v", namespace=namespace or "{{ 'x' }}")
    assert code == "GOV870"
    assert f"'{namespace or 'x'}'" in message


def test_a_namespace_with_flows_is_known(task: Alone, clock: Clock) -> None:
    task.rig.register(task.flow({"type": "io.kestra.plugin.core.debug.Return"}, namespace="other.team"))
    task.outputs("kv.Set", key="test-key", value="v", namespace="other")
    assert stored(task, clock, namespace="other") is not None


def test_time_to_live(task: Alone, clock: Clock) -> None:
    task.outputs("kv.Set", {"value": MAP}, key="test-key", value="{{ inputs.value }}", ttl="PT5M")
    found = stored(task, clock)
    assert found is not None
    assert found.value == MAP
    assert found.expires_at == clock() + timedelta(minutes=5)
    clock.now += timedelta(minutes=5)
    assert task.outputs("kv.Get", key="test-key") == {"value": None}
    assert task.outputs("kv.GetKeys") == {"keys": []}
    assert task.outputs("kv.PurgeKV") == {"size": 1}


def test_no_overwrite(task: Alone) -> None:
    task.outputs("kv.Set", key="test-key", value="a")
    code, message = task.failure("kv.Set", key="test-key", value="b", overwrite=False)
    assert code == "GOV745"
    assert message == "Cannot set value for key 'test-key'. Key already exists and `overwrite` is set to `false`."
    assert task.outputs("kv.Get", key="test-key") == {"value": "a"}


@pytest.mark.parametrize(
    ("value", "kind", "kept", "read"),
    [
        ("123.45", "NUMBER", 123.45, "123.45"),
        ("true", "BOOLEAN", True, "true"),
        ("2023-05-02T01:02:03Z", "DATETIME", "2023-05-02T01:02:03Z", "2023-05-02T01:02:03Z"),
        ("2023-05-02T03:02:03+02:00", "DATETIME", "2023-05-02T01:02:03Z", "2023-05-02T01:02:03Z"),
        ("2023-05-02", "DATE", "2023-05-02", "2023-05-02"),
        ("P1DT5S", "DURATION", "PT24H5S", "PT24H5S"),
        ('[{"some":"value"},{"another":"value"}]', "JSON", [{"some": "value"}, {"another": "value"}], None),
        ("12", "STRING", "12", "12"),
    ],
)
def test_kinds(task: Alone, clock: Clock, value: str, kind: str, kept: Any, read: str | None) -> None:
    task.outputs("kv.Set", key="test-key", value=value, kvType=kind)
    found = stored(task, clock)
    assert found is not None
    assert (found.type, found.value) == (kind, kept)
    assert task.outputs("kv.Get", key="test-key") == {"value": kept}
    expected = read or '[{"some":"value"},{"another":"value"}]'
    assert task.outputs(RETURN, format="{{ kv('test-key') }}") == {"value": expected}


@pytest.mark.parametrize(
    ("value", "kind", "kept"),
    [
        ('{"a": [1]}', "JSON", {"a": [1]}),
        (" [1]", "JSON", [1]),
        ("{no json", "STRING", "{no json"),
        ("[NaN]", "STRING", "[NaN]"),
        ("[" * 10_000, "STRING", "[" * 10_000),
        ("12", "STRING", "12"),
        (12, "NUMBER", 12),
        (True, "BOOLEAN", True),
        (None, "JSON", None),
        ("", "STRING", ""),
    ],
)
def test_kinds_that_are_guessed(value: Any, kind: str, kept: Any) -> None:
    assert typed("k", value, None) == (kind, kept)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("many", "NUMBER"),
        ("true", "NUMBER"),
        ("Infinity", "NUMBER"),
        ("yes", "BOOLEAN"),
        (1, "BOOLEAN"),
        ("today", "DATETIME"),
        (5, "DATE"),
        ("soon", "DURATION"),
        ("{", "JSON"),
    ],
)
def test_values_of_another_kind(value: Any, kind: Any) -> None:
    with pytest.raises(TaskError, match=f"'k' is no {kind}") as caught:
        typed("k", value, kind)
    assert caught.value.code == "GOV872"


def test_keys(task: Alone) -> None:
    for key in ("model-b", "model-a", "x"):
        task.outputs("kv.Set", key=key, value="v")
    assert task.outputs("kv.GetKeys") == {"keys": ["model-a", "model-b", "x"]}
    assert task.outputs("kv.GetKeys", prefix="model-") == {"keys": ["model-a", "model-b"]}
    assert task.outputs("kv.GetKeys", namespace="io") == {"keys": []}


def test_version(task: Alone) -> None:
    assert task.outputs("kv.Version", key="k") == {"version": None}
    for expected in (1, 2):
        task.outputs("kv.Set", key="k", value="same")
        assert task.outputs("kv.Version", key="k") == {"version": expected}


def test_delete(task: Alone) -> None:
    task.outputs("kv.Set", key="k", value="v")
    assert task.outputs("kv.Delete", key="k") == {"deleted": True}
    assert task.outputs("kv.Delete", key="k") == {"deleted": False}
    code, message = task.failure("kv.Delete", key="k", errorOnMissing=True)
    assert code == "GOV864"
    assert message.startswith(f"No value found for key 'k' in namespace '{SPACE}'")


def test_what_is_missing(task: Alone) -> None:
    assert task.outputs("kv.Get", key="k") == {"value": None}
    expected = f"No value found for key 'k' in namespace '{SPACE}' and `errorOnMissing` is set to true"
    assert task.failure("kv.Get", key="k", errorOnMissing=True) == ("GOV864", expected)
    assert task.outputs(RETURN, format="{{ kv('k', errorOnMissing=false) ?? 'none' }}") == {"value": "none"}
    assert task.outputs(RETURN, format="{{ kv('k') }}") == {"value": ""}
    _, message = task.failure(RETURN, format="{{ kv('k', 'io', errorOnMissing=true) }}")
    assert "The key 'k' does not exist in the namespace 'io'." in message


def test_a_value_is_read_by_name(task: Alone) -> None:
    task.outputs("kv.Set", {"value": {"aws": ["small", "large"]}}, key="vms", value="{{ inputs.value }}")
    assert task.outputs(RETURN, format="{{ kv('vms')['aws'][1] }}") == {"value": "large"}


def test_a_secret_is_refused_and_not_told(task: Alone, clock: Clock) -> None:
    code, message = task.failure("kv.Set", key="test-key", value="Bearer {{ secret('TOKEN') }}")
    assert code == "GOV871"
    assert "hush" not in message
    code, message = task.failure("kv.Set", key="{{ secret('TOKEN') }}", value="v")
    assert (code, "hush" in message) == ("GOV871", False)
    assert stored(task, clock) is None


def test_a_change_is_on_record_with_who_made_it(task: Alone) -> None:
    ended = task.execution({"type": "io.kestra.plugin.core.kv.Set", "key": "k", "value": "told to nobody"})
    run = run_of(ended, "t0")
    with task.rig.store.read() as tx:
        (entry,) = task.rig.store.audit_log.entries(tx, f"kv/{SPACE}")
    assert (entry.action, entry.subject, entry.actor_ref) == ("kv.set", "k", "ada")
    assert (entry.body["executionId"], entry.body["taskRunId"]) == (ended.id, run.id)
    assert "nobody" not in str(entry.body)
    assert task.rig.store.verify().findings == ()
