"""The face of the expression language: render texts, values and whole structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from jinja2 import nodes

from jupyter_gov.errors import ExpressionError, Location, UndefinedValueError
from jupyter_gov.lang.expr.analysis import Advice, Use, advice, paths
from jupyter_gov.lang.expr.analysis import uses as find_uses
from jupyter_gov.lang.expr.environment import ENVIRONMENT
from jupyter_gov.lang.expr.faults import Fault, LimitFault, MissingFault
from jupyter_gov.lang.expr.limits import DEFAULT, Budget, Limits
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.typed import TypedState
from jupyter_gov.lang.expr.values import SEQUENCES
from jupyter_gov.lang.models.storable import is_text
from jupyter_gov.legible import shortened

if TYPE_CHECKING:
    from jupyter_gov.lang.ports import ExpressionHost

_T = TypeVar("_T")


def render(
    template: str, context: Mapping[str, Any], host: ExpressionHost | None = None, *, limits: Limits = DEFAULT
) -> str:
    """Render a template to text.

    Parameters
    ----------
    template
        Text with ``{{ }}`` and ``{% %}``; one without ``{`` is returned as it is.
    context
        Variables; any mapping, read only where the template asks.
    host
        Files, secrets and the clock for the functions that need them.

    Raises
    ------
    UndefinedValueError
        ``GOV151``: a name has no value.
    ExpressionError
        ``GOV150``, ``GOV152`` … ``GOV156``: everything else.
    """
    if "{" not in template:
        return template
    return _run(template, State.text, context, host, Budget(limits))


def render_value(
    value: Any, context: Mapping[str, Any], host: ExpressionHost | None = None, *, limits: Limits = DEFAULT
) -> Any:
    """Render the texts at any depth of ``value``, keys of maps too; everything else is kept.

    Raises
    ------
    ExpressionError
        As ``render``.
    """
    budget = Budget(limits)

    def deep(inner: Any, depth: int) -> Any:
        if isinstance(inner, str):
            return _run(inner, State.text, context, host, budget) if "{" in inner else inner
        if not isinstance(inner, (Mapping, *SEQUENCES)):
            return inner
        if depth == 0:
            raise ExpressionError(f"The value is nested deeper than {limits.nesting} levels.", code="GOV155")
        if isinstance(inner, Mapping):
            return {deep(key, depth - 1): deep(item, depth - 1) for key, item in inner.items()}
        return [deep(item, depth - 1) for item in inner]

    return deep(value, limits.nesting)


def render_typed(
    template: str,
    context: Mapping[str, Any],
    host: ExpressionHost | None = None,
    *,
    limits: Limits = DEFAULT,
    single: bool = False,
) -> Any:
    """Return the value itself if the whole text is one ``{{ }}``, else the rendered text.

    Parameters
    ----------
    single
        Refuse an output that is more than one value, as Kestra does, instead of making it text.

    Raises
    ------
    ExpressionError
        As ``render``.
    """
    if "{" not in template:
        return template

    def value(state: State) -> Any:
        if state.compiled.expression is not None:
            return state.compiled.expression(state)
        if single:
            return TypedState(state.environment, state.compiled, context, host, state.budget).value()
        return state.text()

    return _run(template, value, context, host, Budget(limits))


def syntax_error(template: str) -> ExpressionError | None:
    """Return what is wrong with a template before it is rendered: grammar, unknown names, numbers of arguments."""
    if "{" not in template:
        return None
    try:
        ENVIRONMENT.compiled(template)
    except Fault as fault:
        return _error(fault, template)
    return None


def references(template: str) -> frozenset[tuple[str, ...]]:
    """Return the paths that a template reads, such as ``("outputs", "a", "value")``.

    Raises
    ------
    ExpressionError
        The template is not one.
    """
    if "{" not in template:
        return frozenset()
    try:
        return ENVIRONMENT.compiled(template).paths
    except Fault:
        # An unknown filter does not hide which names are read.
        return _analysed(template, paths)


def uses(template: str) -> tuple[Use, ...]:
    """Return the filters and functions that a template uses; none if it is no template."""
    if "{" not in template:
        return ()
    try:
        return tuple(find_uses(ENVIRONMENT.tree(template)))
    except Fault:
        return ()


def warnings(template: str) -> list[Advice]:
    """Return what works here but should be written otherwise, such as ``fileRead``.

    Raises
    ------
    ExpressionError
        The template is not one.
    """
    if "{" not in template:
        return []
    try:
        found = ENVIRONMENT.compiled(template).advice
    except Fault:
        found = _analysed(template, lambda tree: tuple(advice(tree, template)))
    return [Advice(name, message, _location(template, offset)) for name, message, offset in found]


def _run(
    template: str,
    work: Callable[[State], _T],
    context: Mapping[str, Any],
    host: ExpressionHost | None,
    budget: Budget,
) -> _T:
    state: State | None = None
    try:
        state = State(ENVIRONMENT, ENVIRONMENT.compiled(template), context, host, budget)
        return _sound(work(state))
    except Fault as fault:
        if fault.offset is None and state is not None:
            fault.offset = state.at
        raise _error(fault, template) from None
    except RecursionError:
        raise _error(LimitFault("the expression is nested too deeply"), template) from None
    except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError) as error:
        # What Python refuses to compute is the template's fault as well; the cause stays attached.
        offset = None if state is None else state.at
        raise _error(Fault(f"the expression cannot be computed: {error}", offset=offset), template) from error


def _sound(result: _T) -> _T:
    # What comes of `fromJson('"\\ud800"')` cannot be written to a file, a database or a browser.
    if isinstance(result, str) and not is_text(result):
        raise Fault("the result holds half a surrogate pair, which is no character")
    return result


def _analysed(template: str, work: Callable[[nodes.Template], _T]) -> _T:
    try:
        return work(ENVIRONMENT.tree(template))
    except Fault as fault:
        raise _error(fault, template) from None


def _error(fault: Fault, template: str) -> ExpressionError:
    location = None if fault.offset is None else _location(template, fault.offset)
    if isinstance(fault, MissingFault):
        line = location.line if location else 1
        message = f"Unable to find `{fault.name}` used in the expression `{shortened(template)}` at line {line}"
        return UndefinedValueError(message, code=fault.code, hint=fault.hint, location=location)
    message = fault.message[:1].upper() + fault.message[1:] + ("" if fault.message.endswith(".") else ".")
    return ExpressionError(message, code=fault.code, hint=fault.hint, location=location)


def _location(template: str, offset: int) -> Location:
    before = template[:offset]
    return Location(line=before.count("\n") + 1, column=offset - (before.rfind("\n") + 1) + 1)
