"""What people ask about an execution without changing it: an expression in its context, its address, a form."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.sealed import MASK
from jupyter_gov.engine.context import build
from jupyter_gov.engine.inputs import Resolved, resolve_each
from jupyter_gov.errors import ExecutionError, NotFoundError
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.runtime.host import Host
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.secrets import from_settings
from jupyter_gov.runtime.world import expression_environment
from jupyter_gov.service.api import StartRequest

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts


class _Onlooker(Host):
    """What expressions reach that a person tries out: everything but secrets, of which a mask stands in the place.

    Not masked afterwards, as logs are: who may write the expression could take a secret apart and read the parts.
    """

    def secret(self, name: str) -> str:
        """Return the mask, if there is such a secret."""
        super().secret(name)
        return MASK

    def open_sealed(self, ciphertext: str) -> str:
        """Return the mask."""
        return MASK

    def open_output(self, ciphertext: str) -> str:
        """Return the mask."""
        return MASK


class Questions:
    """Answers; writes nothing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def eval(self, execution: Execution, flow: Flow, expression: str, task_run_id: str | None) -> str:
        """Return an expression rendered as a task run, or the flow, sees the world now; see ``api``."""
        run = None
        if task_run_id is not None:
            run = execution.task_runs.get(task_run_id)
            if run is None:
                raise NotFoundError(
                    f"execution {execution.id} has no task run {task_run_id}", hint="`jupyter gov show` lists them."
                )
        parts, masks = self._parts, Masks()
        host = _Onlooker(
            parts.store,
            execution.namespace,
            execution,
            settings=parts.settings,
            secrets=from_settings(os.environ, parts.settings),
            clock=parts.now,
            masks=masks,
            dialect=flow.dialect,
        )
        envs, globals_ = expression_environment(os.environ), parts.settings.get("globals") or {}
        variables = build(flow, execution, run, envs=envs, globals_=globals_, host=host)
        return masks.apply(expr.render(expression, variables, host))

    def url(self, execution: Execution) -> str:
        """Return the address under which people find the execution; see ``api``."""
        base = str(self._parts.config.url).rstrip("/")
        if not base:
            raise ExecutionError(
                "it is not known under which address people find executions",
                code="GOV345",
                hint="Set `url` (JUPYTER_GOV_URL) to the address of the pages that show them.",
            )
        place = "/".join(quote(part, safe="") for part in (execution.namespace, execution.flow_id, execution.id))
        return f"{base}/ui/executions/{place}"

    def check_inputs(self, flow: Flow, request: StartRequest) -> Sequence[Resolved]:
        """Return what became of each input of a start that is not made; see ``api``."""
        masks = Masks()
        host = self._parts.host(flow.namespace, masks, flow.dialect)
        own = {"flow": {"id": flow.id, "namespace": flow.namespace}, "vars": flow.variables}

        def render(value: Any, context: Any) -> Any:
            how = expr.render_typed if isinstance(value, str) else expr.render_value
            return how(value, {**own, **context}, host)

        found = resolve_each(flow.inputs, request.inputs, render=render)
        return [_shown(one, masks) for one in found]


def _shown(found: Resolved, masks: Masks) -> Resolved:
    """Return what became of an input without secrets: those that a declaration reads, and what is typed into one."""
    secret = found.definition.type == "SECRET" and found.value is not None
    problems = [replace(one, message=masks.apply(one.message)) for one in found.problems]
    return replace(found, value=MASK if secret else masks.apply_deep(found.value), problems=problems)
