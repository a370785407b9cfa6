"""Values for inputs: typed by the engine, files copied into the store, all problems reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.sealed import sealed
from jupyter_gov.engine.inputs import resolve
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.models.inputs import parse_input
from jupyter_gov.runtime.sealing import Sealer

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

    values = resolve(
        flow.inputs,
        given,
        render=render,
        undeclared=flow.undeclared_inputs,
        file_ok=lambda value: value.startswith(_STORED) or _local(value, workdir).is_file(),
    )
    prefix = f"kestra:///{flow.namespace.replace('.', '/')}/{flow.id}/executions/{execution_id}/inputs"
    sealer = Sealer(str(parts.settings.get("encryption.key") or ""))
    for declared in flow.inputs:
        if declared.type == "SECRET" and isinstance(values.get(declared.id), str):
            values[declared.id] = sealed(sealer.seal(values[declared.id]))
    # Only once every value is known to be right is the first file copied.
    for declared in flow.inputs:
        value = values.get(declared.id)
        if declared.type == "FILE" and value is not None and not str(value).startswith(_STORED):
            path = _local(str(value), workdir)
            values[declared.id] = parts.store.files.put(f"{prefix}/{declared.id}", path, path.name)
    return values


def _local(value: str, workdir: Path) -> Path:
    return workdir / Path(value).expanduser()


def typed_form(parts: Parts, form: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the typed values of a gate's form.

    Raises
    ------
    InputError
        A value is missing or wrong; the gate stays open.
    """
    declared = [parse_input(item) for item in form]

    def render(value: Any, inputs: Mapping[str, Any]) -> Any:
        return expr.render_value(value, {"inputs": inputs}, None)

    return resolve(declared, given, render=render)
