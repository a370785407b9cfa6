"""Whether a condition holds for a date or an execution."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import singledispatch

from jupyter_gov.domain.states import State
from jupyter_gov.engine.triggers.subject import Subject, unusable
from jupyter_gov.errors import GovError
from jupyter_gov.lang.models import conditions as model
from jupyter_gov.lang.models.flow_specs import Labels, labels_map

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_NTH = {"FIRST": 1, "SECOND": 2, "THIRD": 3, "FOURTH": 4}
_SATURDAY = 5
TRIGGER_DATE = "{{ trigger.date }}"
"""What the date of a condition is unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all conditions hold; ``problem`` if one could not be evaluated, which counts as no."""

    holds: bool
    problem: GovError | None = None


def judge(conditions: Sequence[model.Condition] | None, when: str | None, subject: Subject) -> Verdict:
    """Return whether every condition holds, and the expression ``when`` of the newer form."""
    try:
        holds = all(is_met(one, subject) for one in conditions or ()) and (when is None or subject.is_true(when))
    except GovError as error:
        return Verdict(False, error)
    return Verdict(holds)


def looks_at_day(condition: model.Condition) -> bool:
    """Return whether a condition says the same for every time of a day: a whole day can be skipped at once."""
    kinds = (model.DayWeek, model.DayWeekInMonth, model.Weekend, model.PublicHoliday)
    return isinstance(condition, kinds) and condition.date.replace(" ", "") == TRIGGER_DATE.replace(" ", "")


@singledispatch
def is_met(condition: model.Condition, subject: Subject) -> bool:
    """Return whether one condition holds.

    Raises
    ------
    GovError
        It cannot be evaluated: an expression fails, a text is no date, there is no execution to look at.
    """
    raise unusable(f"conditions of type {condition.type} cannot be evaluated")


# --- dates ------------------------------------------------------------------------------------------------------


@is_met.register
def _date_time_between(condition: model.DateTimeBetween, subject: Subject) -> bool:
    at = subject.moment(condition.date)
    after, before = condition.after, condition.before
    return (after is None or at > subject.aware(after)) and (before is None or at < subject.aware(before))


@is_met.register
def _time_between(condition: model.TimeBetween, subject: Subject) -> bool:
    at = subject.moment(condition.date).timetz()
    after, before = condition.after, condition.before
    return (after is None or _compared(at, subject.render(after)) > timedelta()) and (
        before is None or _compared(at, subject.render(before)) < timedelta()
    )


def _compared(at: time, text: str) -> timedelta:
    """Return how much later ``at`` is; both on one day, so that offsets shift it."""
    try:
        other = time.fromisoformat(text)
    except ValueError as error:
        raise unusable(f"'{text[:60]}' is no time", "Write it as 16:20:00+02:00.") from error
    apart = _since_midnight(at) - _since_midnight(other)
    mine, theirs = at.utcoffset(), other.utcoffset()
    return apart if mine is None or theirs is None else apart - mine + theirs


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)


@is_met.register
def _day_week(condition: model.DayWeek, subject: Subject) -> bool:
    return _DAYS[subject.day(condition.date).weekday()] == condition.day_of_week


@is_met.register
def _day_week_in_month(condition: model.DayWeekInMonth, subject: Subject) -> bool:
    day = subject.day(condition.date)
    if _DAYS[day.weekday()] != condition.day_of_week:
        return False
    if condition.day_in_month == "LAST":
        return day.day + 7 > monthrange(day.year, day.month)[1]
    return (day.day - 1) // 7 + 1 == _NTH[condition.day_in_month]


@is_met.register
def _weekend(condition: model.Weekend, subject: Subject) -> bool:
    return subject.day(condition.date).weekday() >= _SATURDAY


@is_met.register
def _public_holiday(condition: model.PublicHoliday, subject: Subject) -> bool:
    country = subject.render(condition.country) if condition.country else subject.country
    part = subject.render(condition.sub_division) if condition.sub_division else None
    return is_holiday(subject.day(condition.date), country.upper(), part)


def is_holiday(day: date, country: str, part: str | None = None) -> bool:
    """Return whether a day is a public holiday.

    Raises
    ------
    ExecutionError
        ``GOV341``: nothing is known of the country or of its part.
    """
    import holidays  # noqa: PLC0415  (slow to load)

    try:
        return day in holidays.country_holidays(country, subdiv=part)
    except NotImplementedError:
        where = country if part is None else f"{part} in {country}"
        raise unusable(f"no public holidays are known for {where}", "Write codes such as DE and BE.") from None


# --- executions -------------------------------------------------------------------------------------------------


def _allowed(condition: model.ExecutionStatus | model.HasRetryAttempt, state: State) -> bool:
    name = str(state)
    return (condition.in_ is None or name in condition.in_) and (
        condition.not_in is None or name not in condition.not_in
    )


@is_met.register
def _execution_status(condition: model.ExecutionStatus, subject: Subject) -> bool:
    return _allowed(condition, subject.execution.state)


@is_met.register
def _has_retry_attempt(condition: model.HasRetryAttempt, subject: Subject) -> bool:
    tried_again = (run for run in subject.execution.task_runs.values() if len(run.attempts) > 1)
    return any(_allowed(condition, attempt.state) for run in tried_again for attempt in run.attempts)


@is_met.register
def _execution_flow(condition: model.ExecutionFlow, subject: Subject) -> bool:
    found = subject.execution
    return (found.namespace, found.flow_id) == (condition.namespace, condition.flow_id)


@is_met.register
def _execution_namespace(condition: model.ExecutionNamespace, subject: Subject) -> bool:
    namespace = subject.execution.namespace
    how = condition.comparison or ("PREFIX" if condition.prefix else "EQUALS")
    if how == "PREFIX":
        return namespace.startswith(condition.namespace)
    return namespace.endswith(condition.namespace) if how == "SUFFIX" else namespace == condition.namespace


@is_met.register
def _execution_labels(condition: model.ExecutionLabels, subject: Subject) -> bool:
    return has_labels(subject, condition.labels)


def has_labels(subject: Subject, labels: Labels) -> bool:
    """Return whether the upstream execution has all of these labels."""
    found = {label.key: label.value for label in subject.execution.labels}
    return all(found.get(key) == value for key, value in labels_map(labels).items())


@is_met.register
def _execution_outputs(condition: model.ExecutionOutputs, subject: Subject) -> bool:
    return bool(subject.execution.outputs) and subject.is_true(condition.expression)


@is_met.register
def _expression(condition: model.Expression, subject: Subject) -> bool:
    return subject.is_true(condition.expression)


# --- conditions of conditions -----------------------------------------------------------------------------------


@is_met.register
def _not(condition: model.Not, subject: Subject) -> bool:
    return not any(is_met(one, subject) for one in condition.conditions)


@is_met.register
def _or(condition: model.Or, subject: Subject) -> bool:
    return any(is_met(one, subject) for one in condition.conditions)


@is_met.register
def _multiple(condition: model.MultipleCondition, subject: Subject) -> bool:
    met = subject.met.get(condition.id, ())
    return all(name in met or is_met(one, subject) for name, one in condition.conditions.items())
