"""A clock that stands until a test moves it, and triggers registered as the service does it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import AuditEntry, ExecutionFilter, FlowRevision
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.lang.check import check
from jupyter_gov.lang.models.flow import Dialect
from jupyter_gov.runtime import trigger_registry
from jupyter_gov.runtime.host import Host
from jupyter_gov.runtime.loop import Loop
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.secrets import from_settings
from tests.runtime.rig import ADA, RUN_AS, Rig

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday."""
RETURN = "tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: done}]\n"


class Hands:
    """The hands of a clock."""

    def __init__(self, now: datetime = NINE) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def host(self, rig: Rig) -> Any:
        """Return what makes hosts of expressions."""

        def make(namespace: str, masks: Masks, dialect: Dialect = "1.3") -> Host:
            secrets = from_settings({}, {})
            return Host(rig.store, namespace, settings={}, secrets=secrets, clock=self, masks=masks, dialect=dialect)

        return make


class Timed:
    """A rig whose loops live by a clock that the test moves."""

    def __init__(self, rig: Rig, now: datetime = NINE) -> None:
        self.rig = rig
        self.clock = Hands(now)

    def loop(self, **options: Any) -> Loop:
        """Start a loop that stays, as that of a server."""
        return self.rig.loop(clock=self.clock, background=True, **options)

    def register(self, source: str, *, run_as: str = RUN_AS) -> FlowRevision:
        """Store a flow and its triggers."""
        rig = self.rig
        flow = check(source, rig.registry).raise_for_errors()
        revision = rig.register(source)
        made = trigger_registry.drafts(rig.store, flow, revision, self.clock.host(rig), now=self.clock.now)
        with rig.store.write() as tx:
            trigger_registry.sync(tx, rig.store, flow, revision, made, ADA, run_as)
        rig.wake()
        return revision

    def move(self, to: datetime | timedelta) -> None:
        """Move the clock, and let the loops see it."""
        self.clock.now = to if isinstance(to, datetime) else self.clock.now + to
        self.rig.wake()

    def settle(self) -> None:
        """Wait until the loops have nothing to do at this time."""
        for loop in self.rig.loops:
            assert loop.settle(60)

    def pass_to(self, to: datetime | timedelta) -> None:
        """Move the clock and wait for what follows."""
        self.move(to)
        self.settle()

    def trigger(self, flow_id: str, trigger_id: str) -> Trigger:
        """Return a trigger of a flow of `company.team`."""
        with self.rig.store.read() as tx:
            found = self.rig.store.triggers.get(tx, "company.team", flow_id, trigger_id)
        assert found is not None
        return found

    def runs(self, flow_id: str) -> list[Execution]:
        """Return the executions of a flow, oldest first."""
        store = self.rig.store
        with store.read() as tx:
            listed = store.executions.list(tx, ExecutionFilter("company.team", flow_id), limit=1000)
            found = [store.executions.load(tx, one.id) for one in reversed(listed)]
        return [one for one in found if one is not None]

    def dates(self, flow_id: str) -> list[str]:
        """Return `trigger.date` of the executions of a flow."""
        return [str(run.trigger.variables["date"])[:16] for run in self.runs(flow_id) if run.trigger is not None]

    def told(self, flow_id: str, *actions: str) -> Sequence[AuditEntry]:
        """Return what the history tells of the triggers of a flow."""
        with self.rig.store.read() as tx:
            found = self.rig.store.audit_log.entries(tx, f"trigger/company.team/{flow_id}", 0, 10_000)
        return [one for one in found if not actions or one.action.removeprefix("trigger.") in actions]

    def check(self) -> None:
        """Assert that the history agrees with what is stored."""
        report = self.rig.store.verify()
        assert report.ok, report.findings


def scheduled(flow_id: str, *lines: str, cron: str = "0 * * * *", rest: str = RETURN) -> str:
    """Return a flow that an hourly schedule starts."""
    more = "".join(f"    {line}\n" for line in lines)
    return f"""\
id: {flow_id}
namespace: company.team
{rest}triggers:
  - id: hourly
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "{cron}"
    timezone: UTC
{more}"""
