"""One attempt of a runnable task, from its properties to the event that reports its end."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Timer
from typing import Any

from jupyter_gov.domain.events import AttemptFinished
from jupyter_gov.domain.execution import Execution, Failure, TaskRun
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.domain.sealed import is_sealed
from jupyter_gov.domain.states import State
from jupyter_gov.engine import places
from jupyter_gov.errors import GovError, InstallationError, TaskError
from jupyter_gov.lang.models.flow import Flow, TaskDef
from jupyter_gov.lang.models.scalars import format_duration, parse_duration
from jupyter_gov.plugins.api import ErrandTask, RunnableTask
from jupyter_gov.plugins.binding import bind, outputs_of
from jupyter_gov.plugins.context import Metric
from jupyter_gov.runtime.cancellation import STOPPED, CancelToken
from jupyter_gov.runtime.context import Context
from jupyter_gov.runtime.limits import RESULT_BYTES
from jupyter_gov.runtime.logs import LogBuffer
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.world import World

_LOG = logging.getLogger(__name__)
_SHORTEST_TIMEOUT = timedelta(milliseconds=1)


@dataclass(slots=True)
class Job:
    """An attempt to be run.

    Attributes
    ----------
    execution, run
        As they were when the attempt began.
    inline
        The loop runs it itself.
    errand
        What is done of a flowable's own work; None for a runnable task.
    """

    flow: Flow
    task: TaskDef
    execution: Execution
    run: TaskRun
    number: int
    inline: bool
    log: LogBuffer
    masks: Masks
    cancellation: CancelToken = field(default_factory=CancelToken)
    metrics: list[Metric] = field(default_factory=list)
    errand: str | None = None


@dataclass(frozen=True, slots=True)
class _Result:
    outputs: dict[str, Any] | None = None
    failure: Failure | None = None


def perform(job: Job, world: World) -> AttemptFinished | None:
    """Run the attempt and return how it ended; None if it may not be reported any more (the lease is lost)."""
    context = Context(job, world)
    try:
        result, limit = _Result(), None
        try:
            limit = _timeout(job, context)
            with _alarm(job, limit):
                result = _run(job, context, world)
        except GovError as error:
            result = _failed(error)
        return _report(job, context, _judge(job, result, limit, context, world))
    finally:
        context.close()


def _timeout(job: Job, context: Context) -> timedelta | None:
    if job.task.timeout is None:
        return None
    return max(parse_duration(context.render(job.task.timeout)), _SHORTEST_TIMEOUT)


@contextmanager
def _alarm(job: Job, limit: timedelta | None) -> Iterator[None]:
    # An inline task takes microseconds and would be over before anybody could stop it.
    if limit is None or job.inline:
        yield
        return
    timer = Timer(limit.total_seconds(), job.cancellation.request, ("timeout",))
    timer.daemon = True
    timer.name = f"gov-timeout-{job.run.id}"
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _run(job: Job, context: Context, world: World) -> _Result:
    try:
        job.cancellation.raise_if_requested()
        if job.errand is not None:
            return _Result(outputs_of(_errand(job, job.errand, context, world)))
        task = bind(_runnable(job.task.type, world), job.task.props, context.render, world.registry)
        return _Result(outputs_of(task.run(context)))
    except GovError as error:
        return _failed(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the process boundary: a task is anybody's code
        _LOG.info("task %s of execution %s raised", job.task.id, job.execution.id, exc_info=True)
        return _unexpected(error)


def _runnable(name: str, world: World) -> type[RunnableTask]:
    found = world.registry.load(name)
    if not issubclass(found, RunnableTask):
        raise InstallationError(f"Nothing can run tasks of type {name!r}.", code="GOV901")
    return found


def _errand(job: Job, name: str, context: Context, world: World) -> object:
    found = world.registry.load(job.task.type)
    if not issubclass(found, ErrandTask) or name not in found.errands:
        raise InstallationError(f"Nothing can do the errand {name!r} of the type {job.task.type!r}.", code="GOV901")
    if places.opens(job.run):
        world.folders.make(job.execution.id, job.run.id)
    needed = {key: value for key, value in job.task.props.items() if key in found.errands[name]}
    return bind(found, needed, context.render, world.registry).do(name, context)


def _failed(error: GovError) -> _Result:
    details = getattr(error, "details", None)
    known: dict[str, Any] = dict(details) if isinstance(details, Mapping) else {}
    if error.hint:
        known.setdefault("hint", error.hint)
    outputs = None
    # The failure itself is what a person must see, also when its half results are none.
    with suppress(TaskError):
        outputs = outputs_of(error.outputs if isinstance(error, TaskError) else None)
    return _Result(outputs, Failure(error.code, error.message, known or None))


def _unexpected(error: BaseException) -> _Result:
    shown = "".join(traceback.format_exception(error))[-20_000:]
    return _Result(failure=Failure("GOV865", f"{type(error).__name__}: {error}", {"traceback": shown}))


def _judge(job: Job, result: _Result, limit: timedelta | None, context: Context, world: World) -> _Result:
    if job.cancellation.reason == "timeout" and limit is not None:
        message = f"Timeout: the task did not end within {format_duration(limit)}."
        return _Result(result.outputs, Failure(STOPPED["timeout"][0], message))
    if result.outputs and (forged := _forged(result.outputs, context)):
        message = f"The output {forged!r} looks like a sealed value, and this task has not sealed it."
        return _Result(failure=Failure("GOV856", message, {"hint": "Hand such a value on by an expression instead."}))
    most = int(world.settings.get("outputs.max_bytes", RESULT_BYTES))
    if result.outputs and (size := len(json.dumps(result.outputs))) > most:
        message = f"The outputs of the task have {size} bytes; the limit is {most} (setting max_result_bytes)."
        hint = {"hint": "Hand large results on as files, by outputFiles or fetchType: STORE."}
        return _Result(failure=Failure("GOV866", message, hint))
    return result


def _forged(outputs: Mapping[str, Any], context: Context) -> str | None:
    """Return which output pretends to be sealed: expressions would open a ciphertext that was seen elsewhere."""
    return next((name for name, value in outputs.items() if _holds_foreign(value, context.sealed)), None)


def _holds_foreign(value: Any, own: Collection[str]) -> bool:
    if isinstance(value, Mapping):
        if is_sealed(value):
            return value["value"] not in own
        return any(_holds_foreign(item, own) for item in value.values())
    return isinstance(value, list) and any(_holds_foreign(item, own) for item in value)


def _report(job: Job, context: Context, result: _Result) -> AttemptFinished | None:
    reason = job.cancellation.reason
    if reason == "lease":
        return None
    failure = _masked(result.failure, job.masks)
    state = _state(reason, failure, context)
    succeeded = state in {State.SUCCESS, State.WARNING}
    if failure is not None and state is State.FAILED:
        job.log.error(failure.message)
    return AttemptFinished(
        task_run_id=job.run.id,
        attempt=job.number,
        state=state,
        outputs=job.masks.apply_deep(result.outputs),
        failure=failure,
        labels=context.labels if succeeded else {},
        variables=job.masks.apply_deep(context.variables) if succeeded else {},
        removed=tuple(context.removed) if succeeded else (),
        exits=context.exits if succeeded else None,
        log_file=_log_file(job, context),
        added=tuple(context.added),
    )


def _state(reason: str | None, failure: Failure | None, context: Context) -> State:
    if reason == "killed":
        return State.KILLED
    if failure is not None:
        return State.FAILED
    return State.WARNING if context.warned else State.SUCCESS


def _masked(failure: Failure | None, masks: Masks) -> Failure | None:
    if failure is None:
        return None
    return Failure(failure.code, masks.apply(failure.message), masks.apply_deep(failure.details))


def _log_file(job: Job, context: Context) -> str | None:
    if not job.task.log_to_file:
        return None
    lines = job.log.take()
    text = "".join(f"{line.at.isoformat()} {line.level:<5} {line.message}\n" for line in lines)
    job.log.give_back([line for line in lines if line.level == "ERROR"])
    return context.files.put_bytes(text.encode(), "attempt.log")


def lines_of(job: Job) -> list[LogLine]:
    """Return what the attempt has logged since this was last asked."""
    return job.log.take()
