"""What a test file holds: shapes as written in YAML, and the values that a runner walks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from jupyter_gov.errors import Location
from jupyter_gov.lang.models.base import FLOW_ID, NAMESPACE, TASK_ID, Spec

UNIT_TEST = "io.kestra.core.tests.flow.UnitTest"
FixtureState = Literal["SUCCESS", "WARNING", "FAILED", "SKIPPED"]


class TaskFixtureSpec(Spec):
    """Stands for a task: the task is not run, and ends with these outputs in this state."""

    id: str = Field(min_length=1, description="Id of the task; of a gate, the answer that it gets.")
    description: str | None = Field(default=None, description="Why the task is not run in this case.")
    outputs: dict[str, Any] = Field(
        default_factory=dict,
        description="What expressions read as outputs.<id>; of a gate, onResume holds the values of its form.",
    )
    state: FixtureState = Field(default="SUCCESS", description="State in which the task ends.")


class TriggerFixtureSpec(Spec):
    """Stands for the trigger that would have started the flow."""

    id: str = Field(min_length=1, description="Id of the trigger in the flow.")
    type: str | None = Field(default=None, description="Type of the trigger; that of the flow's if absent.")
    variables: dict[str, Any] = Field(default_factory=dict, description="What expressions read as trigger.<name>.")


class FixturesSpec(Spec):
    """What a case puts in the place of the world."""

    inputs: dict[str, Any] = Field(default_factory=dict, description="Values of the flow's inputs.")
    files: dict[str, str] = Field(
        default_factory=dict,
        description="Name -> content: files of the namespace for this case; expressions read files['name'].",
    )
    tasks: list[TaskFixtureSpec] = Field(default_factory=list, description="Tasks that are not run, with their ends.")
    trigger: TriggerFixtureSpec | None = Field(default=None, description="What started the flow.")


class AssertionSpec(Spec):
    """What must be true when the flow has ended; every operator that is written must hold."""

    value: Any = Field(description="Expression, or value, that is looked at.")
    task_id: str | None = Field(
        default=None, description="Task as whose latest run the value is rendered: taskrun and parent exist then."
    )
    description: str | None = Field(default=None, description="What the assertion is about.")
    error_message: str | None = Field(default=None, description="What to say when it does not hold; rendered.")
    equal_to: Any = Field(default=None, description="The value equals this.")
    not_equal_to: Any = Field(default=None, description="The value differs from this.")
    contains: Any = Field(default=None, description="The text holds this text, the list this item, the map this key.")
    starts_with: str | None = Field(default=None, description="The text begins with this.")
    ends_with: str | None = Field(default=None, description="The text ends with this.")
    in_: list[Any] | None = Field(default=None, alias="in", description="The value is one of these.")
    not_in: list[Any] | None = Field(default=None, description="The value is none of these.")
    greater_than: Any = Field(default=None, description="The number, date or text is greater than this.")
    greater_than_or_equal_to: Any = Field(default=None, description="It is greater than this or equal to it.")
    less_than: Any = Field(default=None, description="It is less than this.")
    less_than_or_equal_to: Any = Field(default=None, description="It is less than this or equal to it.")
    is_null: bool | None = Field(default=None, description="Whether there is no value; a missing one counts as none.")
    is_not_null: bool | None = Field(default=None, description="Whether there is a value.")


RENAMES = {"equalsTo": "equalTo", "notEqualsTo": "notEqualTo"}
"""Operators as the first releases of Kestra's tests spelt them."""
_NO_OPERATORS = frozenset({"value", "task_id", "description", "error_message"})
OPERATORS: Mapping[str, str] = {
    str(field.alias): name for name, field in AssertionSpec.model_fields.items() if name not in _NO_OPERATORS
}
"""Operator in YAML -> attribute of ``AssertionSpec``."""


class CaseSpec(Spec):
    """One run of the flow and what must be true of it."""

    id: str = Field(pattern=TASK_ID, description="Name of the case in its file.")
    type: Literal["io.kestra.core.tests.flow.UnitTest"] = Field(description="Kind of the test; there is only one.")
    description: str | None = Field(default=None, description="What the case shows.")
    disabled: bool = Field(default=False, description="Whether the case is left out.")
    fixtures: FixturesSpec = Field(default=FixturesSpec(), description="What stands in the place of the world.")
    assertions: list[AssertionSpec] = Field(min_length=1, description="What must be true at the end.")


class FlowTestsSpec(Spec):
    """The tests of one flow."""

    id: str = Field(pattern=FLOW_ID, description="Name of these tests.")
    namespace: str = Field(pattern=NAMESPACE, description="Namespace of the flow.")
    flow_id: str = Field(min_length=1, description="Id of the flow.")
    description: str | None = Field(default=None, description="What these tests are about.")
    disabled: bool = Field(default=False, description="Whether all cases are left out.")
    test_cases: list[CaseSpec] = Field(min_length=1, description="The cases; each is an execution of its own.")


@dataclass(frozen=True, slots=True)
class AssertionDef:
    """An assertion: the value to look at, and operators with what they compare it to."""

    value: Any
    operators: Mapping[str, Any]
    task_id: str | None = None
    description: str | None = None
    error_message: str | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A case, ready to be run."""

    id: str
    fixtures: FixturesSpec
    assertions: tuple[AssertionDef, ...]
    description: str | None = None
    disabled: bool = False
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class FlowTests:
    """A checked test file."""

    id: str
    namespace: str
    flow_id: str
    cases: tuple[Case, ...]
    description: str | None = None
