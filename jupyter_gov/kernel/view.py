"""The result of a ``%%govflow`` cell: one execution, to look at, ask and act upon."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.approval import Approval, ApprovalStatus, Verdict
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.engine.context import build
from jupyter_gov.engine.graph import mermaid
from jupyter_gov.errors import AccessError, GovError, NotFoundError
from jupyter_gov.kernel import screens
from jupyter_gov.kernel.display.collect import Collector
from jupyter_gov.kernel.follow import Follower, Until
from jupyter_gov.kernel.ipy import display
from jupyter_gov.kernel.snapshot_types import MessageSnapshot, Snapshot, WidgetRequest
from jupyter_gov.lang.models.scalars import parse_duration
from jupyter_gov.service import outcome
from jupyter_gov.service.api import ApprovalDetail

if TYPE_CHECKING:
    from jupyter_gov.kernel.screens import Screen
    from jupyter_gov.kernel.session import Session

_LOG = logging.getLogger(__name__)


class ExecutionView:
    """One execution as its notebook sees it; shown live while it goes on, static afterwards.

    Parameters
    ----------
    session
        The kernel's session.
    execution
        The execution as it is now.
    messages
        What to tell the reader besides, such as the warnings of the check.

    Examples
    --------
    >>> run.state                                # doctest: +SKIP
    'PAUSED'
    >>> run.approve(reason="numbers checked")    # doctest: +SKIP
    >>> run.wait().outputs["train"]["vars"]      # doctest: +SKIP
    """

    def __init__(self, session: Session, execution: Execution, messages: Sequence[MessageSnapshot] = ()) -> None:
        self._session = session
        self._collector = Collector(session.gov, session.actor, execution, messages)
        self._follower: Follower | None = None
        self._screen: Screen | None = None
        self._thread: Thread | None = None
        self._shown_in: int | None = None

    def __repr__(self) -> str:
        execution = self._collector.execution
        return f"<ExecutionView {execution.id} {execution.namespace}.{execution.flow_id} {execution.state}>"

    # -- facts -------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Id of the execution; every command accepts its last characters."""
        return self._collector.execution.id

    @property
    def execution(self) -> Execution:
        """The execution as the store has it now."""
        self._collector.execution = self._session.gov.executions.get(self.id, self._session.actor)
        return self._collector.execution

    @property
    def state(self) -> str:
        """The present state, such as ``RUNNING``, ``PAUSED`` or ``SUCCESS``."""
        return self.execution.state.value

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The inputs, typed."""
        return dict(self._collector.execution.inputs)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the tasks handed back, by task id, just as ``{{ outputs.… }}`` reads it in the flow.

        Raises
        ------
        UndecidedError
            ``GOV330``: the execution has not ended, perhaps since a gate waits; *Run All* stops here.
        RunFailedError
            ``GOV331`` to ``GOV333``: it ended without success.
        """
        self._require_good()
        return _task_outputs(self._collector)

    @property
    def results(self) -> Mapping[str, Any]:
        """What the flow itself declares under ``outputs:``.

        Raises
        ------
        UndecidedError
            ``GOV330``: the execution has not ended.
        RunFailedError
            ``GOV331`` to ``GOV333``: it ended without success.
        """
        return dict(self._require_good().outputs or {})

    def _require_good(self) -> Execution:
        execution = self.execution
        error = outcome.error_of(execution, self.gates())
        if error is not None:
            raise error
        return execution

    def logs(self, task: str | None = None) -> Any:
        """Return the log lines, of one task if it is named, as a DataFrame."""
        import pandas as pd  # noqa: PLC0415 - half a second

        after = 0
        lines: list[LogLine] = []
        while page := self._session.gov.executions.logs(self.id, self._session.actor, after=after):
            lines.extend(page)
            after = page[-1].id
        return pd.DataFrame(
            [
                (line.at, line.level, line.task_id, line.attempt, line.message)
                for line in lines
                if task in {None, line.task_id}
            ],
            columns=["at", "level", "task", "attempt", "message"],
        )

    @property
    def graph(self) -> str:
        """The flow's graph with the states of this execution, as mermaid text."""
        flow = self._collector.flow
        return "" if flow is None else mermaid(flow, self._collector.execution)

    def gates(self) -> list[Approval]:
        """Return all gates of the execution, oldest first."""
        return [detail.approval for detail in self._collector.approvals()]

    # -- acts --------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | str | None = None) -> ExecutionView:
        """Block until the execution has ended; a gate is waited for too.

        Parameters
        ----------
        timeout
            Seconds, or a duration such as ``PT10M``.

        Raises
        ------
        WaitTimeoutError
            ``GOV334``: the time is over; the execution goes on.
        RunFailedError
            ``GOV331`` to ``GOV333``: it ended without success.
        """
        seconds = None if timeout is None else parse_duration(timeout).total_seconds()
        execution = self._session.gov.executions.wait(
            self.id, self._session.actor, until=lambda found: found.state.is_terminal, timeout=seconds
        )
        if not execution.state.is_terminal:
            raise too_late(execution, self.gates())
        self._require_good()
        return self

    def approve(self, reason: str | None = None, *, gate: str | None = None, **inputs: Any) -> ExecutionView:
        """Approve the open gate; ``inputs`` answers its form.

        Parameters
        ----------
        gate
            Task id of the gate, needed only when several are open.

        Raises
        ------
        AccessError
            ``GOV403`` you may not; ``GOV409`` somebody decided first; ``GOV412`` it changed since you saw it.
        InputError
            An answer is wrong; the gate stays open.
        """
        return self._decide(Verdict.APPROVE, reason, gate, inputs)

    def reject(self, reason: str, *, gate: str | None = None) -> ExecutionView:
        """Reject the open gate; the flow fails there.

        Raises
        ------
        AccessError
            ``GOV403`` you may not; ``GOV409`` somebody decided first; ``GOV412`` it changed since you saw it.
        """
        return self._decide(Verdict.REJECT, reason, gate, {})

    def _decide(
        self, verdict: Verdict, reason: str | None, gate: str | None, inputs: Mapping[str, Any]
    ) -> ExecutionView:
        detail = self._open_gate(gate)
        self._session.gov.approvals.decide(
            detail.approval.id,
            verdict,
            self._session.actor,
            subject_digest=detail.approval.subject_digest,
            reason=reason,
            inputs=inputs,
        )
        return self

    def _open_gate(self, task_id: str | None) -> ApprovalDetail:
        opened = [
            detail
            for detail in self._collector.approvals()
            if detail.approval.status is ApprovalStatus.OPEN and task_id in {None, detail.approval.task_id}
        ]
        if not opened:
            raise NotFoundError(f"no gate of execution {self.id} is open", hint=f"It is {self.state}.")
        if len(opened) > 1:
            names = ", ".join(detail.approval.task_id for detail in opened)
            raise AccessError(f"several gates are open: {names}", code="GOV340", hint="Name one: gate=…")
        return opened[0]

    def kill(self, reason: str | None = None) -> ExecutionView:
        """Stop the execution and everything it started."""
        self._session.gov.executions.kill(self.id, self._session.actor, reason)
        return self

    def restart(self) -> ExecutionView:
        """Continue an ended execution from its failed tasks."""
        self._session.gov.executions.restart(self.id, self._session.actor)
        return self

    def refresh(self) -> ExecutionView:
        """Read the execution again."""
        _ = self.execution
        return self

    def answer(self, request: WidgetRequest) -> None:
        """Do what a button of the widget asks for, in the name of the kernel's owner."""
        match request["action"]:
            case "kill":
                self.kill(request.get("reason"))
            case "restart":
                self.restart()
            case "decide":
                self._session.gov.approvals.decide(
                    request["approvalId"],
                    Verdict(request["verdict"]),
                    self._session.actor,
                    subject_digest=request["subjectDigest"],
                    reason=request.get("reason"),
                    inputs=request.get("inputs"),
                )
            case "refresh":
                if self._screen is not None:
                    self._screen.show(self.snapshot())

    # -- display -----------------------------------------------------------------------------------------------

    def snapshot(self, execution: Execution | None = None) -> Snapshot:
        """Return the document that every view shows."""
        return self._collector.snapshot(execution)

    @property
    def is_live(self) -> bool:
        """Whether a view of this execution is being updated."""
        return self._follower is not None

    def follow(self, screen: Screen, until: Until, deadline: float | None = None) -> Execution:
        """Show the execution on ``screen`` until a condition holds; blocks."""
        follower = Follower(self._session.gov, self._session.actor, self._collector, screen.show)
        self._follower, self._screen = follower, screen
        return follower.run(until, deadline)

    def linger(self, screen: Screen) -> None:
        """Go on updating the screen from a thread until the execution has ended."""
        self._thread = Thread(target=self._linger, args=(screen,), name=f"gov-view-{self.id}", daemon=True)
        self._thread.start()
        self._session.watched(self)

    def _linger(self, screen: Screen) -> None:
        try:
            self.follow(screen, until=lambda execution, _gates: execution.state.is_terminal)
            self.finish(screen)
        except GovError as error:
            # The store was closed or its disk is gone; the page keeps what it showed last, with its time.
            _LOG.warning("the view of %s is no longer updated: %s", self.id, error)

    def finish(self, screen: Screen) -> None:
        """Replace what is shown by its final static form."""
        self._follower = self._screen = None
        screen.end(self.snapshot())

    def detach(self) -> None:
        """Stop updating; what is shown becomes static and says when that was."""
        if self._follower is not None:
            self._follower.stop()

    def join(self, timeout: float) -> None:
        """Wait until the thread that updates the view has ended."""
        if self._thread is not None:
            self._thread.join(timeout)

    def shown(self) -> None:
        """Remember that this cell shows the run already, so that its last expression does not show it twice."""
        self._shown_in = self._session.shell.execution_count

    def _ipython_display_(self) -> None:
        if self._shown_in == self._session.shell.execution_count:
            return
        if self.execution.state.is_terminal or not (self._session.attended and self._session.in_notebook):
            display(self._repr_mimebundle_())
            return
        screen = self._session.screen(self)
        screen.show(self.snapshot())
        self.linger(screen)

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return screens.bundle(self.snapshot(self.execution), self.graph or None)


def too_late(execution: Execution, gates: Sequence[Any]) -> outcome.WaitTimeoutError:
    """Return the error for a wait that was over before the execution."""
    reason = outcome.undecided(execution, gates)
    return outcome.WaitTimeoutError(f"The time to wait is over: {reason.message}", hint=reason.hint)


def _task_outputs(collector: Collector) -> dict[str, Any]:
    flow = collector.flow
    if flow is None:
        return {run.task_id: dict(run.outputs or {}) for run in collector.execution.ordered()}
    found = build(flow, collector.execution, None).get("outputs", {})
    return {key: _plain(found[key]) for key in found}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in value}
    return value


def monotonic_deadline(timeout: str | None) -> float | None:
    """Return when (on the monotonic clock) a wait of this length is over."""
    return None if timeout is None else time.monotonic() + parse_duration(timeout).total_seconds()
