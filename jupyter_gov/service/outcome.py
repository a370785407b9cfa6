"""How a run ended, in the words and numbers that scripts rely on: the same in a cell, in a batch and in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from jupyter_gov.domain.approval import Approval, ApprovalStatus
from jupyter_gov.domain.execution import Execution, Failure
from jupyter_gov.domain.states import State
from jupyter_gov.errors import ExecutionError
from jupyter_gov.service.words import decide_commands, short_id

GOOD = frozenset({State.SUCCESS, State.WARNING})


class Exit(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    WAITING = 3
    REFUSED = 4
    UNTRUSTED = 5


class RunFailedError(ExecutionError):
    """The execution ended without success."""

    default_code = "GOV331"
    exit = Exit.FAILED


class RunRefusedError(RunFailedError):
    """A person rejected a gate, or nobody answered it in time."""

    default_code = "GOV332"
    exit = Exit.REFUSED


class RunKilledError(RunFailedError):
    """Somebody stopped the execution."""

    default_code = "GOV333"


class UndecidedError(ExecutionError):
    """The execution has not ended: what was asked for does not exist yet."""

    default_code = "GOV330"
    exit = Exit.WAITING


class WaitTimeoutError(UndecidedError):
    """The time given with ``--timeout`` is over; the execution goes on without us."""

    default_code = "GOV334"


class InterruptedRunError(ExecutionError):
    """The person at the keyboard interrupted the cell or command."""

    default_code = "GOV335"
    exit = Exit.FAILED


class LeftWaitingError(UndecidedError):
    """The person at the keyboard interrupted what only waited for a person: that goes on waiting."""

    default_code = "GOV337"


def settled(execution: Execution, approvals: Iterable[Approval]) -> bool:
    """Whether it ended or waits for others: for a person, be it at a gate of a subflow, or for its turn."""
    if execution.state.is_terminal or execution.state in {State.PAUSED, State.QUEUED}:
        return True
    return any(gate.status is ApprovalStatus.OPEN for gate in approvals)


def reason_of(execution: Execution) -> tuple[str | None, Failure | None]:
    """Return the task that made the execution fail, and why."""
    failed = [run for run in execution.task_runs.values() if run.failure is not None and run.state is not State.RETRIED]
    # The leaf that failed last says why; flowables above it only repeat it.
    leaf = max(failed, key=lambda run: (run.frame is None, run.history.moments[-1].at, run.seq), default=None)
    if leaf is not None:
        return leaf.task_id, leaf.failure
    return None, execution.failure


def refusal(approvals: Iterable[Approval]) -> Approval | None:
    """Return the gate that was rejected or ran out of time, if one was."""
    for approval in approvals:
        if approval.status is ApprovalStatus.REJECTED:
            return approval
        if approval.status is ApprovalStatus.EXPIRED and approval.behavior in {"FAIL", "CANCEL"}:
            return approval
    return None


def verdict(execution: Execution, approvals: Iterable[Approval]) -> Exit:
    """Return the exit code that says how an execution stands."""
    state = execution.state
    if not state.is_terminal:
        return Exit.WAITING
    if state in GOOD:
        return Exit.DONE
    return Exit.REFUSED if refusal(approvals) else Exit.FAILED


def error_of(execution: Execution, approvals: Iterable[Approval]) -> ExecutionError | None:
    """Return the error that says why an execution is not done, or None if it is."""
    gates = tuple(approvals)
    state = execution.state
    name = f"{execution.flow_id} ({short_id(execution.id)})"
    if state in GOOD:
        return None
    if not state.is_terminal:
        return undecided(execution, gates)
    refused = refusal(gates)
    if refused is not None:
        return _refused(name, refused)
    if state is State.KILLED:
        return RunKilledError(
            f"{name} was killed.", hint=f"jupyter gov restart {short_id(execution.id)} goes on from there."
        )
    task, failure = reason_of(execution)
    where = f' at task "{task}"' if task else ""
    why = f": {failure.message}" if failure else "."
    hint = f"Logs: jupyter gov logs {short_id(execution.id)}"
    return RunFailedError(f"{name} ended {state}{where}{why}", hint=hint)


def _refused(name: str, gate: Approval) -> RunRefusedError:
    if gate.status is ApprovalStatus.EXPIRED:
        return RunRefusedError(f'{name}: nobody answered gate "{gate.task_id}" in time.')
    why = f": {gate.reason}" if gate.reason else "."
    return RunRefusedError(f'{name}: {gate.status_by} rejected gate "{gate.task_id}"{why}')


def require_restartable(execution: Execution) -> None:
    """Refuse to restart what ended well, in words that need no knowledge of how a restart works.

    Raises
    ------
    ExecutionError
        ``GOV304``: nothing in it failed.
    """
    if execution.state is State.SUCCESS:
        raise ExecutionError(
            f"{execution.flow_id} ({short_id(execution.id)}) ended SUCCESS: nothing in it failed, so there is nothing "
            "to continue",
            code="GOV304",
            hint=f"Run it once more: jupyter gov run {execution.namespace}.{execution.flow_id}",
        )


def undecided(execution: Execution, approvals: Iterable[Approval]) -> UndecidedError:
    """Return the error for what needs the end of an execution that has not come yet."""
    name = f"{execution.flow_id} ({short_id(execution.id)})"
    gate = next((item for item in approvals if item.status is ApprovalStatus.OPEN), None)
    follow = f"jupyter gov show {short_id(execution.id)} --follow"
    if execution.state is State.QUEUED:
        return UndecidedError(
            f"{name} is QUEUED: as many runs of its flow as may go on at once do so.",
            hint=f"Follow it when one has ended: {follow}",
        )
    if gate is None:
        return UndecidedError(
            f"{name} is {execution.state}.",
            hint=f"See how it goes on: jupyter gov show {short_id(execution.id)} --follow",
        )
    return UndecidedError(f'{name} waits for approval at gate "{gate.task_id}".', hint=_how_to_decide(gate))


def left_waiting(execution: Execution, gate: Approval) -> LeftWaitingError:
    """Return the error for an interrupted wait at a gate."""
    name = f"{execution.flow_id} ({short_id(execution.id)})"
    return LeftWaitingError(
        f'{name} still waits for approval at gate "{gate.task_id}"; nothing was stopped.', hint=_how_to_decide(gate)
    )


def _how_to_decide(gate: Approval) -> str:
    approve, reject = decide_commands(gate.id)
    return f"Decide it: {approve}  or  {reject}"
