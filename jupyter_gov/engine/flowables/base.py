"""What a flowable is asked, and what it may answer.

The engine owns everything that all flowables share: counting children, errors and ``finally`` branches, states.
A flowable decides its main phase only, from its ``Frame`` and the child that just ended.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from jupyter_gov.domain.approval import Assignment
from jupyter_gov.domain.execution import Execution, Frame, Label, TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.lang.models.flow import OutputDef, TaskDef
from jupyter_gov.plugins.api import FlowableTask

ITERATION = "iteration"
"""Branch of task runs that are one iteration of a Loop: of the Loop's own task, below its task run."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child task run to create: which task, and for which value of a loop.

    Attributes
    ----------
    place
        What tells it apart from its siblings in paths, if that is not its value.
    """

    branch: str
    index: int
    value: str | None = None
    iteration: int | None = None
    place: str | None = None

    def path(self, parent: tuple[str, ...]) -> tuple[str, ...]:
        """Return the path of its task run below a parent's."""
        own = self.value if self.place is None else self.place
        return parent if own is None else (*parent, own)


@dataclass(frozen=True, slots=True)
class Gate:
    """Wait for people: everything that the approval row needs, rendered."""

    title: str
    description: str
    form: tuple[Mapping[str, Any], ...]
    assignment: Assignment
    deadline: timedelta | None
    behavior: str


@dataclass(frozen=True, slots=True)
class Call:
    """Start another flow, at ``due`` if that is not now."""

    namespace: str
    flow_id: str
    revision: int | None
    inputs: Mapping[str, Any]
    labels: tuple[Label, ...]
    wait: bool
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Run the children of the main phase anew after a while; what they have left of this round is removed then.

    ``number`` is how many rounds are done.
    """

    after: timedelta
    number: int


@dataclass(frozen=True, slots=True)
class CallEach:
    """Start another flow for each of the items (``engine.batches``)."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Let a worker do a piece of the flowable's own work; its class does it (``plugins.api.ErrandTask``)."""

    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a flowable answers; fields left at None do not change."""

    children: Sequence[Child] = ()
    branch: str | None = None
    cursor: int | None = None
    data: Mapping[str, Any] | None = None
    items: tuple[str, ...] | None = None
    outputs: Mapping[str, Any] | None = None
    wait: Gate | Call | CallEach | Again | Errand | None = None


NOTHING = Plan()
CARRIED = "carried"
"""Key of a frame's data that a restart, or another try, of the flowable finds again."""


def anew(frame: Frame | None) -> Frame:
    """Return the frame with which a flowable begins, again if it had one."""
    data = {} if frame is None else frame.data
    return Frame(data={CARRIED: data[CARRIED]} if CARRIED in data else {})


class Scope(Protocol):
    """What a flowable sees while it decides."""

    @property
    def task(self) -> TaskDef: ...

    @property
    def run(self) -> TaskRun: ...

    @property
    def frame(self) -> Frame: ...

    @property
    def execution(self) -> Execution: ...

    @property
    def now(self) -> datetime: ...

    def publish(self, outputs: Mapping[str, Any]) -> None:
        """Let expressions see these outputs from now on."""
        ...

    def render(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Render texts at any depth; what ``extra`` says of a map such as ``taskrun`` is added to it."""
        ...

    def read(self, uri: str) -> str:
        """Return the text of a file."""
        ...

    def typed(self, outputs: Sequence[OutputDef]) -> Mapping[str, Any]:
        """Return declared outputs, rendered and of their types."""
        ...

    def hide(self, value: Any) -> Any:
        """Replace the secrets that expressions have read, in texts at any depth."""
        ...

    def finds_secret(self, value: Any) -> bool:
        """Return whether there is such a secret in texts at any depth."""
        ...

    def tasks(self, branch: str) -> tuple[TaskDef, ...]:
        """Return the tasks of a slot."""
        ...


class Flowable(FlowableTask):
    """Base of all flowables.

    Once a child of the main phase has failed for good, no further one begins, and ``proceed`` is not asked any more.

    Attributes
    ----------
    loops
        Whether its children have values: their outputs are found one level deeper, by the value.
    isolated
        Whether what is inside belongs to an iteration: it sees the outputs of that one alone, and nothing outside sees
        them.
    whole
        Whether its children are nothing without each other: once one of them failed, a restart runs all of them again.
    """

    loops: ClassVar[bool] = False
    isolated: ClassVar[bool] = False
    whole: ClassVar[bool] = False

    @classmethod
    def closing(cls, scope: Scope) -> Errand | None:
        """Return what a worker does behind the children of the main phase, if the flowable holds a place there."""
        return None

    @classmethod
    @abstractmethod
    def begin(cls, scope: Scope) -> Plan:
        """Decide the first children.

        Raises
        ------
        GovError
            The flowable cannot start; its task run fails with this.
        """

    @classmethod
    @abstractmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Decide what follows a child of the main phase."""

    @classmethod
    def reopen(cls, scope: Scope, children: Sequence[TaskRun]) -> Plan:
        """Return what the failure of a child has held back, once a restart takes that failure back.

        ``children`` are those of the main phase, in order of creation; what failed is open again.
        """
        return NOTHING

    @classmethod
    def tasks_of(cls, task: TaskDef, branch: str, *, is_iteration: bool) -> tuple[TaskDef, ...]:
        """Return the tasks of a slot."""
        return task.slots.get(branch, ())

    @classmethod
    def counted(cls, task: TaskDef, state: State, *, is_iteration: bool) -> State:
        """Return as what the end of a child counts."""
        return state

    @classmethod
    def end_state(cls, scope: Scope, state: State) -> State:
        """Return the state in which the flowable ends, given the one that its children add up to."""
        return state


def next_enabled(tasks: Sequence[TaskDef], start: int) -> int | None:
    """Return the index of the first task from ``start`` on that is not disabled, or None."""
    for index in range(start, len(tasks)):
        if not tasks[index].disabled:
            return index
    return None


def first_child(scope: Scope, branch: str, **loop: Any) -> Sequence[Child]:
    """Return the first enabled task of a slot as a child, if there is one."""
    index = next_enabled(scope.tasks(branch), 0)
    return () if index is None else (Child(branch, index, **loop),)


def following(scope: Scope, ended: TaskRun) -> Sequence[Child]:
    """Return the sibling after ``ended`` in its slot and loop value, if there is one."""
    index = next_enabled(scope.tasks(ended.branch), ended.index + 1)
    if index is None:
        return ()
    return (Child(ended.branch, index, ended.value, ended.iteration),)
