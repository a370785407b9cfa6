"""Puts fixtures in the place of tasks, so that a flow can be tested without the effects of what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from jupyter_gov.engine.flowables.pause import Pause
from jupyter_gov.engine.types import FLOWABLES
from jupyter_gov.lang.flowtest.models import TaskFixtureSpec
from jupyter_gov.lang.models.flow import Flow, Retry, TaskDef, index_tasks

FIXTURE = "jupyter_gov.tests.Fixture"
"""Type of what stands in the place of a task; no flow can name it, the registry of a test run alone knows it."""
# The state of a fixture is that of the last attempt: nothing is tried again, whatever the flow says.
_ONCE = Retry("constant", interval=timedelta(0), max_attempts=1)


def with_fixtures(flow: Flow, fixtures: Sequence[TaskFixtureSpec], files: Mapping[str, str]) -> Flow:
    """Return the flow with these tasks replaced; what is below a replaced task is not there any more.

    Parameters
    ----------
    files
        What expressions in outputs read as ``files``: name -> URI.
    """
    by_id = {fixture.id: fixture for fixture in fixtures}

    def changed(tasks: Sequence[TaskDef]) -> tuple[TaskDef, ...]:
        return tuple(one(task) for task in tasks)

    def one(task: TaskDef) -> TaskDef:
        fixture = by_id.get(task.id)
        if fixture is not None:
            return _fixed(task, fixture, files)
        return replace(task, slots={name: changed(children) for name, children in task.slots.items()})

    lists = [changed(tasks) for tasks in (flow.tasks, flow.errors, flow.finally_, flow.after_execution)]
    tasks, errors, finally_, after = lists
    index = index_tasks((*tasks, *errors, *finally_, *after))
    return replace(flow, tasks=tasks, errors=errors, finally_=finally_, after_execution=after, index=index)


def _fixed(task: TaskDef, fixture: TaskFixtureSpec, files: Mapping[str, str]) -> TaskDef:
    props: dict[str, Any] = {"outputs": fixture.outputs, "state": fixture.state, "files": dict(files)}
    if is_gate(task):
        props |= {"gate": True, "form": list(task.props.get("onResume") or ())}
    return replace(
        task,
        type=FIXTURE,
        kind="runnable",
        props=props,
        slots={},
        retry=_ONCE,
        timeout=None,
        run_if="false" if fixture.state == "SKIPPED" else task.run_if,
        inline=False,
        repeatable=True,
        model=None,
    )


def is_gate(task: TaskDef) -> bool:
    """Return whether a task waits for people."""
    kind = FLOWABLES.get(task.type) or task.model
    return isinstance(kind, type) and issubclass(kind, Pause)
