"""Conditions of triggers as written in YAML: when a trigger that could fire really does.

Each class answers to three names: the present one, the one with the suffix ``Condition``, and that of the first
versions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from jupyter_gov.lang.models.base import Spec
from jupyter_gov.lang.models.flow_specs import Labels
from jupyter_gov.lang.models.patterns import compile_pattern
from jupyter_gov.lang.models.scalars import IsoDuration

Day = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
StateName = Literal[
    "CREATED", "RUNNING", "PAUSED", "RESTARTED", "KILLING", "SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED",
    "QUEUED", "RETRYING", "RETRIED", "SKIPPED", "BREAKPOINT", "SUBMITTED",
]  # fmt: skip
_DATE = Field(default="{{ trigger.date }}", description="Expression of the date that is looked at.")


class _Dated(Spec):
    date: str = _DATE


class DateTimeBetween(_Dated):
    """The date lies between two moments."""

    type: Literal[
        "io.kestra.plugin.core.condition.DateTimeBetween",
        "io.kestra.plugin.core.condition.DateTimeBetweenCondition",
        "io.kestra.core.models.conditions.types.DateTimeBetweenCondition",
    ]
    after: datetime | None = Field(default=None, description="The date is later than this.")
    before: datetime | None = Field(default=None, description="The date is earlier than this.")


class TimeBetween(_Dated):
    """The time of day lies between two."""

    type: Literal[
        "io.kestra.plugin.core.condition.TimeBetween",
        "io.kestra.plugin.core.condition.TimeBetweenCondition",
        "io.kestra.core.models.conditions.types.TimeBetweenCondition",
    ]
    after: str | None = Field(default=None, description="The time is later than this, such as 08:00:00+01:00.")
    before: str | None = Field(default=None, description="The time is earlier than this.")


class DayWeek(_Dated):
    """It is this day of the week."""

    type: Literal[
        "io.kestra.plugin.core.condition.DayWeek",
        "io.kestra.plugin.core.condition.DayWeekCondition",
        "io.kestra.core.models.conditions.types.DayWeekCondition",
    ]
    day_of_week: Day = Field(description="Day of the week.")


class DayWeekInMonth(_Dated):
    """It is, say, the first Monday of the month."""

    type: Literal[
        "io.kestra.plugin.core.condition.DayWeekInMonth",
        "io.kestra.plugin.core.condition.DayWeekInMonthCondition",
        "io.kestra.core.models.conditions.types.DayWeekInMonthCondition",
    ]
    day_of_week: Day = Field(description="Day of the week.")
    day_in_month: Literal["FIRST", "SECOND", "THIRD", "FOURTH", "LAST"] = Field(
        description="Which of these days of the month."
    )


class Weekend(_Dated):
    """It is Saturday or Sunday."""

    type: Literal[
        "io.kestra.plugin.core.condition.Weekend",
        "io.kestra.plugin.core.condition.WeekendCondition",
        "io.kestra.core.models.conditions.types.WeekendCondition",
    ]


class PublicHoliday(_Dated):
    """It is a public holiday of the country."""

    type: Literal[
        "io.kestra.plugin.core.condition.PublicHoliday",
        "io.kestra.plugin.core.condition.PublicHolidayCondition",
        "io.kestra.core.models.conditions.types.PublicHolidayCondition",
    ]
    country: str | None = Field(default=None, description="Code of the country, such as DE; of this host if absent.")
    sub_division: str | None = Field(default=None, description="Code of a part of the country, such as BY.")


class _States(Spec):
    in_: list[StateName] | None = Field(default=None, alias="in", description="One of these states.")
    not_in: list[StateName] | None = Field(default=None, description="None of these states.")


class ExecutionStatus(_States):
    """The execution ended in one of these states."""

    type: Literal[
        "io.kestra.plugin.core.condition.ExecutionStatus",
        "io.kestra.plugin.core.condition.ExecutionStatusCondition",
        "io.kestra.core.models.conditions.types.ExecutionStatusCondition",
    ]


class HasRetryAttempt(_States):
    """A task of the execution was tried more than once."""

    type: Literal[
        "io.kestra.plugin.core.condition.HasRetryAttempt",
        "io.kestra.plugin.core.condition.HasRetryAttemptCondition",
        "io.kestra.core.models.conditions.types.HasRetryAttemptCondition",
    ]


class ExecutionFlow(Spec):
    """The execution is of this flow."""

    type: Literal[
        "io.kestra.plugin.core.condition.ExecutionFlow",
        "io.kestra.plugin.core.condition.ExecutionFlowCondition",
        "io.kestra.core.models.conditions.types.ExecutionFlowCondition",
        "io.kestra.plugin.core.condition.FlowCondition",
        "io.kestra.core.models.conditions.types.FlowCondition",
    ]
    namespace: str = Field(description="Namespace of the flow.")
    flow_id: str = Field(description="Id of the flow.")


class ExecutionNamespace(Spec):
    """The execution is of a flow in this namespace."""

    type: Literal[
        "io.kestra.plugin.core.condition.ExecutionNamespace",
        "io.kestra.plugin.core.condition.ExecutionNamespaceCondition",
        "io.kestra.core.models.conditions.types.ExecutionNamespaceCondition",
        "io.kestra.plugin.core.condition.FlowNamespaceCondition",
        "io.kestra.core.models.conditions.types.FlowNamespaceCondition",
    ]
    namespace: str = Field(description="Namespace, or the part of it that is compared.")
    comparison: Literal["EQUALS", "PREFIX", "SUFFIX"] | None = Field(
        default=None, description="How it is compared; EQUALS if absent."
    )
    prefix: bool = Field(default=False, description="Old: write comparison: PREFIX.")


class ExecutionLabels(Spec):
    """The execution has all of these labels."""

    type: Literal[
        "io.kestra.plugin.core.condition.ExecutionLabels",
        "io.kestra.plugin.core.condition.ExecutionLabelsCondition",
        "io.kestra.core.models.conditions.types.ExecutionLabelsCondition",
    ]
    labels: Labels = Field(description="Labels that the execution must have.")


class ExecutionOutputs(Spec):
    """An expression over the outputs of the execution holds."""

    type: Literal[
        "io.kestra.plugin.core.condition.ExecutionOutputs",
        "io.kestra.plugin.core.condition.ExecutionOutputsCondition",
        "io.kestra.core.models.conditions.types.ExecutionOutputsCondition",
    ]
    expression: str = Field(description="Expression; trigger.outputs holds what the execution handed back.")


class Expression(Spec):
    """An expression holds."""

    type: Literal[
        "io.kestra.plugin.core.condition.Expression",
        "io.kestra.plugin.core.condition.ExpressionCondition",
        "io.kestra.core.models.conditions.types.VariableCondition",
    ]
    expression: str = Field(description="Expression that must be true.")


class Not(Spec):
    """None of the conditions holds."""

    type: Literal[
        "io.kestra.plugin.core.condition.Not",
        "io.kestra.plugin.core.condition.NotCondition",
        "io.kestra.core.models.conditions.types.NotCondition",
    ]
    conditions: list[Condition] = Field(min_length=1, description="Conditions of which none may hold.")


class Or(Spec):
    """One of the conditions holds."""

    type: Literal[
        "io.kestra.plugin.core.condition.Or",
        "io.kestra.plugin.core.condition.OrCondition",
        "io.kestra.core.models.conditions.types.OrCondition",
    ]
    conditions: list[Condition] = Field(min_length=1, description="Conditions of which one is enough.")


_WINDOW_FIELDS = {
    "deadline": "a deadline", "window": "a window", "window_advance": "a window advance",
    "start_time": "a start time", "end_time": "an end time",
}  # fmt: skip
_WINDOWS = {
    "DAILY_TIME_DEADLINE": ({"deadline"}, {"deadline"}),
    "DAILY_TIME_WINDOW": ({"start_time", "end_time"}, {"start_time", "end_time"}),
    "DURATION_WINDOW": ({"window", "window_advance"}, set()),
    "SLIDING_WINDOW": ({"window"}, set()),
}


class TimeWindow(Spec):
    """In which time several conditions must come true."""

    type: Literal["DURATION_WINDOW", "DAILY_TIME_DEADLINE", "DAILY_TIME_WINDOW", "SLIDING_WINDOW"] = Field(
        default="DURATION_WINDOW", description="How the window is laid: of a length, or between times of each day."
    )
    deadline: str | None = Field(default=None, description="Time of day until which they must have come.")
    window: IsoDuration | None = Field(default=None, description="Length of the window.")
    window_advance: IsoDuration | None = Field(default=None, description="How far windows of a length are shifted.")
    start_time: str | None = Field(default=None, description="Time of day from which on they count.")
    end_time: str | None = Field(default=None, description="Time of day until which they count.")

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        allowed, needed = _WINDOWS[self.type]
        problems = [
            f"a time window of type `{self.type}` {verb} {words}"
            for name, words in _WINDOW_FIELDS.items()
            for verb, wrong in (
                ("cannot have", getattr(self, name) is not None and name not in allowed),
                ("must have", getattr(self, name) is None and name in needed),
            )
            if wrong
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


class MultipleCondition(Spec):
    """Several conditions came true in one window; the old form of ``preconditions``."""

    type: Literal[
        "io.kestra.plugin.core.condition.MultipleCondition",
        "io.kestra.core.models.conditions.types.MultipleCondition",
    ]
    id: str = Field(description="Name of what is remembered of the window.")
    time_window: TimeWindow | None = Field(default=None, description="In which time they must hold; a day if absent.")
    reset_on_success: bool = Field(default=True, description="Whether all of them must come anew after it has fired.")
    window: IsoDuration | None = Field(default=None, description="Old: write timeWindow.")
    window_advance: IsoDuration | None = Field(default=None, description="Old: write timeWindow.")
    conditions: dict[str, Condition] = Field(min_length=1, description="Name -> condition; all must come true.")


Condition = Annotated[
    DateTimeBetween
    | TimeBetween
    | DayWeek
    | DayWeekInMonth
    | Weekend
    | PublicHoliday
    | ExecutionStatus
    | HasRetryAttempt
    | ExecutionFlow
    | ExecutionNamespace
    | ExecutionLabels
    | ExecutionOutputs
    | Expression
    | Not
    | Or
    | MultipleCondition,
    Field(discriminator="type"),
]
"""Any condition; found by its ``type``."""

for _model in (Not, Or, MultipleCondition):
    _model.model_rebuild()

_ONE_VALUE = {"EQUAL_TO", "NOT_EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "REGEX", "CONTAINS", "IS_NULL", "IS_NOT_NULL",
              "IS_TRUE", "IS_FALSE"}  # fmt: skip


class Filter(Spec):
    """One comparison with an upstream execution."""

    field: Literal["FLOW_ID", "NAMESPACE", "STATE", "EXPRESSION"] = Field(description="What is compared.")
    type: Literal[
        "EQUAL_TO", "NOT_EQUAL_TO", "IN", "NOT_IN", "IS_TRUE", "IS_FALSE", "IS_NULL", "IS_NOT_NULL", "STARTS_WITH",
        "ENDS_WITH", "REGEX", "CONTAINS",
    ] = Field(description="How it is compared.")  # fmt: skip
    value: str | None = Field(default=None, description="What it is compared with, where that is one.")
    values: list[str] | None = Field(default=None, description="What it is compared with, for IN and NOT_IN.")

    @model_validator(mode="after")
    def _one_or_many(self) -> Self:
        one, many = ("value", "values") if self.type in _ONE_VALUE else ("values", "value")
        problems = [f"`{many}` must be null for type {self.type}"] if getattr(self, many) is not None else []
        problems += [f"`{one}` cannot be null for type {self.type}"] if getattr(self, one) is None else []
        if problems:
            raise ValueError("; ".join(problems))
        if self.type == "REGEX":
            compile_pattern(self.value or "")
        return self


class ExecutionFilter(Spec):
    """Comparisons with an upstream execution, joined by AND or OR."""

    id: str = Field(description="Name of what is waited for.")
    operand: Literal["AND", "OR"] = Field(default="AND", description="Whether all comparisons must hold, or one.")
    filters: list[Filter] = Field(min_length=1, description="Comparisons.")


class UpstreamFlow(Spec):
    """One flow whose executions are waited for."""

    namespace: str = Field(description="Namespace of the flow.")
    flow_id: str | None = Field(default=None, description="Id of the flow; any of the namespace if absent.")
    states: list[StateName] | None = Field(default=None, description="States that count.")
    labels: Labels | None = Field(default=None, description="Labels that the execution must have.")


class Preconditions(Spec):
    """Several upstream executions that must come in one window."""

    id: str = Field(description="Name of what is remembered of the window.")
    time_window: TimeWindow | None = Field(default=None, description="In which time they must come; a day if absent.")
    reset_on_success: bool = Field(default=True, description="Whether all of them must come anew after it has fired.")
    flows: list[UpstreamFlow] | None = Field(default=None, description="Flows that must have run.")
    where: list[ExecutionFilter] | None = Field(default=None, description="Executions that must have come.")
