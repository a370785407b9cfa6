"""Every case of ``tasks.yaml``: one task, run in a flow of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from jupyter_gov.domain.execution import Execution
from jupyter_gov.service.api import StartRequest
from tests.conformance.cases import parametrize
from tests.conformance.error_words import says
from tests.conformance.failure import Unmet, judge
from tests.conformance.matchers import MISSING, at_path, fields, mismatch
from tests.conformance.registry import differs
from tests.conformance.values import between, duration, numbered_lines, typed, zoned
from tests.conformance.world import ACTOR, World, describe, is_ended

FILE = "tasks.yaml"
KEYS = frozenset(["id", "group", "given", "task", "expect", "needs", "notes", "env", "config", "secrets"])
GIVEN = frozenset(["flow_namespace", "inputs", "kv", "file", "file_content", "items", "N"])
TASK = "task"
_URI = re.compile(r"<uri(?: of [^>]*)?>")


@dataclass
class Ran:
    """A task that was run: everything that a case may look at."""

    world: World
    case: Mapping[str, Any]
    execution: Execution
    source: str | None
    stored: Mapping[str, Mapping[str, Any]]

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the task handed back."""
        runs = [run for run in self.execution.ordered() if run.task_id == TASK]
        return (runs[0].outputs if runs else None) or {}

    def output(self, name: str) -> Any:
        """Return one output, which must be there."""
        found = self.outputs.get(name)
        if found is None:
            raise Unmet(f"no output `{name}`: {describe(self.execution)}")
        return found

    def text(self, uri: str) -> str:
        """Return the content of a stored file."""
        return self.world.gov.executions.file(self.execution.id, uri, ACTOR).read_text(encoding="utf-8")

    @property
    def error(self) -> str | None:
        """Why the task failed."""
        failed = [run.failure for run in self.execution.ordered() if run.failure is not None]
        failure = failed[0] if failed else self.execution.failure
        return failure.message if failure is not None and self.execution.state == "FAILED" else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, FILE)


def test_case(case: dict[str, Any], make_world: Any) -> None:
    judge(lambda: run(make_world(case), case))


