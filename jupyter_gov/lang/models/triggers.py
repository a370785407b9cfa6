"""Triggers of the core as written in YAML; they are checked with the flow and fired by the scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from cronsim import CronSim, CronSimError
from pydantic import Field, ValidationInfo, field_validator, model_validator

from jupyter_gov.errors import LanguageError
from jupyter_gov.lang.models.base import Spec
from jupyter_gov.lang.models.conditions import Condition, Preconditions, StateName
from jupyter_gov.lang.models.flow_specs import Labels, LogLevel, WorkerGroupSpec
from jupyter_gov.lang.models.scalars import IsoDuration
from jupyter_gov.lang.models.upstream import Dependency, Mode, OnMiss, Window, check_dependencies, check_zone
from jupyter_gov.lang.ports import TypeInfo

_NICKNAMES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip


class CronError(LanguageError, ValueError):
    """A cron expression is wrong; also a ``ValueError``, so that pydantic reports it at the right place."""

    default_code = "GOV122"


def parse_cron(text: str, *, with_seconds: bool = False) -> str:
    """Return a cron expression in the form that ``cronsim`` reads: nicknames such as ``@daily`` written out.

    Raises
    ------
    CronError
        ``GOV122``: not five fields (six with seconds), or a field is wrong.

    Examples
    --------
    >>> parse_cron("@hourly")
    '0 * * * *'
    """
    cron = _NICKNAMES.get(text.strip().lower(), text.strip())
    wanted = 6 if with_seconds else 5
    if len(cron.split()) != wanted:
        hint = "Set withSeconds: true for a first field of seconds." if len(cron.split()) == 6 else None
        raise CronError(f"invalid cron expression '{text[:60]}': it must have {wanted} fields", hint=hint)
    try:
        CronSim(cron, datetime(2026, 1, 1))  # noqa: DTZ001 - only the syntax is of interest
    except CronSimError as error:
        raise CronError(f"invalid cron expression '{text[:60]}': {error}") from error
    return cron


class TriggerSpec(Spec):
    """What every trigger may have beside its type's own properties."""

    description: str | None = Field(default=None, description="What the trigger is for.")
    conditions: list[Condition] | None = Field(default=None, description="All must hold for the trigger to fire.")
    when: str | None = Field(default=None, description="Expression that must hold for the trigger to fire.")
    disabled: bool = Field(default=False, description="Whether the trigger never fires.")
    worker_group: WorkerGroupSpec | None = Field(default=None, description="Which workers evaluate the trigger.")
    worker_selector: dict[str, Any] | None = Field(default=None, description="Name of `workerGroup` since Kestra 2.")
    log_level: LogLevel | None = Field(default=None, description="Lowest level that is recorded.")
    log_to_file: bool = Field(default=False, description="Whether the log lines go to a file.")
    labels: Labels | None = Field(default=None, description="Labels of the executions that it starts.")
    stop_after: list[StateName] | None = Field(
        default=None, description="States of an execution after which the trigger disables itself."
    )
    fail_on_trigger_error: bool = Field(
        default=False, description="Whether an execution that ends FAILED is made when the trigger cannot be evaluated."
    )
    allow_concurrent: bool = Field(
        default=False, description="Whether it starts an execution while one that it started before still runs."
    )
    assets: Any = Field(default=None, description="Assets that its executions read and make, as Kestra records them.")


class _Scheduled(Spec):
    inputs: dict[str, Any] | None = Field(default=None, description="Values for the inputs of the flow.")
    timezone: str | None = Field(default=None, description="Zone of the times; that of the server if absent.")
    interval: IsoDuration | None = Field(default=None, description="Set by Kestra itself; the dates say when it fires.")
    recover_missed_schedules: Literal["ALL", "LAST", "NONE"] | None = Field(
        default=None, description="What happens to times that passed while nothing ran."
    )

    _check_zone = field_validator("timezone")(check_zone)


class Schedule(_Scheduled):
    """Starts executions at the times of a cron expression.

    Expressions of the execution read `trigger.date`, and `trigger.previous` and `trigger.next`, the dates around it.
    """

    examples: ClassVar[tuple[str, ...]] = (
        """\
id: every-morning
type: io.kestra.plugin.core.trigger.Schedule
cron: "0 6 * * 1-5"
timezone: Europe/Berlin
""",
        """\
id: working-days
type: io.kestra.plugin.core.trigger.Schedule
cron: "@daily"
recoverMissedSchedules: LAST
conditions:
  - type: io.kestra.plugin.core.condition.Not
    conditions:
      - type: io.kestra.plugin.core.condition.PublicHoliday
        country: DE
""",
    )

    with_seconds: bool = Field(default=False, description="Whether the first field is seconds.")
    cron: str = Field(description="Five fields (six with seconds), or @hourly, @daily, @weekly, @monthly, @yearly.")
    late_maximum_delay: IsoDuration | None = Field(
        default=None, description="A time that is missed by more than this is skipped."
    )
    schedule_conditions: list[Condition] | None = Field(default=None, description="Use `conditions`.", deprecated=True)
    backfill: dict[str, Any] | None = Field(default=None, description="Start a backfill by hand.", deprecated=True)

    @field_validator("cron")
    @classmethod
    def _cron_is_right(cls, cron: str, info: ValidationInfo) -> str:
        parse_cron(cron, with_seconds=bool(info.data.get("with_seconds")))
        return cron


