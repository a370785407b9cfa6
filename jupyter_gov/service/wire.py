"""The composition root: plain constructor calls that put the local service together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from jupyter_gov.config import JupyterGov
from jupyter_gov.domain.actor import Actor
from jupyter_gov.lang.models.flow import Dialect
from jupyter_gov.lang.ports import ExpressionHost
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.clock import utc_now
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.host import Host
from jupyter_gov.runtime.loop import Loop
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.secrets import from_settings
from jupyter_gov.service.access import Access
from jupyter_gov.service.approvals import Approvals
from jupyter_gov.service.audit import Audit
from jupyter_gov.service.executions import Executions
from jupyter_gov.service.files import StoredFiles
from jupyter_gov.service.flows import Flows
from jupyter_gov.service.reach import Reach
from jupyter_gov.service.shared import SharedFiles
from jupyter_gov.service.values import Values
from jupyter_gov.store import Store, descent

if TYPE_CHECKING:
    from jupyter_gov.service.flowtests.run import Tests
    from jupyter_gov.service.triggers import Triggers


@dataclass
class Parts:
    """What the services share."""

    config: JupyterGov
    store: Store
    registry: Registry
    cache: FlowCache
    access: Access
    run_as: str
    settings: Mapping[str, Any]
    loop: Loop | None = None
    _lock: RLock = field(default_factory=RLock)

    def wake(self) -> None:
        """Tell this process's loop and watchers that something was written."""
        self.store.wake()
        if self.loop is not None:
            self.loop.wake()

    def now(self) -> datetime:
        """Return the present time of this host."""
        return utc_now()

    def host(self, namespace: str, masks: Masks, dialect: Dialect = "1.3") -> ExpressionHost:
        """Return what the expressions of input declarations may reach, before there is an execution."""
        secrets = from_settings(os.environ, self.settings)
        return Host(
            self.store,
            namespace,
            settings=self.settings,
            secrets=secrets,
            clock=utc_now,
            masks=masks,
            dialect=dialect,
        )

    def progress(self, execution_id: str) -> Mapping[str, tuple[int, int, str]]:
        """Return the live progress of task runs of this process."""
        return {} if self.loop is None else self.loop.progress.of(execution_id)

    def start_loop(self, *, background: bool, only: str | None) -> None:
        """Start this process's loop once."""
        with self._lock:
            if self.loop is not None:
                return
            root = None
            if only is not None:
                with self.store.read() as tx:
                    root = descent.root(tx, only)
            self.loop = Loop(
                self.store,
                self.registry,
                settings=self.settings,
                run_as=self.run_as,
                flows=self.cache,
                lease_ttl=self.config.lease_seconds,
                workers=self.config.workers,
                background=background,
                root=root,
                reach=lambda execution, run: Reach(self, execution, run),
            )
            self.loop.start()

    def stop_loop(self) -> None:
        """Stop this process's loop and what it runs."""
        with self._lock:
            loop, self.loop = self.loop, None
        if loop is not None:
            loop.stop()


class LocalGov:
    """Implements ``api.Gov`` over a store that this process opens itself."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @cached_property
    def flows(self) -> Flows:
        """Check, register, read."""
        return Flows(self.parts)

    @cached_property
    def executions(self) -> Executions:
        """Start, watch, stop, continue."""
        return Executions(self.parts)

    @cached_property
    def approvals(self) -> Approvals:
        """Human gates."""
        return Approvals(self.parts)

    @cached_property
    def kv(self) -> Values:
        """Values of namespaces."""
        return Values(self.parts)

    @cached_property
    def files(self) -> StoredFiles:
        """The stored files as a whole."""
        return StoredFiles(self.parts)

    @cached_property
    def namespace_files(self) -> SharedFiles:
        """Files of namespaces."""
        return SharedFiles(self.parts)

    @cached_property
    def triggers(self) -> Triggers:
        """What starts executions by itself."""
        from jupyter_gov.service.triggers import Triggers  # noqa: PLC0415  (calendars load late)

        return Triggers(self.parts)

    @cached_property
    def tests(self) -> Tests:
        """Tests of flows."""
        from jupyter_gov.service.flowtests.run import Tests  # noqa: PLC0415 - few processes test

        return Tests(self.parts)

    @cached_property
    def audit(self) -> Audit:
        """The history."""
        return Audit(self.parts)

    def sql(self, query: str, actor: Actor, parameters: Sequence[Any] = ()) -> Any:
        """Answer a read-only question over the history with DuckDB; returns a pandas DataFrame."""
        return self.parts.store.sql(query, parameters)

    def start_loop(self, *, background: bool = False, only: str | None = None) -> None:
        """Carry on executions in this process (idempotent)."""
        self.parts.start_loop(background=background, only=only)

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until this process has nothing to carry on."""
        return self.parts.loop is None or self.parts.loop.settle(timeout)

    def close(self) -> None:
        """Stop the loop, kill what it started, close the store."""
        self.parts.stop_loop()
        self.parts.store.close()


def open_local(**settings: Any) -> LocalGov:
    """Open the service over the configured database.

    Raises
    ------
    StoreError
        The database cannot be opened.
    """
    config = JupyterGov(**settings)
    files_root: Path = config.resolved_files_root()
    store = Store.open(config.resolved_db_url(), files_root=files_root)
    registry = Registry()
    parts = Parts(
        config=config,
        store=store,
        registry=registry,
        cache=FlowCache(store, registry, config.target),
        access=Access(),
        run_as=config.resolved_run_as(),
        settings=config.task_settings(),
    )
    return LocalGov(parts)
