"""Tasks that share a place which one worker makes for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.engine.flowables.base import Errand, Flowable, Plan, Scope, following
from jupyter_gov.plugins.api import ErrandTask

OPEN, CLOSE = "open", "close"


class Directory(Flowable, ErrandTask):
    """Runs its tasks one after the other in one folder, which a worker opens before them and closes behind them.

    Attributes
    ----------
    kept
        Properties of which one makes the folder worth a look before it is deleted; without them nothing is closed.
    """

    whole: ClassVar[bool] = True
    only_runnable: ClassVar[bool] = True
    kept: ClassVar[Collection[str]] = ()

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Let a worker make the folder."""
        return Plan(wait=Errand(OPEN))

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Start the task after the one that ended."""
        return Plan(following(scope, ended))

    @classmethod
    def closing(cls, scope: Scope) -> Errand | None:
        """Let a worker keep what shall stay of the folder."""
        return Errand(CLOSE) if any(scope.task.props.get(name) for name in cls.kept) else None
