"""Gathers what a snapshot needs from the service, and remembers what does not change."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import RLock

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import LogLine
from jupyter_gov.errors import GovError
from jupyter_gov.kernel.display.material import Material
from jupyter_gov.kernel.display.scrub import MAX_TEXT
from jupyter_gov.kernel.display.snapshot import build
from jupyter_gov.kernel.snapshot_types import MessageSnapshot, Snapshot
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.service.api import ApprovalDetail, Gov

LINES_PER_TASK = 50
_PAGE = 1_000


class Collector:
    """Makes snapshots of one execution; reads only log lines that it has not read yet.

    Parameters
    ----------
    messages
        What to tell the reader besides, such as the warnings of the check.
    """

    def __init__(self, gov: Gov, actor: Actor, execution: Execution, messages: Sequence[MessageSnapshot] = ()) -> None:
        self._gov = gov
        self._actor = actor
        self._messages = tuple(messages)
        self._flow: Flow | None = None
        self._flow_known = False
        self._last_log = 0
        self._lines: dict[str | None, deque[LogLine]] = defaultdict(lambda: deque(maxlen=LINES_PER_TASK))
        self._totals: dict[str | None, int] = defaultdict(int)
        self._artefacts: dict[str, str] = {}
        self._decisions: dict[str, int] = {}
        # A watching thread and the main thread both ask.
        self._lock = RLock()
        self.execution = execution

    @property
    def flow(self) -> Flow | None:
        """The checked flow of the execution; None when its revision cannot be read or checked any more."""
        if not self._flow_known:
            self._flow_known = True
            try:
                found = self._gov.flows.get(
                    self.execution.namespace, self.execution.flow_id, self._actor, self.execution.flow_revision
                )
                self._flow = self._gov.flows.load(found)
            except GovError:
                # A plugin that was uninstalled since must not hide what is on record.
                self._flow = None
        return self._flow

    def snapshot(self, execution: Execution | None = None) -> Snapshot:
        """Return the document for the execution as given, or as the store has it now."""
        with self._lock:
            self.execution = execution or self._gov.executions.get(self.execution.id, self._actor)
            return self._build()

    def _build(self) -> Snapshot:
        approvals = self.approvals()
        self._read_logs()
        self._read_artefacts(approvals)
        self._read_decisions(approvals)
        return build(
            Material(
                execution=self.execution,
                now=datetime.now(UTC),
                flow=self.flow,
                approvals=approvals,
                logs=self._lines,
                log_totals=self._totals,
                progress=self._gov.executions.progress(self.execution.id),
                artefacts=self._artefacts,
                decisions=self._decisions,
                messages=self._messages,
                viewer=self._actor,
            )
        )

    def approvals(self) -> Sequence[ApprovalDetail]:
        """Return all gates of the execution, oldest first."""
        found = self._gov.approvals.list(self._actor, status=None, execution_id=self.execution.id)
        return sorted(found, key=lambda detail: (detail.approval.opened_at, detail.approval.id))

    def read_logs(self) -> bool:
        """Read new log lines; return whether there were any."""
        with self._lock:
            before = self._last_log
            self._read_logs()
            return self._last_log != before

    def _read_logs(self) -> None:
        while True:
            lines = self._gov.executions.logs(self.execution.id, self._actor, after=self._last_log, limit=_PAGE)
            for line in lines:
                self._lines[line.task_run_id].append(line)
                self._totals[line.task_run_id] += 1
                self._last_log = max(self._last_log, line.id)
            if len(lines) < _PAGE:
                return

    def _read_artefacts(self, approvals: Sequence[ApprovalDetail]) -> None:
        for gate in (detail.approval for detail in approvals):
            for uri in (artefact["uri"] for artefact in gate.artefacts):
                if uri not in self._artefacts:
                    self._artefacts[uri] = self._beginning(gate.execution_id, uri)

    def _beginning(self, execution_id: str, uri: str) -> str:
        try:
            with self._gov.executions.file(execution_id, uri, self._actor).open("rb") as file:
                data = file.read(4 * MAX_TEXT)
        except (GovError, OSError) as error:
            return f"(cannot be shown: {error})"
        if b"\0" in data:
            return "(not a text)"
        return data.decode("utf-8", "replace")

    def _read_decisions(self, approvals: Sequence[ApprovalDetail]) -> None:
        missing: dict[str, set[str]] = {}
        for gate in (detail.approval for detail in approvals):
            if gate.status is not ApprovalStatus.OPEN and gate.id not in self._decisions:
                missing.setdefault(gate.execution_id, set()).add(gate.id)
        for execution_id, gates in missing.items():
            self._read_entries(execution_id, gates)

    def _read_entries(self, execution_id: str, missing: set[str]) -> None:
        after = 0
        while entries := self._gov.audit.entries(self._actor, f"execution/{execution_id}", after=after):
            for entry in entries:
                if entry.subject.endswith(tuple(missing)) and entry.action.startswith("approval."):
                    identifier = next(item for item in missing if entry.subject.endswith(item))
                    self._decisions[identifier] = entry.seq
            after = entries[-1].seq
