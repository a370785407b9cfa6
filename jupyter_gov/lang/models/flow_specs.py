"""Shapes of a flow and of what every task has in common, as written in YAML."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from jupyter_gov.lang.models.base import FLOW_ID, INPUT_ID, NAMESPACE, DurationText, Spec
from jupyter_gov.lang.models.flow import Sla, StartCheck
from jupyter_gov.lang.models.retry import RetrySpec
from jupyter_gov.lang.models.scalars import IsoDuration

InputType = Literal[
    "STRING", "INT", "FLOAT", "BOOL", "BOOLEAN", "SELECT", "ENUM", "MULTISELECT", "DATE", "DATETIME", "TIME",
    "DURATION", "FILE", "JSON", "YAML", "URI", "EMAIL", "SECRET", "ARRAY",
]  # fmt: skip
LogLevel = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]
SYSTEM_LABELS = frozenset({"system.readOnly"})
"""Labels of this reserved prefix that a flow may set."""


class LabelPair(Spec):
    """One label, in the form of a list of labels."""

    key: str = Field(min_length=1, description="Name of the label.")
    value: str = Field(description="Text of the label.")


def labels_map(labels: dict[str, str] | list[LabelPair] | None) -> dict[str, str]:
    """Return labels, written as a map or as pairs, as a map.

    Raises
    ------
    ValueError
        A label is written twice, or is one that only the engine sets.
    """
    pairs = list(labels.items()) if isinstance(labels, dict) else [(label.key, label.value) for label in labels or ()]
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = sorted({key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1})
        raise ValueError(f"the label {', '.join(twice)} is written twice")
    system = [f"{key}={value}" for key, value in pairs if key.startswith("system.") and key not in SYSTEM_LABELS]
    if system:
        raise ValueError(f"labels that begin with system. are set by the engine only: {', '.join(system)}")
    return found


def _checked(labels: dict[str, str] | list[LabelPair]) -> dict[str, str] | list[LabelPair]:
    labels_map(labels)
    return labels


Labels = Annotated[dict[str, str] | list[LabelPair], AfterValidator(_checked)]


class ConcurrencySpec(Spec):
    """How many executions of the flow may run at once."""

    limit: int = Field(ge=1, description="Executions that may run at once.")
    behavior: Literal["QUEUE", "CANCEL", "FAIL"] = Field(default="QUEUE", description="What happens to one too many.")


class OutputSpec(Spec):
    """One output of the flow."""

    id: str = Field(pattern=INPUT_ID, description="Name of the output.")
    value: Any = Field(description="Expression that gives the value.")
    type: InputType | None = Field(default=None, description="Type of the value; text if absent.")
    description: str | None = Field(default=None, description="What the value is, for those who read it.")
    display_name: str | None = Field(default=None, description="Name that people are shown.")
    required: bool = Field(default=True, description="Whether the execution fails when the value cannot be rendered.")


class SlaSpec(Spec):
    """A promise about executions of the flow."""

    id: str = Field(min_length=1, description="Name of the promise.")
    type: Literal["MAX_DURATION", "EXECUTION_ASSERTION"] = Field(description="What is promised.")
    behavior: Literal["FAIL", "CANCEL", "NONE"] = Field(description="What happens when it is broken.")
    duration: IsoDuration | None = Field(default=None, description="Of MAX_DURATION: the longest time.")
    assert_: str | None = Field(default=None, alias="assert", description="Of EXECUTION_ASSERTION: what must be true.")
    labels: Labels | None = Field(default=None, description="Labels that the execution gets when it is broken.")

    @model_validator(mode="after")
    def _complete(self) -> SlaSpec:
        if self.type == "MAX_DURATION" and self.duration is None:
            raise ValueError("an SLA of type MAX_DURATION needs `duration`")
        if self.type == "EXECUTION_ASSERTION" and self.assert_ is None:
            raise ValueError("an SLA of type EXECUTION_ASSERTION needs `assert`")
        return self

    def sla(self) -> Sla:
        """Return it as the engine reads it."""
        return Sla(self.id, self.type, self.behavior, self.duration, self.assert_, labels_map(self.labels))


class CheckSpec(Spec):
    """A condition that is tested before an execution starts."""

    condition: str | None = Field(default=None, description="Expression that must be true; Kestra 2 calls it `when`.")
    when: str | None = Field(default=None, description="The name of `condition` since Kestra 2.")
    message: str = Field(description="What people read when the condition is not true.")
    style: Literal["INFO", "SUCCESS", "WARNING", "ERROR"] = Field(default="INFO", description="How it is shown.")
    behavior: Literal["BLOCK_EXECUTION", "FAIL_EXECUTION", "CREATE_EXECUTION"] = Field(
        default="BLOCK_EXECUTION", description="Whether nothing starts, a failed execution is made, or it starts."
    )

    @model_validator(mode="after")
    def _complete(self) -> CheckSpec:
        if (self.condition is None) == (self.when is None):
            raise ValueError("a check needs either `condition` or `when`")
        return self

    def check(self) -> StartCheck:
        """Return it as the engine reads it."""
        return StartCheck(self.condition or self.when or "", self.message, self.style, self.behavior)


class PluginDefaultSpec(Spec):
    """Values that tasks of a type have unless they write their own."""

    type: str = Field(min_length=1, description="A type, or the beginning of type names.")
    forced: bool = Field(default=False, description="Whether the default wins over what the task says.")
    values: dict[str, Any] = Field(description="Property -> value.")


class WorkerGroupSpec(Spec):
    """Which workers run a task."""

    key: str = Field(description="Name of the group of workers.")
    fallback: str | None = Field(
        default=None, description="What happens when none of its workers is there: WAIT, FAIL or CANCEL."
    )


class FlowSpec(Spec):
    """A flow without its tasks, inputs and triggers, which have checkers of their own."""

    id: str = Field(pattern=FLOW_ID, max_length=100, description="Name of the flow in its namespace.")
    namespace: str = Field(pattern=NAMESPACE, max_length=150, description="Namespace, such as company.team.")
    revision: int | None = Field(default=None, description="Set by the store; ignored when written.")
    description: str | None = Field(default=None, description="What the flow is for, in Markdown.")
    labels: Labels | None = Field(default=None, description="Labels of every execution: a map, or key/value pairs.")
    variables: dict[str, Any] | None = Field(default=None, description="Values that expressions read as vars.<name>.")
    outputs: list[OutputSpec] | None = Field(default=None, description="What an execution hands back at its end.")
    retry: RetrySpec | None = Field(default=None, description="Retry of tasks that have none of their own.")
    concurrency: ConcurrencySpec | None = Field(default=None, description="How many executions may run at once.")
    disabled: bool = Field(default=False, description="Whether the flow refuses to start.")
    sla: list[SlaSpec] | None = Field(default=None, description="Promises about duration or content of executions.")
    checks: list[CheckSpec] | None = Field(default=None, description="Conditions tested before an execution starts.")
    plugin_defaults: list[PluginDefaultSpec] | None = Field(default=None, description="Values by task type.")
    worker_group: WorkerGroupSpec | None = Field(default=None, description="Which workers run the tasks.")
    worker_selector: dict[str, Any] | None = Field(default=None, description="Name of `workerGroup` since Kestra 2.")
    tenant_id: str | None = Field(default=None, description="Written by Kestra into what it exports; without effect.")
    deleted: bool = Field(default=False, description="Written by Kestra into what it exports; without effect.")


class TaskCacheSpec(Spec):
    """Whether outputs of an earlier run are used again."""

    enabled: bool = Field(default=True, description="Whether outputs are kept and used again.")
    ttl: IsoDuration | None = Field(default=None, description="How long they are kept; for ever if absent.")


class TaskSpec(Spec):
    """What every task may have beside its type's own properties."""

    description: str | None = Field(default=None, description="What the task is for; a gate shows it, rendered.")
    retry: RetrySpec | None = Field(default=None, description="How a failed attempt is tried again.")
    timeout: DurationText | None = Field(default=None, description="Longest time of one attempt.")
    disabled: bool = Field(default=False, description="Whether the task is treated as if it were not there.")
    run_if: str | None = Field(default=None, description="Expression; the task is skipped unless it is true.")
    when: str | None = Field(default=None, description="The name of `runIf` since Kestra 2.")
    allow_failure: bool = Field(default=False, description="Whether a failure ends the task with WARNING.")
    allow_warning: bool = Field(default=False, description="Whether a WARNING ends the task with SUCCESS.")
    log_level: LogLevel | None = Field(default=None, description="Lowest level that is recorded.")
    log_to_file: bool = Field(default=False, description="Whether the log lines go to a file.")
    worker_group: WorkerGroupSpec | None = Field(default=None, description="Which workers run the task.")
    worker_selector: dict[str, Any] | None = Field(default=None, description="Its name since Kestra 2.")
    task_cache: TaskCacheSpec | None = Field(default=None, description="Whether outputs of an earlier run serve again.")
    assets: Any = Field(default=None, description="Assets that the task reads and makes, as Kestra records them.")

    @model_validator(mode="after")
    def _one_condition(self) -> TaskSpec:
        if self.run_if is not None and self.when is not None:
            raise ValueError("`runIf` and `when` are the same; write one of them")
        return self
