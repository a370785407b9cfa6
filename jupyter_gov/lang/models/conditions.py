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
    after: datetime | None = None
    before: datetime | None = None


class TimeBetween(_Dated):
    """The time of day lies between two."""

    type: Literal[
        "io.kestra.plugin.core.condition.TimeBetween",
        "io.kestra.plugin.core.condition.TimeBetweenCondition",
        "io.kestra.core.models.conditions.types.TimeBetweenCondition",
    ]
    after: str | None = None
    before: str | None = None


class DayWeek(_Dated):
    """It is this day of the week."""

    type: Literal[
        "io.kestra.plugin.core.condition.DayWeek",
        "io.kestra.plugin.core.condition.DayWeekCondition",
        "io.kestra.core.models.conditions.types.DayWeekCondition",
    ]
    day_of_week: Day


class DayWeekInMonth(_Dated):
    """It is, say, the first Monday of the month."""

    type: Literal[
        "io.kestra.plugin.core.condition.DayWeekInMonth",
        "io.kestra.plugin.core.condition.DayWeekInMonthCondition",
        "io.kestra.core.models.conditions.types.DayWeekInMonthCondition",
    ]
    day_of_week: Day
    day_in_month: Literal["FIRST", "SECOND", "THIRD", "FOURTH", "LAST"]


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
    country: str | None = None
    sub_division: str | None = None


class _States(Spec):
    in_: list[StateName] | None = Field(default=None, alias="in")
    not_in: list[StateName] | None = None


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
    namespace: str
    flow_id: str


class ExecutionNamespace(Spec):
    """The execution is of a flow in this namespace."""

    type: Literal[
        "io.kestra.plugin.core.condition.ExecutionNamespace",
        "io.kestra.plugin.core.condition.ExecutionNamespaceCondition",
        "io.kestra.core.models.conditions.types.ExecutionNamespaceCondition",
        "io.kestra.plugin.core.condition.FlowNamespaceCondition",
        "io.kestra.core.models.conditions.types.FlowNamespaceCondition",
    ]
    namespace: str
    comparison: Literal["EQUALS", "PREFIX", "SUFFIX"] | None = None
    prefix: bool = False


class ExecutionLabels(Spec):
    """The execution has all of these labels."""

    type: Literal[
        "io.kestra.plugin.core.condition.ExecutionLabels",
        "io.kestra.plugin.core.condition.ExecutionLabelsCondition",
        "io.kestra.core.models.conditions.types.ExecutionLabelsCondition",
    ]
    labels: Labels


class ExecutionOutputs(Spec):
    """An expression over the outputs of the execution holds."""

    type: Literal[
        "io.kestra.plugin.core.condition.ExecutionOutputs",
        "io.kestra.plugin.core.condition.ExecutionOutputsCondition",
        "io.kestra.core.models.conditions.types.ExecutionOutputsCondition",
    ]
    expression: str


class Expression(Spec):
    """An expression holds."""

    type: Literal[
        "io.kestra.plugin.core.condition.Expression",
        "io.kestra.plugin.core.condition.ExpressionCondition",
        "io.kestra.core.models.conditions.types.VariableCondition",
    ]
    expression: str


class Not(Spec):
    """None of the conditions holds."""

    type: Literal[
        "io.kestra.plugin.core.condition.Not",
        "io.kestra.plugin.core.condition.NotCondition",
        "io.kestra.core.models.conditions.types.NotCondition",
    ]
    conditions: list[Condition] = Field(min_length=1)


class Or(Spec):
    """One of the conditions holds."""

    type: Literal[
        "io.kestra.plugin.core.condition.Or",
        "io.kestra.plugin.core.condition.OrCondition",
        "io.kestra.core.models.conditions.types.OrCondition",
    ]
    conditions: list[Condition] = Field(min_length=1)


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

    type: Literal["DURATION_WINDOW", "DAILY_TIME_DEADLINE", "DAILY_TIME_WINDOW", "SLIDING_WINDOW"] = "DURATION_WINDOW"
    deadline: str | None = None
    window: IsoDuration | None = None
    window_advance: IsoDuration | None = None
    start_time: str | None = None
    end_time: str | None = None

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
    id: str
    time_window: TimeWindow | None = None
    reset_on_success: bool = True
    window: IsoDuration | None = None
    window_advance: IsoDuration | None = None
    conditions: dict[str, Condition] = Field(min_length=1)


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

    field: Literal["FLOW_ID", "NAMESPACE", "STATE", "EXPRESSION"]
    type: Literal[
        "EQUAL_TO", "NOT_EQUAL_TO", "IN", "NOT_IN", "IS_TRUE", "IS_FALSE", "IS_NULL", "IS_NOT_NULL", "STARTS_WITH",
        "ENDS_WITH", "REGEX", "CONTAINS",
    ]  # fmt: skip
    value: str | None = None
    values: list[str] | None = None

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

    id: str
    operand: Literal["AND", "OR"] = "AND"
    filters: list[Filter] = Field(min_length=1)


class UpstreamFlow(Spec):
    """One flow whose executions are waited for."""

    namespace: str
    flow_id: str | None = None
    states: list[StateName] | None = None
    labels: Labels | None = None


class Preconditions(Spec):
    """Several upstream executions that must come in one window."""

    id: str
    time_window: TimeWindow | None = None
    reset_on_success: bool = True
    flows: list[UpstreamFlow] | None = None
    where: list[ExecutionFilter] | None = None