def run(world: World, case: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as the case says."""
    given: Mapping[str, Any] = case.get("given") or {}
    yield from (f"unknown case key `{key}`" for key in case if key not in KEYS)
    yield from (f"unknown key `{key}` of given" for key in given if key not in GIVEN)
    ran = play(world, case, given)
    if "error" not in case["expect"] and ran.execution.state not in {"SUCCESS", "WARNING"}:
        yield f"it failed: {describe(ran.execution)}"
        return
    for name, wanted in case["expect"].items():
        check = _CHECKS.get(name)
        if check is None:
            yield f"unknown field `{name}`"
            continue
        try:
            yield from (f"{name}: {problem}" for problem in check(ran, wanted))
        except Unmet as error:
            yield f"{name}: {error}"


def play(world: World, case: Mapping[str, Any], given: Mapping[str, Any]) -> Ran:
    """Store what exists before, and run the task."""
    namespace = str(given.get("flow_namespace", "io.kestra.tests"))
    stored = given.get("kv") or {}
    inputs = dict(given.get("inputs") or {})
    declared = [{"id": name, "type": "STRING" if isinstance(inputs[name], str) else "JSON"} for name in inputs]
    source = content_of(given)
    if source is not None:
        declared.append({"id": "given_file", "type": "FILE"})
        inputs["given_file"] = world.put_file(file_name(given), source, "given")
    task = {"id": TASK, **_with_uri(case["task"])}
    flow = {"id": "alone", "namespace": namespace, "inputs": declared, "tasks": [task]}
    world.register(str(yaml.safe_dump(flow, sort_keys=False)))
    for space, pairs in stored.items():
        for key, value in pairs.items():
            world.put_value(space, key, value)
    request = StartRequest(namespace, "alone", inputs=inputs, workdir=str(world.folder), trusted=True)
    execution = world.wait(world.start(request), is_ended, "its end")
    return Ran(world, case, execution, source, stored)


def content_of(given: Mapping[str, Any]) -> str | None:
    """Return the content of the file that the task works on, if there is one."""
    if "file_content" in given:
        return str(given["file_content"])
    if "items" in given:
        # A line of JSON is a line of Ion.
        return "".join(json.dumps(item) + "\n" for item in given["items"])
    return numbered_lines(str(given["file"]), given.get("N")) if "file" in given else None


def file_name(given: Mapping[str, Any]) -> str:
    """Return the name of that file."""
    named = re.search(r"stored as (\S+)", str(given.get("file", "")))
    if named:
        return named[1]
    return "items.ion" if "items" in given else str(given.get("file", "given.txt"))


def _with_uri(node: Any) -> Any:
    if isinstance(node, str):
        return _URI.sub("{{ inputs.given_file }}", node)
    if isinstance(node, dict):
        return {key: _with_uri(item) for key, item in node.items()}
    return [_with_uri(item) for item in node] if isinstance(node, list) else node


# --- the fields of expect ---------------------------------------------------------------------------------------


def _kv(ran: Ran, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for namespace, pairs in wanted.items():
        for key, value in pairs.items():
            got = ran.world.call("kv.get", namespace, key, ACTOR)
            problem = (
                _typed_value(str(value), got) if _is_described(value) else mismatch(value, got, ran.world, exact=True)
            )
            if problem:
                yield f"{namespace} {key}: {problem}"


def _is_described(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"<(instant|duration) .*>", value) is not None


def _typed_value(text: str, got: Any) -> str | None:
    kind, _, rest = text.strip("<>").partition(" ")
    wanted = duration(re.sub(r"^of ", "", rest)) if kind == "duration" else zoned(rest)
    return None if typed(kind, got) == wanted else f"expected {text}, got {got!r}"


def _expiration(ran: Ran, wanted: str | None) -> Iterator[str]:
    for namespace, pairs in ran.case["expect"]["kv"].items():
        for key in pairs:
            got = ran.world.call("kv.expires", namespace, key, ACTOR)
            if wanted is None:
                yield from differs(None, got)
                continue
            first, last = between(wanted, datetime.now(UTC))
            if got is None or not first <= typed("instant", got) <= last:
                yield f"expected {wanted}, got {got}"


def _error(ran: Ran, wanted: bool) -> Iterator[str]:
    if (ran.error is not None) is not wanted:
        yield f"expected {wanted}, got: {describe(ran.execution)}"


def _error_is(ran: Ran, wanted: str) -> Iterator[str]:
    if ran.error != wanted and not (ran.error and wanted not in ran.error and says(ran.error, wanted)):
        yield f"expected {wanted!r}, got {ran.error!r}"


def _uris_count(ran: Ran, wanted: int) -> Iterator[str]:
    yield from differs(wanted, len(ran.output("uris")))


def _parts(ran: Ran) -> list[str]:
    return [ran.text(uri) for uri in ran.output("uris")]


def _joined(ran: Ran, wanted: bool) -> Iterator[str]:
    yield from differs(wanted, "".join(_parts(ran)) == ran.source)


def _total_lines(ran: Ran, wanted: int) -> Iterator[str]:
    yield from differs(wanted, sum(part.count("\n") for part in _parts(ran)))


def _content(ran: Ran, wanted: str) -> Iterator[str]:
    yield from differs(wanted, ran.text(ran.output("uri")))


def _uri_ends(ran: Ran, wanted: str) -> Iterator[str]:
    if not str(ran.output("uri")).endswith(wanted):
        yield f"expected {wanted!r}, got {ran.output('uri')!r}"


def _items(ran: Ran, wanted: list[Any]) -> Iterator[str]:
    text = ran.text(ran.output("uri"))
    try:
        got = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise Unmet(f"the file is not one of JSON lines: {error}: {text[:200]!r}") from error
    if reason := mismatch(wanted, got, ran.world, exact=True):
        yield reason


def _outputs(ran: Ran, wanted: Mapping[str, Any]) -> Iterator[str]:
    yield from fields(wanted, ran.outputs, ran.world, "outputs")
    yield from (f"no output {name}" for name in wanted if at_path(ran.outputs, name) is MISSING)


_CHECKS: Mapping[str, Callable[[Ran, Any], Iterator[str]]] = {
    "kv": _kv,
    "expiration": _expiration,
    "error": _error,
    "error_is": _error_is,
    "uris_count": _uris_count,
    "joined_equals_source": _joined,
    "total_lines": _total_lines,
    "content": _content,
    "uri_ends": _uri_ends,
    "items": _items,
    "outputs": _outputs,
}
