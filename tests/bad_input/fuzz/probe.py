"""Tries one case: check the text, render the template, run the flow; only a diagnostic or a ``GovError`` may stop it."""

from __future__ import annotations

import faulthandler
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.engine import graph
from jupyter_gov.engine.triggers import schedule, starting
from jupyter_gov.engine.triggers.parse import calendar_of, parse, rule_of
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import GovError
from jupyter_gov.lang import expr
from jupyter_gov.lang.check import check
from jupyter_gov.lang.diagnostics import FlowError
from jupyter_gov.lang.diagnostics import render as render_diagnostics
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.models.triggers import Schedule, ScheduleOnDates
from jupyter_gov.lang.source import load
from jupyter_gov.plugins.binding import bind
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest
from tests.bad_input.fuzz import drive
from tests.bad_input.fuzz.cases import Case

CORE = "io.kestra.plugin.core."
HARMLESS = frozenset(
    [CORE + name for name in ("log.Log", "debug.Return", "debug.Echo", "output.OutputValues", "metric.Publish", "kv.Set", "kv.Get")]
    + [CORE + f"execution.{name}" for name in ("Fail", "Assert", "Labels")]
    + [CORE + f"flow.{name}" for name in ("Sequential", "Parallel", "Dag", "If", "Switch", "ForEach", "EachSequential",
                                          "EachParallel", "AllowFailure", "LoopUntil", "Pause")]
)  # fmt: skip
OWN_FAULTS = frozenset({"GOV865", "GOV867"})
"""Codes that stand for an exception that nobody expected: inside of a task of ours these are crashes."""
CONTEXT: dict[str, Any] = {
    "inputs": {"a": 1, "b": "two"},
    "vars": {"n": 3, "list": [1, "x", None], "map": {"a": {"b": 1.5}}, "text": "Text"},
    "outputs": {"t1": {"value": "v"}, "t2": {"values": {"a": [1, 2]}}},
    "taskrun": {"id": "r", "value": "[1, 2]", "attemptsCount": 1},
    "execution": {"id": "e", "startDate": datetime(2026, 1, 1, tzinfo=UTC)},
    "flow": {"id": "f", "namespace": "n", "revision": 1},
    "labels": {"team": "risk"},
    "parents": [{"taskrun": {"value": "p"}}],
    "globals": {"x": {"y": 1}},
    "envs": {},
    "trigger": {"date": "2026-01-01T00:00:00Z"},
}
NOW = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
_BOUND = 30
_WAIT = 1.0
_MERCY = 10.0
_REAL = 3
"""One in so many flows of harmless tasks runs through the service, on a store and a loop."""
_MACHINERY = re.compile(r"Traceback \(most recent call last\)|<[\w.]+ object at 0x")


class WrongError(AssertionError):
    """The product did something that no input may make it do."""


