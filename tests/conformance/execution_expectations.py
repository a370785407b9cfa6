"""What a case may expect of one execution: state, outputs, inputs, labels, log lines, files, expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import State
from jupyter_gov.errors import GovError
from tests.conformance.error_words import has_status, says, status_in
from tests.conformance.failure import Unmet
from tests.conformance.matchers import at_path, fields, is_matcher, matches, mismatch
from tests.conformance.registry import EXPECTATIONS, Seen, check, differs, expectation
from tests.conformance.task_run_expectations import runs_of
from tests.conformance.world import ACTOR, describe

__all__ = ["EXPECTATIONS", "check", "runs_of"]

# --- states -----------------------------------------------------------------------------------------------------


@expectation("state")
def _state(seen: Seen, wanted: str) -> Iterator[str]:
    if seen.one.state != wanted:
        yield f"expected {wanted}, got: {describe(seen.one)}"


@expectation("state_not")
def _state_not(seen: Seen, wanted: str) -> Iterator[str]:
    if seen.one.state == wanted:
        yield f"it is {wanted}"


@expectation("terminated")
def _terminated(seen: Seen, wanted: bool) -> Iterator[str]:
    yield from differs(wanted, seen.one.state.is_terminal)


def _history(seen: Seen) -> list[str]:
    return [str(moment.state) for moment in seen.one.history.moments]


@expectation("state_histories")
def _histories(seen: Seen, wanted: int) -> Iterator[str]:
    if len(_history(seen)) != wanted:
        yield f"expected {wanted}, got {_history(seen)}"


@expectation("histories_start")
def _histories_start(seen: Seen, wanted: list[str]) -> Iterator[str]:
    yield from differs(wanted, _history(seen)[: len(wanted)])


@expectation("execution_history_contains")
def _history_contains(seen: Seen, wanted: list[str]) -> Iterator[str]:
    yield from (f"no {state} in {_history(seen)}" for state in wanted if state not in _history(seen))


# --- what it is -------------------------------------------------------------------------------------------------


@expectation("namespace")
def _namespace(seen: Seen, wanted: str) -> Iterator[str]:
    yield from differs(wanted, seen.one.namespace)


@expectation("flow_id")
def _flow_id(seen: Seen, wanted: str) -> Iterator[str]:
    yield from differs(wanted, seen.one.flow_id)


@expectation("parent_id")
def _parent_id(seen: Seen, wanted: str) -> Iterator[str]:
    if reason := mismatch(wanted, seen.one.parent_id, seen.world):
        yield reason


@expectation("trigger")
def _trigger(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    found = seen.one.trigger
    if found is None:
        raise Unmet("it was started by no trigger")
    for name, value in wanted.items():
        if name == "variables":
            yield from fields(value, found.variables, seen.world, name)
        elif name in {"type", "id"}:
            yield from (f"{name}: {one}" for one in differs(value, getattr(found, name)))
        else:
            yield f"unknown field `{name}` of a trigger"


@expectation("trigger_variables")
def _trigger_variables(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    yield from fields(wanted, seen.one.trigger.variables if seen.one.trigger else {}, seen.world, "variables")


@expectation("response_url")
def _response_url(seen: Seen, wanted: str) -> Iterator[str]:
    if reason := mismatch(wanted, seen.world.call("executions.url", seen.one.id, ACTOR), seen.world):
        yield reason


# --- inputs and outputs -----------------------------------------------------------------------------------------


@expectation("inputs")
def _inputs(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    yield from fields(wanted, seen.one.inputs, seen.world, "inputs")


@expectation("execution_inputs")
def _execution_inputs(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    yield from fields(wanted, seen.one.inputs, seen.world, "inputs")


@expectation("outputs")
def _outputs(seen: Seen, wanted: Any) -> Iterator[str]:
    if is_matcher(wanted):
        if reason := mismatch(wanted, seen.one.outputs, seen.world):
            yield reason
        return
    yield from fields(wanted, seen.one.outputs or {}, seen.world, "outputs")


@expectation("outputs_size")
def _outputs_size(seen: Seen, wanted: int) -> Iterator[str]:
    yield from differs(wanted, len(seen.one.outputs or {}))


@expectation("outputs_null")
def _outputs_null(seen: Seen, wanted: bool) -> Iterator[str]:
    yield from differs(wanted, seen.one.outputs is None)


# --- labels -----------------------------------------------------------------------------------------------------


def _labels_of(seen: Seen) -> dict[str, str]:
    return {label.key: label.value for label in seen.one.labels}


@expectation("labels")
def _labels(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    got = _labels_of(seen)
    for key, value in wanted.items():
        if key not in got:
            yield f"no label {key} in {got}"
        elif reason := mismatch(value, got[key], seen.world):
            yield f"{key}: {reason}"


@expectation("labels_exact")
def _labels_exact(seen: Seen, wanted: Any) -> Iterator[str]:
    if wanted is False:
        return
    expected = seen.siblings["labels"] if wanted is True else _pairs(wanted)
    yield from _labels(seen, expected)
    yield from (f"unexpected label {key}" for key in _labels_of(seen) if key not in expected)


def _pairs(labels: Any) -> Mapping[str, Any]:
    if isinstance(labels, Mapping):
        return labels
    return {one["key"]: one["value"] if isinstance(one, Mapping) else one[1] for one in labels}


@expectation("labels_size")
def _labels_size(seen: Seen, wanted: int) -> Iterator[str]:
    if len(seen.one.labels) != wanted:
        yield f"expected {wanted}, got {_labels_of(seen)}"


def _in_order(seen: Seen, wanted: list[Any], whole: bool) -> Iterator[str]:
    got = [[label.key, label.value] for label in seen.one.labels]
    if reason := mismatch(wanted, got if whole else got[: len(wanted)], seen.world):
        yield reason


@expectation("labels_in_order")
def _labels_in_order(seen: Seen, wanted: list[Any]) -> Iterator[str]:
    yield from _in_order(seen, wanted, whole=True)


@expectation("labels_in_order_start")
def _labels_start(seen: Seen, wanted: list[Any]) -> Iterator[str]:
    yield from _in_order(seen, wanted, whole=False)


# --- log lines --------------------------------------------------------------------------------------------------

_TEXTS = {"equals", "contains", "starts_with", "ends_with", "matches", "one_of", "not"}


def _lines(seen: Seen) -> list[LogLine]:
    return seen.world.logs(seen.one)


@expectation("logs")
def _logs(seen: Seen, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    lines = _lines(seen)
    for entry in wanted:
        unknown = set(entry) - _TEXTS - {"task", "taskrun_index", "level", "count"}
        yield from (f"unknown field `{name}` of a log line" for name in sorted(unknown))
        chosen = [line for line in lines if _chosen(seen, line, entry)]
        found = [line for line in chosen if _said(seen, line.message, entry)]
        if "count" in entry and len(found) != entry["count"]:
            yield f"{dict(entry)}: expected {entry['count']} lines, got {[line.message for line in found]}"
        elif "count" not in entry and not found:
            yield f"no line {dict(entry)} in {[(line.task_id, line.level, line.message) for line in chosen or lines]}"


def _chosen(seen: Seen, line: LogLine, entry: Mapping[str, Any]) -> bool:
    if "taskrun_index" in entry:
        index = entry["taskrun_index"]
        if index >= len(seen.runs) or line.task_run_id != seen.runs[index].id:
            return False
    return entry.get("task") in {None, line.task_id} and entry.get("level") in {None, line.level}


def _said(seen: Seen, message: str, entry: Mapping[str, Any]) -> bool:
    for name in _TEXTS & set(entry):
        wanted = entry[name]
        if name == "equals":
            ok = matches(wanted, message, seen.world)
        elif name == "contains":
            ok = says(message, seen.world.spell(str(wanted)))
        else:
            ok = matches({name: wanted}, message, seen.world)
        if not ok:
            return False
    return True


@expectation("logs_contain")
def _logs_contain(seen: Seen, wanted: list[str]) -> Iterator[str]:
    lines = [line.message for line in _lines(seen)]
    for text in wanted:
        if not any(says(line, seen.world.spell(text)) for line in lines):
            yield f"no line contains {text!r}: {lines}"


@expectation("logs_count_containing")
def _logs_count(seen: Seen, wanted: Mapping[str, int]) -> Iterator[str]:
    lines = [line.message for line in _lines(seen)]
    for text, count in wanted.items():
        found = sum(seen.world.spell(text) in line for line in lines)
        yield from (f"{text!r}: {one}" for one in differs(count, found))


@expectation("log_count_info_and_up")
def _info_and_up(seen: Seen, wanted: int) -> Iterator[str]:
    execution_id = seen.world.subject.id if seen.execution is None else seen.execution.id
    lines = seen.world.gov.executions.logs(execution_id, ACTOR)
    yield from differs(wanted, sum(line.level in {"INFO", "WARN", "ERROR"} for line in lines))


@expectation("log_file")
def _log_file(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    unknown = set(wanted) - {"task", "lines", "line_contains"}
    yield from (f"unknown field `{name}`" for name in sorted(unknown))
    attempts = [attempt for run in runs_of(seen.one, wanted["task"]) for attempt in run.attempts if attempt.log_file]
    if not attempts:
        raise Unmet(f"no attempt of {wanted['task']} has a log file")
    path = seen.world.gov.executions.file(seen.one.id, str(attempts[-1].log_file), ACTOR)
    lines = path.read_text(encoding="utf-8").splitlines()
    if "lines" in wanted and len(lines) != wanted["lines"]:
        yield f"expected {wanted['lines']} lines, got {lines}"
    if "line_contains" in wanted and not any(str(wanted["line_contains"]) in line for line in lines):
        yield f"no line contains {wanted['line_contains']!r}: {lines}"


# --- files and expressions --------------------------------------------------------------------------------------


def _uri(seen: Seen, wanted: Mapping[str, Any]) -> str:
    return str(at_path(seen.one.inputs, wanted["path_from_input"]))


@expectation("file_download")
def _download(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    unknown = set(wanted) - {"path_from_input", "content", "size"}
    yield from (f"unknown field `{name}`" for name in sorted(unknown))
    path = seen.world.gov.executions.file(seen.one.id, _uri(seen, wanted), ACTOR)
    if "content" in wanted:
        yield from differs(wanted["content"], path.read_text(encoding="utf-8"))
    if "size" in wanted:
        yield from differs(wanted["size"], path.stat().st_size)


@expectation("file_download_other_execution")
def _download_other(seen: Seen, wanted: Any) -> Iterator[str]:
    """Ask for this execution's file under the id of another one."""
    status = status_in(wanted)
    if status is None:
        raise Unmet(f"the runner does not know the answer {wanted!r}")
    uri = _uri(seen, seen.siblings["file_download"])
    other = seen.world.gov.executions.start(seen.world.request(), ACTOR)
    try:
        seen.world.gov.executions.file(other.id, uri, ACTOR)
    except GovError as error:
        if not has_status(error, status):
            yield f"expected {wanted}, got {error}"
    else:
        yield f"expected {wanted}, got the file"


@expectation("evals")
def _evals(seen: Seen, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    for entry in wanted:
        unknown = set(entry) - {"taskrun_index", "task", "values", "expression", "result", "error_contains"}
        yield from (f"unknown field `{name}`" for name in sorted(unknown))
        run = runs_of(seen.one, entry["task"], entry.get("values"))[0] if "task" in entry else None
        run = seen.runs[entry["taskrun_index"]] if "taskrun_index" in entry else run
        result, error = None, None
        try:
            which = None if run is None else run.id
            result = seen.world.call("executions.eval", seen.one.id, entry["expression"], ACTOR, task_run_id=which)
        except GovError as raised:
            error = raised
        if "result" in entry and (reason := mismatch(entry["result"], result, seen.world)):
            yield f"{entry['expression']}: {reason} ({error})"
        if "error_contains" in entry and (error is None or not says(str(error), entry["error_contains"])):
            yield f"{entry['expression']}: expected the error {entry['error_contains']!r}, got {error}"


def settled_state(expect: Mapping[str, Any]) -> State | None:
    """Return the state that a case ends in when that is none in which anything ends, such as PAUSED."""
    wanted = expect.get("state")
    state = State(wanted) if isinstance(wanted, str) else None
    return state if state is not None and not state.is_terminal else None
