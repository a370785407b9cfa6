"""One of several lists of tasks, chosen by an expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.engine.flowables.base import Flowable, Plan, Scope, first_child, following
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.lang.ports import SlotKind


class If(Flowable):
    """Runs ``then`` if the condition holds, else ``else``."""

    type_name = "io.kestra.plugin.core.flow.If"
    aliases = ("io.kestra.core.tasks.flows.If",)
    slots: ClassVar[Mapping[str, SlotKind]] = {"then": "list", "else": "list", "errors": "list", "finally": "list"}
    output_docs: ClassVar[Mapping[str, str]] = {
        "evaluationResult": "Whether the condition held.",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: enough
type: io.kestra.plugin.core.flow.If
condition: "{{ 3 > 2 }}"
then:
  - id: go-on
    type: io.kestra.plugin.core.log.Log
    message: enough
else:
  - id: stop
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: too few
""",
    )

    condition: str = Field(description="Expression; false for false, 0, -0, null and the empty text.")

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Evaluate the condition and start the first task of its branch."""
        holds = is_truthy(scope.render(scope.task.props.get("condition")))
        branch = "then" if holds else "else"
        return Plan(first_child(scope, branch), branch=branch, outputs={"evaluationResult": holds})

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Start the task after the one that ended."""
        return Plan(following(scope, ended))


class Switch(Flowable):
    """Runs the case that equals the rendered value, else ``defaults``."""

    type_name = "io.kestra.plugin.core.flow.Switch"
    aliases = ("io.kestra.core.tasks.flows.Switch",)
    slots: ClassVar[Mapping[str, SlotKind]] = {"cases": "map", "defaults": "list", "errors": "list", "finally": "list"}
    output_docs: ClassVar[Mapping[str, str]] = {
        "value": "The rendered value.",
        "defaults": "Whether no case equals it, so that the defaults ran.",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: by-region
type: io.kestra.plugin.core.flow.Switch
value: EU
cases:
  EU:
    - id: european
      type: io.kestra.plugin.core.log.Log
      message: the stricter rules
defaults:
  - id: others
    type: io.kestra.plugin.core.log.Log
    message: the other rules
""",
    )

    value: str = Field(description="Expression whose text selects the case.")

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Render the value and start the first task of its case.

        Raises
        ------
        ExecutionError
            ``GOV320``: no case fits and there are no defaults.
        """
        value = scope.render(scope.task.props.get("value"))
        branch, known = cls._branch(scope, value)
        if branch is None:
            raise ExecutionError(
                f"no case of {scope.task.id!r} equals {value!r}; the cases are {', '.join(known) or 'none'}",
                code="GOV320",
                hint="Add the case, or a `defaults` branch.",
            )
        outputs: Mapping[str, Any] = {"value": value, "defaults": branch == "defaults"}
        return Plan(first_child(scope, branch), branch=branch, outputs=outputs)

    @staticmethod
    def _branch(scope: Scope, value: str) -> tuple[str | None, list[str]]:
        cases = [slot.removeprefix("cases:") for slot in scope.task.slots if slot.startswith("cases:")]
        if value in cases:
            return f"cases:{value}", cases
        return ("defaults" if scope.tasks("defaults") else None), cases

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Start the task after the one that ended."""
        return Plan(following(scope, ended))
