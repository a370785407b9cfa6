"""A call of another flow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.domain.execution import Label, TaskRun
from jupyter_gov.engine.flowables.base import NOTHING, Call, Flowable, Plan, Scope
from jupyter_gov.errors import TaskError
from jupyter_gov.lang.ports import SlotKind
from jupyter_gov.plugins.api import Dynamic


class Subflow(Flowable):
    """Runs another flow as its own execution and, with ``wait``, hands back its outputs."""

    type_name = "io.kestra.plugin.core.flow.Subflow"
    aliases = ("io.kestra.core.tasks.flows.Subflow", "io.kestra.core.tasks.flows.Flow")
    slots: ClassVar[Mapping[str, SlotKind]] = {}
    output_docs: ClassVar[Mapping[str, str]] = {
        "executionId": "Id of the execution that was started.",
        "state": "State in which it ended, if this task waited.",
        "outputs": "Outputs that the called flow declares, if this task waited.",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: score
type: io.kestra.plugin.core.flow.Subflow
namespace: company.team
flowId: scoring
inputs:
  day: "2026-01-31"
wait: true
transmitFailed: true
""",
    )

    namespace: Dynamic[str] = Field(description="Namespace of the flow to call.")
    flow_id: Dynamic[str] = Field(description="Id of the flow to call.")
    revision: Dynamic[int] | None = Field(default=None, description="Revision; the newest if absent.")
    inputs: Dynamic[dict[str, Any]] = Field(default_factory=dict, description="Values for the inputs of that flow.")
    labels: Dynamic[dict[str, Any] | list[dict[str, Any]]] = Field(
        default_factory=dict, description="Labels of the new execution."
    )
    wait: bool = Field(default=True, description="Whether to wait for its end.")
    transmit_failed: bool = Field(default=True, description="Whether this task ends in the state of that execution.")
    inherit_labels: bool = Field(default=False, description="Whether it gets the labels of this execution.")
    schedule_date: Dynamic[str] | None = Field(
        default=None, description="When the called execution begins: an ISO date and time with its offset."
    )
    outputs: Dynamic[dict[str, Any]] | None = Field(
        default=None, description="Old: use the outputs that the called flow declares.", deprecated=True
    )

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Render the call."""
        props = scope.task.props
        revision = props.get("revision")
        call = Call(
            namespace=scope.render(props["namespace"]),
            flow_id=scope.render(props["flowId"]),
            revision=None if revision is None else int(scope.render(revision)),
            inputs=scope.render(props.get("inputs") or {}),
            labels=cls._labels(scope),
            wait=bool(props.get("wait", True)),
            due=cls._due(scope),
        )
        return Plan(wait=call)

    @staticmethod
    def _due(scope: Scope) -> datetime | None:
        written = scope.render(scope.task.props.get("scheduleDate"))
        if not written:
            return None
        try:
            due = datetime.fromisoformat(str(written))
        except ValueError:
            due = None
        if due is None or due.tzinfo is None:
            raise TaskError(
                f"`scheduleDate` is {written!r}, which is no date and time with an offset",
                code="GOV318",
                hint="Write it as 2027-01-31T08:00:00+01:00, or ….000Z.",
            )
        return due

    @staticmethod
    def _labels(scope: Scope) -> tuple[Label, ...]:
        inherit = scope.task.props.get("inheritLabels", False)
        labels = {
            label.key: label.value for label in scope.execution.labels if inherit or label.key.startswith("system.")
        }
        labels.update(as_labels(scope.hide(scope.render(scope.task.props.get("labels") or {}))))
        return tuple(Label(key, value) for key, value in labels.items())

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Do nothing: a call has no children of its own."""
        return NOTHING


def as_labels(written: Any) -> dict[str, str]:
    """Return labels written as a map or as a list of ``{key, value}``; a later key wins."""
    if isinstance(written, Mapping):
        return {str(key): _text(value) for key, value in written.items()}
    return {str(item["key"]): _text(item.get("value")) for item in written or ()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
