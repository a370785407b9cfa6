"""Where attempts wait for workers, and the small protocol that every worker speaks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from jupyter_gov.domain.events import AttemptFinished
from jupyter_gov.plugins.context import LogLevel, Metric
from jupyter_gov.runtime.mailbox import Claimed, Finished, Mailbox

if TYPE_CHECKING:
    from jupyter_gov.runtime.attempt import Job


@dataclass(frozen=True, slots=True)
class Ticket:
    """An attempt that nobody has begun: which execution, which task run."""

    execution_id: str
    task_run_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Room for one attempt at a worker; ``deliver`` is called once the start of an attempt is committed."""

    worker: str
    deliver: Callable[[Job], None]


JobKey = tuple[str, int]
"""Task run id and number of the attempt."""


class Foreman(Protocol):
    """What a worker may say to the loop: in process, over HTTP, or through Dask."""

    def claim(self, claim: Claim) -> None:
        """Ask for one attempt."""
        ...

    def heartbeat(self, keys: Iterable[JobKey]) -> Mapping[JobKey, str]:
        """Tell that these attempts run, and learn which of them must stop, and why."""
        ...

    def log(self, key: JobKey, level: LogLevel, message: str) -> None:
        """Record a line of an attempt."""
        ...

    def output(self, key: JobKey, metric: Metric) -> None:
        """Record a number that an attempt reports before its end."""
        ...

    def finish(self, key: JobKey, event: AttemptFinished | None) -> None:
        """Report how an attempt ended; None if it was not run to its end and nobody may say how it went."""
        ...


class Board:
    """Brings attempts and workers together; implements ``Foreman``."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._lock = Lock()
        self._claims: deque[Claim] = deque()
        self._waiting: dict[Ticket, None] = {}
        self._running: dict[JobKey, Job] = {}

    # --- the workers' side ------------------------------------------------------------------------------------

    def claim(self, claim: Claim) -> None:
        """Take an attempt that waits, or the next one that comes."""
        with self._lock:
            if not self._waiting:
                self._claims.append(claim)
                return
            ticket = next(iter(self._waiting))
            del self._waiting[ticket]
        self._mailbox.post(Claimed(ticket, claim))

    def heartbeat(self, keys: Iterable[JobKey]) -> Mapping[JobKey, str]:
        """Return those attempts of a worker that must stop, with the reason; unknown ones have lost their lease."""
        stop: dict[JobKey, str] = {}
        with self._lock:
            for key in keys:
                job = self._running.get(key)
                reason = "lease" if job is None else job.cancellation.reason
                if reason is not None:
                    stop[key] = reason
        return stop

    def log(self, key: JobKey, level: LogLevel, message: str) -> None:
        """Record a line of an attempt."""
        job = self._running.get(key)
        if job is not None:
            job.log.log(level, message)

    def output(self, key: JobKey, metric: Metric) -> None:
        """Record a number of an attempt."""
        job = self._running.get(key)
        if job is not None:
            job.metrics.append(metric)

    def finish(self, key: JobKey, event: AttemptFinished | None) -> None:
        """Pass the end of an attempt on to the loop; a second report is ignored."""
        with self._lock:
            job = self._running.pop(key, None)
        if job is not None:
            self._mailbox.post(Finished(job, event))

    # --- the loop's side --------------------------------------------------------------------------------------

    def reserve(self) -> Claim | None:
        """Return room for an attempt, if a worker has some."""
        with self._lock:
            return self._claims.popleft() if self._claims else None

    def put(self, ticket: Ticket) -> None:
        """Let an attempt wait for a worker."""
        with self._lock:
            if not self._claims:
                self._waiting[ticket] = None
                return
            claim = self._claims.popleft()
        self._mailbox.post(Claimed(ticket, claim))

    def start(self, job: Job, claim: Claim) -> None:
        """Hand an attempt, whose start is committed, to the worker that claimed it."""
        with self._lock:
            self._running[job.run.id, job.number] = job
        claim.deliver(job)

    def cancel(self, execution_id: str, reason: str, task_run_id: str | None = None) -> None:
        """Stop the attempts of an execution, or of one task run."""
        with self._lock:
            jobs = [
                job
                for job in self._running.values()
                if job.execution.id == execution_id and task_run_id in (None, job.run.id)
            ]
        for job in jobs:
            job.cancellation.request(reason)

    @property
    def waiting(self) -> int:
        """How many attempts wait for a worker."""
        return len(self._waiting)

    def withdraw(self, execution_id: str) -> None:
        """Forget the attempts of an execution that wait for a worker."""
        with self._lock:
            for ticket in [found for found in self._waiting if found.execution_id == execution_id]:
                del self._waiting[ticket]

    def running(self, execution_id: str | None = None) -> int:
        """Return how many attempts run, of one execution or of all."""
        with self._lock:
            if execution_id is None:
                return len(self._running)
            return sum(1 for job in self._running.values() if job.execution.id == execution_id)
