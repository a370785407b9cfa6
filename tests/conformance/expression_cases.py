"""How a case of ``expressions.yaml`` is read: typed context values, files, checks of what came out.

``SAME_IN_OUR_WORDS`` is the one table of error texts: what Java says, and how we say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from jupyter_gov.errors import GovError, TaskError
from jupyter_gov.lang import expr
from jupyter_gov.lang.ports import JqAnswer
from jupyter_gov.runtime import jq

SAME_IN_OUR_WORDS: tuple[tuple[str, str], ...] = (
    (r"Filter \[(\w+)\] does not exist\.", r"No filter is called `\1`"),
    (r"Function or Macro \[(\w+)\] does not exist\.", r"No function is called `\1`"),
    (r"Test \[(\w+)\] does not exist\.", r"No test is called `\1`"),
    (r"The following named argument does not exist: (\w+)", r"has no argument `\1`"),
    (r"The '(\w+)' filter expects an argument '(\w+)'\.", r"Filter `\1` needs the argument `\2`"),
    (r"The '(\w+)' filter expects an integer as argument '(\w+)'\.", r"Filter `\1` needs the argument `\2`"),
    (
        r"The 'n?indent' filter expects a positive integer >=0 as argument '(\w+)'\.",
        r"`\1` must not be negative",
    ),
    (
        r"Root attribute \[(\w+)\] does not exist or can not be accessed and strict variables is set to true\.",
        r"Unable to find `\1`",
    ),
)
_TYPES: dict[str, Callable[[Any], Any]] = {
    "zoned_datetime": lambda value: _zoned(value),
    "instant": lambda value: datetime.fromisoformat(value).astimezone(UTC),
    "local_datetime": datetime.fromisoformat,
    "local_date": date.fromisoformat,
    "java_date": lambda value: datetime.fromtimestamp(value / 1000, UTC),
    "duration": lambda value: _duration(value),
    "float32": float,
    "long": int,
    "set": list,
    "string_array": list,
    "int_array": list,
}


def _zoned(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    # An aware time in `timezone.utc` is an instant for us; the case means a date-time with the zone Z.
    return moment.replace(tzinfo=ZoneInfo("UTC")) if moment.tzinfo is timezone.utc else moment  # noqa: UP017


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text)
    assert match, text
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def context_value(value: Any) -> Any:
    """Return a context value with ``{$type, value}`` turned into what it means."""
    if isinstance(value, Mapping):
        if "$type" in value:
            return _TYPES[value["$type"]](value["value"])
        return {key: context_value(item) for key, item in value.items()}
    return [context_value(item) for item in value] if isinstance(value, list) else value


@dataclass
class Host:
    """A small real host: files with owners, log lines, the clock."""

    context: Mapping[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def place(self) -> Mapping[str, str]:
        return {}

    def now(self) -> datetime:
        return datetime.now(UTC)

    def read(self, uri: str) -> str:
        if uri not in self.files:
            raise TaskError(f"There is no file `{uri}`.")
        if not self._mine(uri):
            raise TaskError(
                f"Unable to read the file '{uri}' as it didn't belong to the current execution or its parent."
            )
        return self.files[uri]

    def _mine(self, uri: str) -> bool:
        holders = [
            (flow.get("namespace"), flow.get("id"), execution.get("id"))
            for flow, execution in [(self.context.get("flow", {}), self.context.get("execution", {}))]
        ]
        trigger = self.context.get("trigger", {})
        holders.append((trigger.get("namespace"), trigger.get("flowId"), trigger.get("executionId")))
        return any(
            all(holder)
            and uri.startswith(f"kestra:///{holder[0].replace('.', '/')}/{holder[1]}/executions/{holder[2]}/")
            for holder in holders
        )

    def file_size(self, uri: str) -> int:
        return len(self.read(uri).encode())

    def file_exists(self, uri: str) -> bool:
        return uri in self.files

    def file_uri(self, path: str) -> str:
        raise TaskError(f"There is no namespace file `{path}`.")

    def secret(self, name: str) -> str:
        raise TaskError(f"There is no secret `{name}`.")

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> Any:
        raise TaskError(f"There is no key `{key}`.")

    def jq(self, program: str, source: str, *, seconds: float, characters: int) -> JqAnswer:
        return jq.ask(program, source, seconds=seconds, characters=characters)

    def error_logs(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["level"] == "ERROR"]


def host_of(case: Mapping[str, Any], context: Mapping[str, Any]) -> Host:
    """Return the host with what the notes of the case say is stored."""
    notes = case.get("notes", "")
    host = Host(context)
    stored = re.search(r"with the text `([^`]*)`.* at (kestra://\S+?)(?:;|$)", notes)
    if stored:
        host.files[stored.group(2)] = stored.group(1)
    if "logs-store" in case.get("needs", []):
        errors, others = re.fullmatch(r"stored: ERROR lines (.*), INFO line (.*)", notes).groups()  # type: ignore[union-attr]
        host.lines += [{"level": "ERROR", "message": one} for one in re.findall(r"`([^`]*)`", errors)]
        host.lines += [{"level": "INFO", "message": one} for one in re.findall(r"`([^`]*)`", others)]
    return host


def run(case: Mapping[str, Any]) -> Any:
    """Render the template of a case."""
    context = context_value(case["context"])
    host = host_of(case, context)
    template = case["template"]
    if "config:kestra.variables.recursive-rendering=true" in case.get("needs", []):
        # The setting means: as if every text stood in render().
        return expr.render("{{ render(template) }}", {**context, "template": template}, host)
    if case.get("render_typed"):
        return expr.render_typed(template, context, host, single=True)
    return expr.render_value(template, context, host)


def check(case: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the outcome of a case; every field of ``expect`` is looked at."""
    expect = dict(case["expect"])
    try:
        outcome: Any = run(case)
        error = None
    except GovError as raised:
        outcome, error = None, raised
    if not expect.get("error") and error is not None:
        return [f"raised {error}"]
    problems: list[str] = []
    for name, wanted in expect.items():
        checker = _CHECKS.get(name)
        if checker is None:
            problems.append(f"unknown field {name}")
        elif not checker(outcome, error, wanted):
            problems.append(f"{name}: wanted {wanted!r}, got {outcome if error is None else str(error)!r}")
    return problems


