"""The worker in this process: a bounded number of threads, started when there is work, gone when there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread, Timer, current_thread
from typing import Protocol

from jupyter_gov.domain.events import AttemptFinished
from jupyter_gov.domain.execution import Failure
from jupyter_gov.domain.states import State
from jupyter_gov.runtime.attempt import Job, perform
from jupyter_gov.runtime.board import Claim, Foreman, JobKey
from jupyter_gov.runtime.cancellation import STOPPED
from jupyter_gov.runtime.world import World

_LOG = logging.getLogger(__name__)
_IDLE_SECONDS = 10.0


class Worker(Protocol):
    """Runs attempts that it claims from a ``Foreman``."""

    def start(self) -> None:
        """Begin to claim attempts."""
        ...

    def stop(self, timeout: float) -> bool:
        """Wait until the attempts in flight have ended; return whether they did."""
        ...


class ThreadWorker:
    """Runs attempts on threads of this process.

    Parameters
    ----------
    slots
        How many attempts run at once.
    may_run
        Asked with the execution's id right before an attempt begins: does this process still own it?
    grace
        Seconds after which a cancelled attempt that does not stop is given up: its end is reported, and another
        thread takes its place.
    """

    def __init__(
        self,
        name: str,
        foreman: Foreman,
        world: World,
        *,
        slots: int,
        may_run: Callable[[str], bool],
        grace: float = 15.0,
    ) -> None:
        self._name = name
        self._foreman = foreman
        self._world = world
        self._slots = slots
        self._may_run = may_run
        self._grace = grace
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = Lock()
        self._busy: dict[JobKey, Job] = {}
        self._alarms: dict[JobKey, Timer] = {}
        self._idle = 0
        self._threads: set[Thread] = set()
        self._stopping = False

    def start(self) -> None:
        """Claim one attempt for each slot; no thread is started before one comes."""
        for _ in range(self._slots):
            self._claim()

    def stop(self, timeout: float) -> bool:
        """Claim nothing more and wait for the threads; return whether all ended."""
        self._stopping = True
        with self._lock:
            threads = list(self._threads)
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            thread.join(timeout / max(1, len(threads)))
        return not any(thread.is_alive() for thread in threads)

    def _claim(self) -> None:
        if not self._stopping:
            self._foreman.claim(Claim(self._name, self._deliver))

    def _deliver(self, job: Job) -> None:
        with self._lock:
            self._busy[job.run.id, job.number] = job
            if self._idle > 0:
                self._idle -= 1
            else:
                thread = Thread(target=self._serve, name="gov-worker", daemon=True)
                self._threads.add(thread)
                thread.start()
        job.cancellation.on_request(lambda: self._watch(job))
        self._jobs.put(job)

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            if not self._work(job):
                break
            with self._lock:
                self._idle += 1
        self._retire()

    def _next(self) -> Job | None:
        try:
            return self._jobs.get(timeout=_IDLE_SECONDS)
        except Empty:
            pass
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                return None
        # A job was delivered to this thread while it gave up waiting.
        return self._jobs.get()

    def _retire(self) -> None:
        with self._lock:
            self._threads.discard(current_thread())

    def _work(self, job: Job) -> bool:
        """Run an attempt; return whether this thread still has its slot."""
        key = (job.run.id, job.number)
        event = self._perform(job)
        with self._lock:
            ours = self._busy.pop(key, None) is not None
            alarm = self._alarms.pop(key, None)
        if alarm is not None:
            alarm.cancel()
        if ours:
            # The claim goes first, so that the next attempt may begin in the very commit that ends this one.
            self._claim()
            self._foreman.finish(key, event)
        return ours

    def _perform(self, job: Job) -> AttemptFinished | None:
        self._world.faults.reach("attempt.before")
        # After a long stop the lease may be somebody else's: then nothing more may happen here.
        if not self._may_run(job.execution.id):
            job.cancellation.request("lease")
            return None
        try:
            event = perform(job, self._world)
        except Exception as error:  # noqa: BLE001 - the thread's boundary
            _LOG.exception("attempt %s of task run %s could not be reported", job.number, job.run.id)
            failure = Failure("GOV865", f"{type(error).__name__}: {error}")
            event = AttemptFinished(job.run.id, job.number, State.FAILED, failure=failure)
        self._world.faults.reach("attempt.after")
        return event

    def _watch(self, job: Job) -> None:
        timer = Timer(self._grace, self._give_up, (job,))
        timer.daemon = True
        timer.name = "gov-give-up"
        with self._lock:
            if (job.run.id, job.number) not in self._busy:
                return
            self._alarms[job.run.id, job.number] = timer
        timer.start()

    def _give_up(self, job: Job) -> None:
        key = (job.run.id, job.number)
        with self._lock:
            self._alarms.pop(key, None)
            if self._busy.pop(key, None) is None:
                return
        _LOG.warning("task run %s does not stop; its thread is left behind", job.run.id)
        self._claim()
        self._foreman.finish(key, _abandoned(job))


def _abandoned(job: Job) -> AttemptFinished | None:
    reason = job.cancellation.reason or "killed"
    if reason == "lease":
        return None
    code, message = STOPPED[reason]
    state = State.KILLED if reason == "killed" else State.FAILED
    failure = Failure(code, f"{message} It did not react and may still be going on in the background.")
    return AttemptFinished(job.run.id, job.number, state, failure=failure)
