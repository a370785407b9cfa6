"""What the attempts of one worker share: store, types, settings, environment, secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.lang.models.flow import Dialect
from jupyter_gov.plugins.context import Executions
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.clock import Clock, utc_now
from jupyter_gov.runtime.faults import Faults, NoFaults
from jupyter_gov.runtime.folders import Folders
from jupyter_gov.runtime.host import Host
from jupyter_gov.runtime.limits import OUTPUT_BYTES
from jupyter_gov.runtime.logs import LogLimits
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.progress import ProgressBoard
from jupyter_gov.runtime.secrets import Secrets

if TYPE_CHECKING:
    from jupyter_gov.runtime.notebook_engine import NotebookRunner
    from jupyter_gov.runtime.watchdog import Watchdog
    from jupyter_gov.store import Store

_HANDED_ON = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM"),
        *("LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_DATA_HOME"),
        *("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "JUPYTER_PATH", "JUPYTER_PLATFORM_DIRS"),
        *("SYSTEMROOT", "COMSPEC", "PATHEXT"),
    }
)
_EXPRESSION_PREFIX = "KESTRA_"


Reach = Callable[[Execution, TaskRun], Executions]


def allowed_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that children may see: what programs need to start, and no address, key or token."""
    return {name: value for name, value in environment.items() if name in _HANDED_ON or name.startswith("LC_")}


def expression_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what ``envs`` holds in expressions: the variables ``KESTRA_*``, in lower case, without the prefix."""
    cut = len(_EXPRESSION_PREFIX)
    return {name[cut:].lower(): value for name, value in environment.items() if name.startswith(_EXPRESSION_PREFIX)}


@dataclass(frozen=True, slots=True)
class World:
    """Everything that an attempt is given besides its own job.

    Attributes
    ----------
    environment
        The allow-listed environment for children.
    envs
        ``envs`` of expressions.
    folders
        Folders that several attempts share.
    reach
        Makes what tasks may do to executions; the service does, with the rules that people are held to.
    """

    store: Store
    registry: Registry
    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    secrets: Secrets
    clock: Clock = utc_now
    envs: Mapping[str, str] = field(default_factory=lambda: expression_environment(os.environ))
    progress: ProgressBoard = field(default_factory=ProgressBoard)
    faults: Faults = field(default_factory=NoFaults)
    log_limits: LogLimits = field(default_factory=LogLimits)
    lease_ttl: float = 15.0
    run_as: str = ""
    reach: Reach | None = None
    _watchdogs: list[Watchdog] = field(default_factory=list)
    _notebooks: list[NotebookRunner] = field(default_factory=list)
    _trust: list[Callable[[], float | None]] = field(default_factory=list)
    folders: Folders = field(default_factory=Folders)
    _making: Lock = field(default_factory=Lock)

    def host(self, execution: Execution, masks: Masks | None = None, dialect: Dialect = "1.3") -> Host:
        """Return what expressions of this execution may reach."""
        return Host(
            self.store,
            execution.namespace,
            execution,
            settings=self.settings,
            secrets=self.secrets,
            clock=self.clock,
            masks=masks,
            dialect=dialect,
        )

    def trigger_host(self, namespace: str, masks: Masks, dialect: Dialect = "1.3") -> Host:
        """Return what expressions of a trigger may reach, before there is an execution."""
        return Host(
            self.store,
            namespace,
            settings=self.settings,
            secrets=self.secrets,
            clock=self.clock,
            masks=masks,
            dialect=dialect,
        )

    def watchdog(self) -> Watchdog:
        """Return who kills our children when we cannot; made when the first child is about to start."""
        with self._making:
            if not self._watchdogs:
                from jupyter_gov.runtime.watchdog import Watchdog  # noqa: PLC0415 - few executions start processes

                self._watchdogs.append(Watchdog(self._trusted_until))
            return self._watchdogs[0]

    def notebooks(self) -> NotebookRunner:
        """Return what executes notebooks; made for the first one."""
        watchdog = self.watchdog()
        with self._making:
            if not self._notebooks:
                from jupyter_gov.runtime.notebook_engine import NotebookRunner  # noqa: PLC0415 - as above

                limit = int(self.settings.get("process.max_output_bytes") or OUTPUT_BYTES)
                warm = int(self.settings.get("notebook.warm_kernels", 1))
                runner = NotebookRunner(identity=self.run_as, watchdog=watchdog, output_limit=limit, per_key=warm)
                self._notebooks.append(runner)
            return self._notebooks[0]

    def rely_on(self, trusted_until: Callable[[], float | None]) -> None:
        """Let the watchdog know who says how long our leases may be relied on."""
        self._trust.append(trusted_until)

    def _trusted_until(self) -> float | None:
        return min((until for ask in self._trust if (until := ask()) is not None), default=None)

    def beat(self) -> None:
        """Tell the watchdog that we live, and how long we own what we run."""
        for watchdog in self._watchdogs:
            watchdog.beat()

    def close(self) -> None:
        """Kill the kernels that wait, end the watchdog, and delete the shared folders."""
        while self._notebooks:
            self._notebooks.pop().close()
        while self._watchdogs:
            self._watchdogs.pop().close()
        self.folders.close()

    @property
    def globals_(self) -> Mapping[str, Any]:
        """``globals`` of expressions."""
        return self.settings.get("globals") or {}
