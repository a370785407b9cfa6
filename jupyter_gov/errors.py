"""Every error that a user of ``jupyter_gov`` can meet, in one tree.

::

    GovError                 code, message, hint, location
    ├── LanguageError        GOV1xx  a flow, its YAML or an expression is wrong
    │   ├── FlowError                    carries all diagnostics of a flow
    │   └── ExpressionError              a template cannot be parsed or rendered
    │       └── UndefinedValueError      ... since a name in it has no value
    ├── InputError           GOV2xx  a value given for an input is wrong
    ├── ExecutionError       GOV3xx  a verb does not fit the state of an execution
    │   ├── IllegalTransitionError
    │   └── NotFoundError
    ├── AccessError          GOV4xx  identity, roles, approvals
    ├── AuditError           GOV6xx  the history cannot be trusted
    ├── StoreError           GOV7xx  database, migrations, files
    │   └── ConflictError            somebody else changed the row first
    ├── TaskError            GOV8xx  a task could not do its work
    └── InstallationError    GOV9xx  a plugin, extra or tool is missing or broken

Each error says what is wrong, where, what was expected, and how to fix it; IPython shows it without Python frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_gov.legible import visible


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a source text; lines and columns count from 1, ``length`` in characters."""

    line: int
    column: int
    length: int = 1
    file: str | None = None

    def __str__(self) -> str:
        prefix = f"{self.file}:" if self.file else ""
        return f"{prefix}{self.line}:{self.column}"


class GovError(Exception):
    """Root of all errors that are somebody's to fix.

    Parameters
    ----------
    message
        What is wrong and what was expected, one sentence each.
    code
        Stable code such as ``GOV112``; documented under the same heading in ``docs/errors``.
    hint
        How to fix it.
    location
        Where in the user's text.
    """

    default_code = "GOV000"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        location: Location | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.location = location

    def __str__(self) -> str:
        where = f" (at {self.location})" if self.location else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.code}: {self.message}{where}{hint}"

    def to_json(self) -> dict[str, Any]:
        """Return the body that REST and ``--json`` show."""
        location = self.location
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "location": None if location is None else {"line": location.line, "column": location.column},
        }

    def _render_traceback_(self) -> list[str]:
        # IPython calls this instead of printing Python frames, which say nothing to the author of a flow.
        lines = [f"{self.code} {self.message}"]
        if self.location:
            lines.append(f"  at {self.location}")
        if self.hint:
            lines.append(f"  {self.hint}")
        return [visible(line) for line in lines]


class LanguageError(GovError):
    """A flow, its YAML or one of its expressions is wrong."""

    default_code = "GOV100"


class ExpressionError(LanguageError):
    """An expression cannot be parsed or rendered."""

    default_code = "GOV150"


class UndefinedValueError(ExpressionError):
    """A name used in an expression has no value."""

    default_code = "GOV151"


class InputError(GovError):
    """A value given for an input is missing or of the wrong type."""

    default_code = "GOV200"


class ExecutionError(GovError):
    """A verb does not fit the state of an execution."""

    default_code = "GOV300"


class IllegalTransitionError(ExecutionError):
    """A state may not follow the present one."""

    default_code = "GOV301"


class NotFoundError(ExecutionError):
    """No flow, execution, task run or approval of this name is visible to the actor."""

    default_code = "GOV302"


class AccessError(GovError):
    """The actor may not do this, or the approval cannot be decided this way."""

    default_code = "GOV400"


class AuditError(GovError):
    """The recorded history does not hold together."""

    default_code = "GOV600"


class StoreError(GovError):
    """The database or the file store refuses."""

    default_code = "GOV700"


class ConflictError(StoreError):
    """Somebody else changed the row first; read again and decide anew."""

    default_code = "GOV701"


class TaskError(GovError):
    """A task could not do its work.

    Parameters
    ----------
    outputs
        What the task had produced before it failed; kept with the task run.
    details
        What a person needs to find the fault (a failing cell, a traceback); becomes ``Failure.details``.
    """

    default_code = "GOV800"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        location: Location | None = None,
        outputs: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, location=location)
        self.outputs = outputs
        self.details = details


class InstallationError(GovError):
    """A plugin, an extra or an external tool is missing or broken."""

    default_code = "GOV900"
