"""What a case may expect of the whole: refusals, other executions, several runs, identities before and after a verb."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_gov.domain.execution import Execution
from tests.conformance.error_words import has_status, refusal, says
from tests.conformance.failure import Unmet
from tests.conformance.matchers import fields
from tests.conformance.registry import Seen, check, differs, expectation
from tests.conformance.world import ACTOR, World, is_ended

OTHERS = frozenset({"other_executions", "all_executions_of_flow", "first_execution", "second_execution", "runs"})
"""Expectations of executions that go on by themselves."""

# --- refusals ---------------------------------------------------------------------------------------------------


@expectation("start_error")
def _start_error(seen: Seen, wanted: Any) -> Iterator[str]:
    yield from refusal(seen.world.raised, wanted)


def _raised(seen: Seen, wanted: str) -> Iterator[str]:
    error = seen.world.raised
    if error is None or not says(str(error), wanted):
        yield f"expected {wanted!r}, got {error}"


@expectation("start_error_contains")
def _start_error_contains(seen: Seen, wanted: str) -> Iterator[str]:
    yield from _raised(seen, wanted)


@expectation("error_contains")
def _error_contains(seen: Seen, wanted: str) -> Iterator[str]:
    yield from _raised(seen, wanted)


@expectation("http_status")
def _http_status(seen: Seen, wanted: int) -> Iterator[str]:
    error = seen.world.raised
    if error is None:
        if not (200 <= wanted < 300) or (wanted == 204 and seen.world.main is not None):
            yield f"expected {wanted}, got no refusal"
    elif not has_status(error, wanted):
        yield f"expected {wanted}, got {error}"


@expectation("execution_created")
def _created(seen: Seen, wanted: bool) -> Iterator[str]:
    yield from differs(wanted, seen.world.main is not None)


@expectation("execution_found")
def _found(seen: Seen, wanted: bool) -> Iterator[str]:
    yield from differs(wanted, seen.execution is not None)


@expectation("trigger_state")
def _trigger_state(seen: Seen, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for trigger, state in wanted.items():
        found = seen.world.call("triggers.get", *seen.world.place, trigger, ACTOR)
        for name, value in state.items():
            yield from (f"{trigger} {name}: {one}" for one in differs(value, getattr(found, name, None)))


# --- before and after a verb ------------------------------------------------------------------------------------


def _before(seen: Seen) -> Execution:
    before = seen.world.before or seen.world.first
    if before is None:
        raise Unmet("there was no execution before")
    return before


@expectation("same_execution_id")
def _same_execution(seen: Seen, wanted: bool) -> Iterator[str]:
    yield from differs(wanted, seen.one.id == _before(seen).id)


@expectation("new_execution")
def _new_execution(seen: Seen, wanted: bool) -> Iterator[str]:
    before = seen.world.first if seen.execution is seen.world.main else _before(seen)
    yield from differs(wanted, before is not None and seen.one.id != before.id)


@expectation("new_taskrun_ids")
def _new_ids(seen: Seen, wanted: bool) -> Iterator[str]:
    ids = {run.id for run in seen.runs}
    yield from differs(wanted, not ids & set(_before(seen).task_runs))


@expectation("same_taskrun_ids")
def _same_ids(seen: Seen, wanted: bool) -> Iterator[str]:
    ids = {run.id for run in seen.runs}
    yield from differs(wanted, ids == set(_before(seen).task_runs))


# --- other executions -------------------------------------------------------------------------------------------


@expectation("executions_total")
def _total(seen: Seen, wanted: int) -> Iterator[str]:
    found = [f"{one.flow_id}={one.state}" for one in seen.world.all()]
    if len(found) != wanted:
        yield f"expected {wanted}, got {found}"


def _sub(seen: Seen, execution: Execution | None, wanted: Mapping[str, Any]) -> list[str]:
    if execution is None:
        return ["there is no such execution"]
    return check(seen.world, seen.world.now(execution), wanted)


@expectation("first_execution")
def _first(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    yield from _sub(seen, seen.world.first, wanted)


@expectation("second_execution")
def _second(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    yield from _sub(seen, seen.world.second, wanted)


@expectation("runs")
def _runs(seen: Seen, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    runs = seen.world.runs
    yield from differs(len(wanted), len(runs))
    for number, (expect, run) in enumerate(zip(wanted, runs, strict=False), 1):
        yield from (f"run {number}: {one}" for one in _sub(seen, run, expect))


@expectation("all_executions_of_flow")
def _all_of_flow(seen: Seen, wanted: Mapping[str, Any]) -> Iterator[str]:
    namespace, flow_id = seen.world.place
    yield from _group(seen, seen.world.all(flow_id, namespace), wanted)


@expectation("other_executions")
def _others(seen: Seen, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    own = {one.id for one in (seen.world.first, seen.world.main, seen.world.second) if one is not None}
    for entry in wanted:
        chosen = seen.world.all(entry["flow_id"], entry.get("namespace"))
        chosen = [one for one in chosen if one.id not in own]
        rest = {name: value for name, value in entry.items() if name not in {"flow_id", "namespace"}}
        yield from (f"{entry['flow_id']}: {one}" for one in _group(seen, chosen, rest))


_OF_ALL = frozenset({"count", "states_any_order", "states_in_order", "outputs_in_order"})


def _group(seen: Seen, chosen: list[Execution], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with several executions, oldest first: as a group, and with each."""
    yield from _as_group(seen, chosen, wanted)
    each = {name: value for name, value in wanted.items() if name not in _OF_ALL}
    if not chosen and not _OF_ALL & set(wanted):
        yield "there is no such execution"
    for one in chosen:
        yield from check(seen.world, one, each)


def _as_group(seen: Seen, chosen: list[Execution], wanted: Mapping[str, Any]) -> Iterator[str]:
    states = [str(one.state) for one in chosen]
    if "count" in wanted:
        yield from (f"count: {one} {states}" for one in differs(wanted["count"], len(chosen)))
    if "states_any_order" in wanted and Counter(states) != Counter(wanted["states_any_order"]):
        yield f"states: expected {wanted['states_any_order']}, got {states}"
    if "states_in_order" in wanted:
        yield from (f"states: {one}" for one in differs(wanted["states_in_order"], states))
    if "outputs_in_order" in wanted:
        yield from (f"count: {one}" for one in differs(len(wanted["outputs_in_order"]), len(chosen)))
        for outputs, one in zip(wanted["outputs_in_order"], chosen, strict=False):
            yield from fields(outputs, one.outputs or {}, seen.world, "outputs")


# --- the end of a case ------------------------------------------------------------------------------------------


def final(world: World, expect: Mapping[str, Any]) -> list[str]:
    """Return what is not as expected at the end, once nothing happens any more that could still change it."""

    def problems() -> list[str]:
        for name in ("main", "first", "second"):
            execution = getattr(world, name)
            if execution is not None:
                setattr(world, name, _fresh(world, execution))
        return check(world, world.main, expect)

    for execution in (world.second, *world.runs) if OTHERS & set(expect) else ():
        if execution is not None and "state_not" not in (expect.get("second_execution") or {}):
            world.gov.executions.wait(execution.id, ACTOR, until=is_ended, timeout=world.left)
    return world.eventually(problems) if OTHERS & set(expect) else problems()


def _fresh(world: World, execution: Execution) -> Execution:
    try:
        return world.now(execution)
    except Exception:  # noqa: BLE001 - deleted by the case: it stays as it was last seen
        return execution
