"""What a flowable sees of a step in the making."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.execution import Execution, Frame, TaskRun
from jupyter_gov.engine.outputs import resolve_outputs
from jupyter_gov.engine.work import Work
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.models.flow import OutputDef, TaskDef


@dataclass(frozen=True, slots=True)
class RunScope:
    """``flowables.base.Scope`` over a step in the making."""

    work: Work
    run_id: str

    @property
    def run(self) -> TaskRun:
        """The flowable's own task run."""
        return self.work.run(self.run_id)

    @property
    def task(self) -> TaskDef:
        """The flowable's task."""
        return self.work.task(self.run)

    @property
    def frame(self) -> Frame:
        """Where it stands."""
        return self.work.frame(self.run_id)

    @property
    def execution(self) -> Execution:
        """The execution as it is now."""
        return self.work.execution

    @property
    def now(self) -> datetime:
        """The time of the step."""
        return self.work.now

    def publish(self, outputs: Mapping[str, Any]) -> None:
        """Let expressions see these outputs from now on."""
        hidden = self.work.hide(outputs)
        self.work.put(replace(self.run, outputs=hidden, outputs_digest=digest(hidden)))

    def render(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Render texts at any depth; what ``extra`` says of a map such as ``taskrun`` is added to it."""
        return self.work.render(value, self.run, extra)

    def read(self, uri: str) -> str:
        """Return the text of a file."""
        if self.work.host is None:
            raise ExecutionError(f"the file {uri!r} cannot be read here", code="GOV323")
        return self.work.host.read(uri)

    def typed(self, outputs: Sequence[OutputDef]) -> Mapping[str, Any]:
        """Return declared outputs, rendered and of their types."""
        return resolve_outputs(outputs, self.work.variables(self.run), self.work.host, self.work.finds_secret)

    def hide(self, value: Any) -> Any:
        """Replace secrets in texts at any depth."""
        return self.work.hide(value)

    def finds_secret(self, value: Any) -> bool:
        """Return whether there is a secret in texts at any depth."""
        return self.work.finds_secret(value)

    def tasks(self, branch: str) -> tuple[TaskDef, ...]:
        """Return the tasks of a slot."""
        return self.task.slots.get(branch, ())
