"""The outputs that a flow declares: rendered when it ends and typed like its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_gov.errors import ExecutionError, GovError
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import OutputDef
from jupyter_gov.lang.models.values import ValueProblem, coerce
from jupyter_gov.lang.ports import ExpressionHost


def resolve_outputs(
    declared: Sequence[OutputDef],
    variables: Mapping[str, Any],
    host: ExpressionHost | None,
    finds_secret: Callable[[Any], bool],
) -> dict[str, Any]:
    """Return the typed outputs of an execution; one that is not required and has no value is None.

    Raises
    ------
    ExecutionError
        An output cannot be rendered (the code of the expression's error) or is not of its type (``GOV208``, also when
        several are wrong). The message names all that are wrong: each with what was expected and what there is.
    """
    values: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for output in declared:
        try:
            rendered = _rendered(output, variables, host)
        except GovError as error:
            problems.append((error.code, _said(output, f"it cannot be rendered: {error.message}")))
            continue
        try:
            values[output.id] = _typed(output, rendered)
        except ValueProblem as problem:
            # A message quotes the beginning of what does not fit, and half a secret is not found any more.
            reason = "it is not shown, since it holds a secret" if finds_secret(rendered) else str(problem)
            problems.append(("GOV208", _said(output, reason)))
    if problems:
        code = problems[0][0] if len(problems) == 1 else "GOV208"
        raise ExecutionError("\n".join(message for _, message in problems), code=code)
    return values


def _rendered(output: OutputDef, variables: Mapping[str, Any], host: ExpressionHost | None) -> Any:
    value = output.value
    try:
        if isinstance(value, str) and output.type not in {None, "STRING"}:
            return expr.render_typed(value, variables, host)
        return expr.render_value(value, variables, host)
    except GovError:
        if output.required:
            raise
        return None


def _typed(output: OutputDef, value: Any) -> Any:
    if output.type is None or (value is None and not output.required):
        return value
    if value is None:
        # Some types of input take null as JSON's null; an output that must be there is not.
        raise ValueProblem(f"Expected `{output.type}` but received `null`")
    return coerce(output.type, value, {})


def _said(output: OutputDef, reason: str) -> str:
    return f"{output.id}: Invalid output for `{output.id}`, {reason}"
