"""Tasks that count, resume and delete other executions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from jupyter_gov.domain.states import State
from jupyter_gov.errors import TaskError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.plugins.api import Dynamic, GovModel, Output, RunnableTask
from jupyter_gov.plugins.context import ExecutionRange, RunContext
from jupyter_gov.tasks.core.log import Level

StateName = Literal[
    "CREATED", "QUEUED", "RUNNING", "PAUSED", "RESTARTED", "RETRYING", "KILLING", "SUCCESS", "WARNING", "FAILED",
    "KILLED", "CANCELLED", "RETRIED", "SKIPPED",
]  # fmt: skip


def moment(text: str | None, name: str) -> datetime | None:
    """Return a date with time as it is written in a flow; without a zone it is UTC.

    Raises
    ------
    TaskError
        ``GOV887``: it is none.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TaskError(
            f"{name} is no date with time: {text!r}",
            code="GOV887",
            hint="Write it such as 2026-01-31T12:00:00Z, or \"{{ execution.startDate | dateAdd(-1, 'MONTHS') }}\".",
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class Resume(RunnableTask):
    """Let a paused execution of this namespace, or one below it, go on.

    It passes a plain Pause only. A gate that is assigned to people, or asks several of them, waits for them all the
    same, and the task fails.
    """

    type_name = "io.kestra.plugin.core.execution.Resume"
    repeatable = False
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: go-on
type: io.kestra.plugin.core.execution.Resume
executionId: "{{ inputs.waiting ?? execution.id }}"
inputs:
  reason: the data are there
""",
    )

    namespace: Dynamic[str] | None = Field(default=None, description="Accepted for an executionId, which says it.")
    flow_id: Dynamic[str] | None = Field(default=None, description="Accepted for an executionId, which says it.")
    execution_id: Dynamic[str] | None = Field(default=None, description="Which one; this execution if left out.")
    inputs: Dynamic[dict[str, Any]] | None = Field(default=None, description="Values for the form of its pause.")

    def run(self, ctx: RunContext) -> None:
        """Resume it.

        Raises
        ------
        TaskError
            ``GOV873``: there is no such execution in the namespace of the flow.
        """
        ctx.executions.resume(self.execution_id or ctx.execution.id, self.inputs or {})


class CountedFlow(GovModel):
    """A flow whose executions are counted."""

    namespace: Dynamic[str] = Field(description="Its namespace.")
    flow_id: Dynamic[str] = Field(description="Its id.")


class CountResult(Output):
    """How many executions of one flow there are."""

    namespace: str
    flow_id: str
    count: int


class CountOutput(Output):
    """What Count hands back."""

    results: list[CountResult] | None = Field(default=None, description="The flows for which the expression is true.")
    total: int = Field(description="All of their executions together.")


class Count(RunnableTask):
    """Count executions: of flows, kept if an expression over their `count` is true, or of whole namespaces."""

    type_name = "io.kestra.plugin.core.execution.Count"
    aliases = ("io.kestra.core.tasks.executions.Counts",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: silent
type: io.kestra.plugin.core.execution.Count
flows:
  - namespace: company.team
    flowId: daily
expression: "{{ count == 0 }}"
startDate: "{{ execution.startDate | dateAdd(-1, 'DAYS') }}"
""",
    )

    flows: list[CountedFlow] | None = Field(default=None, description="The flows to count, each by itself.")
    namespaces: list[Dynamic[str]] | None = Field(
        default=None, description="Namespaces to count as a whole, with those below them; all if there are no flows."
    )
    states: list[StateName] | None = Field(default=None, description="Only executions in these states.")
    start_date: Dynamic[str] | None = Field(default=None, description="Only those created since then.")
    end_date: Dynamic[str] | None = Field(default=None, description="Only those created until then.")
    expression: str = Field(default="{{ true }}", description="Which flows to keep; sees their number as `count`.")

    def run(self, ctx: RunContext) -> CountOutput:
        """Count them."""
        every = ExecutionRange(
            states=tuple(State(name) for name in self.states or ()),
            since=moment(self.start_date, "startDate"),
            until=moment(self.end_date, "endDate"),
        )
        if not self.flows:
            spaces: list[str | None] = [str(one) for one in self.namespaces or ()] or [None]
            total = sum(ctx.executions.count(replace(every, namespace=space)) for space in spaces)
            return CountOutput(total=total)
        found = []
        for flow in self.flows:
            count = ctx.executions.count(replace(every, namespace=flow.namespace, flow_id=flow.flow_id))
            if is_truthy(ctx.render(self.expression, {"count": count})):
                found.append(CountResult(namespace=flow.namespace, flow_id=flow.flow_id, count=count))
        return CountOutput(results=found, total=sum(one.count for one in found))


