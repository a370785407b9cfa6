"""Start runs, look at them, stop and continue them."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from jupyter_gov.cli import describe, host, leaving, screen, shapes
from jupyter_gov.cli.commands.flows import read_text
from jupyter_gov.cli.follow import Wish, follow
from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.lang.diagnostics import render
from jupyter_gov.service import lookup, outcome
from jupyter_gov.service.api import ApprovalDetail, Gov, StartRequest
from jupyter_gov.service.outcome import verdict
from jupyter_gov.service.words import decide_commands, duration, moment, short_id

_TAKEN_UP = 30.0
"""Seconds in which a loop must have acted: the lease of a dead one lapses sooner."""
_OTHERS_TAKE_UP = 5.0
"""The same where only processes of somebody else may act, of which there may be none."""
_OTHERS_QUIET = 60.0
"""Seconds without any change after which we do not stay with what somebody else carries on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run: a file or the name of a stored flow, with inputs and labels, now or ``at`` a date."""

    target: str
    inputs: Mapping[str, str]
    labels: Mapping[str, str]
    allow_unknown_types: bool = False
    at: datetime | None = None


def run(wanted: Wanted, *, wait: bool, timeout: float | None, quiet: bool, as_json: bool) -> int:
    """Run a flow and stay; return the exit code that says how it ended."""
    with host.opened(begins=True) as (gov, actor):
        execution = gov.executions.start(_request(gov, actor, wanted), actor)
        if wanted.at is not None and wanted.at > datetime.now(UTC):
            _say_when(execution, wanted.at, as_json=as_json)
            return 0
        return stay(gov, actor, execution.id, wait=wait, timeout=timeout, quiet=quiet, as_json=as_json)


def _say_when(execution: Execution, at: datetime, *, as_json: bool) -> None:
    if as_json:
        screen.emit(shapes.execution(execution, []))
        return
    screen.say(f"{execution.flow_id} ({short_id(execution.id)}) begins {moment(at)}, carried on by whichever process")
    screen.say(f"of {execution.run_as} acts then. Stop it before that: jupyter gov kill {short_id(execution.id)}")


def _request(gov: Gov, actor: Actor, wanted: Wanted) -> StartRequest:
    path = Path(wanted.target)
    if path.suffix in {".yaml", ".yml"} or path.is_file() or wanted.target == "-":
        source = read_text(path)
        checked = gov.flows.check(source, allow_unknown_types=wanted.allow_unknown_types)
        if checked.warnings and not checked.errors:
            screen.say(render(checked.warnings, source), stderr=True)
        revision = gov.flows.register(source, actor, allow_unknown_types=wanted.allow_unknown_types)
    else:
        namespace, _, flow_id = wanted.target.rpartition(".")
        if not namespace:
            raise typer.BadParameter(f"{wanted.target!r} is neither a file nor NAMESPACE.FLOW", param_hint="TARGET")
        revision = gov.flows.get(namespace, flow_id, actor)
    return StartRequest(
        revision.namespace,
        revision.flow_id,
        revision=revision.revision,
        inputs=wanted.inputs,
        labels=wanted.labels,
        workdir=str(Path.cwd()),
        strict=True,
        schedule_date=wanted.at,
    )


def stay(
    gov: Gov, actor: Actor, execution_id: str, *, wait: bool, timeout: float | None, quiet: bool, as_json: bool
) -> int:
    """Carry an execution on and watch it; return the exit code that says how it stands."""
    execution = gov.executions.get(execution_id, actor)
    ours = host.carries_on(execution)
    wish = Wish(say_where, wait, timeout, quiet or as_json, patience=None if ours else _OTHERS_QUIET)
    if ours:
        _carry_on(gov, actor, execution, wish)
    elif not outcome.settled(follow(gov, actor, execution_id, wish), ()):
        say_whose(execution)
    execution = gov.executions.get(execution_id, actor)
    gates = list(gov.approvals.list(actor, status=None, execution_id=execution_id))
    if as_json:
        screen.emit(shapes.execution(execution, gates))
    else:
        describe.ending(execution, [gate.approval for gate in gates])
    return int(verdict(execution, [gate.approval for gate in gates]))


def _carry_on(gov: Gov, actor: Actor, execution: Execution, wish: Wish) -> None:
    leaving.properly()
    began = time.monotonic()
    gov.start_loop(only=execution.id)
    follow(gov, actor, execution.id, wish)
    # What it started without waiting for it, and its other branches, would be cut off with this process.
    if not gov.settle(None if wish.timeout is None else max(0.0, wish.timeout - (time.monotonic() - began))):
        screen.say("the time is over: what goes on is stopped here, and goes on with the next process", stderr=True)


def say_whose(execution: Execution) -> None:
    """Say that nothing more happens here, who makes it happen, and how to see that it did."""
    name = short_id(execution.id)
    screen.say(
        f"{execution.flow_id} ({name}) is carried on by processes of {execution.run_as}, and none of them acts now.",
        stderr=True,
    )
    screen.say(f"  See how it goes on: jupyter gov show {name}", stderr=True)


def say_where(gate: ApprovalDetail) -> None:
    """Say what waits, and which commands answer it."""
    found = gate.approval
    screen.say(f'‖ waiting for approval at gate "{found.task_id}"', style="yellow", stderr=True)
    screen.block(found.description, stderr=True)
    for command in decide_commands(found.id):
        screen.say(f"    {command}", stderr=True)


def runs(flow: str | None, states: Sequence[str], limit: int, *, as_json: bool) -> None:
    """List the latest runs."""
    namespace, _, flow_id = (flow or "").rpartition(".")
    where = ExecutionFilter(namespace=namespace or None, flow_id=flow_id or None, states=_states(states))
    with host.opened() as (gov, actor):
        found = gov.executions.list(actor, where, limit=limit)
    if as_json:
        screen.emit([shapes.summary(item) for item in found])
        return
    now = datetime.now(UTC)
    rows = [
        (
            short_id(item.id),
            f"{item.namespace}.{item.flow_id}",
            screen.state_text(item.state),
            moment(item.created),
            duration(item.duration(now)),
            item.starter,
        )
        for item in found
    ]
    screen.table(("Run", "Flow", "State", "Started", "Time", "By"), rows, empty="No run matches.")


def _states(names: Sequence[str]) -> frozenset[State]:
    unknown = [name for name in names if name.upper() not in State.__members__]
    if unknown:
        known = ", ".join(State.__members__)
        raise typer.BadParameter(f"{unknown[0]!r} is none of {known}", param_hint="--state")
    return frozenset(State(name.upper()) for name in names)


def show(run_id: str, *, follow: bool, as_json: bool) -> int:
    """Show a run; return 0, or the exit code that says how it ended if it was followed."""
    with host.opened() as (gov, actor):
        execution = gov.executions.get(lookup.execution_id(gov, run_id, actor), actor)
        if follow:
            return stay(gov, actor, execution.id, wait=True, timeout=None, quiet=False, as_json=as_json)
        gates = list(gov.approvals.list(actor, status=None, execution_id=execution.id))
    if as_json:
        screen.emit(shapes.execution(execution, gates))
    else:
        describe.run(execution, gates)
    return 0


def logs(run_id: str, task: str | None, *, follow: bool, as_json: bool) -> None:
    """Print the log of a run."""
    documents: list[dict[str, Any]] = []
    with host.opened() as (gov, actor):
        found, after = lookup.execution_id(gov, run_id, actor), 0
        while True:
            # The state is read first: lines written before the end are then read after it.
            ended = gov.executions.get(found, actor).state.is_terminal
            while lines := gov.executions.logs(found, actor, after=after):
                after = lines[-1].id
                for line in lines:
                    if task in {None, line.task_id}:
                        documents.append(shapes.log(line)) if as_json else describe.log_line(line)
            sys.stdout.flush()
            if ended or not follow:
                break
            gov.executions.wait(found, actor, until=lambda run: run.state.is_terminal, timeout=0.5)
    if as_json:
        screen.emit(documents)


def kill(run_id: str, reason: str | None, *, follow: bool, as_json: bool) -> None:
    """Stop a run."""
    with host.opened() as (gov, actor):
        before = gov.executions.get(lookup.execution_id(gov, run_id, actor), actor)
        gov.executions.kill(before.id, actor, reason)
        if follow and taken_up(gov, actor, before):
            stay(gov, actor, before.id, wait=True, timeout=None, quiet=False, as_json=as_json)
        elif as_json:
            screen.emit({"id": before.id, "requested": "kill"})


def restart(run_id: str, *, follow: bool, as_json: bool) -> int:
    """Continue an ended run; return the exit code that says how it ended."""
    with host.opened() as (gov, actor):
        before = gov.executions.get(lookup.execution_id(gov, run_id, actor), actor)
        outcome.require_restartable(before)
        gov.executions.restart(before.id, actor)
        if follow and taken_up(gov, actor, before):
            return stay(gov, actor, before.id, wait=False, timeout=None, quiet=False, as_json=as_json)
        if as_json:
            screen.emit({"id": before.id, "requested": "restart"})
        return 0


def replay(run_id: str, task: str | None, revision: int | None, *, as_json: bool) -> int:
    """Begin a run again as a new one and stay; return the exit code that says how it ended."""
    with host.opened(begins=True) as (gov, actor):
        before = gov.executions.get(lookup.execution_id(gov, run_id, actor), actor)
        # By task where that names one; loops have several task runs of a task, which are chosen by their own ids.
        runs = [run.id for run in before.ordered() if task is not None and task in {run.id, run.task_id}]
        if len(runs) > 1:
            raise typer.BadParameter(f"{task!r} ran {len(runs)} times: {', '.join(runs[:20])}", param_hint="--from")
        execution = gov.executions.replay(before.id, actor, runs[0] if runs else task, revision)
        return stay(gov, actor, execution.id, wait=False, timeout=None, quiet=False, as_json=as_json)


def delete(run_id: str, reason: str | None, kinds: Mapping[str, bool], *, sure: bool, as_json: bool) -> None:
    """Delete an ended run, after asking unless somebody is sure already."""
    with host.opened() as (gov, actor):
        found = gov.executions.get(lookup.execution_id(gov, run_id, actor), actor)
        name = f"{found.namespace}.{found.flow_id} ({short_id(found.id)}, {found.state})"
        if not sure and not typer.confirm(f"Delete {name}? This cannot be undone.", err=True):
            raise typer.Exit(1)
        gone = gov.executions.delete(found.id, actor, reason=reason, **kinds)
    if as_json:
        screen.emit({"id": found.id, "deleted": dict(gone)})
    else:
        screen.say(f"deleted {name}: {gone['logs']} log lines, {gone['metrics']} metrics; its history stays")
        screen.say(f"    jupyter gov audit show {found.id}", style="dim")


def taken_up(gov: Gov, actor: Actor, before: Execution) -> bool:
    """Wait until some loop (ours, if no other) has acted on what was asked for after ``before`` was read.

    Returns
    -------
    bool
        False if only processes of somebody else may act, and none has; that was said then.
    """
    ours = host.carries_on(before)
    if ours:
        leaving.properly()
        gov.start_loop(only=before.id)
    patience = _TAKEN_UP if ours else _OTHERS_TAKE_UP
    now = gov.executions.wait(before.id, actor, until=lambda run: run.version != before.version, timeout=patience)
    if ours or now.version != before.version:
        return True
    say_whose(before)
    return False
