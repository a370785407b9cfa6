"""Typed and checked values for declared inputs: of a flow when it starts, of a form when a gate is answered.

Order of work per input: its dependencies, ``dependsOn.condition``, ``expression``, the given value or the default,
type, validators. All problems are collected and reported together; nothing has started by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_gov.errors import GovError, InputError
from jupyter_gov.lang.diagnostics import closest, listing, quoted
from jupyter_gov.lang.models.base import is_expression
from jupyter_gov.lang.models.flow import InputDef
from jupyter_gov.lang.models.inputs import dependency_order
from jupyter_gov.lang.models.storable import fault
from jupyter_gov.lang.models.values import ValueProblem, coerce, faults, java_text, shown

Render = Callable[[Any, Mapping[str, Any]], Any]
"""Renders an expression to its native value, in a context that has the inputs resolved so far as ``inputs``."""

SECRET_SHOWN = "********"  # noqa: S105 - what is shown in place of a secret


@dataclass(frozen=True, slots=True)
class InputProblem:
    """What is wrong with one value.

    Attributes
    ----------
    input
        Id of the input, for the field of a form.
    """

    input: str
    code: str
    message: str
    hint: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what forms and REST get."""
        return {"input": self.input, "code": self.code, "message": self.message, "hint": self.hint}


