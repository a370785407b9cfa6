"""Runs one case and judges it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.execution import Execution, Failure, TriggerInfo
from jupyter_gov.domain.states import State
from jupyter_gov.engine.coverage import Place, reached
from jupyter_gov.errors import GovError, UndefinedValueError
from jupyter_gov.lang import expr
from jupyter_gov.lang.flowtest.models import AssertionDef, Case, TriggerFixtureSpec
from jupyter_gov.lang.flowtest.operators import holds
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.plugins.outputs import jsonable
from jupyter_gov.service.api import StartRequest
from jupyter_gov.service.flowtests.rendering import Glass, typed
from jupyter_gov.service.flowtests.results import AssertionResult, CaseResult, Trouble, Verdict
from jupyter_gov.service.flowtests.world import Seed, World, world
from jupyter_gov.service.wire import Parts

_BAD = frozenset({State.FAILED, State.KILLED, State.CANCELLED})
_NULL = frozenset({"isNull", "isNotNull"})


def run_case(
    parts: Parts, begin: Seed, case: Case, actor: Actor, *, timeout: float
) -> tuple[CaseResult, frozenset[Place]]:
    """Run a case in a world of its own; return what became of it, and what of the flow it has reached."""
    line = case.location.line if case.location else None
    if case.disabled:
        return CaseResult(case.id, Verdict.SKIPPED, case.description, line=line), frozenset()
    started = time.monotonic()
    execution: Execution | None = None
    places: frozenset[Place] = frozenset()
    trouble: Trouble | None = None
    assertions: tuple[AssertionResult, ...] = ()
    try:
        with world(parts, begin, case.fixtures, actor) as found:
            execution, trouble = _executed(found, case, actor, timeout)
            places = reached(begin.flow, execution, _begun(found, execution, actor))
            if trouble is None:
                glass = Glass(found.gov.parts, found.flow, execution, found.files)
                assertions = tuple(_judged(case, glass))
    except GovError as error:
        trouble = Trouble(error.code, error.message, error.hint)
    verdict = _verdict(trouble, assertions)
    if verdict is not Verdict.ERROR and execution is not None:
        trouble = _unexpected_end(case, execution)
        verdict = Verdict.FAILED if trouble else verdict
    state = None if execution is None else str(execution.state)
    seconds = time.monotonic() - started
    return CaseResult(case.id, verdict, case.description, state, seconds, trouble, assertions, line), places


def _verdict(trouble: Trouble | None, assertions: tuple[AssertionResult, ...]) -> Verdict:
    if trouble is not None or any(one.trouble for one in assertions):
        return Verdict.ERROR
    return Verdict.PASSED if all(one.passed for one in assertions) else Verdict.FAILED


# --- the execution ------------------------------------------------------------------------------------------------


def _executed(found: World, case: Case, actor: Actor, timeout: float) -> tuple[Execution, Trouble | None]:
    """Start the flow and stay until it has ended, or waits for somebody who will not come, or the time is over."""
    gov, flow = found.gov, found.flow
    variables = {"files": found.files, "flow": {"id": flow.id, "namespace": flow.namespace}}
    request = StartRequest(
        flow.namespace,
        flow.id,
        inputs=typed(case.fixtures.inputs, variables, None),
        workdir=str(Path.cwd()),
        strict=True,
        trigger=_trigger(case.fixtures.trigger, flow, variables),
    )
    execution = gov.executions.start(request, actor)
    gov.start_loop()
    execution = gov.executions.wait(
        execution.id, actor, until=lambda now: now.is_over or bool(_gates(found, now, actor)), timeout=timeout
    )
    if not execution.is_over:
        return execution, _not_over(found, execution, actor, timeout)
    unusable = next((run for run in execution.ordered() if run.failure and run.failure.code == "GOV248"), None)
    if unusable is not None and unusable.failure is not None:
        failure = unusable.failure
        hint = (failure.details or {}).get("hint")
        return execution, Trouble(failure.code, f"task {unusable.task_id}: {failure.message}", hint)
    return execution, None


def _trigger(fixture: TriggerFixtureSpec | None, flow: Flow, variables: dict[str, Any]) -> TriggerInfo | None:
    if fixture is None:
        return None
    declared = next((one.type for one in flow.triggers if one.id == fixture.id), "")
    return TriggerInfo(fixture.id, fixture.type or declared, typed(fixture.variables, variables, None))


def _gates(found: World, execution: Execution, actor: Actor) -> list[str]:
    """Return the gates that nobody will answer: those that time does not open are the end of a case."""
    if execution.state is not State.PAUSED:
        return []
    details = found.gov.approvals.list(actor, status=ApprovalStatus.OPEN, execution_id=execution.id)
    gates = [detail.approval for detail in details]
    return [] if any(gate.deadline for gate in gates) else [gate.task_id for gate in gates]


def _not_over(found: World, execution: Execution, actor: Actor, timeout: float) -> Trouble:
    gates = _gates(found, execution, actor)
    if gates:
        names = ", ".join(map(repr, gates))
        hint = f"Add a fixture for the task {gates[0]!r}; the values of its form go below outputs.onResume."
        return Trouble("GOV244", f"the flow waits for an answer to {names}, and no fixture gives one", hint)
    open_runs = [run.task_id for run in execution.ordered() if not run.state.is_terminal]
    where = ", ".join(open_runs[-5:]) or "nothing"
    return Trouble(
        "GOV245",
        f"the flow did not end within {timeout:g} s; it is {execution.state}, at {where}",
        "Put fixtures in the place of slow tasks, or allow more time.",
    )


def _begun(found: World, execution: Execution, actor: Actor) -> set[str]:
    """Return the tasks that have begun by the history: rounds of a loop that are over leave no task runs."""
    begun: set[str] = set()
    after = 0
    stream = f"execution/{execution.id}"
    while entries := found.gov.audit.entries(actor, stream, after=after):
        after = entries[-1].seq
        for entry in entries:
            changed = entry.body.get("changes", {}).get("taskRuns", ())
            begun |= {run[1] for run in changed if run[2] not in ("CREATED", "SKIPPED")}
    return begun


def _unexpected_end(case: Case, execution: Execution) -> Trouble | None:
    """Return why an end that nobody asked about is a failure: assertions on what came before must not hide it."""
    wanted = any(fixture.state == "FAILED" for fixture in case.fixtures.tasks)
    if execution.state not in _BAD or wanted or any(map(_asks_state, case.assertions)):
        return None
    cause = _cause(execution)
    return Trouble(
        "GOV251",
        f"the execution ended {execution.state}" + (f": {cause.code} {cause.message}" if cause else ""),
        'If it should, say so: - value: "{{ execution.state }}", equalTo: ' + str(execution.state),
    )


def _cause(execution: Execution) -> Failure | None:
    failed = (f"{run.task_id}: {run.failure.message}" for run in execution.ordered() if run.failure)
    message = next(failed, None)
    if message is None:
        return execution.failure
    code = next(run.failure.code for run in execution.ordered() if run.failure)
    return Failure(code, f"task {message}")


def _asks_state(assertion: AssertionDef) -> bool:
    value = assertion.value
    paths = expr.references(value) if isinstance(value, str) and "{" in value else frozenset()
    return any(path[:2] == ("execution", "state") for path in paths)


# --- assertions ---------------------------------------------------------------------------------------------------


def _judged(case: Case, glass: Glass) -> Iterator[AssertionResult]:
    for assertion in case.assertions:
        for operator, expected in assertion.operators.items():
            yield _operator(assertion, operator, expected, glass)


def _operator(assertion: AssertionDef, operator: str, expected: Any, glass: Glass) -> AssertionResult:
    actual, trouble, passed = None, None, False
    try:
        run = None
        if assertion.task_id is not None and (run := glass.latest(assertion.task_id)) is None:
            raise UndefinedValueError(f"the task {assertion.task_id!r} was not reached", code="GOV249")
        expected = glass.render(expected, run)
        actual = _looked_at(assertion, operator, glass, run)
        passed = holds(operator, actual, expected)
    except GovError as error:
        trouble = Trouble("GOV249", f"the value cannot be read: {error.message}", error.hint)
    except ValueError as error:
        trouble = Trouble("GOV249", f"the value cannot be compared: {error}")
    masks = glass.masks
    return AssertionResult(
        value=str(assertion.value),
        operator=operator,
        expected=masks.apply_deep(jsonable(expected)),
        actual=masks.apply_deep(jsonable(actual)),
        passed=passed,
        trouble=trouble,
        description=assertion.description,
        message=_said(assertion, glass) if not passed else None,
        task_id=assertion.task_id,
        line=assertion.location.line if assertion.location else None,
    )


def _looked_at(assertion: AssertionDef, operator: str, glass: Glass, run: Any) -> Any:
    try:
        return glass.render(assertion.value, run)
    except UndefinedValueError:
        if operator in _NULL:
            return None
        raise


def _said(assertion: AssertionDef, glass: Glass) -> str | None:
    if assertion.error_message is None:
        return None
    try:
        return glass.masks.apply(str(glass.render(assertion.error_message)))
    except GovError:
        return assertion.error_message
