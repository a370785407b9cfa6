"""Every case of ``triggers.yaml``: conditions, schedules, flow triggers and windows, asked of triggers of real flows.

Two public verbs are used: ``triggers.preview`` (would it start something, with what, and when next; nothing is started)
and ``triggers.get`` (what is kept of a trigger: disabled, its window).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from jupyter_gov.domain.execution import Attempt, Execution, Label, TaskRun
from jupyter_gov.domain.states import State, begin
from tests.conformance.cases import parametrize
from tests.conformance.failure import Unmet, judge
from tests.conformance.matchers import MISSING, at_path, mismatch
from tests.conformance.registry import differs
from tests.conformance.values import duration, moment, zoned
from tests.conformance.world import ACTOR, World, is_ended

FILE = "triggers.yaml"
KEYS = frozenset(["id", "group", "condition", "context", "trigger", "given", "time_window", "expect", "needs", "notes"])
GIVEN = frozenset(["flow", "trigger_date", "last", "backfill", "finished_execution"])
_CORE = "io.kestra.plugin.core."
_LOG = {"id": "log", "type": _CORE + "log.Log", "message": "hello"}
_MILLISECOND = timedelta(milliseconds=1)


@dataclass
class Asked:
    """A trigger of a registered flow, and what it would do."""

    world: World
    place: tuple[str, str, str]
    now: datetime
    names: Mapping[str, datetime]
    preview: Any = None

    def when(self, text: Any) -> datetime:
        """Return the moment that a text of the case means."""
        written = str(text)
        return moment(written, self.now, self.names) if written.startswith("<") else zoned(written)

    @property
    def window(self) -> Any:
        """What is kept of the window of the trigger's conditions."""
        return self.world.call("triggers.get", *self.place, ACTOR).window


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, FILE)


def test_case(case: dict[str, Any], make_world: Any) -> None:
    judge(lambda: run(make_world(case), case))


