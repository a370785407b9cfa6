"""Functions that read the context of the rendering: render, outputs of loops, states of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_gov.lang.expr.arguments import flag_of, map_of, text_of, whole_of
from jupyter_gov.lang.expr.faults import ArgumentFault, Fault
from jupyter_gov.lang.expr.operators import MISSING
from jupyter_gov.lang.expr.registry import function
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import scalar_text


@function("render")
def render(state: State, template: Any, recursive: Any = True) -> Any:
    """Render a text, or the texts at any depth of a value; again and again until nothing changes."""
    return state.rendered(template, recursive=flag_of("`recursive`", recursive))


@function("renderOnce")
def render_once(state: State, template: Any) -> Any:
    """Render a text, or the texts at any depth of a value, once."""
    return state.rendered(template, recursive=False)


@function("printContext", "fetchContext")
def print_context(state: State) -> dict[str, Any]:
    """Return all variables."""
    return state.visible()


@function("block")
def block(state: State, name: Any) -> str:
    """Write a block of the template again."""
    body = state.compiled.blocks.get(text_of("the name of a block", name))
    if body is None:
        raise ArgumentFault(f"no block is called `{name}`")
    return state.capture(body)


def _variable(state: State, name: str) -> Any:
    found = state.attempt(lambda: state.lookup(name, 0))
    return None if found is MISSING else found


def _map_variable(state: State, name: str) -> Mapping[Any, Any]:
    found = _variable(state, name)
    return found if isinstance(found, Mapping) else {}


def _parents(state: State) -> list[Mapping[Any, Any]]:
    """Return the surrounding loops, outermost first."""
    found = _variable(state, "parents")
    return [one for one in reversed(found) if isinstance(one, Mapping)] if isinstance(found, (list, tuple)) else []


def _value(holder: Mapping[Any, Any]) -> Any:
    run = holder.get("taskrun")
    return run.get("value") if isinstance(run, Mapping) else None


@function("currentEachOutput")
def current_each_output(state: State, outputs: Any) -> Any:
    """Return the output of a sibling task for the present values of the loops around it."""
    found: Any = map_of("`outputs`", outputs)
    values = [_value(parent) for parent in _parents(state) if isinstance(parent.get("taskrun"), Mapping)]
    for value in values:
        found = found.get(value) if isinstance(found, Mapping) else None
        if found is None:
            raise Fault("the task has no outputs for the present loop values")
    here = _map_variable(state, "taskrun").get("value")
    # Inside of an If in the loop: the value is that of the If, which is among the parents.
    return found if here is None and values else map_of("`outputs`", found).get(here)


@function("parentOutput")
def parent_output(state: State, index: Any = None) -> Any:
    """Return the outputs of the task around this one, or of the one ``index`` levels further out."""
    if index is None:
        return _output_of(state, _map_variable(state, "parent"))
    parents, level = _parents(state), whole_of("`index`", index)
    if not 0 <= level < len(parents):
        raise ArgumentFault(f"`index` is {level}; there are {len(parents)} tasks around this one")
    return _output_of(state, parents[level])


def _output_of(state: State, parent: Mapping[Any, Any]) -> Any:
    task = parent.get("task")
    name = task.get("id") if isinstance(task, Mapping) else None
    found = _map_variable(state, "outputs").get(name)
    value = _value(parent)
    return found.get(value) if isinstance(found, Mapping) and value is not None else found


@function("iterationOutput")
def iteration_output(state: State, task_id: Any = None, iteration: Any = None) -> Any:
    """Return the output ``value`` of a task in another pass of the loop; the pass before without ``iteration``."""
    present = _map_variable(state, "taskrun").get("iteration")
    if present is None:
        raise Fault("`iterationOutput` works only inside a loop")
    name = _map_variable(state, "task").get("id") if task_id is None else text_of("`taskId`", task_id)
    number = whole_of("the iteration", present) - 1 if iteration is None else _iteration(iteration)
    if number < 0:
        raise ArgumentFault(f"there is no iteration {number}")
    found: Any = _map_variable(state, "outputs").get(name)
    for parent in _parents(state):
        if isinstance(parent.get("taskrun"), Mapping):
            found = found.get(_value(parent)) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    passes = list(found.values())
    if number >= len(passes):
        raise ArgumentFault(f"iteration {number} has no outputs yet")
    return passes[number].get("value") if isinstance(passes[number], Mapping) else None


def _iteration(value: Any) -> int:
    text = scalar_text(value)
    if not text.lstrip("-").isdecimal() or len(text) > 9:
        raise ArgumentFault("`iteration` must be a whole number")
    return int(text)


@function("loopOutputs")
def loop_outputs(state: State, outputs: Any, name: Any) -> list[Any]:
    """Return one declared output of every iteration of a Loop, in order; null where there is none."""
    if not isinstance(outputs, (list, tuple)):
        raise ArgumentFault(
            "`outputs` must be the list `outputs.<loop>.outputs`", hint="Declare `outputs` on the Loop."
        )
    key = text_of("`name`", name)
    inner = (entry.get("outputs") if isinstance(entry, Mapping) else None for entry in outputs)
    return [one.get(key) if isinstance(one, Mapping) else None for one in inner]


@function("tasksWithState")
def tasks_with_state(state: State, state_: Any) -> list[dict[str, Any]]:
    """Return the task runs in a state, each with ``taskId``, ``state`` and, in a loop, ``value``."""
    wanted = text_of("`state`", state_).upper()
    found: list[dict[str, Any]] = []
    for name, details in _map_variable(state, "tasks").items():
        for key, detail in details.items() if isinstance(details, Mapping) else ():
            if isinstance(detail, Mapping):
                if str(detail.get("state")).upper() == wanted:
                    found.append({"taskId": name, "state": wanted, "value": key})
            elif key == "state" and str(detail).upper() == wanted:
                found.append({"taskId": name, "state": wanted})
    return found
