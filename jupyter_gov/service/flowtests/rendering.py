"""Renders what test files say: inputs before the start, values of assertions after the end."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.engine.context import build
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.ports import ExpressionHost
from jupyter_gov.runtime.clock import utc_now
from jupyter_gov.runtime.host import Host
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.secrets import from_settings
from jupyter_gov.runtime.world import expression_environment
from jupyter_gov.service.wire import Parts


def typed(value: Any, variables: Mapping[str, Any], host: ExpressionHost | None) -> Any:
    """Render texts at any depth; a text that is one single expression becomes its native value.

    Raises
    ------
    ExpressionError
        Something cannot be rendered.
    """
    match value:
        case str():
            return expr.render_typed(value, variables, host)
        case Mapping():
            return {str(key): typed(item, variables, host) for key, item in value.items()}
        case list() | tuple():
            return [typed(item, variables, host) for item in value]
        case _:
            return value


@dataclass(frozen=True)
class Glass:
    """An ended execution as assertions see it."""

    parts: Parts
    flow: Flow
    execution: Execution
    files: Mapping[str, str]

    @cached_property
    def masks(self) -> Masks:
        """The secrets that assertions have read."""
        return Masks()

    @cached_property
    def _host(self) -> Host:
        settings = self.parts.settings
        return Host(
            self.parts.store,
            self.execution.namespace,
            self.execution,
            settings=settings,
            secrets=from_settings(os.environ, settings),
            clock=utc_now,
            masks=self.masks,
        )

    def render(self, value: Any, run: TaskRun | None = None) -> Any:
        """Render a value as the flow, or as a task run, sees the world."""
        settings, execution = self.parts.settings, self.execution
        variables = build(
            self.flow,
            execution,
            run,
            envs=expression_environment(os.environ),
            globals_=settings.get("globals") or {},
            host=self._host,
        )
        # Of a running execution nobody can read what it hands back; of one that has ended a test must.
        more = {"files": self.files, "execution": {**variables["execution"], "outputs": execution.outputs or {}}}
        return typed(value, ChainMap(more, variables), self._host)  # type: ignore[arg-type]  # nobody writes here

    def latest(self, task_id: str) -> TaskRun | None:
        """Return the newest task run of a task that has begun, whatever loops are around it."""
        runs = [run for run in self.execution.task_runs.values() if run.task_id == task_id]
        return max(runs, key=lambda run: run.seq, default=None)
