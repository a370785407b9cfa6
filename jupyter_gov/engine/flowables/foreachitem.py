"""A called flow for each batch of a file's rows: split, call, merge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from pydantic import Field

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.engine.flowables.base import CallEach, Flowable, Plan, Scope, first_child, following
from jupyter_gov.engine.flowables.subflow import Subflow
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.models.flow import TaskDef
from jupyter_gov.lang.ports import SlotKind
from jupyter_gov.plugins.api import Dynamic, GovModel

_NAME = "io.kestra.plugin.core.flow.ForEachItem"
SPLIT = f"{_NAME}$ForEachItemSplit"
CALLS = f"{_NAME}$ForEachItemExecutable"
MERGE = f"{_NAME}$ForEachItemMergeOutputs"
_OF_SPLIT = ("items", "batch")


class Batch(GovModel):
    """How many rows make a batch; of several sizes `bytes` counts first, then `partitions`."""

    rows: Dynamic[int] = Field(default=1, description="Rows of a batch.")
    bytes_: Dynamic[str] | None = Field(default=None, alias="bytes", description="Most bytes of a batch, such as 10MB.")
    partitions: Dynamic[int] | None = Field(default=None, description="Number of batches.")
    separator: Dynamic[str] = Field(default="\n", description="What ends a row; a line break if left out.")


class ForEachItem(Flowable):
    """Splits a file into batches of rows and runs another flow for each batch.

    In its properties `taskrun.items` is the URI of the batch and `taskrun.iteration` its number, from 0. Three task
    runs of its own show where it is: `<id>_split`, `<id>_items` with `numberOfBatches` and `iterations` (how many
    called executions are in which state), and `<id>_merge`, whose `subflowOutputs` is a file with the outputs of one
    called execution on each line. At most 50 called executions are open at once; all run, whatever becomes of the
    others. A restart runs only those again that did not end well.
    """

    type_name = _NAME
    aliases = ("io.kestra.core.tasks.flows.ForEachItem",)
    slots: ClassVar[Mapping[str, SlotKind]] = {"errors": "list", "finally": "list"}
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: each
type: io.kestra.plugin.core.flow.ForEachItem
items: "{{ inputs.file }}"
batch:
  rows: 100
namespace: company.team
flowId: score-batch
inputs:
  rows: "{{ taskrun.items }}"
wait: true
transmitFailed: true
""",
    )

    items: Dynamic[str] = Field(description="URI of the file.")
    batch: Batch = Field(default_factory=Batch, description="How much of the file goes to one called execution.")
    namespace: Dynamic[str] = Field(description="Namespace of the flow to call.")
    flow_id: Dynamic[str] = Field(description="Id of the flow to call.")
    revision: Dynamic[int] | None = Field(default=None, description="Revision; the newest if absent.")
    inputs: Dynamic[dict[str, Any]] = Field(default_factory=dict, description="Values for the inputs of that flow.")
    labels: Dynamic[dict[str, Any] | list[dict[str, Any]]] = Field(
        default_factory=dict, description="Labels of the new executions."
    )
    wait: bool = Field(default=True, description="Whether to wait for their ends.")
    transmit_failed: bool = Field(default=True, description="Whether this task fails when one of them does.")
    inherit_labels: bool = Field(default=False, description="Whether they get the labels of this execution.")
    schedule_date: Dynamic[str] | None = Field(
        default=None, description="When they begin: an ISO date and time with its offset."
    )

    @classmethod
    def added(cls, task: TaskDef) -> Mapping[str, tuple[TaskDef, ...]]:
        """Return the three tasks of which the work consists."""
        split, calls, merge = (f"{task.id}_{part}" for part in ("split", "items", "merge"))
        of_split = {name: task.props[name] for name in _OF_SPLIT if name in task.props}
        of_calls = {name: value for name, value in task.props.items() if name not in _OF_SPLIT}
        first = TaskDef(split, SPLIT, "runnable", of_split, repeatable=True, location=task.location)
        second = TaskDef(calls, CALLS, "flowable", {**of_calls, "split": split}, location=task.location, model=Calls)
        third = TaskDef(merge, MERGE, "runnable", {"calls": calls}, repeatable=True, location=task.location)
        return {"tasks": (first, second, third)}

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Start with the split."""
        return Plan(first_child(scope, "tasks"))

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Go on with the calls, then with what they handed back."""
        return Plan(following(scope, ended))


class Calls(Subflow):
    """Calls a flow once for each batch. It is a part of ForEachItem and no type of its own."""

    type_name = CALLS
    aliases: ClassVar[tuple[str, ...]] = ()  # type: ignore[assignment]  # it stands under its own name only
    examples: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Call the flow for the first batches."""
        split = scope.execution.find(str(scope.task.props["split"]), scope.run.path)
        uri = None if split is None else (split.outputs or {}).get("splits")
        if uri is None:
            raise ExecutionError("the batches of the file are not known any more", code="GOV858")
        batches = tuple(line for line in scope.read(str(uri)).splitlines() if line)
        return Plan(items=batches, wait=CallEach()) if batches else Plan(items=())

    @classmethod
    def for_batch(cls, scope: Scope, number: int, uri: str) -> Plan:
        """Return the call for one batch."""
        return super().begin(cast("Scope", _Batched(scope, {"items": uri, "iteration": number})))


class _Batched:
    """A scope in whose expressions the task run has the items and the number of a batch."""

    def __init__(self, scope: Scope, place: Mapping[str, Any]) -> None:
        self._scope = scope
        self._place = place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scope, name)

    def render(self, value: Any) -> Any:
        """Render texts at any depth."""
        return self._scope.render(value, {"taskrun": self._place})