class Probe:
    """Tries cases one after the other, in one process."""

    def __init__(self, folder: Path) -> None:
        self.registry = Registry()
        self.gov = open_gov(data_dir=str(folder), encryption_key="")
        self.gov.start_loop()
        self.actor = Actor("fuzz", "Fuzz", assurance=Assurance.OS)
        self.logged: list[str] = []
        logging.getLogger("jupyter_gov").addHandler(_Faults(self.logged))

    def close(self) -> None:
        """Close the service."""
        self.gov.close()

    def run(self, case: Case) -> dict[str, bool]:
        """Try a case and return how far it came; anything but a ``GovError`` that comes out of it is a crash."""
        came = dict.fromkeys(("parsed", "checked", "valid", "stepped", "real", "rendered"), False)
        tree = load(case.text)
        came["parsed"] = tree.root is not None and not tree.problems
        flow = self._checked(case.text, strange=case.seed % 2 == 0)
        # `check` looks at the shape of whatever could be read.
        came["checked"] = tree.root is not None
        came["rendered"] = self._rendered(case.expression)
        if flow is not None:
            came["valid"] = True
            self._run(case, flow, came)
        return came

    def _checked(self, text: str, *, strange: bool) -> Flow | None:
        found = check(text, self.registry, allow_unknown_types=strange)
        shown = render_diagnostics(found.diagnostics, text)
        json.dumps([one.to_json() for one in found.diagnostics])
        if found.flow is None:
            error = FlowError(found.diagnostics, text)
            shown += "\n".join(error._render_traceback_()) + str(error)
            json.dumps(error.to_json())
            if not found.errors:
                raise WrongError("there is no flow, and no error says why")
        _legible(shown)
        lines = (
            text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 2
        )
        for one in found.diagnostics:
            if not one.message or not one.code.startswith("GOV"):
                raise WrongError(f"a diagnostic without code or message: {one}")
            if one.location is not None and not 1 <= one.location.line <= lines:
                raise WrongError(f"a diagnostic at line {one.location.line} of {lines}")
        return found.flow

    def _rendered(self, template: str) -> bool:
        expr.syntax_error(template)
        refused = False
        looks = (expr.references, expr.warnings, lambda text: expr.render_typed(text, CONTEXT))
        for look in looks:
            try:
                look(template)
            except GovError as error:
                _legible(str(error))
                json.dumps(error.to_json())
                refused = look is looks[-1]
        return not refused

    def _run(self, case: Case, flow: Flow, came: dict[str, bool]) -> None:
        rng = Random(case.seed)
        graph.mermaid(flow)
        _scheduled(flow)
        try:
            values = drive.given(rng, flow)
        except GovError as error:
            _legible(str(error))
            values = {}
        types = {task.type for task in flow.index.values()}
        if types <= HARMLESS and not flow.triggers and case.seed % _REAL == 0:
            came["real"] = came["stepped"] = self._really(case.text, values)
            return
        self._bound(flow)
        try:
            drive.run(rng, flow, values)
            came["stepped"] = True
        except GovError as error:
            _legible(str(error))

    def _bound(self, flow: Flow) -> None:
        """Make the tasks ready to run; those that would do harm go no further."""
        for task in list(flow.index.values())[:_BOUND]:
            if task.kind != "runnable" or self.registry.find(task.type) is None:
                continue
            try:
                bind(
                    self.registry.load(task.type),
                    task.props,
                    lambda value: expr.render_value(value, CONTEXT),
                    self.registry,
                )
            except GovError as error:
                _legible(str(error))

    def _really(self, text: str, values: dict[str, Any]) -> bool:
        executions = self.gov.executions
        self.logged.clear()
        try:
            revision = self.gov.flows.register(text, self.actor)
            found = executions.start(
                StartRequest(revision.namespace, revision.flow_id, inputs=values, trusted=True), self.actor
            )
        except GovError as error:
            _legible(str(error))
            return False
        found = executions.wait(found.id, self.actor, until=lambda one: one.state.is_terminal, timeout=_WAIT)
        if not found.state.is_terminal:
            with _unless_refused():
                executions.kill(found.id, self.actor)
            found = executions.wait(found.id, self.actor, until=lambda one: one.state.is_terminal, timeout=_MERCY)
        if not found.state.is_terminal:
            faulthandler.dump_traceback(all_threads=True)  # for who reads the child's errors
            runs = [(run.task_id, str(run.state), [str(one.state) for one in run.attempts]) for run in found.ordered()]
            raise WrongError(
                f"the execution does not end, not even when it is killed: {found.state} {runs} {self.logged}"
            )
        failures = [run.failure for run in found.task_runs.values()] + [found.failure]
        for failure in failures:
            if failure is not None and failure.code in OWN_FAULTS:
                raise WrongError(f"{failure.code} {failure.message}: {failure.details}")
        if self.logged:
            raise WrongError("\n".join(self.logged))
        return True


def _scheduled(flow: Flow) -> None:
    """Look for the dates of a flow's schedules."""
    subject = Subject(starting.flow_context(flow), UTC)
    for trigger in flow.triggers:
        try:
            parsed = parse(trigger)
            if isinstance(parsed.own, Schedule | ScheduleOnDates):
                rule = rule_of(parsed, calendar_of(parsed.own, render=subject.render, default=UTC))
                found = schedule.next_date(rule, subject, None, now=NOW)
                if found is not None:
                    schedule.evaluate(rule, subject, found, now=NOW, exactly=True)
                schedule.before(rule, subject, NOW)
        except GovError as error:
            _legible(str(error))


@contextmanager
def _unless_refused() -> Iterator[None]:
    try:
        yield
    except GovError:  # it has ended meanwhile
        return


def _legible(text: str) -> None:
    found = _MACHINERY.search(text)
    if found:
        raise WrongError(f"what a person reads holds {found[0]!r}: {text[:500]}")


class _Faults(logging.Handler):
    """Collects what the loop says about exceptions that nobody expected."""

    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        self._into.append(logging.Formatter().format(record))
