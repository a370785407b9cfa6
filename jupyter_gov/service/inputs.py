"""Values for inputs: typed by the engine, files copied into the store, all problems reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.engine.inputs import resolve
from jupyter_gov.errors import InputError
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import Flow, InputDef
from jupyter_gov.lang.models.inputs import parse_inputs

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts

_STORED = ("kestra://", "gov://", "nsfile://")


def typed_inputs(
    parts: Parts, flow: Flow, given: Mapping[str, Any], *, execution_id: str, workdir: Path
) -> Mapping[str, Any]:
    """Return the typed inputs of a new execution; files named by FILE inputs are copied into the store.

    Raises
    ------
    InputError
        Something is missing or wrong; names every problem. Nothing was stored.
    """
    variables = {"flow": {"id": flow.id, "namespace": flow.namespace}, "vars": flow.variables}

    def render(value: Any, inputs: Mapping[str, Any]) -> Any:
        return expr.render_value(value, {**variables, "inputs": inputs}, parts.host(flow.namespace))

    values = resolve(flow.inputs, given, render=render, undeclared=flow.undeclared_inputs)
    prefix = f"/{flow.namespace.replace('.', '/')}/{flow.id}/executions/{execution_id}/inputs"
    files = {
        declared.id: _file(declared, values[declared.id], workdir)
        for declared in flow.inputs
        if declared.type == "FILE" and values.get(declared.id) is not None
    }
    # Only once every value is known to be right is the first file copied.
    for name, path in files.items():
        if path is not None:
            values[name] = parts.store.files.put(f"{prefix}/{name}", path, path.name)
    return values


def _file(declared: InputDef, value: Any, workdir: Path) -> Path | None:
    if str(value).startswith(_STORED):
        return None
    path = workdir / Path(str(value)).expanduser()
    if not path.is_file():
        raise InputError(
            f"Invalid input for `{declared.id}`, there is no such file, but received `{value}`",
            code="GOV212",
            hint=f"Relative paths start at {workdir.name or workdir}.",
        )
    return path


def typed_form(parts: Parts, form: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the typed values of a gate's form.

    Raises
    ------
    InputError
        A value is missing or wrong; the gate stays open.
    """
    declared = parse_inputs(form)

    def render(value: Any, inputs: Mapping[str, Any]) -> Any:
        return expr.render_value(value, {"inputs": inputs}, None)

    return resolve(declared, given, render=render)