class InputsError(InputError):
    """Values for inputs are wrong; carries all problems.

    Parameters
    ----------
    problems
        One per value, in the order of the declaration; not empty.
    """

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        self.problems = tuple(problems)
        codes = {problem.code for problem in problems}
        hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
        super().__init__(
            "\n".join(problem.message for problem in problems),
            code=codes.pop() if len(codes) == 1 else None,
            hint=" ".join(hints) or None,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the body that REST shows: the message, and each problem with the id of its input."""
        return super().to_json() | {"problems": [problem.to_json() for problem in self.problems]}


@dataclass(slots=True)
class Resolved:
    """What became of one input; ``enabled`` is false when its condition or a dependency left it out."""

    definition: InputDef
    enabled: bool = True
    value: Any = None
    problems: list[InputProblem] = field(default_factory=list)


def resolve(
    declared: Sequence[InputDef],
    given: Mapping[str, Any],
    *,
    render: Render,
    undeclared: Sequence[str] = (),
    strict: bool = True,
    trusted: bool = False,
    file_ok: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """Return the typed values of all inputs, nested by the dots of their ids; what is optional and missing is None.

    Parameters
    ----------
    given
        Values as texts (command line) or typed; ``{"a.b": 1}`` and ``{"a": {"b": 1}}`` are the same.
    undeclared
        Names that the flow uses without declaring them: their values are taken as they are.
    strict
        Refuse values for inputs that there are not; else they are left out (see ``ignored``).
    trusted
        The values come from the engine itself (a subflow, a replay): files are not looked for again.
    file_ok
        Says whether a FILE value, a path or URI, can be read; without it no file is looked for.

    Raises
    ------
    InputError
        ``GOV201`` missing, ``GOV202`` wrong type, ``GOV203`` refused by a validator, ``GOV204`` not one of the values,
        ``GOV205`` unknown input, ``GOV206`` an expression of the declaration fails, ``GOV207`` no such file;
        ``GOV200`` when there are several of these. ``.problems`` has one entry per value.
    """
    resolver = _Resolver(declared, given, render, None if trusted else file_ok)
    found = resolver.run()
    problems = [problem for one in found for problem in one.problems]
    if strict:
        problems += _unknown(declared, given, undeclared)
    problems += _unstorable({name: given[name] for name in undeclared if name in given})
    if problems:
        raise InputsError(problems)
    values = {name: given[name] for name in undeclared if name in given}
    for one in found:
        if one.enabled:
            _nest(values, one.definition.id, one.value)
    return values


def ignored(declared: Sequence[InputDef], given: Mapping[str, Any], undeclared: Sequence[str] = ()) -> list[str]:
    """Return a sentence for each value that ``resolve`` leaves out when it is not strict, with the name that was meant.

    No value is shown: what nobody declared nobody has declared to be no secret.
    """
    found = []
    for problem in _unknown(declared, given, undeclared):
        name = quoted(problem.input)
        found.append(f"input {name} is not declared by the flow and was ignored. {problem.hint}")
    return found


def as_given(declared: Sequence[InputDef], given: Mapping[str, Any], *, render: Render) -> dict[str, Any]:
    """Return values that were checked before as they are, nested by the dots of their ids, with defaults filled in.

    Raises
    ------
    InputError
        ``GOV202``, ``GOV206``: a default does not fit its own input.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        _nest(values, name, deepcopy(value))  # defaults of what is nested in it are added below
    by_id = {one.id: one for one in declared}
    for name in dependency_order(declared):
        default = by_id[name].defaults
        if default is None or _look_up(values, name) is not None:
            continue
        resolver = _Resolver([replace(by_id[name], depends_on=None)], {}, render, None, context=values)
        (found,) = resolver.run()
        if found.problems:
            raise InputsError(found.problems)
    return values


def resolve_each(declared: Sequence[InputDef], given: Mapping[str, Any], *, render: Render) -> list[Resolved]:
    """Return what became of each input, problems included, for a form that checks while it is filled in."""
    return _Resolver(declared, given, render, None).run()


def offered_values(definition: InputDef, render: Render, context: Mapping[str, Any]) -> list[str]:
    """Return the values to choose from, of a SELECT, ENUM or MULTISELECT.

    Raises
    ------
    GovError
        Its expression fails or gives no list.
    """
    expression = definition.props.get("expression")
    if expression is None:
        return [java_text(value) for value in definition.props.get("values") or ()]
    values = render(expression, context)
    try:
        items = coerce("ARRAY", values, {"itemType": "STRING"})
    except ValueProblem as problem:
        raise InputError(f"the values of the input {definition.id!r} are no list: {problem}", code="GOV206") from None
    return [str(item) for item in items]


class _Resolver:
    def __init__(
        self,
        declared: Sequence[InputDef],
        given: Mapping[str, Any],
        render: Render,
        file_ok: Callable[[str], bool] | None,
        context: dict[str, Any] | None = None,
    ) -> None:
        self._declared = declared
        self._by_id = {one.id: one for one in declared}
        self._given = given
        self._render = render
        self._file_ok = file_ok
        self._done: dict[str, Resolved] = {}
        self._context: dict[str, Any] = {} if context is None else context

    def run(self) -> list[Resolved]:
        for name in dependency_order(self._declared):
            definition = self._by_id[name]
            result = self._done[name] = Resolved(definition)
            result.enabled = self._enabled(result)
            if result.enabled:
                self._value(result)
                _nest(self._context, name, result.value)
        return [self._done[name] for name in self._by_id]

    def _enabled(self, result: Resolved) -> bool:
        depends_on = result.definition.depends_on or {}
        needed = [self._done[name] for name in depends_on.get("inputs") or () if name in self._done]
        if not all(one.enabled and not one.problems for one in needed):
            return False
        condition = depends_on.get("condition")
        if condition is None:
            return True
        try:
            return self._render(condition, {"inputs": self._context}) is True
        except GovError as error:
            self._problem(result, "GOV206", f"its condition cannot be evaluated: {error.message}")
            return False

    def _value(self, result: Resolved) -> None:
        definition = result.definition
        value = _look_up(self._given, definition.id)
        try:
            if value is None:
                value = self._default(definition)
            offered = offered_values(definition, self._render, {"inputs": self._context})
        except GovError as error:
            self._problem(result, "GOV206", f"an expression of its declaration fails: {error.message}")
            return
        if value is None and definition.props.get("autoSelectFirst") and offered:
            value = offered[0]
        if value is None:
            if definition.required:
                self._problem(result, "GOV201", "missing required input", None)
            return
        self._typed(result, value, offered)

    def _default(self, definition: InputDef) -> Any:
        value = definition.defaults
        return self._render(value, {"inputs": self._context}) if is_expression(value) else value

    def _typed(self, result: Resolved, value: Any, offered: Sequence[str]) -> None:
        definition = result.definition
        try:
            typed = coerce(definition.type, value, definition.props)
            reasons = faults(definition.type, typed, definition.props, offered, required=definition.required)
        except ValueProblem as problem:
            self._problem(result, "GOV202", str(problem), value)
            return
        if reasons:
            code = "GOV204" if definition.type in ("SELECT", "ENUM", "MULTISELECT") else "GOV203"
            self._problem(result, code, "; ".join(reasons), value)
        elif definition.type == "FILE" and self._file_ok is not None and not self._file_ok(typed):
            self._problem(result, "GOV207", "no such file can be read", value)
        else:
            result.value = typed

    def _problem(self, result: Resolved, code: str, reason: str, *value: Any) -> None:
        definition = result.definition
        name = definition.id
        if value and definition.type == "SECRET" and value[0] is not None:
            # The value may stand in the reason as well.
            reason, value = reason.replace(shown(value[0]), SECRET_SHOWN), (SECRET_SHOWN,)
        received = f", but received `{shown(value[0])}`" if value else ""
        message = f"{name}: Invalid input for `{name}`, {reason}{received}"
        result.problems.append(InputProblem(name, code, message, _hint(definition, code)))


def _hint(definition: InputDef, code: str) -> str | None:
    if code == "GOV202":
        return _EXAMPLES.get(definition.type)
    if code == "GOV207":
        return "Give a path from the start folder; a file elsewhere must lie in a folder of the setting allowed_paths."
    lines = (definition.description or "").strip().splitlines()
    return lines[0] if code == "GOV201" and lines else None


_EXAMPLES = {
    "INT": "A whole number such as 42.",
    "FLOAT": "A number such as 0.5.",
    "DATE": "A date such as 2026-01-31.",
    "DATETIME": "A date and time with zone, such as 2026-01-31T12:00:00Z.",
    "TIME": "A time of day such as 12:30 or 12:30:45.",
    "DURATION": "A duration such as PT30M or P1D.",
    "ARRAY": 'A JSON list such as [1, 2] or ["a", "b"].',
    "MULTISELECT": 'A JSON list such as ["a", "b"].',
    "JSON": 'JSON such as {"a": 1}.',
    "URI": "A URI such as https://example.com/file.csv or file:///data/file.csv.",
    "FILE": "The path or URI of a file.",
}


def _unknown(declared: Sequence[InputDef], given: Mapping[str, Any], undeclared: Sequence[str]) -> list[InputProblem]:
    known = [*(one.id for one in declared), *undeclared]
    problems = []
    for name in _given_names(given, known):
        meant = closest(name, known)
        hint = f"Did you mean {quoted(meant)}?" if meant else f"Known inputs: {listing(known) or 'none'}."
        message = f"{quoted(name)[1:-1]}: Invalid input for `{quoted(name)[1:-1]}`, there is no such input"
        problems.append(InputProblem(name, "GOV205", message, hint))
    return problems


def _unstorable(values: Mapping[str, Any]) -> list[InputProblem]:
    # Values without a type: nothing else looks at them.
    problems = []
    for name, value in values.items():
        reason = fault(value, finite=True)
        if reason is not None:
            message = f"{name}: Invalid input for `{name}`, the value cannot be stored: {reason}"
            problems.append(InputProblem(name, "GOV202", message))
    return problems


def _given_names(given: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    """Return the names in ``given`` that belong to no known input."""
    unknown: list[str] = []
    exact = frozenset(known)
    for name, value in given.items():
        if name in exact:
            continue
        inside = [one[len(name) + 1 :] for one in known if one.startswith(f"{name}.")]
        if inside and isinstance(value, Mapping):
            unknown += [f"{name}.{rest}" for rest in _given_names(value, inside)]
        elif not (inside and value is None):
            unknown.append(name)
    return unknown


def _look_up(given: Mapping[str, Any], name: str) -> Any:
    if name in given:
        return given[name]
    value: Any = given
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _nest(values: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    for part in parents:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):  # an input "a" beside an input "a.b": the checker refuses it
            return
        values = inner
    values[last] = value