def _says(message: str, wanted: str) -> bool:
    if wanted in message:
        return True
    ours = {re.sub(java, same, wanted) for java, same in SAME_IN_OUR_WORDS if re.fullmatch(java, wanted)}
    return any(one.lower() in message.lower() for one in ours)


def _same(outcome: Any, wanted: Any) -> bool:
    return type(outcome) is type(wanted) and outcome == wanted


def _json(outcome: Any) -> Any:
    return json.loads(outcome)


_CHECKS: dict[str, Callable[[Any, GovError | None, Any], bool]] = {
    "value": lambda outcome, error, wanted: _same(outcome, wanted),
    "contains": lambda outcome, error, wanted: all(part in outcome for part in wanted),
    "starts_with": lambda outcome, error, wanted: outcome.startswith(wanted),
    "ends_with": lambda outcome, error, wanted: outcome.endswith(wanted),
    "error": lambda outcome, error, wanted: (error is not None) is wanted,
    "error_contains": lambda outcome, error, wanted: error is not None and _says(str(error), wanted),
    "json_list_length": lambda outcome, error, wanted: len(_json(outcome)) == wanted,
    "json_list_contains": lambda outcome, error, wanted: all(one in _json(outcome) for one in wanted),
    "json_object_contains": lambda outcome, error, wanted: wanted.items() <= _json(outcome).items(),
    "int_between": lambda outcome, error, wanted: wanted[0] <= int(outcome) <= wanted[1],
    "not_empty": lambda outcome, error, wanted: bool(outcome) is wanted,
}