class PurgeOutput(Output):
    """What PurgeExecutions hands back."""

    executions_count: int = Field(description="Executions that went, or of which something went.")
    logs_count: int = Field(description="Log lines that went.")
    storages_count: int = Field(description="Files that have no address any more.")
    metrics_count: int = Field(description="Metrics that went.")


class PurgeExecutions(RunnableTask):
    """Delete ended executions, or only their logs, metrics or files.

    What happened stays on record: the history of each says that it was deleted, and by which flow. An execution that
    holds a gate with rules of its own goes only after the one that called it.
    """

    type_name = "io.kestra.plugin.core.execution.PurgeExecutions"
    aliases = ("io.kestra.core.tasks.storages.Purge", "io.kestra.plugin.core.storage.Purge")
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: tidy
type: io.kestra.plugin.core.execution.PurgeExecutions
namespace: company.team
endDate: "{{ execution.startDate | dateAdd(-1, 'MONTHS') }}"
states: [KILLED, FAILED, WARNING, SUCCESS]
""",
    )

    namespace: Dynamic[str] | None = Field(
        default=None, description="Namespace, with those below it unless there is a flowId; all if left out."
    )
    flow_id: Dynamic[str] | None = Field(default=None, description="Only executions of this flow.")
    start_date: Dynamic[str] | None = Field(default=None, description="Only those created since then.")
    end_date: Dynamic[str] = Field(description="Only those created until then.")
    states: list[StateName] | None = Field(default=None, description="Only those that ended in these states.")
    purge_execution: bool = Field(default=True, description="Whether the executions themselves go.")
    purge_log: bool = Field(default=True, description="Whether their log lines go.")
    purge_metric: bool = Field(default=True, description="Whether their metrics go.")
    purge_storage: bool = Field(default=True, description="Whether their files go.")

    def run(self, ctx: RunContext) -> PurgeOutput:
        """Delete them."""
        where = ExecutionRange(
            self.namespace,
            self.flow_id,
            tuple(State(name) for name in self.states or ()),
            moment(self.start_date, "startDate"),
            moment(self.end_date, "endDate"),
        )
        gone = ctx.executions.purge(
            where,
            executions=self.purge_execution,
            logs=self.purge_log,
            metrics=self.purge_metric,
            storage=self.purge_storage,
        )
        return PurgeOutput(
            executions_count=gone["executions"],
            logs_count=gone["logs"],
            storages_count=gone["files"],
            metrics_count=gone["metrics"],
        )


class PurgeLogsOutput(Output):
    """What PurgeLogs hands back."""

    count: int = Field(description="How many lines went.")


class PurgeLogs(RunnableTask):
    """Delete log lines of a time, also of executions that stay."""

    type_name = "io.kestra.plugin.core.log.PurgeLogs"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: forget-details
type: io.kestra.plugin.core.log.PurgeLogs
endDate: "{{ execution.startDate | dateAdd(-1, 'WEEKS') }}"
logLevels: [TRACE, DEBUG]
""",
    )

    namespace: Dynamic[str] | None = Field(
        default=None, description="Namespace, with those below it unless there is a flowId; all if left out."
    )
    flow_id: Dynamic[str] | None = Field(default=None, description="Only lines of this flow.")
    log_levels: list[Level] | None = Field(default=None, description="Only lines of these levels.")
    start_date: Dynamic[str] | None = Field(default=None, description="Only lines written since then.")
    end_date: Dynamic[str] = Field(description="Only lines written until then.")

    def run(self, ctx: RunContext) -> PurgeLogsOutput:
        """Delete them."""
        since, until = moment(self.start_date, "startDate"), moment(self.end_date, "endDate")
        where = ExecutionRange(self.namespace, self.flow_id, since=since, until=until)
        return PurgeLogsOutput(count=ctx.executions.purge_logs(where, levels=tuple(self.log_levels or ())))
