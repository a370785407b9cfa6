"""What stands in the place of a task while a flow is tested."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyter_gov.engine.fixtures import FIXTURE
from jupyter_gov.engine.inputs import resolve
from jupyter_gov.errors import GovError, TaskError
from jupyter_gov.lang.flowtest.models import FixtureState
from jupyter_gov.lang.models.inputs import parse_input
from jupyter_gov.plugins.api import RunnableTask
from jupyter_gov.plugins.context import RunContext


class Fixture(RunnableTask):
    """Ends at once with given outputs in a given state; a gate's form is filled in and checked as people's answers are.

    It is in no catalogue: only a test run knows it.
    """

    type_name = FIXTURE
    repeatable = True

    outputs: dict[str, Any] = Field(default_factory=dict, description="What it hands back; rendered.")
    state: FixtureState = Field(default="SUCCESS", description="How it ends.")
    files: dict[str, str] = Field(default_factory=dict, description="Name -> URI: what outputs read as files.")
    gate: bool = Field(default=False, description="Whether it stands for a gate.")
    form: list[dict[str, Any]] = Field(default_factory=list, description="The inputs that the gate asks for.")

    def run(self, ctx: RunContext) -> dict[str, Any]:
        """Hand back the outputs, or fail.

        Raises
        ------
        TaskError
            ``GOV248``: the outputs cannot be rendered, or do not fit the form. ``GOV250``: it is to fail.
        """
        try:
            outputs = dict(ctx.render_typed(self.outputs, {"files": self.files}))
            if self.gate:
                outputs = self._answered(outputs, ctx)
        except GovError as error:
            raise TaskError(f"The fixture cannot be used: {error.message}", code="GOV248", hint=error.hint) from error
        if self.state == "FAILED":
            raise TaskError("The fixture lets the task fail.", code="GOV250", outputs=outputs)
        if self.state == "WARNING":
            ctx.warn("The fixture lets the task end with a warning.")
        return outputs

    def _answered(self, outputs: dict[str, Any], ctx: RunContext) -> dict[str, Any]:
        declared = [parse_input(item) for item in self.form]
        given = outputs.get("onResume") or {}
        answers = resolve(declared, given, render=ctx.render_typed)
        to = "FAILED" if self.state == "FAILED" else "RUNNING"
        resumed = {"by": "fixture", "on": ctx.now().isoformat(), "to": to}
        return {"resumed": resumed, **outputs, "onResume": dict(answers)}
