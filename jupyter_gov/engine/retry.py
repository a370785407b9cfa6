"""When a failed attempt is tried again (KESTRA.md §5)."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.lang.models.flow import Retry

MOST_EXECUTIONS = 100
"""How many executions a retry makes, the first one included, whose author has written no bound of her own."""


def next_attempt(retry: Retry, run: TaskRun, now: datetime) -> datetime | None:
    """Return when the next attempt is due, or None if there is none left.

    A random interval is derived from the task run's id and attempt, which keeps the engine repeatable.
    """
    # Attempts that were lost with their worker were not the task's own failures, but they count as tries.
    tried = len(run.attempts)
    if tried == 0 or (retry.max_attempts is not None and tried >= retry.max_attempts):
        return None
    due = now + _interval(retry, run.id, tried)
    if retry.max_duration is not None and due > run.attempts[0].history.started + retry.max_duration:
        return None
    return due


def next_execution(retry: Retry, seed: str, tried: int, since: datetime, now: datetime) -> datetime | None:
    """Return when a new execution is due, or None if there is none left.

    Parameters
    ----------
    tried
        How many executions there were, this one included.
    since
        When the first of them was created.
    """
    most = retry.max_attempts
    if most is None and retry.max_duration is None:
        most = MOST_EXECUTIONS
    if most is not None and tried >= most:
        return None
    due = now + _interval(retry, seed, tried)
    return None if retry.max_duration is not None and due > since + retry.max_duration else due


def _interval(retry: Retry, run_id: str, tried: int) -> timedelta:
    zero = timedelta()
    if retry.type == "random":
        low, high = retry.min_interval or zero, retry.max_interval or zero
        hashed = hashlib.sha256(f"{run_id}/{tried}".encode()).digest()
        return low + (high - low) * (int.from_bytes(hashed[:8], "big") / 2**64)
    interval = retry.interval or zero
    if retry.type == "exponential":
        interval = interval * retry.delay_factor * max(tried - 1, 1) if tried > 1 else interval
        return min(interval, retry.max_interval) if retry.max_interval is not None else interval
    return interval


def retried_state(retry: Retry | None, run: TaskRun, state: State) -> State:
    """Return WARNING for a success after more than one attempt, if the policy asks for it."""
    if retry and retry.warning_on_retry and state is State.SUCCESS and len(run.attempts) > 1:
        return State.WARNING
    return state
