"""What a Flow trigger waits for, as Kestra 2 writes it: ``dependsOn``, ``window``, ``onMiss``."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from jupyter_gov.lang.models.base import Spec, is_expression
from jupyter_gov.lang.models.conditions import StateName, TimeWindow
from jupyter_gov.lang.models.flow_specs import Labels
from jupyter_gov.lang.models.scalars import IsoDuration

Mode = Literal["ALL", "ANY", "AT_LEAST"]


def check_zone(name: str | None) -> str | None:
    """Return the name of a time zone, or an expression.

    Raises
    ------
    ValueError
        There is no such zone.
    """
    if name is None or is_expression(name):
        return name
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # unknown, or no path below the folder of zones
        raise ValueError(f"'{name[:60]}' is not a valid time-zone ID") from error
    return name


def _clock(text: str) -> str:
    try:
        time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text[:60]}' is no time of day; write it as 09:00:00 or 09:00:00+01:00") from None
    return text


def _lasting(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than nothing")
    return value


Clock = Annotated[str, AfterValidator(_clock)]
Lasting = Annotated[IsoDuration, AfterValidator(_lasting)]
Zone = Annotated[str, AfterValidator(check_zone)]


class Dependency(Spec):
    """One upstream execution that is waited for: of this flow, in one of these states, with these labels."""

    flow_id: str | None = Field(default=None, description="Id of the flow; any flow if absent.")
    namespace: str | None = Field(default=None, description="Its namespace, exactly; any if absent.")
    states: list[StateName] | None = Field(
        default=None, description="States that count; those of the trigger if absent."
    )
    labels: Labels | None = Field(default=None, description="Labels that it must have, all of them.")
    when: str | None = Field(
        default=None,
        description="Expression over namespace, flowId, state, labels, outputs and hasRetryAttempt that must hold.",
    )


class Window(Spec):
    """In which time the dependencies must be met; a day from midnight unless it says otherwise."""

    deadline: Clock | None = Field(default=None, description="Time of day until which they must be met.")
    from_: Clock | None = Field(default=None, alias="from", description="Time of day from which they count.")
    to: Clock | None = Field(default=None, description="Time of day until which they count.")
    every: Lasting | None = Field(default=None, description="Length of windows that follow each other.")
    offset: IsoDuration | None = Field(default=None, description="How much later than midnight such windows begin.")
    lookback: Lasting | None = Field(default=None, description="How far back from now they count.")
    timezone: Zone | None = Field(default=None, description="Zone of the times; that of the server if absent.")
    fire_once: bool = Field(default=False, description="Whether the trigger fires at most once in a window.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = {
            "`deadline`": self.deadline is not None,
            "`from` and `to`": self.from_ is not None or self.to is not None,
            "`every` and `offset`": self.every is not None or self.offset is not None,
            "`lookback`": self.lookback is not None,
        }
        given = [name for name, is_given in kinds.items() if is_given]
        if len(given) > 1:
            raise ValueError(f"a window has one of {', '.join(kinds)}; this one has {', '.join(given)}")
        if (self.from_ is None) != (self.to is None):
            raise ValueError("a window with `from` or `to` needs both")
        return self

    @property
    def ends(self) -> bool:
        """Whether it is over at some time, by which what it waits for can be missed."""
        return self.lookback is None

    def time_window(self) -> TimeWindow:
        """Return the same in the words of before 2.0."""
        if self.deadline is not None:
            return TimeWindow(type="DAILY_TIME_DEADLINE", deadline=self.deadline)
        if self.from_ is not None:
            return TimeWindow(type="DAILY_TIME_WINDOW", start_time=self.from_, end_time=self.to)
        if self.lookback is not None:
            return TimeWindow(type="SLIDING_WINDOW", window=self.lookback)
        return TimeWindow(type="DURATION_WINDOW", window=self.every, window_advance=self.offset)


class OnMiss(Spec):
    """What happens when a window ends and not all that it needs has come."""

    behavior: Literal["FAIL", "CANCEL", "NONE"] = Field(
        default="FAIL", description="Whether an execution is made that FAILED, one that was CANCELLED, or none."
    )
    labels: Labels | None = Field(default=None, description="Labels of that execution.")


def check_dependencies(
    depends_on: list[Dependency] | None,
    window: Window | None,
    mode: Mode | None,
    min_satisfied: int | None,
    on_miss: OnMiss | None,
) -> None:
    """Check that what a Flow trigger says about its dependencies fits together.

    Raises
    ------
    ValueError
        Everything that does not.
    """
    given = {"window": window, "mode": mode, "minSatisfied": min_satisfied, "onMiss": on_miss}
    problems = []
    if depends_on is None:
        useless = [f"`{name}`" for name, value in given.items() if value is not None]
        problems += [f"{', '.join(useless)} needs `dependsOn`"] if useless else []
    elif len({one.model_dump_json() for one in depends_on}) < len(depends_on):
        problems.append("`dependsOn` says the same twice")
    if mode == "AT_LEAST" and min_satisfied is None:
        problems.append("`mode: AT_LEAST` needs `minSatisfied`")
    if mode != "AT_LEAST" and min_satisfied is not None:
        problems.append("`minSatisfied` needs `mode: AT_LEAST`")
    if min_satisfied is not None and depends_on is not None and not 1 <= min_satisfied <= len(depends_on):
        problems.append(f"`minSatisfied` must lie between 1 and {len(depends_on)}, the number of dependencies")
    if on_miss is not None and (window is None or not window.ends):
        problems.append("`onMiss` needs a `window` that ends: with `deadline`, `from` and `to`, or `every`")
    if problems:
        raise ValueError("; ".join(problems))
