"""Tasks one after the other."""

from __future__ import annotations

from typing import ClassVar

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine.flowables.base import Flowable, Plan, Scope, first_child, following


class Sequential(Flowable):
    """Runs its tasks one after the other, as one unit with its own ``errors`` and ``finally`` branches."""

    type_name = "io.kestra.plugin.core.flow.Sequential"
    aliases = ("io.kestra.core.tasks.flows.Sequential",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: prepare
type: io.kestra.plugin.core.flow.Sequential
tasks:
  - id: first
    type: io.kestra.plugin.core.log.Log
    message: first
  - id: second
    type: io.kestra.plugin.core.log.Log
    message: second
errors:
  - id: explain
    type: io.kestra.plugin.core.log.Log
    message: something above failed
""",
    )

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Start the first task."""
        return Plan(first_child(scope, "tasks"))

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Start the task after the one that ended."""
        return Plan(following(scope, ended))


class AllowFailure(Sequential):
    """Runs its tasks one after the other; a failure ends it with WARNING and the flow goes on."""

    type_name = "io.kestra.plugin.core.flow.AllowFailure"
    aliases = ("io.kestra.core.tasks.flows.AllowFailure",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: best-effort
type: io.kestra.plugin.core.flow.AllowFailure
tasks:
  - id: may-fail
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: not today
""",
    )

    @classmethod
    def end_state(cls, scope: Scope, state: State) -> State:
        """Turn FAILED into WARNING."""
        return State.WARNING if state is State.FAILED else state
