"""Gates: the flow waits for people, or for time to pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from jupyter_gov.domain.approval import Assignment
from jupyter_gov.domain.execution import TaskRun
from jupyter_gov.engine.flowables.base import Flowable, Gate, Plan, Scope, first_child, following
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.models.scalars import parse_duration
from jupyter_gov.lang.ports import Rename, SlotKind
from jupyter_gov.plugins.api import Dynamic, GovModel

Behavior = Literal["RESUME", "WARN", "FAIL", "CANCEL"]
_ON_PAUSE = "onPause"


class Pause(Flowable):
    """Stops the flow until somebody approves, with an optional form and an optional deadline.

    Nothing runs and nothing is held while it waits. ``outputs.<id>.onResume`` holds the values of the form,
    ``outputs.<id>.resumed`` who decided, when, and to which state.
    """

    type_name = "io.kestra.plugin.core.flow.Pause"
    aliases: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.Pause",)
    default_behavior: ClassVar[Behavior] = "RESUME"
    slots: ClassVar[Mapping[str, SlotKind]] = {
        "onPause": "one",
        "tasks": "list",
        "errors": "list",
        "finally": "list",
    }
    output_docs: ClassVar[Mapping[str, str]] = {
        "onResume": "Values of the form, by the id of the field.",
        "resumed": "Who decided (by), when (on), and the state that followed (to).",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: release-gate
type: io.kestra.plugin.core.flow.Pause
description: Release the model to production?
pauseDuration: P3D
behavior: FAIL
onResume:
  - id: reason
    type: STRING
    required: true
""",
    )

    pause_duration: Dynamic[str] | None = Field(
        default=None, description="How long to wait at most, as an ISO-8601 duration."
    )
    behavior: Behavior | None = Field(
        default=None, description="What the end of the duration does: RESUME, WARN, FAIL or CANCEL."
    )
    delay: Dynamic[str] | None = Field(
        default=None, description="Old: goes on by itself after this duration.", deprecated=True
    )
    on_resume: list[dict[str, Any]] = Field(
        default_factory=list, description="Inputs that the approver fills in, declared as the inputs of a flow."
    )

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Start what shall run first, or open the gate."""
        first = first_child(scope, _ON_PAUSE)
        return Plan(first) if first else cls._opening(scope)

    @classmethod
    def _opening(cls, scope: Scope) -> Plan:
        deadline, behavior = cls._deadline(scope)
        form = tuple(scope.task.props.get("onResume") or ())
        text = scope.render(scope.task.description or "")
        title = cls._title(scope)
        gate = Gate(title, text, form, cls._assignment(scope), deadline, behavior)
        return Plan(wait=gate)

    @classmethod
    def _title(cls, scope: Scope) -> str:
        return scope.task.id

    @classmethod
    def _assignment(cls, scope: Scope) -> Assignment:
        return Assignment()

    @classmethod
    def _deadline(cls, scope: Scope) -> tuple[timedelta | None, str]:
        props = scope.task.props
        written = props.get("behavior")
        for name, behavior in (("pauseDuration", written or cls.default_behavior), ("delay", "RESUME")):
            if props.get(name) is not None:
                return parse_duration(scope.render(props[name])), behavior
        if scope.task.timeout is not None:
            return parse_duration(scope.render(scope.task.timeout)), "FAIL"
        return None, written or cls.default_behavior

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Open the gate, or start the task after the one that ended (``tasks`` is the old form of following tasks)."""
        if ended.branch == _ON_PAUSE:
            return cls._opening(scope)
        return Plan(following(scope, ended))

    @classmethod
    def resumed(cls, scope: Scope) -> Plan:
        """Start what runs once the gate was passed."""
        return Plan(first_child(scope, "tasks"))


class People(GovModel):
    """Who may answer a gate."""

    users: Dynamic[list[str]] = Field(default_factory=list, description="Ids of users.")
    groups: Dynamic[list[str]] = Field(default_factory=list, description="Names of groups.")


class HumanTask(Pause):
    """A gate that only the assigned people can answer; ends FAILED at its deadline unless ``behavior`` is written."""

    type_name = "io.kestra.plugin.ee.flow.HumanTask"
    aliases = ()
    default_behavior: ClassVar[Behavior] = "FAIL"
    renames: ClassVar[Mapping[str, Rename]] = {}
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: sign-off
type: io.kestra.plugin.ee.flow.HumanTask
description: Sign off the credit model.
assignment:
  groups: [risk]
""",
    )

    assignment: People = Field(description="Users and groups who may answer; at least one.")

    @classmethod
    def _assignment(cls, scope: Scope) -> Assignment:
        written = scope.task.props.get("assignment") or {}
        people = scope.render(written)
        if people != written:
            # Nobody is called like a mask: then nobody can answer, and no secret is stored.
            people = scope.hide(people)
        found = Assignment(users=_names(people.get("users")), groups=_names(people.get("groups")))
        if not found:
            # A gate without rules would be everybody's.
            raise ExecutionError(
                "the gate is assigned to nobody: its users and groups are empty once they are rendered",
                code="GOV422",
                hint="Name a user or a group, or give the expressions in `assignment` values.",
            )
        return found


def _names(rendered: Any) -> frozenset[str]:
    # A list may have been rendered from one expression to text: "a, b".
    names = rendered.split(",") if isinstance(rendered, str) else rendered or ()
    return frozenset(name for name in (str(item).strip() for item in names) if name)
