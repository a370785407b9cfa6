"""What a case may expect of task runs: how many, in which states, with which attempts and outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_gov.domain.execution import Execution, TaskRun
from tests.conformance.failure import Unmet
from tests.conformance.matchers import MISSING, at_path, fields, is_matcher, mismatch
from tests.conformance.registry import Seen, differs, expectation

Field = Callable[[Seen, TaskRun, Any], Iterator[str]]


def runs_of(execution: Execution, task: str, values: Sequence[Any] | None = None) -> list[TaskRun]:
    """Return the task runs of a task in order of creation, of one chain of loop values if it is given."""
    chain = None if values is None else tuple(str(value) for value in values)
    return [run for run in execution.ordered() if run.task_id == task and chain in {None, run.path}]


def first_of(seen: Seen, task: str, values: Sequence[Any] | None = None) -> TaskRun:
    """Return the first of them."""
    found = runs_of(seen.one, task, values)
    if not found:
        have = sorted({run.task_id for run in seen.runs})
        raise Unmet(f"no task run of {task}{f' for {values}' if values else ''}; there are {have}")
    return found[0]


def _states(run: TaskRun) -> list[str]:
    return [str(moment.state) for moment in run.history.moments]


# --- how many, which --------------------------------------------------------------------------------------------


@expectation("taskruns")
def _taskruns(seen: Seen, wanted: int) -> Iterator[str]:
    if len(seen.runs) != wanted:
        listing = " ".join(f"{run.task_id}={run.state}" for run in seen.runs)
        yield f"expected {wanted}, got {len(seen.runs)}: {listing}"


@expectation("taskruns_min")
def _taskruns_min(seen: Seen, wanted: int) -> Iterator[str]:
    if len(seen.runs) < wanted:
        yield f"expected at least {wanted}, got {len(seen.runs)}"


@expectation("taskruns_failed_min")
def _failed_min(seen: Seen, wanted: int) -> Iterator[str]:
    failed = sum(run.state == "FAILED" for run in seen.runs)
    if failed < wanted:
        yield f"expected at least {wanted}, got {failed}"


@expectation("taskruns_in_state_min")
def _in_state_min(seen: Seen, wanted: Mapping[str, int]) -> Iterator[str]:
    counts = Counter(str(run.state) for run in seen.runs)
    for state, least in wanted.items():
        if counts[state] < least:
            yield f"expected at least {least} {state}, got {dict(counts)}"


@expectation("taskruns_order")
def _order(seen: Seen, wanted: list[str]) -> Iterator[str]:
    yield from differs(wanted, [run.task_id for run in seen.runs])


@expectation("taskrun_counts")
def _counts(seen: Seen, wanted: Mapping[str, int]) -> Iterator[str]:
    counts = Counter(run.task_id for run in seen.runs)
    for task, count in wanted.items():
        yield from (f"{task}: {problem}" for problem in differs(count, counts[task]))


@expectation("taskrun_absent")
def _absent(seen: Seen, wanted: list[str]) -> Iterator[str]:
    yield from (f"there is a task run of {task}" for task in wanted if runs_of(seen.one, task))


@expectation("order_constraints")
def _constraints(seen: Seen, wanted: list[list[str]]) -> Iterator[str]:
    for earlier, later in wanted:
        first, second = first_of(seen, earlier), first_of(seen, later)
        begun = next((one.at for one in second.history.moments if one.state == "RUNNING"), second.history.started)
        if first.history.ended is None or first.history.ended > begun:
            yield f"{earlier} ended at {first.history.ended}, {later} began at {begun}"


# --- states -----------------------------------------------------------------------------------------------------


@expectation("taskrun_states")
def _taskrun_states(seen: Seen, wanted: Mapping[str, str]) -> Iterator[str]:
    for task, state in wanted.items():
        yield from (f"{task}: {one}" for one in differs(state, str(first_of(seen, task).state)))


@expectation("all_taskruns_state")
def _all_states(seen: Seen, wanted: str) -> Iterator[str]:
    yield from (f"{run.task_id} is {run.state}, expected {wanted}" for run in seen.runs if run.state != wanted)


@expectation("taskrun_history_counts")
def _history_counts(seen: Seen, wanted: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    for task, counts in wanted.items():
        states = _states(first_of(seen, task))
        for state, count in counts.items():
            if states.count(state) != count:
                yield f"{task}: expected {count} x {state}, got {states}"


# --- attempts ---------------------------------------------------------------------------------------------------


@expectation("attempts")
def _attempts(seen: Seen, wanted: Mapping[str, int]) -> Iterator[str]:
    for task, count in wanted.items():
        yield from (f"{task}: {one}" for one in differs(count, len(first_of(seen, task).attempts)))


@expectation("attempts_in_order")
def _attempts_in_order(seen: Seen, wanted: list[int]) -> Iterator[str]:
    yield from differs(wanted, [len(run.attempts) for run in seen.runs])


@expectation("attempt_states")
def _attempt_states(seen: Seen, wanted: Mapping[str, list[str]]) -> Iterator[str]:
    for task, states in wanted.items():
        yield from (f"{task}: {one}" for one in _f_attempt_states(seen, first_of(seen, task), states))


# --- outputs ----------------------------------------------------------------------------------------------------


@expectation("task_outputs")
def _task_outputs(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    for task, outputs in wanted.items():
        yield from _f_outputs(seen, first_of(seen, task), outputs, task)


@expectation("task_outputs_at")
def _task_outputs_at(seen: Seen, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    for entry in wanted:
        yield from _known(entry, {"task", "values", "outputs"})
        run = first_of(seen, entry["task"], entry.get("values"))
        yield from _f_outputs(seen, run, entry["outputs"], f"{entry['task']} {entry.get('values')}")


@expectation("task_outputs_tree")
def _outputs_tree(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    for task, tree in wanted.items():
        depth = max((len(run.path) for run in runs_of(seen.one, task)), default=0)
        yield from _tree(seen, task, tree, depth, ())


def _tree(seen: Seen, task: str, tree: Mapping[Any, Any], depth: int, path: tuple[str, ...]) -> Iterator[str]:
    if len(path) == depth:
        yield from _f_outputs(seen, first_of(seen, task, path), tree, f"{task} {list(path)}")
        return
    for value, below in tree.items():
        yield from _tree(seen, task, below, depth, (*path, str(value)))


@expectation("output_relations")
def _relations(seen: Seen, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    for entry in wanted:
        yield from _known(entry, {"task", "values", "path", "contains_output_of"})
        outer, inner = _output(seen, entry), _output(seen, entry["contains_output_of"])
        if not isinstance(outer, str) or inner in {None, MISSING} or str(inner) not in outer:
            yield f"{entry['task']}.{entry['path']}: expected a text with {inner!r}, got {outer!r}"


def _output(seen: Seen, entry: Mapping[str, Any]) -> Any:
    return at_path(first_of(seen, entry["task"], entry.get("values")).outputs or {}, entry["path"])


# --- one task run -----------------------------------------------------------------------------------------------


@expectation("taskrun_at")
def _taskrun_at(seen: Seen, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    for entry in wanted:
        if entry["index"] >= len(seen.runs):
            yield f"no task run at {entry['index']}, there are {len(seen.runs)}"
        else:
            yield from _one(seen, seen.runs[entry["index"]], entry, {"index"})


@expectation("taskrun_where")
def _taskrun_where(seen: Seen, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    for entry in wanted:
        yield from _one(seen, first_of(seen, entry["task"], entry.get("values")), entry, {"task", "values"})


@expectation("last_taskrun")
def _last(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    if not seen.runs:
        raise Unmet("there are no task runs")
    yield from _one(seen, seen.runs[-1], wanted, set())


def _one(seen: Seen, run: TaskRun, entry: Mapping[str, Any], chosen_by: set[str]) -> Iterator[str]:
    for name, wanted in entry.items():
        if name in chosen_by:
            continue
        if name not in _FIELDS:
            yield f"unknown field `{name}` of a task run"
            continue
        yield from (f"{run.task_id} {name}: {problem}" for problem in _FIELDS[name](seen, run, wanted))


def _known(entry: Mapping[str, Any], names: set[str]) -> Iterator[str]:
    yield from (f"unknown field `{name}`" for name in entry if name not in names)


def _f_outputs(seen: Seen, run: TaskRun, wanted: Any, where: str = "outputs") -> Iterator[str]:
    if is_matcher(wanted):
        if reason := mismatch(wanted, run.outputs, seen.world):
            yield f"{where}: {reason}"
        return
    yield from fields(wanted, run.outputs or {}, seen.world, where)


def _f_attempt_states(seen: Seen, run: TaskRun, wanted: list[str]) -> Iterator[str]:
    yield from differs(wanted, [str(attempt.state) for attempt in run.attempts])


def _f_attempts_min(seen: Seen, run: TaskRun, wanted: int) -> Iterator[str]:
    if len(run.attempts) < wanted:
        yield f"expected at least {wanted}, got {len(run.attempts)}"


def _f_values(seen: Seen, run: TaskRun, wanted: Any) -> Iterator[str]:
    yield from differs([str(value) for value in wanted], list(run.path))


def _f_state_not(seen: Seen, run: TaskRun, wanted: str) -> Iterator[str]:
    if run.state == wanted:
        yield f"it is {wanted}"


_FIELDS: dict[str, Field] = {
    "task": lambda seen, run, wanted: differs(wanted, run.task_id),
    "task_id": lambda seen, run, wanted: differs(wanted, run.task_id),
    "values": _f_values,
    "value": lambda seen, run, wanted: differs(wanted, run.value),
    "state": lambda seen, run, wanted: differs(wanted, str(run.state)),
    "state_not": _f_state_not,
    "histories": lambda seen, run, wanted: differs(wanted, len(run.history.moments)),
    "history": lambda seen, run, wanted: differs(wanted, _states(run)),
    "attempts": lambda seen, run, wanted: differs(wanted, len(run.attempts)),
    "attempts_min": _f_attempts_min,
    "attempts_null": lambda seen, run, wanted: differs(wanted, not run.attempts),
    "attempt_states": _f_attempt_states,
    "outputs": _f_outputs,
}
"""Fields of an entry of ``taskrun_at``, ``taskrun_where`` and ``last_taskrun``."""
