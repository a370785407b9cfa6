"""How a failed attempt is tried again, as written in YAML."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, TypeAdapter, model_validator

from jupyter_gov.lang.models.base import Spec
from jupyter_gov.lang.models.flow import Retry
from jupyter_gov.lang.models.scalars import IsoDuration, format_duration


def _require_less(first: str, low: timedelta, second: str, high: timedelta | None) -> None:
    if high is not None and low >= high:
        raise ValueError(f"'{first}' must be less than '{second}' but is {format_duration(low)}")


class _RetrySpec(Spec):
    max_attempts: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        validation_alias=AliasChoices("maxAttempts", "maxAttempt"),
        serialization_alias="maxAttempts",
        description="Attempts in all, the first one included.",
    )
    max_duration: IsoDuration | None = Field(
        default=None, description="No attempt is planned later than this after the first."
    )
    warning_on_retry: bool = Field(default=False, description="End WARNING when more than one attempt was needed.")
    behavior: Literal["RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION"] = Field(
        default="RETRY_FAILED_TASK", description="Try the task again, or start the whole flow anew."
    )

    def retry(self) -> Retry:
        """Return the value that the engine uses."""
        return Retry(**self.model_dump())


class ConstantRetry(_RetrySpec):
    """Waits the same time before each attempt."""

    type: Literal["constant"]
    interval: IsoDuration = Field(description="Time between two attempts.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _require_less("interval", self.interval, "maxDuration", self.max_duration)
        return self


class ExponentialRetry(_RetrySpec):
    """Waits longer before each further attempt."""

    type: Literal["exponential"]
    interval: IsoDuration = Field(description="Time before the second attempt.")
    max_interval: IsoDuration = Field(description="Longest time between two attempts.")
    delay_factor: float = Field(default=2.0, gt=0, description="Growth of the interval.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _require_less("interval", self.interval, "maxDuration", self.max_duration)
        _require_less("interval", self.interval, "maxInterval", self.max_interval)
        return self


class RandomRetry(_RetrySpec):
    """Waits a random time before each attempt."""

    type: Literal["random"]
    min_interval: IsoDuration = Field(description="Shortest time between two attempts.")
    max_interval: IsoDuration = Field(description="Longest time between two attempts.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _require_less("minInterval", self.min_interval, "maxDuration", self.max_duration)
        _require_less("minInterval", self.min_interval, "maxInterval", self.max_interval)
        return self


RetrySpec = Annotated[ConstantRetry | ExponentialRetry | RandomRetry, Field(discriminator="type")]
_ADAPTER: TypeAdapter[ConstantRetry | ExponentialRetry | RandomRetry] = TypeAdapter(RetrySpec)


def parse_retry(data: Any) -> Retry:
    """Return the retry rule of plain YAML data; pydantic's ``ValidationError`` says what is wrong with it."""
    return _ADAPTER.validate_python(data).retry()
