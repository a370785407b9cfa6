"""The actions of a case, in order: each key of an action is a verb (``ACTIONS``) or says what must be then (``AFTER``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import yaml

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.states import History, State
from jupyter_gov.errors import GovError
from tests.conformance.error_words import refusal, says, status_in
from tests.conformance.execution_expectations import check, runs_of
from tests.conformance.failure import Unmet
from tests.conformance.values import duration, moment
from tests.conformance.world import ACTOR, World, is_ended


@dataclass
class Step:
    """One action under way: which execution it is about, what the call returned, why it was refused."""

    target: Execution | None
    returned: Any = None
    error: GovError | None = None
    gone: bool = False


Verb = Callable[[World, Step, Any], None]
ACTIONS: dict[str, Verb] = {}
FIRST = frozenset({"before", "delete_cache", "start_with_schedule_date", "trigger"})
"""Actions that come before the flow is started, when they stand first; the last two start it themselves."""
ORDERS = frozenset({"resume", "kill", "restart", "mark_as", "change_status", "force_run", "unqueue"})
"""Actions that move an execution on."""
AFTER = frozenset({"expect", "expect_immediate", "expect_error", "expect_error_contains"})


def action(name: str) -> Callable[[Verb], Verb]:
    """Register what an action does under its name in the corpus."""

    def keep(function: Verb) -> Verb:
        ACTIONS[name] = function
        return function

    return keep


def run_action(world: World, entry: Mapping[str, Any]) -> list[str]:
    """Do what one action says and return what was not as it expects."""
    step = Step(world.main)
    refusable = "expect_error" in entry or "expect_error_contains" in entry
    world.before = None if step.target is None or step.gone else _present(world, step.target)
    if world.before is not None and not ORDERS.isdisjoint(entry):
        world.seen[world.before.id] = len(world.before.history.moments)
    for verb, value in entry.items():
        if verb in AFTER:
            continue
        if verb not in ACTIONS:
            raise Unmet(f"unknown action `{verb}`")
        try:
            ACTIONS[verb](world, step, value)
        except GovError as error:
            if not refusable:
                raise Unmet(f"{verb} was refused: {type(error).__name__} {error}") from error
            step.error = error
    return [f"after {_short(entry)}: {problem}" for problem in _expected(world, step, entry)]


def _short(entry: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in entry.items() if key not in AFTER)


def _present(world: World, execution: Execution) -> Execution | None:
    try:
        return world.now(execution)
    except GovError:  # deleted by the case
        return None


def _expected(world: World, step: Step, entry: Mapping[str, Any]) -> list[str]:
    problems: list[str] = []
    if "expect_error" in entry:
        problems += refusal(step.error, entry["expect_error"])
    if "expect_error_contains" in entry:
        wanted = str(entry["expect_error_contains"])
        if step.error is None or not says(str(step.error), wanted):
            problems.append(f"error: expected {wanted!r}, got {step.error}")
    if "expect_immediate" in entry:
        problems += check(world, _as_asked(world, step), entry["expect_immediate"])
    if "expect" in entry:
        wanted = entry["expect"]
        if isinstance(wanted, Mapping):
            problems += check(world, None if step.target is None else _present(world, step.target), wanted)
        elif not 200 <= (status_in(wanted) or 0) < 300:
            problems.append(f"the runner does not know the answer {wanted!r}")
    return problems


def _as_asked(world: World, step: Step) -> Execution | None:
    """Return the execution as the call left it.

    A verb that returns no execution is judged by the recorded histories, cut behind what the verb itself did.
    """
    if isinstance(step.returned, Execution):
        return step.returned
    before, target = world.before, step.target
    if before is None or target is None:
        return target
    seen = len(before.history.moments)
    found = world.wait(target, lambda one: len(one.history.moments) > seen, "the call to have an effect")
    first = found.history.moments[seen]
    cut = {run.id: _cut(run, before.task_runs.get(run.id), first.at) for run in found.ordered()}
    found = found.drop(run_id for run_id, run in cut.items() if run is None)
    return replace(
        found.put(*(run for run in cut.values() if run is not None)),
        history=History(found.history.moments[: seen + 1]),
    )


def _cut(run: TaskRun, before: TaskRun | None, at: Any) -> TaskRun | None:
    if before is None:
        return None
    moments = run.history.moments
    more = moments[len(before.history.moments) :][:1]
    kept = (*before.history.moments, *(one for one in more if one.at <= at))
    return replace(run, history=History(kept), attempts=run.attempts[: len(before.attempts)])


def _target(step: Step) -> Execution:
    if step.target is None:
        raise Unmet("there is no execution yet that the action could be about")
    return step.target


def _only(value: Any, known: frozenset[str], where: str) -> Mapping[str, Any]:
    """Return the parameters of an action; one that the runner does not know ends the case."""
    given = value if isinstance(value, Mapping) else {}
    for name in given:
        if name not in known:
            raise Unmet(f"unknown parameter `{name}` of {where}")
    return given


def _made(world: World, step: Step, returned: Any) -> None:
    """Go on with what a verb returned: maybe another execution than before."""
    step.returned = returned
    if isinstance(returned, Execution):
        step.target = world.main = returned


# --- waiting ----------------------------------------------------------------------------------------------------


@action("wait_for_state")
def _wait_for_state(world: World, step: Step, value: Any) -> None:
    wanted = State(value)
    target = _target(step)
    # What it went through before the last order does not count, what it has gone through since does.
    seen = world.seen.get(target.id, 0)

    def reached(execution: Execution) -> bool:
        return execution.state is wanted or any(one.state is wanted for one in execution.history.moments[seen:])

    found = world.wait(target, lambda one: reached(one) or is_ended(one), f"{wanted}")
    if not reached(found):
        raise Unmet(f"waited for {wanted}, but it ended {found.state}: {found.failure}")
    step.target = found


@action("wait_for_end")
def _wait_for_end(world: World, step: Step, value: Any) -> None:
    step.target = world.wait(_target(step), is_ended, "its end")


@action("sleep")
def _sleep(world: World, step: Step, value: Any) -> None:
    world.pass_time(duration(str(value)).total_seconds())


@action("expect_eventually")
def _eventually(world: World, step: Step, value: Any) -> None:
    problems = world.eventually(lambda: check(world, world.main and world.now(world.main), value))
    if problems:
        raise Unmet("\n".join(f"eventually: {problem}" for problem in problems))


# --- starting ---------------------------------------------------------------------------------------------------


def _run(world: World, value: Any, where: str) -> Execution:
    given = _only(value, frozenset({"run", "flow_id", "namespace", "inputs", "until", "save_id_as"}), where)
    flow_id = str(given.get("run") or given.get("flow_id") or value)
    flow = (str(given.get("namespace") or world.place[0]), flow_id)
    request = world.request(flow, inputs=dict(given.get("inputs") or {}))
    execution = world.gov.executions.start(request, ACTOR)
    if "until" in given:
        wanted = State(given["until"])
        execution = world.wait(execution, lambda one: one.state is wanted, f"{wanted}")
    else:
        execution = world.wait(execution, is_ended, "its end")
    if "save_id_as" in given:
        world.saved[str(given["save_id_as"])] = execution.id
    return execution


@action("before")
def _before(world: World, step: Step, value: Any) -> None:
    _run(world, value, "before")


@action("run")
def _run_other(world: World, step: Step, value: Any) -> None:
    step.target = _run(world, value, "run")


@action("run_again")
def _run_again(world: World, step: Step, value: Any) -> None:
    world.runs[-1] = world.wait(world.runs[-1], is_ended, "the end of the former run")
    step.target = world.start(world.request())
    world.runs.append(step.target)


@action("start_second")
def _start_second(world: World, step: Step, value: Any) -> None:
    step.target = world.second = world.gov.executions.start(world.request(), ACTOR)


@action("start_with_schedule_date")
def _start_scheduled(world: World, step: Step, value: Any) -> None:
    from datetime import UTC, datetime

    at = moment(f"<{value}>", datetime.now(UTC))
    step.target = world.start(world.request(schedule_date=at))


@action("trigger")
def _trigger(world: World, step: Step, value: Any) -> None:
    if value.get("type") != "webhook":
        raise Unmet(f"unknown type of trigger `{value.get('type')}`")
    known = {"type", "key", "method", "query", "json_body", "text_body", "namespace", "flow_id", "headers"}
    given = _only(value, frozenset(known), "trigger")
    world.triggered = True
    namespace, flow_id = world.place
    body: Any = None
    if "json_body" in given:
        import json

        body = json.dumps(given["json_body"])
    elif "text_body" in given:
        body = str(given["text_body"])
    try:
        returned = world.call(
            "triggers.webhook",
            str(given.get("namespace", namespace)),
            str(given.get("flow_id", flow_id)),
            str(given["key"]),
            method=str(given.get("method", "POST")),
            parameters=parse_qs(str(given.get("query", ""))),
            headers=dict(given.get("headers") or {}),
            body=body,
        )
    except GovError as error:
        world.raised = error
        return
    _made(world, step, returned)
    world.first = world.first or world.main


# --- verbs on an execution --------------------------------------------------------------------------------------


def _which(world: World, step: Step, value: Any) -> Execution:
    if value == "second":
        if world.second is None:
            raise Unmet("there is no second execution")
        step.target = world.second
        world.before = _present(world, world.second)
    elif value not in (True, "first", None) and not isinstance(value, Mapping):
        raise Unmet(f"the runner does not know the execution {value!r}")
    return _target(step)


@action("resume")
def _resume(world: World, step: Step, value: Any) -> None:
    given = _only(value, frozenset({"inputs", "new_state"}), "resume")
    more = {"state": State(given["new_state"])} if "new_state" in given else {}
    inputs = dict(given.get("inputs") or {})
    for name, item in inputs.items():
        if isinstance(item, Mapping) and "content" in item:
            file_name = str(item.get("name") or item.get("file") or name)
            inputs[name] = world.put_file(file_name, str(item["content"]), f"resume-{name}")
    target = world.now(_target(step))
    step.returned = world.call("executions.resume", target.id, ACTOR, inputs, **more)
    # It is told, and takes effect with the next commit; until then the execution looks as before.
    world.wait(target, lambda one: one.version > target.version, "the resume to have an effect")


@action("kill")
def _kill(world: World, step: Step, value: Any) -> None:
    step.returned = world.call("executions.kill", _which(world, step, value).id, ACTOR)


@action("pause")
def _pause(world: World, step: Step, value: Any) -> None:
    target = _which(world, step, value)
    step.returned = world.call("executions.pause", target.id, ACTOR)
    # It takes effect between two commits; the next action is about the paused execution.
    step.target = world.wait(target, lambda one: one.state is State.PAUSED or is_ended(one), "PAUSED")


@action("restart")
def _restart(world: World, step: Step, value: Any) -> None:
    given = _only(value, frozenset({"revision"}), "restart")
    _made(world, step, world.call("executions.restart", _target(step).id, ACTOR, **given))


@action("replay")
def _replay(world: World, step: Step, value: Any) -> None:
    given = _only(value, frozenset({"from_task", "values", "revision"}), "replay")
    target = world.now(_target(step))
    more = {name: given[name] for name in ("revision",) if name in given}
    if "from_task" in given:
        more["from_task"] = _one_run(target, given["from_task"], given.get("values")).id
    _made(world, step, world.call("executions.replay", target.id, ACTOR, **more))


def _one_run(execution: Execution, task: Any, values: Any) -> TaskRun:
    found = runs_of(execution, str(task), values)
    if not found:
        raise Unmet(f"there is no task run of {task} {values or ''}")
    return found[0]


@action("mark_as")
def _mark_as(world: World, step: Step, value: Any) -> None:
    given = _only(value, frozenset({"task", "values", "state"}), "mark_as")
    target = world.now(_target(step))
    run = _one_run(target, given["task"], given.get("values"))
    _made(world, step, world.call("executions.mark_task", target.id, run.id, State(given["state"]), ACTOR))


@action("change_status")
def _change_status(world: World, step: Step, value: Any) -> None:
    given = _only(value, frozenset({"state"}), "change_status")
    state = State(given.get("state", value) if isinstance(value, Mapping) else value)
    _made(world, step, world.call("executions.change_status", _target(step).id, state, ACTOR))


@action("force_run")
def _force_run(world: World, step: Step, value: Any) -> None:
    step.returned = world.call("executions.force_run", _which(world, step, value).id, ACTOR)


@action("unqueue")
def _unqueue(world: World, step: Step, value: Any) -> None:
    given = _only(value, frozenset({"state"}), "unqueue")
    more = {"state": State(given["state"])} if "state" in given else {}
    step.returned = world.call("executions.unqueue", _which(world, step, value).id, ACTOR, **more)


@action("set_labels")
def _set_labels(world: World, step: Step, value: Any) -> None:
    labels = value if isinstance(value, Mapping) else {item["key"]: item["value"] for item in value}
    step.returned = world.call("executions.set_labels", _target(step).id, dict(labels), ACTOR)


@action("delete")
def _delete(world: World, step: Step, value: Any) -> None:
    given = _only(value, frozenset({"logs", "metrics", "storage", "id"}), "delete")
    more = {name: item for name, item in given.items() if name != "id"}
    if "id" not in given:
        world.main = world.now(_target(step))  # as it was last seen
        world.deleted = True
    step.returned = world.call("executions.delete", str(given.get("id") or _target(step).id), ACTOR, **more)


@action("delete_cache")
def _delete_cache(world: World, step: Step, value: Any) -> None:
    if world.first is None:
        return  # the store is fresh: nothing can be in the cache
    world.call("flows.delete_cache", *world.place, str(value), ACTOR)


@action("update_flow")
def _update_flow(world: World, step: Step, value: Any) -> None:
    text = str(value)
    rule = re.match(r"replace task [`'](\S+)[`'] by a Return with format [`']([^`']*)[`']", text)
    if rule:
        flow = yaml.safe_load(world.source)
        if not _replaced(flow, rule[1], rule[2]):
            raise Unmet(f"there is no task {rule[1]} to replace")
        text = yaml.safe_dump(flow, sort_keys=False)
    elif not isinstance(yaml.safe_load(text), Mapping):
        raise Unmet(f"the runner does not know the change {text!r}")
    world.register(text)


def _replaced(node: Any, task: str, text: str) -> bool:
    found = False
    for key, item in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if isinstance(item, dict) and item.get("id") == task and "type" in item:
            node[key] = {"id": task, "type": "io.kestra.plugin.core.debug.Return", "format": text}
            found = True
        else:
            found = _replaced(item, task, text) or found
    return found
