"""A trigger of a flow as it is kept between two times that it fires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jupyter_gov.domain.states import State


@dataclass(frozen=True, slots=True)
class Trigger:
    """Where a trigger of a flow's newest revision stands.

    Attributes
    ----------
    definition
        Digest of what is written of it: while this stays the same, a new revision of the flow changes nothing here.
    run_as
        Identity whose loops fire it, and that its executions run as: that of whoever registered the flow.
    author
        Who registered the flow.
    off
        The flow's text disables the trigger, or the flow.
    disabled
        Somebody turned it off, or an execution of it ended in a state of ``stopAfter``.
    concurrent
        Whether it may fire while the execution that it started last still runs.
    watches
        States of other executions that it looks at; None while it does not fire, and for other types.
    stops
        States in which an execution of it turns it off.
    next, last
        Of a schedule: the date that comes next (of a backfill under way: its own), and the last one that is done.
    running
        The execution that it started last.
    windows
        Of a Flow trigger: by the id of the window its start, end and the conditions that came true in it.
    backfill
        Of a schedule: the walk over past dates that is under way.
    version
        Counts changes; the compare-and-set of the store.
    """

    namespace: str
    flow_id: str
    id: str
    type: str
    revision: int
    definition: str
    run_as: str
    author: str
    off: bool = False
    disabled: bool = False
    concurrent: bool = False
    watches: tuple[str, ...] | None = None
    stops: tuple[str, ...] = ()
    next: datetime | None = None
    last: datetime | None = None
    running: str | None = None
    windows: Mapping[str, Any] = field(default_factory=dict)
    backfill: Mapping[str, Any] | None = None
    version: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """Namespace, flow and id."""
        return self.namespace, self.flow_id, self.id

    @property
    def name(self) -> str:
        """What people call it: ``namespace.flow/id``."""
        return f"{self.namespace}.{self.flow_id}/{self.id}"

    @property
    def is_active(self) -> bool:
        """Whether it fires at all."""
        return not (self.off or self.disabled)


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """A state that another execution reached: its ``moment``-th, counted from 0."""

    id: int
    execution_id: str
    moment: int
    state: State
    at: datetime
