"""Values that people hand over, at a start and at a gate: typed by the engine, all problems reported together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.approval import Approval
from jupyter_gov.domain.execution import Execution
from jupyter_gov.errors import GovError
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.models.inputs import parse_input
from jupyter_gov.runtime.files import FileAccess, allowed_directories, file_name
from jupyter_gov.runtime.intake import Intake
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.sealing import Sealer

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts

_STORED = ("kestra://", "gov://", "nsfile://")


def typed_inputs(
    parts: Parts,
    flow: Flow,
    given: Mapping[str, Any],
    *,
    execution_id: str,
    workdir: Path,
    strict: bool = True,
    trusted: bool = False,
) -> Mapping[str, Any]:
    """Return the inputs of a new execution as they are stored: typed, secrets sealed, files copied into the store.

    Parameters
    ----------
    strict
        Refuse values for inputs that the flow does not declare.
    trusted
        The values were checked before: they are taken as they are, see ``StartRequest``.

    Raises
    ------
    InputError
        Something is missing or wrong; names every problem. Nothing was stored.
    """
    masks = Masks()
    prefix = f"kestra:///{flow.namespace.replace('.', '/')}/{flow.id}/executions/{execution_id}/inputs"

    def file_ok(value: str) -> bool:
        return value.startswith(_STORED) or _local(value, workdir).is_file()

    def put(name: str, value: str) -> str:
        if value.startswith(_STORED):
            return value
        path = _local(value, workdir)
        if trusted and not path.is_file():
            return value
        return parts.store.files.put(f"{prefix}/{name}", path, path.name)

    intake = Intake(
        declared=flow.inputs,
        given=given,
        literal=given,
        masks=masks,
        sealer=_sealer(parts),
        put=put,
        variables={"flow": {"id": flow.id, "namespace": flow.namespace}, "vars": flow.variables},
        host=parts.host(flow.namespace, masks, flow.dialect),
    )
    return intake.take(undeclared=flow.undeclared_inputs, file_ok=file_ok, strict=strict, trusted=trusted)


def _local(value: str, workdir: Path) -> Path:
    return workdir / Path(value).expanduser()


def _sealer(parts: Parts) -> Sealer:
    return Sealer(str(parts.settings.get("encryption.key") or ""))


def typed_form(parts: Parts, execution: Execution, approval: Approval, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of a gate's form as they are stored: typed, secrets sealed, files copied into the store.

    Who answers may be elsewhere, in a browser: a path means what it means to the execution, relative to the folder in
    which that was started, and only files that the execution may read are found.

    Raises
    ------
    InputError
        A value is missing or wrong, or a secret cannot be sealed; nothing was stored and the gate stays open.
    """
    files = FileAccess(parts.store, execution, allowed_directories(parts.settings))
    space = execution.namespace.replace(".", "/")
    prefix = (
        f"kestra:///{space}/{execution.flow_id}/executions/{execution.id}"
        f"/tasks/{approval.task_id}/{approval.task_run_id}"
    )

    def file_ok(value: str) -> bool:
        try:
            files.path(value)
        except GovError:
            # The same answer for what is not there and what is not allowed: nobody can look around with it.
            return False
        return True

    def put(name: str, value: str) -> str:
        if value.startswith(_STORED):
            return value
        return parts.store.files.put(f"{prefix}/{name}", files.path(value), file_name(value))

    declared = [parse_input(item) for item in approval.form]
    intake = Intake(declared, given, literal=given, masks=Masks(), sealer=_sealer(parts), put=put)
    return intake.take(file_ok=file_ok)
