"""Triggers of the core as written in YAML; they are checked with the flow and fired by the scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

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

    description: str | None = None
    conditions: list[Condition] | None = Field(default=None, description="All must hold for the trigger to fire.")
    when: str | None = Field(default=None, description="Expression that must hold for the trigger to fire.")
    disabled: bool = Field(default=False, description="Whether the trigger never fires.")
    worker_group: WorkerGroupSpec | None = None
    worker_selector: dict[str, Any] | None = None
    log_level: LogLevel | None = None
    log_to_file: bool = False
    labels: Labels | None = Field(default=None, description="Labels of the executions that it starts.")
    stop_after: list[StateName] | None = Field(
        default=None, description="States of an execution after which the trigger disables itself."
    )
    fail_on_trigger_error: bool = False
    allow_concurrent: bool = False
    assets: Any = None


class _Scheduled(Spec):
    inputs: dict[str, Any] | None = Field(default=None, description="Values for the inputs of the flow.")
    timezone: str | None = Field(default=None, description="Zone of the times; that of the server if absent.")
    interval: IsoDuration | None = None
    recover_missed_schedules: Literal["ALL", "LAST", "NONE"] | None = Field(
        default=None, description="What happens to times that passed while nothing ran."
    )

    _check_zone = field_validator("timezone")(check_zone)


class Schedule(_Scheduled):
    """Starts executions at the times of a cron expression."""

    with_seconds: bool = Field(default=False, description="Whether the first field is seconds.")
    cron: str = Field(description="Five fields (six with seconds), or @hourly, @daily, @weekly, @monthly, @yearly.")
    late_maximum_delay: IsoDuration | None = None
    schedule_conditions: list[Condition] | None = Field(default=None, description="Use `conditions`.", deprecated=True)
    backfill: dict[str, Any] | None = Field(default=None, description="Start a backfill by hand.", deprecated=True)

    @field_validator("cron")
    @classmethod
    def _cron_is_right(cls, cron: str, info: ValidationInfo) -> str:
        parse_cron(cron, with_seconds=bool(info.data.get("with_seconds")))
        return cron


class ScheduleOnDates(_Scheduled):
    """Starts executions at given dates."""

    dates: list[datetime] | str = Field(description="Dates with zone.")


class FlowTrigger(Spec):
    """Starts an execution when executions of other flows change their state."""

    inputs: dict[str, Any] | None = Field(default=None, description="Values for the inputs; may use trigger.*.")
    states: list[StateName] | None = Field(default=None, description="States that count; all final ones if absent.")
    preconditions: Preconditions | None = None
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
    """Starts an execution when its address is called."""

    key: str = Field(min_length=1, max_length=256, description="Secret part of the address.")
    inputs: dict[str, Any] | None = None
    wait: bool = False
    return_outputs: bool = False


_TRIGGER = "io.kestra.plugin.core.trigger."
_OLD = "io.kestra.core.models.triggers.types."
CORE_TRIGGERS: Mapping[str, TypeInfo] = {
    name: TypeInfo(_TRIGGER + short, "trigger", model, aliases=(_OLD + short,))
    for short, model in (
        ("Schedule", Schedule),
        ("ScheduleOnDates", ScheduleOnDates),
        ("Flow", FlowTrigger),
        ("Webhook", Webhook),
    )
    for name in (_TRIGGER + short, _OLD + short)
}
"""Triggers that are known without a plugin, by every name."""
