"""Conditions of a flow that are tested once its inputs are known, before anything of it runs (``checks``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution, Failure
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.states import EXECUTION_TRANSITIONS, State, advance
from jupyter_gov.engine import context
from jupyter_gov.engine import facts as facts_of
from jupyter_gov.errors import ExecutionError, GovError
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import Flow, StartCheck
from jupyter_gov.lang.ports import ExpressionHost

_LEVELS = {"INFO": "INFO", "SUCCESS": "INFO", "WARNING": "WARN", "ERROR": "ERROR"}


@dataclass(frozen=True, slots=True)
class Unmet:
    """A check whose condition is not true, and what people read about it."""

    check: StartCheck
    message: str


def unmet(
    flow: Flow,
    execution: Execution,
    host: ExpressionHost | None,
    *,
    envs: Mapping[str, Any] | None = None,
    globals_: Mapping[str, Any] | None = None,
) -> list[Unmet]:
    """Return the checks of a flow that an execution about to start does not meet, in their order.

    A condition that cannot be evaluated, or gives anything but true, is not met; one that cannot be evaluated blocks.
    """
    if not flow.checks:
        return []
    variables = context.build(flow, execution, envs=envs, globals_=globals_, host=host)
    found = []
    for check in flow.checks:
        try:
            if expr.render_typed(check.condition, variables, host) is not True:
                found.append(Unmet(check, _message(check, variables, host)))
        except GovError as error:
            blocking = replace(check, behavior="BLOCK_EXECUTION", style="ERROR")
            found.append(Unmet(blocking, f"the condition {check.condition} cannot be evaluated: {error.message}"))
    return found


def _message(check: StartCheck, variables: Mapping[str, Any], host: ExpressionHost | None) -> str:
    try:
        return expr.render(check.message, variables, host)
    except GovError:
        return check.message


def judge(execution: Execution, facts: Sequence[Fact], found: Sequence[Unmet]) -> tuple[Execution, Sequence[Fact]]:
    """Return a created execution as its flow's checks let it begin: as it is, or failed.

    Raises
    ------
    ExecutionError
        ``GOV338``: a check lets nothing start.
    """
    blocking = [one.message for one in found if one.check.behavior == "BLOCK_EXECUTION"]
    if blocking:
        raise ExecutionError(
            f"a check of flow {execution.namespace}.{execution.flow_id} does not let it start: {'; '.join(blocking)}",
            code="GOV338",
            hint="Start it with other inputs, or change its `checks`.",
        )
    failing = [one.message for one in found if one.check.behavior == "FAIL_EXECUTION"]
    if not failing:
        return execution, facts
    history = advance(execution.history, State.FAILED, execution.created, EXECUTION_TRANSITIONS)
    failure = Failure("GOV339", f"a check of the flow is not met: {'; '.join(failing)}")
    execution = replace(execution, history=history, failure=failure)
    changes = facts_of.changes(execution)
    return execution, [replace(fact, body={**fact.body, "changes": changes}) for fact in facts]


def lines(execution: Execution, found: Sequence[Unmet], at: datetime) -> list[LogLine]:
    """Return what the execution's log says about the checks that are not met."""
    return [LogLine(0, execution.id, None, None, None, _LEVELS[one.check.style], at, one.message) for one in found]
