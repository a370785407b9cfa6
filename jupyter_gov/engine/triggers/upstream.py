"""Which executions a Flow trigger reacts to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.states import TERMINAL, State
from jupyter_gov.engine.triggers.conditions import Verdict, has_labels, is_met, judge
from jupyter_gov.engine.triggers.parse import Parsed
from jupyter_gov.engine.triggers.subject import Subject, unusable
from jupyter_gov.engine.triggers.windows import Span, span_of
from jupyter_gov.errors import GovError
from jupyter_gov.lang import expr
from jupyter_gov.lang.expr.zones import zone as zone_of
from jupyter_gov.lang.models.conditions import (
    ExecutionFilter,
    Filter,
    MultipleCondition,
    Preconditions,
    UpstreamFlow,
)
from jupyter_gov.lang.models.patterns import matches
from jupyter_gov.lang.models.triggers import FlowTrigger
from jupyter_gov.lang.models.upstream import Dependency, Window

_BY_DEFAULT = frozenset[str](str(state) for state in (*TERMINAL, State.PAUSED))
"""States that count with ``dependsOn``."""
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


def states_of(parsed: Parsed) -> frozenset[str]:
    """Return the states of executions that a Flow trigger looks at: all final ones unless it names some.

    With ``dependsOn`` paused ones count as well, and those that a dependency names.
    """
    own = parsed.own
    if isinstance(own, FlowTrigger) and own.states is not None:
        return frozenset(own.states)
    if isinstance(own, FlowTrigger) and own.depends_on is not None:
        return _BY_DEFAULT | {name for one in own.depends_on for name in one.states or ()}
    return frozenset(str(state) for state in TERMINAL)


def listens(parsed: Parsed, state: State) -> bool:
    """Return whether a Flow trigger looks at executions in a state."""
    return str(state) in states_of(parsed)


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
    if isinstance(own, FlowTrigger) and own.depends_on is not None:
        found.append(_dependencies(parsed.definition.id, own, own.depends_on, zone))
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


def _dependencies(trigger_id: str, own: FlowTrigger, depends_on: Sequence[Dependency], zone: tzinfo) -> Group:
    states = _BY_DEFAULT if own.states is None else frozenset(own.states)
    checks = {name: _waits_for(one, states) for name, one in named_dependencies(depends_on).items()}
    window = own.window or Window()
    zone = zone_of(window.timezone) if window.timezone else zone
    needed = {"ANY": 1, "AT_LEAST": own.min_satisfied}.get(own.mode or "ALL")
    # Without a window each time is a new one; with one the author says whether it is over once it has fired.
    resets = own.window is None or window.fire_once
    span = span_of(window.time_window(), checks, zone, resets=resets, needed=needed, once=window.fire_once, exact=True)
    return Group(trigger_id, checks, span)


def _waits_for(one: Dependency, states: frozenset[str]) -> Check:
    return lambda subject: depends_on(one, subject, states)


def named_dependencies(written: Sequence[Dependency]) -> dict[str, Dependency]:
    """Return dependencies by names that do not change with their order: what is kept of a window stays true."""
    plain = [f"{one.namespace or '*'}.{one.flow_id or '*'}" for one in written]
    names = (
        name if plain.count(name) == 1 else f"{name} {digest(one.model_dump(mode='json'))[7:15]}"
        for name, one in zip(plain, written, strict=True)
    )
    return dict(zip(names, written, strict=True))


def depends_on(one: Dependency, subject: Subject, states: frozenset[str]) -> bool:
    """Return whether an execution is what a dependency waits for; ``states`` count unless it names its own.

    Raises
    ------
    GovError
        Its expression cannot be rendered.
    """
    found = subject.execution
    return (
        one.namespace in {None, found.namespace}
        and one.flow_id in {None, found.flow_id}
        and str(found.state) in (states if one.states is None else one.states)
        and (one.labels is None or has_labels(subject, one.labels))
        and (one.when is None or subject.is_true(one.when))
    )


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
