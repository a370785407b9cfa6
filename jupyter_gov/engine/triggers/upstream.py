"""Which executions a Flow trigger reacts to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from jupyter_gov.domain.states import TERMINAL, State
from jupyter_gov.engine.triggers.conditions import Verdict, has_labels, is_met, judge
from jupyter_gov.engine.triggers.parse import Parsed
from jupyter_gov.engine.triggers.subject import Subject, unusable
from jupyter_gov.engine.triggers.windows import Span, span_of
from jupyter_gov.errors import GovError
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.conditions import (
    ExecutionFilter,
    Filter,
    MultipleCondition,
    Preconditions,
    UpstreamFlow,
)
from jupyter_gov.lang.models.patterns import matches
from jupyter_gov.lang.models.triggers import FlowTrigger

Check = Callable[[Subject], bool]


@dataclass(frozen=True, slots=True)
class Group:
    """Several named conditions that must come true in one window."""

    id: str
    checks: Mapping[str, Check]
    span: Span

    def met_by(self, subject: Subject) -> frozenset[str]:
        """Return the names of the conditions that hold for an execution; one that cannot be evaluated does not."""
        return frozenset(name for name, check in self.checks.items() if _holds(check, subject))


def _holds(check: Check, subject: Subject) -> bool:
    try:
        return check(subject)
    except GovError:
        return False


def listens(parsed: Parsed, state: State) -> bool:
    """Return whether a Flow trigger looks at executions in a state: all final ones unless it names some."""
    own = parsed.own
    states = own.states if isinstance(own, FlowTrigger) else None
    return state in TERMINAL if states is None else str(state) in states


def groups(parsed: Parsed, zone: tzinfo) -> tuple[Group, ...]:
    """Return the windows of a Flow trigger: that of its preconditions, and its conditions of the older form.

    Raises
    ------
    ExecutionError
        ``GOV341``: a window is wrong.
    """
    found = [_multiple(one, zone) for one in parsed.conditions if isinstance(one, MultipleCondition)]
    own = parsed.own
    if isinstance(own, FlowTrigger) and own.preconditions is not None:
        found.append(_preconditions(own.preconditions, zone))
    return tuple(found)


def judge_alone(parsed: Parsed, subject: Subject) -> Verdict:
    """Return whether everything holds that is about this one execution, windows aside."""
    alone = [one for one in parsed.conditions if not isinstance(one, MultipleCondition)]
    return judge(alone, parsed.common.when, subject)


def _multiple(condition: MultipleCondition, zone: tzinfo) -> Group:
    checks: dict[str, Check] = {
        name: lambda subject, one=one: is_met(one, subject)  # type: ignore[misc]
        for name, one in condition.conditions.items()
    }
    span = span_of(condition.time_window, checks, zone, resets=condition.reset_on_success, old=condition)
    return Group(condition.id, checks, span)


def _preconditions(written: Preconditions, zone: tzinfo) -> Group:
    checks: dict[str, Check] = {}
    for flow in written.flows or ():
        name = flow.namespace if flow.flow_id is None else f"{flow.namespace}.{flow.flow_id}"
        checks[_unused(name, checks)] = lambda subject, flow=flow: comes_from(flow, subject)  # type: ignore[misc]
    for where in written.where or ():
        checks[_unused(where.id, checks)] = lambda subject, where=where: passes(where, subject)  # type: ignore[misc]
    return Group(written.id, checks, span_of(written.time_window, checks, zone, resets=written.reset_on_success))


def _unused(name: str, taken: Mapping[str, Check]) -> str:
    number = 2
    while (found := name if name not in taken else f"{name} #{number}") in taken:
        number += 1
    return found


def comes_from(flow: UpstreamFlow, subject: Subject) -> bool:
    """Return whether an execution is of this flow (or namespace), in one of its states, with its labels."""
    found = subject.execution
    return (
        found.namespace == flow.namespace
        and flow.flow_id in {None, found.flow_id}
        and (flow.states is None or str(found.state) in flow.states)
        and (flow.labels is None or has_labels(subject, flow.labels))
    )


# --- comparisons ------------------------------------------------------------------------------------------------


def passes(where: ExecutionFilter, subject: Subject) -> bool:
    """Return whether an execution passes comparisons.

    Raises
    ------
    GovError
        An expression cannot be rendered, or is compared with nothing.
    """
    results = (_compare(one, subject) for one in where.filters)
    return any(results) if where.operand == "OR" else all(results)


_ONE: Mapping[str, Callable[[str, str], bool]] = {
    "EQUAL_TO": lambda found, value: found == value,
    "NOT_EQUAL_TO": lambda found, value: found != value,
    "STARTS_WITH": lambda found, value: found.startswith(value),
    "ENDS_WITH": lambda found, value: found.endswith(value),
    "CONTAINS": lambda found, value: value in found,
    "REGEX": lambda found, value: matches(value, found),
}
_NONE: Mapping[str, Callable[[str], bool]] = {
    "IS_TRUE": expr.is_truthy,
    "IS_FALSE": lambda found: not expr.is_truthy(found),
    "IS_NULL": lambda found: found == "",
    "IS_NOT_NULL": lambda found: found != "",
}


def _compare(one: Filter, subject: Subject) -> bool:
    if one.field == "EXPRESSION":
        # The value is the expression itself: it is asked for its truth, there is nothing to compare it with.
        if one.type not in _NONE:
            raise unusable(f"a filter by EXPRESSION cannot be of type {one.type}", f"Use one of {', '.join(_NONE)}.")
        return _NONE[one.type](subject.render(one.value or ""))
    execution = subject.execution
    found = {"FLOW_ID": execution.flow_id, "NAMESPACE": execution.namespace, "STATE": str(execution.state)}[one.field]
    if one.type in {"IN", "NOT_IN"}:
        return (found in (one.values or ())) is (one.type == "IN")
    return _NONE[one.type](found) if one.type in _NONE else _ONE[one.type](found, one.value or "")
