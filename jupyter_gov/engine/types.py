"""Which class decides for a flowable type."""

from __future__ import annotations

from jupyter_gov.engine.flowables.base import Flowable
from jupyter_gov.engine.flowables.branch import If, Switch
from jupyter_gov.engine.flowables.dag import Dag
from jupyter_gov.engine.flowables.foreach import EachParallel, EachSequential, ForEach
from jupyter_gov.engine.flowables.foreachitem import Calls, ForEachItem
from jupyter_gov.engine.flowables.loop import LoopOver
from jupyter_gov.engine.flowables.parallel import Parallel
from jupyter_gov.engine.flowables.pause import HumanTask, Pause
from jupyter_gov.engine.flowables.sequential import AllowFailure, Sequential
from jupyter_gov.engine.flowables.subflow import Subflow
from jupyter_gov.engine.flowables.until import LoopUntil, WaitFor
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.models.flow import TaskDef

_KINDS: tuple[type[Flowable], ...] = (
    Sequential, AllowFailure, Parallel, Dag, If, Switch, ForEach, EachSequential, EachParallel, Pause, HumanTask,
    LoopOver, LoopUntil, WaitFor, Subflow, ForEachItem, Calls,
)  # fmt: skip
FLOWABLES: dict[str, type[Flowable]] = {kind.type_name: kind for kind in _KINDS}


def flowable_of(task: TaskDef) -> type[Flowable]:
    """Return the class that decides for a flowable task: the engine's own, or that of the plugin that offers it.

    Raises
    ------
    ExecutionError
        ``GOV310``: the engine does not know this flowable (it was registered by a newer version).
    """
    kind = FLOWABLES.get(task.type) or task.model
    if isinstance(kind, type) and issubclass(kind, Flowable):
        return kind
    raise ExecutionError(f"the engine does not know the flowable type {task.type!r}", code="GOV310")


def calls_flow(task: TaskDef) -> bool:
    """Return whether a task calls another flow: a Subflow, or what a plugin has made of one."""
    kind = FLOWABLES.get(task.type) or task.model
    return isinstance(kind, type) and issubclass(kind, Subflow)