class ScheduleOnDates(_Scheduled):
    """Starts executions at given dates."""

    examples: ClassVar[tuple[str, ...]] = (
        """\
id: quarters
type: io.kestra.plugin.core.trigger.ScheduleOnDates
timezone: Europe/Berlin
dates:
  - 2027-01-01T08:00:00+01:00
  - 2027-04-01T08:00:00+02:00
""",
    )

    dates: list[datetime] | str = Field(description="Dates with zone.")


class FlowTrigger(Spec):
    """Starts an execution when executions of other flows change their state.

    Expressions of the inputs read `trigger.executionId`, `trigger.namespace`, `trigger.flowId` and `trigger.outputs`
    of the execution that came last.
    """

    examples: ClassVar[tuple[str, ...]] = (
        """\
id: after-training
type: io.kestra.plugin.core.trigger.Flow
preconditions:
  id: trained
  flows:
    - namespace: company.team
      flowId: train
      states: [SUCCESS]
""",
    )

    inputs: dict[str, Any] | None = Field(default=None, description="Values for the inputs; may use trigger.*.")
    states: list[StateName] | None = Field(default=None, description="States that count; all final ones if absent.")
    preconditions: Preconditions | None = Field(
        default=None, description="Several executions that must all have come before it fires."
    )
    depends_on: list[Dependency] | None = Field(default=None, min_length=1, description="What is waited for.")
    window: Window | None = Field(default=None, description="In which time it must come.")
    mode: Mode | None = Field(default=None, description="Whether all of it is needed, any, or `minSatisfied` of it.")
    min_satisfied: int | None = Field(default=None, description="How many are needed with `mode: AT_LEAST`.")
    on_miss: OnMiss | None = Field(default=None, description="What happens when the window ends without them.")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        check_dependencies(self.depends_on, self.window, self.mode, self.min_satisfied, self.on_miss)
        return self


class Webhook(Spec):
    """Starts an execution when its address is called; who knows the key may call."""

    examples: ClassVar[tuple[str, ...]] = (
        """\
id: from-outside
type: io.kestra.plugin.core.trigger.Webhook
key: 4wjtkzwVGBM9yKnjm3yv8r
inputs:
  order: "{{ trigger.body.order }}"
""",
    )

    key: str = Field(min_length=1, max_length=256, description="Secret part of the address.")
    inputs: dict[str, Any] | None = Field(
        default=None, description="Values for the inputs; may use trigger.body, trigger.headers, trigger.parameters."
    )
    wait: bool = Field(default=False, description="Whether the answer waits for the end of the execution.")
    return_outputs: bool = Field(default=False, description="Whether the answer holds the outputs of the flow.")


_TRIGGER = "io.kestra.plugin.core.trigger."
_OLD = "io.kestra.core.models.triggers.types."
_DATES = {
    "date": "The date at which it fired.",
    "previous": "The date before that one.",
    "next": "The date after that one.",
}
_VARIABLES: Mapping[str, Mapping[str, str]] = {
    "Schedule": _DATES,
    "ScheduleOnDates": _DATES,
    "Flow": {
        "executionId": "Id of the execution that came last.",
        "namespace": "Namespace of its flow.",
        "flowId": "Id of its flow.",
        "flowRevision": "Revision of its flow.",
        "state": "State that it has reached.",
        "outputs": "Outputs that its flow declares; with dependsOn also those of each flow, by its id.",
    },
    "Webhook": {
        "body": "What was sent; a map or list if it is JSON.",
        "headers": "Headers of the call, each a list.",
        "parameters": "Parameters of the address, each a list.",
    },
}
"""What executions read as ``trigger.<name>``."""
CORE_TRIGGERS: Mapping[str, TypeInfo] = {
    name: TypeInfo(_TRIGGER + short, "trigger", model, aliases=(_OLD + short,), outputs=_VARIABLES[short])
    for short, model in (
        ("Schedule", Schedule),
        ("ScheduleOnDates", ScheduleOnDates),
        ("Flow", FlowTrigger),
        ("Webhook", Webhook),
    )
    for name in (_TRIGGER + short, _OLD + short)
}
"""Triggers that are known without a plugin, by every name."""
