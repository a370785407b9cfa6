"""The loop that owns executions. Read ``Loop._turn`` first: it is the whole story, everything else is a helper.

::

    mailbox ──► messages ──► Decider: engine.step ──► Committer: ONE transaction ──► Dispatcher: commands
       ▲                                                                               │
       └── workers (attempts that ended) ◄── board ◄───────────────────────────────────┤
       └── listener (other processes), timers, leases          inline tasks run here ◄─┘
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import GovError
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.clock import Clock, utc_now
from jupyter_gov.runtime.crew import Crew
from jupyter_gov.runtime.faults import Faults, NoFaults
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.folders import Folders
from jupyter_gov.runtime.logs import LogBuffer, LogLimits
from jupyter_gov.runtime.owned import Owned
from jupyter_gov.runtime.owners import new_owner
from jupyter_gov.runtime.progress import ProgressBoard
from jupyter_gov.runtime.secrets import Secrets, from_settings
from jupyter_gov.runtime.world import Reach, World, allowed_environment

if TYPE_CHECKING:
    from jupyter_gov.store import Store

_LOG = logging.getLogger(__name__)
_TROUBLE_SECONDS = (0.1, 0.3, 1.0, 3.0, 5.0)


class Loop:
    """Carries executions on, in a thread of this process.

    Parameters
    ----------
    owner
        Names this loop in leases; unique, also after a restart. The default lets other processes of this machine
        see when this one is dead, so that they need not wait for its leases to lapse.
    run_as
        Only executions of this identity are claimed.
    environment
        Allow-listed environment for children; made from this process's if None.
    lease_ttl
        Seconds after which somebody else may take over what this loop owns once it gives no sign of life.
    workers
        How many attempts run at once, inline tasks aside.
    background
        Keep listening for work of others even when nothing is unfinished (the Jupyter server, the service).
    root
        Carry on this execution and what it starts, nothing else: for a process that ends with it, such as a command,
        which would only tear work of others apart.
    reach
        Makes what tasks may do to other executions; without it they may do nothing.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        settings: Mapping[str, Any],
        run_as: str,
        owner: str | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Clock = utc_now,
        faults: Faults | None = None,
        lease_ttl: float = 15.0,
        workers: int = 4,
        secrets: Secrets | None = None,
        flows: FlowCache | None = None,
        background: bool = False,
        root: str | None = None,
        reach: Reach | None = None,
    ) -> None:
        self.owner = owner or new_owner()
        self.progress = ProgressBoard()
        self.flows = flows or FlowCache(store, registry)
        self._world = World(
            store=store,
            registry=registry,
            settings=settings,
            environment=allowed_environment(os.environ) if environment is None else environment,
            secrets=secrets or from_settings(os.environ, settings),
            clock=clock,
            progress=self.progress,
            faults=faults or NoFaults(),
            log_limits=LogLimits.of(settings),
            lease_ttl=lease_ttl,
            run_as=run_as,
            folders=Folders(settings.get("paths.work")),
            reach=reach,
        )
        self._crew = Crew(self._world, self.flows, owner=self.owner, workers=workers, background=background, root=root)
        self._settled = Event()
        self._settled.set()
        self._looked = False
        self._trouble = 0
        self._thread: Thread | None = None

    def _turn(self) -> None:
        """Take what has arrived, decide, store, and let happen what was decided."""
        crew = self._crew
        self._looked = False
        messages, look = crew.mailbox.take()
        for message in messages:
            crew.estate.receive(message)
        if not crew.mailbox.closed and (look or crew.scheduler.is_due() or crew.estate.must_look()):
            crew.estate.look()
            self._looked = True
        ready = crew.estate.ready()
        try:
            for outcome in crew.committer.commit(ready, self._lines(bool(ready))):
                if isinstance(outcome, Owned):
                    crew.estate.drop(outcome.id)
                else:
                    crew.estate.advance(outcome)
                    crew.dispatcher.carry_out(outcome)
        except BaseException:
            crew.estate.again(ready)
            raise
        for owned, end in crew.dispatcher.run_inline():
            crew.estate.deliver(owned, end)
        crew.listener.want(crew.estate.waits_for_others)
        if not self._settled.is_set() and crew.estate.is_idle and not crew.dispatcher.has_inline:
            self._settle(sure=self._looked and not ready and not crew.mailbox.must_look)

    def _settle(self, *, sure: bool) -> None:
        # What was committed last may have left something in the store for us: the end of a subflow, for its caller.
        if sure:
            self._settled.set()
        else:
            self._crew.mailbox.look()

    def _lines(self, commit_anyway: bool) -> list[LogBuffer]:
        mailbox, estate = self._crew.mailbox, self._crew.estate
        if not (commit_anyway or mailbox.has_due_lines):
            return []
        return [found for found in mailbox.take_dirty() if estate.owns(found.place.execution_id)]

    def _run(self) -> None:
        crew = self._crew
        crew.worker.start()
        crew.mailbox.look()
        while not crew.mailbox.closed:
            crew.mailbox.wait(self._patience())
            self._guarded_turn()
        self._leave()

    def _patience(self) -> float | None:
        """Return how long the loop may sleep; None until somebody calls."""
        if self._crew.estate.has_ready or self._crew.dispatcher.has_inline:
            return 0.0
        times = (self._crew.scheduler.seconds(), self._crew.estate.look_in())
        return min((seconds for seconds in times if seconds is not None), default=None)

    def _guarded_turn(self) -> None:
        try:
            self._turn()
            self._trouble = 0
        except GovError as error:
            # A locked database or a full disk passes; nothing was stored, and everything waits where it was.
            _LOG.warning("the loop cannot store what it decided: %s", error)
            self._pause()
        except Exception:  # noqa: BLE001 - the thread's boundary
            _LOG.exception("the loop met an error of its own")
            self._pause()

    def _pause(self) -> None:
        seconds = _TROUBLE_SECONDS[min(self._trouble, len(_TROUBLE_SECONDS) - 1)]
        self._trouble += 1
        self._crew.mailbox.wait_closed(seconds)
        self._crew.mailbox.look()

    def _leave(self) -> None:
        crew = self._crew
        crew.estate.cancel_all()
        stopped = crew.worker.stop(self._world.lease_ttl)
        self._guarded_turn()
        try:
            crew.estate.release_all(stopped=stopped)
        except GovError as error:
            _LOG.warning("leases could not be given back and will lapse: %s", error)

    def start(self) -> None:
        """Begin to carry executions on; does nothing if it is doing so already. A stopped loop stays stopped."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="gov-loop", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look into the store now: something was written there by this process."""
        self._crew.mailbox.look()

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until nothing that this loop may carry on has work to do; return whether that was so in time."""
        # Before and after: a turn that looked earlier must not settle what is asked now.
        self._crew.mailbox.look()
        self._settled.clear()
        self._crew.mailbox.look()
        return self._settled.wait(timeout)

    def stop(self, timeout: float = 10.0) -> None:
        """Stop what runs, give back what is owned, and end; attempts in flight will be recorded as lost."""
        self._crew.mailbox.close()
        if self._thread is not None:
            self._thread.join(2 * timeout)
        self._crew.listener.close()
        self._crew.leases.close()
        self._world.close()

    @property
    def commits(self) -> int:
        """How many transactions this loop has written for its executions."""
        return self._crew.committer.commits
