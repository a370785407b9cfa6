"""Promises about executions (``sla``): a longest duration, assertions, and what follows when one is broken.

Each promise is broken at most once until the execution ends. When several are broken at the same moment only the first
of them acts then (KESTRA.md §7), and the others at the next change: what is only labelled hides nothing that stops.
"""

from __future__ import annotations

from dataclasses import replace

from jupyter_gov.domain.commands import RunTask, SetTimer, StartSubflow, WriteLog
from jupyter_gov.domain.events import TimerFired
from jupyter_gov.domain.execution import Execution, Failure, Label
from jupyter_gov.domain.states import TERMINAL, State
from jupyter_gov.engine import kill
from jupyter_gov.engine.work import Work
from jupyter_gov.errors import GovError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.lang.models.flow import Sla

BROKEN = "slas"
"""Key of the flow's frame: places of the promises that were broken since the execution began."""
_BEGINS = TERMINAL | {State.CREATED, State.QUEUED, State.RESTARTED}
_STOPPED = TERMINAL | {State.KILLING}


def arm(work: Work) -> None:
    """Set the timers of an execution that begins, or begins again: the time is counted from here."""
    if not work.flow.sla or work.before.state not in _BEGINS or work.execution.state in _STOPPED:
        return
    for place, sla in enumerate(work.flow.sla):
        if sla.duration is not None:
            timer = f"sla-{place}"
            work.commands.append(SetTimer(timer, "sla", work.now + sla.duration, None, _beginning(work.execution)))


def overdue(work: Work, event: TimerFired) -> None:
    """Break the promise whose time is over, unless the execution has ended (and maybe begun again) since."""
    place = int(event.timer_id.removeprefix("sla-"))
    if work.execution.state in _STOPPED or event.state_version != _beginning(work.execution):
        return
    sla = work.flow.sla[place]
    if place not in _broken(work):
        _break(work, place, sla, f"it still runs {sla.duration} after it began")


def look(work: Work) -> None:
    """Evaluate the assertions of an execution that has changed.

    Not between asking for an attempt and its beginning: what was asked for in this very step begins, and is looked at
    when it ends.
    """
    if not work.flow.sla or work.execution.state in _STOPPED | {State.CREATED, State.QUEUED}:
        return
    if any(isinstance(command, RunTask | StartSubflow) for command in work.commands):
        return
    for place, sla in enumerate(work.flow.sla):
        if sla.assertion is None or place in _broken(work):
            continue
        reason = _reason(work, sla.assertion)
        if reason is not None:
            _break(work, place, sla, reason)
            return


def _reason(work: Work, assertion: str) -> str | None:
    try:
        return None if is_truthy(work.render(assertion)) else f"its assertion does not hold: {assertion}"
    except GovError as error:
        # What cannot be told is not kept.
        return f"its assertion cannot be evaluated: {error.message}"


def _break(work: Work, place: int, sla: Sla, reason: str) -> None:
    frame = work.execution.frame
    data = {**frame.data, BROKEN: [*_broken(work), place]}
    if sla.behavior != "NONE":
        data["cancelled" if sla.behavior == "CANCEL" else "broken"] = 1
    work.set_frame(None, replace(frame, data=data))
    message = f"SLA {sla.id!r} is broken: {reason}"
    work.commands.append(WriteLog("WARN" if sla.behavior == "NONE" else "ERROR", message))
    work.notes["sla"] = sla.id
    _label(work, sla)
    if sla.behavior != "NONE":
        work.execution = replace(work.execution, failure=Failure("GOV361", message, {"sla": sla.id}))
        kill.stop(work)


def _label(work: Work, sla: Sla) -> None:
    if sla.labels:
        labels = {label.key: label.value for label in work.execution.labels} | dict(sla.labels)
        work.execution = replace(work.execution, labels=tuple(Label(*pair) for pair in labels.items()))


def _broken(work: Work) -> list[int]:
    return list(work.execution.frame.data.get(BROKEN) or ())


def _beginning(execution: Execution) -> int:
    """Return the version of the history at which the execution began last: a timer acts only on that one."""
    moments = execution.history.moments
    return next((place for place in range(len(moments), 0, -1) if moments[place - 1].state in TERMINAL), 0)
