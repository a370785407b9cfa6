"""The same tasks again and again, until a condition holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine.flowables.base import Again, Flowable, Plan, Scope, first_child, following
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.lang.models.scalars import IsoDuration, format_duration, parse_duration
from jupyter_gov.plugins.api import Dynamic, GovModel


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than nothing")
    return value


PositiveDuration = Annotated[IsoDuration, AfterValidator(_positive)]
Count = Annotated[int, Field(ge=1)]


class CheckFrequency(GovModel):
    """How often the tasks run, and when to give up."""

    interval: Dynamic[PositiveDuration] = Field(
        default=timedelta(minutes=1), description="Time between the end of a round and the next one."
    )
    max_iterations: Dynamic[Count] | None = Field(default=None, description="Rounds at most; no limit if absent.")
    max_duration: Dynamic[PositiveDuration] | None = Field(
        default=None, description="No further round begins once so much time has passed; no limit if absent."
    )


class LoopUntil(Flowable):
    """Runs its tasks again and again until the condition holds.

    After each round the condition is evaluated; ``outputs.<id>.iterationCount`` is how many rounds are done, 0 in the
    first. The task runs of a round are removed when the next one begins, so that only the last ones stay.
    """

    type_name = "io.kestra.plugin.core.flow.LoopUntil"
    default_interval: ClassVar[str] = "PT1M"
    default_iterations: ClassVar[int | None] = None
    default_duration: ClassVar[str | None] = None
    output_docs: ClassVar[Mapping[str, str]] = {
        "iterationCount": "How many rounds are done.",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: until
type: io.kestra.plugin.core.flow.LoopUntil
condition: "{{ outputs.until.iterationCount == 3 }}"
checkFrequency:
  interval: PT0.1S
  maxIterations: 10
failOnMaxReached: true
tasks:
  - id: look
    type: io.kestra.plugin.core.log.Log
    message: "rounds done: {{ outputs.until.iterationCount }}"
""",
    )

    condition: str = Field(description="Expression; the loop ends unless it is false, 0, -0, null or the empty text.")
    check_frequency: CheckFrequency = Field(default=CheckFrequency(), description="How often, and when to give up.")
    fail_on_max_reached: Dynamic[bool] = Field(
        default=False, description="Whether the loop fails when a limit is reached before the condition holds."
    )

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Start the first round."""
        data = {"round": 0, "first": scope.execution.next_seq}
        return Plan(first_child(scope, "tasks"), data=data, outputs={"iterationCount": 0})

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Go on with the round; after its last task look at the condition and at the limits.

        Raises
        ------
        ExecutionError
            ``GOV322``: a limit was reached and ``failOnMaxReached`` is set, or a limit cannot be read.
        """
        children = following(scope, ended)
        if children:
            return Plan(children)
        done = int(scope.frame.data.get("round", 0)) + 1
        scope.publish({"iterationCount": done})
        if is_truthy(scope.render(scope.task.props["condition"])):
            return Plan()
        reached = cls._reached(scope, done)
        if reached is None:
            return Plan(wait=Again(cls._duration(scope, "interval", cls.default_interval), done))
        if is_truthy(str(scope.render(scope.task.props.get("failOnMaxReached", False))).lower()):
            raise ExecutionError(f"the condition of {scope.task.id!r} does not hold after {reached}", code="GOV322")
        return Plan()

    @classmethod
    def _reached(cls, scope: Scope, done: int) -> str | None:
        """Return the limit that was reached, in words."""
        most = cls._written(scope, "maxIterations", cls.default_iterations)
        if most is not None and done >= _number(most):
            return f"{done} iterations"
        longest = cls._written(scope, "maxDuration", cls.default_duration)
        if longest is None:
            return None
        limit = cls._duration(scope, "maxDuration", cls.default_duration)
        # A restart gives it all its time again.
        since = max(moment.at for moment in scope.run.history.moments if moment.state is State.RUNNING)
        return format_duration(limit) if scope.now - since >= limit else None

    @classmethod
    def _written(cls, scope: Scope, name: str, default: Any) -> Any:
        written = (scope.task.props.get("checkFrequency") or {}).get(name)
        return default if written is None else scope.render(written)

    @classmethod
    def _duration(cls, scope: Scope, name: str, default: Any) -> timedelta:
        try:
            return _positive(parse_duration(cls._written(scope, name, default)))
        except ValueError as error:
            raise ExecutionError(f"`{name}` of {scope.task.id!r}: {error}", code="GOV322") from error


class WaitForFrequency(CheckFrequency):
    """How often the tasks run, and when to give up."""

    interval: Dynamic[PositiveDuration] = Field(default=timedelta(seconds=1), description="Time between two rounds.")
    max_iterations: Dynamic[Count] | None = Field(default=100, description="Rounds at most.")
    max_duration: Dynamic[PositiveDuration] | None = Field(
        default=timedelta(hours=1), description="No further round begins once so much time has passed."
    )


class WaitFor(LoopUntil):
    """``LoopUntil`` under its name of before 0.21, with the limits that it had then."""

    type_name = "io.kestra.plugin.core.flow.WaitFor"
    deprecated = "write io.kestra.plugin.core.flow.LoopUntil, which waits a minute and has no limits by itself"
    default_interval: ClassVar[str] = "PT1S"
    default_iterations: ClassVar[int | None] = 100
    default_duration: ClassVar[str | None] = "PT1H"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: wait
type: io.kestra.plugin.core.flow.WaitFor
condition: "{{ outputs.wait.iterationCount == 2 }}"
checkFrequency:
  interval: PT0.1S
tasks:
  - id: look
    type: io.kestra.plugin.core.log.Log
    message: "rounds done: {{ outputs.wait.iterationCount }}"
""",
    )

    check_frequency: WaitForFrequency = Field(default=WaitForFrequency(), description="How often, and how long.")


def _number(value: Any) -> int:
    try:
        found = int(str(value).strip())
    except ValueError:
        found = 0
    if found < 1:
        raise ExecutionError(f"`maxIterations` must be a number from 1 on; got {str(value)[:80]!r}", code="GOV322")
    return found