def run(world: World, case: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as the case says."""
    yield from (f"unknown case key `{key}`" for key in case if key not in KEYS)
    asked = ask(world, case)
    for name, wanted in case["expect"].items():
        check = _CHECKS.get(name)
        if check is None:
            yield f"unknown field `{name}`"
            continue
        try:
            yield from (f"{name}: {problem}" for problem in check(asked, wanted))
        except Unmet as error:
            yield f"{name}: {error}"


def ask(world: World, case: Mapping[str, Any]) -> Asked:
    """Register a flow with the trigger of the case, and ask what it would do."""
    if "condition" in case:
        return _condition(world, case)
    return _window(world, case) if "time_window" in case else _trigger(world, case)


def _register(world: World, trigger: Mapping[str, Any], **flow: Any) -> tuple[str, str, str]:
    fields = {"id": "triggered", "namespace": "io.kestra.unittest", "tasks": [_LOG], **flow, "triggers": [trigger]}
    world.register(str(yaml.safe_dump(fields, sort_keys=False)))
    return fields["namespace"], fields["id"], str(trigger["id"])


def _spelled(node: Any, now: datetime) -> Any:
    """Return a structure with its moments written out."""
    if isinstance(node, str) and node.startswith("<") and node.endswith(">"):
        return moment(node, now).isoformat()
    if isinstance(node, dict):
        return {key: _spelled(item, now) for key, item in node.items()}
    return [_spelled(item, now) for item in node] if isinstance(node, list) else node


def _condition(world: World, case: Mapping[str, Any]) -> Asked:
    now = datetime.now(UTC)
    states = [str(state) for state in State if state is not State.LOST]
    trigger = {
        "id": "flow",
        "type": _CORE + "trigger.Flow",
        "states": states,
        "conditions": [_named(_spelled(case["condition"], now))],
    }
    asked = Asked(world, _register(world, trigger), now, {})
    upstream = execution_of(case.get("context") or {})
    asked.preview = world.call("triggers.preview", *asked.place, ACTOR, upstream=upstream, date=now)
    return asked


def _named(condition: dict[str, Any]) -> dict[str, Any]:
    # A case shows a condition as built by itself; in a flow one with a window must have an id.
    return {"id": "window", **condition} if "MultipleCondition" in str(condition.get("type")) else condition


def execution_of(context: Mapping[str, Any]) -> Execution:
    """Return the execution that a condition or a flow trigger looks at."""
    unknown = set(context) - {"flow", "execution", "taskruns", "inputs"}
    if unknown:
        raise Unmet(f"unknown context {sorted(unknown)}")
    flow = {"id": "mock", "namespace": "io.kestra.unittest", **(context.get("flow") or {})}
    about = dict(context.get("execution") or {})
    if set(about) - {"state", "inputs", "labels", "outputs"}:
        raise Unmet(f"unknown field of an execution in {about}")
    now = datetime.now(UTC)
    execution = Execution(
        id="upstream",
        namespace=flow["namespace"],
        flow_id=flow["id"],
        flow_revision=1,
        flow_digest="",
        history=begin(State(about.get("state", "SUCCESS")), now),
        run_as=ACTOR.id,
        starter=ACTOR.id,
        inputs={**(context.get("inputs") or {}), **(about.get("inputs") or {})},
        labels=tuple(Label(str(key), str(value)) for key, value in (about.get("labels") or {}).items()),
        outputs=about.get("outputs"),
    )
    runs = []
    for number, entry in enumerate(context.get("taskruns") or []):
        states = [State(state) for state in entry["attempts"]]
        attempts = tuple(Attempt(index, begin(state, now)) for index, state in enumerate(states, 1))
        history = begin(states[-1] if states else State.CREATED, now)
        runs.append(TaskRun(f"run-{number}", "upstream", f"t{number}", number, history, attempts=attempts))
    return execution.put(*runs)


def _trigger(world: World, case: Mapping[str, Any]) -> Asked:
    given: Mapping[str, Any] = case.get("given") or {}
    unknown = set(given) - GIVEN
    if unknown:
        raise Unmet(f"unknown key {sorted(unknown)} of given")
    now = datetime.now(UTC)
    place = _register(world, _spelled(case["trigger"], now), **(given.get("flow") or {}))
    asked = Asked(world, place, now, {})
    more: dict[str, Any] = {}
    if "trigger_date" in given:
        more["date"] = asked.when(given["trigger_date"])
        asked.names = {"trigger_date": more["date"]}
    if given.get("last") is not None:
        more["last"] = asked.when(given["last"])
    if "backfill" in given:
        more["backfill"] = {name: asked.when(value) for name, value in given["backfill"].items()}
    if "finished_execution" in given:
        more["upstream"] = execution_of({"execution": given["finished_execution"]})
    asked.preview = world.call("triggers.preview", *place, ACTOR, **more)
    return asked


# --- what it would start ----------------------------------------------------------------------------------------


def _matches(asked: Asked, wanted: bool) -> Iterator[str]:
    yield from differs(wanted, asked.preview.fires)


def _execution(asked: Asked, wanted: bool | None) -> Iterator[str]:
    yield from differs(bool(wanted), asked.preview.fires)


def _vars(asked: Asked, wanted: Mapping[str, Any]) -> Iterator[str]:
    for name, value in wanted.items():
        got = at_path(asked.preview.variables, name)
        text = str(value)
        is_moment = text.startswith("<") or (len(text) > 18 and text[10:11] == "T")
        if not is_moment:
            if reason := mismatch(value, got, asked.world):
                yield f"{name}: {reason}"
            continue
        expected, found = asked.when(text), None if got in {None, MISSING} else zoned(str(got))
        # A text of the case has the offset that must be there; the moments worked out have none of their own.
        offset = text.startswith("<") or (found is not None and found.utcoffset() == expected.utcoffset())
        if found != expected or not offset or "[" in str(got):
            yield f"{name}: expected {expected.isoformat()}, got {got}"


def _vars_absent(asked: Asked, wanted: list[str]) -> Iterator[str]:
    yield from (f"there is {name}" for name in wanted if at_path(asked.preview.variables, name) not in {None, MISSING})


def _labels(asked: Asked, wanted: Mapping[str, str], *, exact: bool = True) -> Iterator[str]:
    got = {key: value for key, value in dict(asked.preview.labels).items() if not key.startswith("system.")}
    expected = dict(wanted)
    yield from differs(expected, got if exact else {key: got.get(key) for key in expected})


def _labels_contain(asked: Asked, wanted: Mapping[str, str]) -> Iterator[str]:
    yield from _labels(asked, wanted, exact=False)


def _inputs(asked: Asked, wanted: Mapping[str, Any]) -> Iterator[str]:
    if reason := mismatch(wanted, asked.preview.inputs, asked.world, exact=True):
        yield reason


def _date(name: str) -> Callable[[Asked, Any], Iterator[str]]:
    def check(asked: Asked, wanted: Any) -> Iterator[str]:
        got = getattr(asked.preview, name, None)
        text = str(wanted)
        if wanted is None or got is None:
            yield from differs(wanted, got)
        elif len(text) == len("2020-01-02") and not text.startswith("<"):
            yield from differs(text, got.date().isoformat())
        elif abs(got - asked.when(text)) > timedelta(0 if "minute" in text else 1e-3):
            yield f"expected {asked.when(text)}, got {got}"

    return check


# --- windows ----------------------------------------------------------------------------------------------------


def _window(world: World, case: Mapping[str, Any]) -> Asked:
    now = datetime.now(UTC)
    spec = dict(case["time_window"])
    names: dict[str, datetime] = {}
    for name in ("startTime", "endTime", "deadline"):
        if str(spec.get(name, "")).startswith("<"):
            names[name] = moment(str(spec[name]), now, names)
            spec[name] = names[name].timetz().isoformat()
    flows = {name: {"type": _CORE + "condition.ExecutionFlow", **_marker(name)} for name in ("a", "b")}
    both = {"id": "both", "type": _CORE + "condition.MultipleCondition", "timeWindow": spec, "conditions": flows}
    place = _register(world, {"id": "flow", "type": _CORE + "trigger.Flow", "conditions": [both]})
    for name in flows:
        marker = _marker(name)
        flow = {"id": marker["flowId"], "namespace": marker["namespace"], "tasks": [_LOG]}
        world.register(str(yaml.safe_dump(flow)))
    return Asked(world, place, now, names)


def _marker(name: str) -> dict[str, str]:
    return {"namespace": "io.kestra.unittest", "flowId": f"marks-{name}"}


def _edge(name: str) -> Callable[[Asked, Any], Iterator[str]]:
    def check(asked: Asked, wanted: str) -> Iterator[str]:
        got = getattr(asked.window, name)
        if abs(got - asked.when(wanted)) > _MILLISECOND:
            yield f"expected {asked.when(wanted)}, got {got}"

    return check


def _minute(name: str) -> Callable[[Asked, Any], Iterator[str]]:
    def check(asked: Asked, wanted: list[int]) -> Iterator[str]:
        got = getattr(asked.window, name).minute
        if got not in wanted:
            yield f"expected one of {wanted}, got {got}"

    return check


def _steps(asked: Asked, wanted: list[Mapping[str, Any]]) -> Iterator[str]:
    began = asked.window.start
    for number, step in enumerate(wanted, 1):
        for name, value in step.items():
            where = f"step {number} {name}"
            if name == "mark":
                marker = _marker(str(value))
                request = asked.world.request((marker["namespace"], marker["flowId"]), inputs={}, labels={})
                asked.world.wait(asked.world.start(request), is_ended, "the end of the marking flow")
                asked.world.gov.settle(asked.world.left)
            elif name == "sleep":
                asked.world.pass_time(duration(str(value)).total_seconds())
            elif name == "read":
                yield from (f"{where}: {one}" for one in differs(dict(value), dict(asked.window.results)))
            elif name == "start_changed":
                yield from (f"{where}: {one}" for one in differs(value, asked.window.start != began))
            elif name == "expired_count":
                expired = asked.world.call("triggers.expired", *asked.place, ACTOR)
                yield from (f"{where}: {one}" for one in differs(value, len(expired)))
            else:
                yield f"unknown step `{name}`"


_CHECKS: Mapping[str, Callable[[Asked, Any], Iterator[str]]] = {
    "matches": _matches,
    "execution": _execution,
    "vars": _vars,
    "vars_absent": _vars_absent,
    "labels": _labels,
    "labels_contain": _labels_contain,
    "inputs": _inputs,
    "next_date": _date("next_date"),
    "previous_date": _date("previous_date"),
    "start": _edge("start"),
    "end": _edge("end"),
    "start_minute_in": _minute("start"),
    "end_minute_in": _minute("end"),
    "steps": _steps,
}
