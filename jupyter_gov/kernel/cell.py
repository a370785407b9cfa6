"""Runs one ``%%govflow`` cell: check, register, start, show, wait."""

from __future__ import annotations

import asyncio
import difflib
import os
import threading
import time
from argparse import Namespace
from collections.abc import Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_gov.domain.approval import Approval, ApprovalStatus
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.errors import NotFoundError
from jupyter_gov.kernel import options as opts
from jupyter_gov.kernel.flow_view import FlowView
from jupyter_gov.kernel.follow import Until
from jupyter_gov.kernel.places import where_to_decide
from jupyter_gov.kernel.screens import Screen, announce
from jupyter_gov.kernel.snapshot_types import MessageSnapshot
from jupyter_gov.kernel.view import ExecutionView, monotonic_deadline, too_late
from jupyter_gov.lang.check import CheckedFlow
from jupyter_gov.service import outcome
from jupyter_gov.service.api import StartRequest
from jupyter_gov.service.interrupts import Interrupts, hint, resting_gate
from jupyter_gov.service.words import cut, short_id

if TYPE_CHECKING:
    from jupyter_gov.kernel.session import Session

_DIFF_LINES, _DIFF_WIDTH = 4, 100


@dataclass(frozen=True, slots=True)
class Job:
    """A started execution and how to show and await it; ``left`` is set when nobody awaits it any more."""

    view: ExecutionView
    screen: Screen
    wait: bool
    deadline: float | None
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def is_late(self) -> bool:
        """Whether the time given with ``--timeout`` is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline


def prepare(session: Session, options: Namespace, source: str) -> Job | FlowView:
    """Check and register the cell's flow and start it, or return the flow if that is all that was asked for.

    Raises
    ------
    FlowError
        The flow has errors; nothing was registered.
    InputError
        An input is wrong; nothing was started.
    """
    mode = opts.mode(options)
    gov, actor, unknown = session.gov, session.actor, options.allow_unknown_types
    name = opts.variable_name(options.name)
    deadline = monotonic_deadline(options.timeout or os.environ.get("JUPYTER_GOV_TIMEOUT"))
    given, labels = opts.inputs(options, session.shell.user_ns), opts.pairs(options.label, "--label")
    # The empty line stands for the magic's: problems then name the lines that the notebook shows.
    checked = gov.flows.check(f"\n{source}", allow_unknown_types=unknown)
    flow = checked.raise_for_errors()
    if mode == "validate":
        return FlowView(flow, checked)
    before = _newest(session, flow.namespace, flow.id)
    revision = gov.flows.register(source, actor, allow_unknown_types=unknown)
    if mode == "register":
        return FlowView(flow, checked, revision)
    request = StartRequest(
        flow.namespace,
        flow.id,
        revision=revision.revision,
        inputs=given,
        labels=labels,
        workdir=os.getcwd(),  # noqa: PTH109 - a text
        strict=True,
    )
    execution = gov.executions.start(request, actor)
    view = ExecutionView(session, execution, _messages(checked, before, revision))
    if name:
        session.shell.user_ns[name] = view
    screen = session.screen(view, quiet=options.quiet, style=options.format)
    wait = options.wait if options.wait is not None else session.waits
    return Job(view, screen, wait, deadline)


def _newest(session: Session, namespace: str, flow_id: str) -> FlowRevision | None:
    try:
        return session.gov.flows.get(namespace, flow_id, session.actor)
    except NotFoundError:
        return None


def _messages(checked: CheckedFlow, before: FlowRevision | None, now: FlowRevision) -> list[MessageSnapshot]:
    messages: list[MessageSnapshot] = []
    for warning in checked.warnings:
        where = f"line {warning.location.line}: " if warning.location else ""
        messages.append({"level": "warning", "text": f"{warning.code} {where}{warning.message}", "hint": warning.hint})
    if before is not None and before.revision != now.revision:
        messages += _difference(before, now)
    return messages


def _difference(before: FlowRevision, now: FlowRevision) -> list[MessageSnapshot]:
    """Return one message with the numbers, and one for each of the first changed lines."""
    changed = [
        line
        for line in difflib.unified_diff(before.source.splitlines(), now.source.splitlines(), lineterm="", n=0)
        if line[:1] in "+-" and not line.startswith(("+++", "---"))
    ]
    added = sum(line.startswith("+") for line in changed)
    counted = f"+{added} -{len(changed) - added} lines"
    lines = [cut(line, _DIFF_WIDTH) for line in changed[:_DIFF_LINES] if line[1:].strip()]
    more = [f"… and {len(changed) - _DIFF_LINES} more"] if len(changed) > _DIFF_LINES else []
    texts = [f"stored as revision {now.revision}: {counted} since revision {before.revision}", *lines, *more]
    return [{"level": "info", "text": text} for text in texts]


async def run_awaited(session: Session, options: Namespace, source: str) -> ExecutionView | FlowView:
    """Run the cell as a coroutine: the kernel goes on answering widgets and comms while the cell waits."""
    job = prepare(session, options, source)
    if isinstance(job, FlowView):
        return job
    interrupts = Interrupts()
    with interrupts.installed():
        future = _start(job)
        wrapped = asyncio.wrap_future(future)
        while not future.done() and not interrupts.count:
            await asyncio.wait({wrapped}, timeout=0.1)
        if interrupts.count and not future.done():
            return await asyncio.to_thread(_interrupted, session, job, interrupts)
    return _finish(session, job, future.result())


def run_blocking(session: Session, options: Namespace, source: str) -> ExecutionView | FlowView:
    """Run the cell where nothing can be awaited, such as under ``%%time`` or from ``run_cell_magic``."""
    job = prepare(session, options, source)
    if isinstance(job, FlowView):
        return job
    interrupts = Interrupts()
    with interrupts.installed():
        future = _start(job)
        while not future.done() and not interrupts.count:
            interrupts.wait(0.05)
        if interrupts.count and not future.done():
            return _interrupted(session, job, interrupts)
    return _finish(session, job, future.result())


def _start(job: Job) -> Future[Execution]:
    future: Future[Execution] = Future()

    def watch() -> None:
        try:
            future.set_result(_watch(job))
        except BaseException as error:  # noqa: BLE001 - handed to the waiting main thread, which raises it
            future.set_exception(error)

    threading.Thread(target=watch, name=f"gov-cell-{job.view.id}", daemon=True).start()
    return future


def _watch(job: Job) -> Execution:
    """Show the execution until it ends; at a gate either leave or say where to decide it."""
    told: set[str] = set()
    while True:
        execution = job.view.follow(job.screen, _stop_rule(job, told), job.deadline)
        if execution.state.is_terminal or not job.wait or job.is_late or job.left.is_set():
            return execution
        for gate in job.view.snapshot(execution)["approvals"]:
            if gate["status"] == ApprovalStatus.OPEN and gate["id"] not in told:
                told.add(gate["id"])
                announce(gate, where_to_decide(gate["id"]))


def _stop_rule(job: Job, told: Set[str]) -> Until:
    """Return when to stop following: at the end, and once at each gate."""

    def stops(execution: Execution, gates: Sequence[Approval]) -> bool:
        if execution.state.is_terminal or not job.wait:
            return outcome.settled(execution, gates)
        return any(gate.status is ApprovalStatus.OPEN and gate.id not in told for gate in gates)

    return stops


def _finish(session: Session, job: Job, execution: Execution) -> ExecutionView:
    view = job.view
    view.shown()
    if execution.state.is_terminal:
        view.finish(job.screen)
        error = outcome.error_of(execution, view.gates())
        if error is not None:
            raise error
        return view
    _leave(session, job)
    if job.is_late:
        raise too_late(execution, view.gates())
    return view


def _leave(session: Session, job: Job) -> None:
    """Keep a live view alive; make any other one final for now."""
    if session.attended:
        job.view.linger(job.screen)
    else:
        job.view.finish(job.screen)


def _interrupted(session: Session, job: Job, interrupts: Interrupts) -> ExecutionView:
    """Ask for the end of the execution and give the cell back soon; a second press lets the execution alone.

    What only waits for a person goes on waiting.
    """
    name = short_id(job.view.id)
    presses = interrupts.count
    gate = resting_gate(session.gov, session.actor, job.view.id)
    if gate is not None:
        job.left.set()
        job.view.detach()
        job.view.shown()
        _leave(session, job)
        raise outcome.left_waiting(job.view.execution, gate)
    job.view.kill("interrupted in the notebook")
    state = interrupts.outlast(lambda: job.view.execution.state)
    job.left.set()
    job.view.detach()
    job.view.shown()
    if interrupts.count > presses:
        job.view.finish(job.screen)
        raise outcome.InterruptedRunError(
            f"Detached from {name}, which is {state}.", hint=f"Watch it again: %gov show {name}"
        )
    if state.is_terminal:
        job.view.finish(job.screen)
    else:
        _leave(session, job)
    raise outcome.InterruptedRunError(f"Interrupted: {name} is {state}.", hint=hint(state, name, "%gov"))
