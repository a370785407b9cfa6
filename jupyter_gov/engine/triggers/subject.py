"""What a condition looks at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, tzinfo
from typing import Any

from jupyter_gov.domain.execution import Execution
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang import expr
from jupyter_gov.lang.expr import java_parse
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.ports import ExpressionHost

UNUSABLE = "GOV341"
"""Code of conditions that cannot be evaluated."""


def unusable(message: str, hint: str | None = None) -> ExecutionError:
    """Return the error of a condition that can be answered neither with yes nor with no."""
    return ExecutionError(message, code=UNUSABLE, hint=hint)


@dataclass(frozen=True, slots=True)
class Subject:
    """A date or an upstream execution, and what expressions about it see.

    Attributes
    ----------
    zone
        That of the trigger: for dates that are written without one.
    country
        Whose public holidays count when the condition names no country.
    met
        Id of a window -> names of its conditions that came true in it so far.
    """

    context: Mapping[str, Any]
    zone: tzinfo
    upstream: Execution | None = None
    host: ExpressionHost | None = None
    country: str = "US"
    met: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def execution(self) -> Execution:
        """The upstream execution.

        Raises
        ------
        ExecutionError
            ``GOV341``: there is none, as with schedules.
        """
        if self.upstream is None:
            raise unusable("the condition looks at an execution, and no execution led to this", "Use a Flow trigger.")
        return self.upstream

    def at(self, moment: datetime) -> Subject:
        """Return the same with ``trigger.date`` (and ``schedule.date``) at a moment."""
        shown = {"date": moment.isoformat()}
        return replace(self, context={**self.context, "trigger": shown, "schedule": shown})

    def render(self, template: str) -> str:
        """Return a rendered text."""
        return expr.render(template, self.context, self.host)

    def is_true(self, template: str) -> bool:
        """Return whether an expression holds, by the rules of ``runIf``."""
        return expr.is_truthy(self.render(template))

    def moment(self, template: str) -> datetime:
        """Return the moment that an expression gives; one without zone is in the trigger's.

        Raises
        ------
        GovError
            The expression cannot be rendered or is no date.
        """
        found = java_date(self.render(template))
        if not isinstance(found, datetime):
            found = datetime.combine(found, time(), self.zone)
        return self.aware(found)

    def day(self, template: str) -> date:
        """Return the date that an expression gives, as written."""
        found = java_date(self.render(template))
        return found.date() if isinstance(found, datetime) else found

    def aware(self, moment: datetime) -> datetime:
        """Return a moment that has a zone."""
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=self.zone)


def java_date(text: str) -> datetime | date:
    """Return the date or date-time of a text in ISO form.

    Raises
    ------
    ExecutionError
        ``GOV341``: it is none.
    """
    try:
        return java_parse.iso(text.strip())
    except ArgumentFault as fault:
        raise unusable(f"'{text[:60]}' is no date", "Write it as 2026-01-31 or 2026-01-31T12:00:00+01:00.") from fault
