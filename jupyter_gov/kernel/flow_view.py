"""What ``%%govflow --validate`` and ``--register`` hand back: a flow, its problems, its shape."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.engine.graph import mermaid
from jupyter_gov.kernel.display.table import Table
from jupyter_gov.lang.check import CheckedFlow
from jupyter_gov.lang.diagnostics import Diagnostic, render
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.lang.ports import ADDED
from jupyter_gov.legible import visible


class FlowView:
    """A checked flow, and the revision under which it was stored if it was."""

    def __init__(self, flow: Flow, checked: CheckedFlow, revision: FlowRevision | None = None) -> None:
        self.flow = flow
        self.revision = None if revision is None else revision.revision
        self.digest = None if revision is None else revision.digest
        self._checked = checked

    @property
    def warnings(self) -> Sequence[Diagnostic]:
        """What is accepted but should be written differently."""
        return self._checked.warnings

    @property
    def graph(self) -> str:
        """The flow as mermaid text."""
        return mermaid(self.flow)

    def __repr__(self) -> str:
        return f"<FlowView {self.flow.namespace}.{self.flow.id} revision={self.revision} warnings={len(self.warnings)}>"

    def _headline(self) -> str:
        stored = "is valid; nothing was stored" if self.revision is None else f"is revision {self.revision}"
        return f"{self.flow.namespace}.{self.flow.id} {stored}."

    def _table(self) -> Table:
        rows = [(f"{'  ' * depth}{task.id}", slot, task.type) for task, slot, depth in _walk(self.flow.tasks, "", 0)]
        return Table(("Task", "Branch", "Type"), rows, empty="no tasks")

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        notes = visible(render(self.warnings, self._checked.source)) if self.warnings else ""
        plain = "\n".join(part for part in (f"✔ {self._headline()}", notes, str(self._table())) if part)
        table = self._table()._repr_mimebundle_()["text/html"]
        warned = f"<pre>{escape(notes)}</pre>" if notes else ""
        html = f"<div><div>✔ {escape(self._headline())}</div>{warned}{table}</div>"
        return {"text/plain": plain, "text/html": html, "text/vnd.mermaid": self.graph}


def _walk(tasks: Sequence[TaskDef], slot: str, depth: int) -> list[tuple[TaskDef, str, int]]:
    found = []
    for task in tasks:
        found.append((task, slot, depth))
        for name, children in task.slots.items():
            if name.startswith(ADDED):
                continue
            found += _walk(children, "" if name == "tasks" else name.removeprefix("cases:"), depth + 1)
    return found
