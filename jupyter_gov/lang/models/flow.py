"""A checked flow: what ``lang.check`` makes of YAML and the engine walks.

Properties stay as plain data (texts, numbers, lists, maps) after the scalar rules of the language; whoever runs a
task renders them and validates the class of its type.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from jupyter_gov.errors import Location

Dialect = Literal["1.3", "2.0"]
"""Versions of Kestra whose rules a flow may follow."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How a failed attempt is tried again (KESTRA.md §5)."""

    type: Literal["constant", "exponential", "random"]
    interval: timedelta | None = None
    max_interval: timedelta | None = None
    min_interval: timedelta | None = None
    delay_factor: float = 2.0
    max_attempts: int | None = None
    max_duration: timedelta | None = None
    warning_on_retry: bool = False
    behavior: Literal["RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION"] = "RETRY_FAILED_TASK"


@dataclass(frozen=True, slots=True)
class TaskDef:
    """One task as written.

    Attributes
    ----------
    type
        Canonical type name.
    props
        The type's own properties under their canonical names, unrendered; child tasks are not in it.
    slots
        Child tasks: ``tasks``, ``then``, ``else``, ``errors``, ``finally``, ``defaults``, ``cases:<key>`` …;
        disabled tasks are left in (the engine skips them).
    timeout, run_if
        Unrendered expressions or plain values.
    model
        Class of the type.
    """

    id: str
    type: str
    kind: Literal["runnable", "flowable", "unknown"]
    props: Mapping[str, Any] = field(default_factory=dict)
    slots: Mapping[str, tuple[TaskDef, ...]] = field(default_factory=dict)
    description: str | None = None
    retry: Retry | None = None
    timeout: str | None = None
    disabled: bool = False
    run_if: str | None = None
    allow_failure: bool = False
    allow_warning: bool = False
    log_level: str | None = None
    log_to_file: bool = False
    inline: bool = False
    repeatable: bool = False
    location: Location | None = None
    model: builtins.type | None = field(default=None, repr=False, compare=False)

    def walk(self) -> Iterator[TaskDef]:
        """Yield this task and all below it."""
        yield self
        for tasks in self.slots.values():
            for task in tasks:
                yield from task.walk()


@dataclass(frozen=True, slots=True)
class InputDef:
    """One declared input (of a flow, or of ``onResume``).

    ``props`` holds what only this type has: ``values``, ``min``, ``max``, ``after``, ``before``, ``validator``,
    ``itemType``, ``allowCustomValue``, ``expression``, ``extension`` …
    """

    id: str
    type: str
    description: str | None = None
    display_name: str | None = None
    required: bool = True
    defaults: Any = None
    prefill: Any = None
    depends_on: Mapping[str, Any] | None = None
    props: Mapping[str, Any] = field(default_factory=dict)
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class OutputDef:
    """One declared output of a flow."""

    id: str
    value: Any
    type: str | None = None
    description: str | None = None
    display_name: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many executions of the flow may run at once, and what happens to one too many."""

    limit: int
    behavior: Literal["QUEUE", "CANCEL", "FAIL"] = "QUEUE"


@dataclass(frozen=True, slots=True)
class Sla:
    """A promise about executions of the flow, and what happens when one breaks it."""

    id: str
    type: Literal["MAX_DURATION", "EXECUTION_ASSERTION"]
    behavior: Literal["FAIL", "CANCEL", "NONE"]
    duration: timedelta | None = None
    assertion: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StartCheck:
    """A condition that is tested before an execution starts, and what happens when it does not hold."""

    condition: str
    message: str
    style: Literal["INFO", "SUCCESS", "WARNING", "ERROR"] = "INFO"
    behavior: Literal["BLOCK_EXECUTION", "FAIL_EXECUTION", "CREATE_EXECUTION"] = "BLOCK_EXECUTION"


@dataclass(frozen=True, slots=True)
class TriggerDef:
    """One trigger as written; checked now, fired by the scheduler."""

    id: str
    type: str
    disabled: bool = False
    props: Mapping[str, Any] = field(default_factory=dict)
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A checked flow.

    ``tasks`` is the same table as ``slots["tasks"]`` of a flowable; ``index`` finds any task by its id.
    """

    id: str
    namespace: str
    tasks: tuple[TaskDef, ...]
    errors: tuple[TaskDef, ...] = ()
    finally_: tuple[TaskDef, ...] = ()
    after_execution: tuple[TaskDef, ...] = ()
    description: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputDef, ...] = ()
    undeclared_inputs: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[OutputDef, ...] = ()
    retry: Retry | None = None
    concurrency: Concurrency | None = None
    sla: tuple[Sla, ...] = ()
    checks: tuple[StartCheck, ...] = ()
    triggers: tuple[TriggerDef, ...] = ()
    disabled: bool = False
    dialect: Dialect = "1.3"
    index: Mapping[str, TaskDef] = field(default_factory=dict, repr=False)

    def walk(self) -> Iterator[TaskDef]:
        """Yield every task, in the order of the text."""
        for task in (*self.tasks, *self.errors, *self.finally_, *self.after_execution):
            yield from task.walk()


def index_tasks(flow_tasks: tuple[TaskDef, ...]) -> dict[str, TaskDef]:
    """Return ``{task id: task}`` over a list of tasks and everything below."""
    return {found.id: found for task in flow_tasks for found in task.walk()}
