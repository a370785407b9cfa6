"""The loop of Kestra 2: iterations that see nothing of each other.

An iteration is a task run of the Loop's own task below the task run of the loop, and holds the task runs of its tasks,
of its ``errors`` and of its ``finally``. Kestra makes a sub-execution of each; what can be seen of that (outputs that
stay inside, ``item``, a failure that is contained, branches of its own) is the same here, while ten thousand
iterations are still one execution: one history, one lease, one commit per step, and a restart that goes on inside.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from jupyter_gov.domain.canonical import plain
from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.domain.states import State
from jupyter_gov.engine.flowables.base import (
    ITERATION,
    NOTHING,
    Child,
    Flowable,
    Plan,
    Scope,
    first_child,
    following,
    next_enabled,
)
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.models.flow import OutputDef, TaskDef
from jupyter_gov.lang.models.flow_specs import OutputSpec
from jupyter_gov.lang.ports import ADDED, Rename

_URI = re.compile(r"(kestra|gov|nsfile|file)://")
_WRITE = "io.kestra.plugin.core.storage.Write"
STORE = f"{ADDED}store"
"""Slot of the task that stores what iterations hand out."""
_FAILURES = (State.FAILED, State.WARNING)


def items_of(rendered: Any, read: Any) -> tuple[str, ...]:
    """Return the items of a loop, each as JSON text of ``[value]`` or ``[value, key]``; values are texts.

    Parameters
    ----------
    rendered
        A list, a map, JSON text of one, or the URI of a file whose lines are the values.
    read
        Returns the text of a file.

    Raises
    ------
    ExecutionError
        ``GOV323``: it is none of these, or a value is null.
    """
    values = _parsed(rendered, read)
    pairs = [(value, key) for key, value in values.items()] if isinstance(values, Mapping) else [(v,) for v in values]
    nulls = sum(1 for value, *_ in pairs if value is None)
    if nulls:
        raise ExecutionError(f"{nulls} of the {len(pairs)} values of the loop are null", code="GOV323")
    return tuple(json.dumps([_text(value), *key], separators=(",", ":")) for value, *key in pairs)


def _parsed(rendered: Any, read: Any) -> Mapping[str, Any] | Sequence[Any]:
    if isinstance(rendered, str):
        if _is_uri(rendered):
            return [line for line in read(rendered.strip()).splitlines() if line.strip()]
        try:
            rendered = json.loads(rendered)
        except ValueError as error:
            raise ExecutionError(
                f"the values of a loop must be a list, a map, JSON text of one, or a URI; got {rendered[:80]!r}",
                code="GOV323",
                hint="Use a YAML list, or an expression with the filter `toJson`.",
            ) from error
    if not isinstance(rendered, Mapping | list | tuple):
        kind = type(rendered).__name__
        raise ExecutionError(f"the values of a loop must be a list or a map; got {kind}", code="GOV323")
    return rendered


def _is_uri(rendered: Any) -> bool:
    return isinstance(rendered, str) and _URI.match(rendered.strip()) is not None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def item_at(loop: TaskRun, number: int) -> dict[str, Any]:
    """Return what expressions see of an iteration: ``value``, ``index`` from 0, and ``key`` if there is a map."""
    value, *key = json.loads((loop.items or ())[number])
    item = {"value": value, "index": number}
    return {**item, "key": key[0]} if key else item


def entries_of(execution: Execution, loop: TaskRun) -> list[dict[str, Any]]:
    """Return what the iterations that ran hand out: ``item``, and ``outputs``, which are empty if it failed."""
    entries = []
    for number in range(len(loop.items or ())):
        run = execution.find(loop.task_id, (*loop.path, str(number)))
        if run is not None:
            entries.append({"item": {**item_at(loop, number), "iteration": number}, "outputs": dict(run.outputs or {})})
    return entries


def lines_of(execution: Execution, loop: TaskRun) -> str:
    """Return the same as a line of JSON for each iteration."""
    return "".join(json.dumps(plain(entry)) + "\n" for entry in entries_of(execution, loop))


class LoopOver(Flowable):
    """Runs its tasks, one after the other, for each value; ``concurrencyLimit`` values at a time.

    Inside, `item.value` is the value as text (`fromJson(item.value).field` of an object), `item.index` its number from
    0, `item.key` its key if `values` is a map, `item.parent` the item of the loop around this one and
    `item.parents[n]` those further out. `outputs.<task>` means the task of the same iteration. Nothing outside sees
    it: `outputs` declares what an iteration hands out, as `outputs.<loop>.outputs[n].outputs.<id>` or
    `loopOutputs(outputs.<loop>.outputs, '<id>')`. `errors` and `finally` belong to each iteration.

    A value is stored and shown, so it cannot be secret: loop over the names, and let the tasks read
    `secret(item.value)`.
    """

    type_name = "io.kestra.plugin.core.flow.Loop"
    loops: ClassVar[bool] = True
    isolated: ClassVar[bool] = True
    renames = {"value": Rename("values", "the property is called `values`")}  # noqa: RUF012 - ClassVar of the base
    output_docs: ClassVar[Mapping[str, str]] = {
        "iterationCount": "How many values there are.",
        "terminatedIterations": "How many iterations ended in each state.",
        "outputs": "A list of item and outputs of each iteration, if outputs are declared and fetched.",
        "uri": "URI of a file with a line of JSON for each iteration, if outputs are declared and stored.",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: each
type: io.kestra.plugin.core.flow.Loop
values: ["train", "test"]
concurrencyLimit: 2
outputs:
  - id: said
    type: STRING
    value: "{{ outputs.say.value }}"
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "{{ item.index }}: {{ item.value }}"
""",
    )

    values: Any = Field(description="A list, a map, an expression that gives one, or the URI of a file: its lines.")
    concurrency_limit: int = Field(default=1, ge=0, description="How many values at once; 0 means all.")
    transmit_failed: bool = Field(
        default=True, description="Whether a failed iteration ends the loop and fails it; else all values are run."
    )
    outputs: list[OutputSpec] | None = Field(default=None, description="What each iteration hands out.")
    fetch_type: Literal["AUTO", "FETCH", "STORE"] = Field(
        default="AUTO",
        description="FETCH hands the outputs out as a list, STORE as the URI of a file with a line of JSON for each "
        "iteration; AUTO is STORE if `values` is a URI.",
    )

    @field_validator("outputs")
    @classmethod
    def _each_once(cls, outputs: list[OutputSpec] | None) -> list[OutputSpec] | None:
        names = [one.id for one in outputs or ()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the output {', '.join(twice)} is declared twice")
        return outputs

    @classmethod
    def added(cls, task: TaskDef) -> Mapping[str, tuple[TaskDef, ...]]:
        """Return the task that stores what iterations hand out, if that may have to be."""
        if not task.props.get("outputs") or task.props.get("fetchType") == "FETCH":
            return {}
        props = {"content": "{{ iterations }}", "extension": ".jsonl"}
        # No author can give a task such an id.
        store = TaskDef(f"{task.id}.store", _WRITE, "runnable", props, repeatable=True, location=task.location)
        return {STORE: (store,)}

    @classmethod
    def tasks_of(cls, task: TaskDef, branch: str, *, is_iteration: bool) -> tuple[TaskDef, ...]:
        """Return the tasks of a slot: all of them belong to the iterations, and these are all that the loop has."""
        if is_iteration or branch == STORE:
            return task.slots.get(branch, ())
        return (task,) if branch == ITERATION else ()

    @classmethod
    def counted(cls, task: TaskDef, state: State, *, is_iteration: bool) -> State:
        """Return SUCCESS for an iteration that does not matter to the loop."""
        matters = is_iteration or task.props.get("transmitFailed", True)
        return state if matters or state not in _FAILURES else State.SUCCESS

    @classmethod
    def begin(cls, scope: Scope) -> Plan:
        """Resolve the values and start the first iterations; an iteration starts its first task.

        Raises
        ------
        ExecutionError
            ``GOV323``: the values are no list and no map, one is null, or there is a secret among them.
        """
        if scope.run.branch == ITERATION:
            return Plan(first_child(scope, "tasks"))
        written = scope.task.props.get("values")
        rendered = scope.render(written)
        # Before any error text can quote one; what the flow's own text says is no secret, whatever it looks like.
        if rendered != written and scope.finds_secret(rendered):
            raise _secret_among_them()
        items = items_of(rendered, scope.read)
        fetch_type = scope.task.props.get("fetchType") or "AUTO"
        stores = fetch_type == "STORE" or (fetch_type == "AUTO" and _is_uri(rendered))
        count = min(len(items), cls._limit(scope.task) or len(items))
        if next_enabled(scope.task.slots.get("tasks", ()), 0) is None:
            count = 0
        children = [cls._iteration(items, number) for number in range(count)] or cls._store(scope, stores)
        data, outputs = {"stores": stores}, {"iterationCount": len(items)}
        return Plan(children, branch=ITERATION, cursor=count, items=items, outputs=outputs, data=data)

    @classmethod
    def proceed(cls, scope: Scope, ended: TaskRun) -> Plan:
        """Go on with the iteration's next task, or with the next iteration."""
        if scope.run.branch == ITERATION:
            return Plan(following(scope, ended))
        plan = NOTHING if ended.branch == STORE else cls._next_iterations(scope, 1)
        if plan is not NOTHING or scope.frame.open or ended.branch == STORE:
            return plan
        return Plan(cls._store(scope, bool(scope.frame.data.get("stores"))))

    @staticmethod
    def _store(scope: Scope, stores: bool) -> list[Child]:
        return [Child(STORE, 0)] if stores and scope.task.slots.get(STORE) else []

    @classmethod
    def reopen(cls, scope: Scope, children: Sequence[TaskRun]) -> Plan:
        """Start the iterations that the failure of another one has held back."""
        if scope.run.branch == ITERATION:
            return NOTHING
        return cls._next_iterations(scope, (cls._limit(scope.task) or len(scope.run.items or ())) - scope.frame.open)

    @classmethod
    def end_state(cls, scope: Scope, state: State) -> State:
        """Hand out what the iteration, or all of them, declare.

        Raises
        ------
        ExecutionError
            A declared output cannot be rendered or is not of its type.
        """
        declared = scope.task.props.get("outputs") or ()
        if scope.run.branch != ITERATION:
            scope.publish(cls._collected(scope, bool(declared)))
        elif declared and state in (State.SUCCESS, State.WARNING):
            scope.publish(scope.typed([OutputDef(**_fields(one)) for one in declared]))
        return state

    @classmethod
    def _collected(cls, scope: Scope, has_outputs: bool) -> dict[str, Any]:
        loop = scope.run
        places = ((*loop.path, str(number)) for number in range(len(loop.items or ())))
        runs = (scope.execution.find(loop.task_id, place) for place in places)
        collected: dict[str, Any] = {
            "iterationCount": len(loop.items or ()),
            "terminatedIterations": dict(Counter(str(run.state) for run in runs if run is not None)),
        }
        if not scope.frame.data.get("stores"):
            return {**collected, "outputs": entries_of(scope.execution, loop)} if has_outputs else collected
        stored = scope.execution.find(f"{loop.task_id}.store", loop.path)
        return {**collected, "uri": stored.outputs["uri"]} if stored is not None and stored.outputs else collected

    @classmethod
    def _next_iterations(cls, scope: Scope, places: int) -> Plan:
        items, start = scope.run.items or (), scope.frame.cursor
        end = min(len(items), start + max(0, places))
        return NOTHING if end == start else Plan([cls._iteration(items, n) for n in range(start, end)], cursor=end)

    @staticmethod
    def _iteration(items: Sequence[str], number: int) -> Child:
        return Child(ITERATION, 0, json.loads(items[number])[0], number, str(number))

    @staticmethod
    def _limit(task: TaskDef) -> int:
        limit = task.props.get("concurrencyLimit")
        return 1 if limit is None else int(limit)

    @classmethod
    def is_one_by_one(cls, task: TaskDef) -> bool:
        """Return whether an iteration begins only when the one before has ended."""
        return cls._limit(task) == 1


def _secret_among_them() -> ExecutionError:
    return ExecutionError(
        "the values of a loop are stored and shown, and there is a secret among them",
        code="GOV323",
        hint="Loop over names, and read the secret inside: {{ secret(item.value) }}.",
    )


_NAMES = {"id": "id", "value": "value", "type": "type", "required": "required"}


def _fields(written: Mapping[str, Any]) -> dict[str, Any]:
    return {name: written[key] for key, name in _NAMES.items() if key in written}
