"""Tasks that act on triggers."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from jupyter_gov.plugins.api import Dynamic, RunnableTask
from jupyter_gov.plugins.context import RunContext


class Toggle(RunnableTask):
    """Turn a trigger off, or on again.

    Once it is on, a schedule goes on with its next date: nothing is caught up on. A trigger that is disabled by the
    text of its flow stays so. It goes on record who the execution runs as.
    """

    type_name = "io.kestra.plugin.core.trigger.Toggle"
    aliases = ("io.kestra.core.tasks.trigger.Toggle",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: pause-nightly-load
type: io.kestra.plugin.core.trigger.Toggle
namespace: company.team
flowId: nightly-load
trigger: night
enabled: false
""",
    )

    namespace: Dynamic[str] | None = Field(default=None, description="Namespace of the flow; this flow's if left out.")
    flow_id: Dynamic[str] | None = Field(default=None, description="Flow of the trigger; this one if left out.")
    trigger: Dynamic[str] = Field(description="Id of the trigger.", min_length=1)
    enabled: Dynamic[bool] = Field(default=False, description="Whether it is on afterwards.")

    def run(self, ctx: RunContext) -> None:
        """Turn the trigger off or on.

        Raises
        ------
        NotFoundError
            ``GOV302``: no such trigger.
        ExecutionError
            ``GOV380``: the text of its flow disables it.
        """
        namespace = self.namespace or ctx.execution.namespace
        flow_id = self.flow_id or ctx.execution.flow_id
        changed = ctx.toggle_trigger(namespace, flow_id, self.trigger, disabled=not self.enabled)
        state = "on" if self.enabled else "off"
        said = f"Trigger {namespace}.{flow_id}/{self.trigger} is {state}"
        ctx.logger.info(f"{said}." if changed else f"{said} already.")
