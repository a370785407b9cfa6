"""Creates the executions that Subflow tasks call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jupyter_gov.domain.actor import SYSTEM
from jupyter_gov.domain.commands import StartSubflow
from jupyter_gov.domain.events import SubflowEnded, SubflowStarted
from jupyter_gov.domain.execution import BATCH, Execution, Failure, TriggerInfo
from jupyter_gov.domain.flow import FlowRevision, LogLine
from jupyter_gov.engine import checks
from jupyter_gov.engine.context import build
from jupyter_gov.engine.flowables.subflow import Subflow
from jupyter_gov.engine.inputs import ignored
from jupyter_gov.engine.start import create
from jupyter_gov.engine.subflows import asked_for
from jupyter_gov.errors import GovError
from jupyter_gov.lang.expr import render_value
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.runtime.files import file_name
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.intake import Intake
from jupyter_gov.runtime.owned import NewExecution, Owned
from jupyter_gov.runtime.sealing import Sealer
from jupyter_gov.runtime.world import World


class Caller:
    """Makes a called execution from the command of its caller; stores nothing but input files."""

    def __init__(self, world: World, flows: FlowCache) -> None:
        self._world = world
        self._flows = flows

    def prepare(
        self, caller: Owned, parent: Execution, command: StartSubflow
    ) -> tuple[SubflowStarted, NewExecution | None]:
        """Return what the caller is told, and the execution to store in the same transaction.

        An execution that cannot be created (no such flow, disabled, wrong inputs, a secret and no key to seal it with)
        is a failure of the calling task.

        Parameters
        ----------
        parent
            The caller's execution as of the step that gave the command.
        """
        try:
            revision, flow = self._flows.find(command.namespace, command.flow_id, command.revision)
            child = self._create(caller, parent, command, revision, flow)
        except GovError as error:
            failure = Failure(error.code, error.message, {"hint": error.hint} if error.hint else None)
            return SubflowStarted(command.task_run_id, None, failure, command.iteration), None
        return SubflowStarted(command.task_run_id, command.child_id, iteration=command.iteration), child

    def result(self, caller: Owned, parent: Execution, event: SubflowEnded) -> SubflowEnded:
        """Return the end of a called execution with what the older ``outputs`` map of the call asks it for.

        The map is rendered as the called execution sees the world; when that fails, so does the calling task.
        """
        asked = asked_for(caller.flow, parent, event)
        if event.failure is not None or not asked:
            return event
        with self._world.store.read() as tx:
            child = self._world.store.executions.load(tx, event.child_id)
        if child is None:
            return event
        try:
            called = self._flows.load(child.namespace, child.flow_id, child.flow_revision)
            if called.outputs:
                return event  # what the called flow declares comes first, as in Kestra
            host = self._world.host(child, caller.masks, called.dialect)
            variables = build(called, child, envs=self._world.envs, globals_=self._world.globals_, host=host)
            rendered = caller.masks.apply_deep(render_value(asked, variables, host))
        except GovError as error:
            message = f"the outputs of the called execution {event.child_id} cannot be rendered: {error.message}"
            return replace(event, failure=Failure(error.code, message))
        return replace(event, outputs=rendered)

    def _create(
        self, caller: Owned, parent: Execution, command: StartSubflow, revision: FlowRevision, flow: Flow
    ) -> NewExecution:
        run = parent.task_runs[command.task_run_id]
        trigger: dict[str, Any] = {
            "executionId": parent.id,
            "namespace": parent.namespace,
            "flowId": parent.flow_id,
            "flowRevision": parent.flow_revision,
        }
        kind = Subflow.type_name
        if command.iteration is not None:
            kind, trigger[BATCH] = caller.flow.index[run.task_id].type, command.iteration
        due = command.due if command.due and command.due > self._world.clock() else None
        execution, facts = create(
            revision,
            flow,
            execution_id=command.child_id,
            inputs=self._inputs(caller, parent, command, flow),
            labels=command.labels,
            actor=SYSTEM,
            run_as=parent.run_as,
            now=self._world.clock(),
            trigger=TriggerInfo(run.task_id, kind, trigger),
            parent_id=parent.id,
            parent_task_run_id=command.task_run_id if command.wait else None,
            workdir=parent.workdir,
            schedule_date=due,
        )
        host = self._world.host(execution, caller.masks, flow.dialect)
        found = checks.unmet(flow, execution, host, envs=self._world.envs, globals_=self._world.globals_)
        found = [replace(one, message=caller.masks.apply(one.message)) for one in found]
        judged, told = checks.judge(execution, facts, found)
        lines = checks.lines(execution, found, execution.created)
        for text in ignored(flow.inputs, command.inputs, flow.undeclared_inputs):
            lines.append(LogLine(0, execution.id, None, None, None, "WARN", execution.created, text))
        return NewExecution(flow, judged, tuple(told), due, lines=tuple(lines))

    def _inputs(self, caller: Owned, parent: Execution, command: StartSubflow, flow: Flow) -> Mapping[str, Any]:
        host = self._world.host(parent, caller.masks, flow.dialect)
        space = flow.namespace.replace(".", "/")
        prefix = f"kestra:///{space}/{flow.id}/executions/{command.child_id}/inputs"

        def put(name: str, uri: str) -> str:
            if uri.startswith("gov:"):
                return uri
            # A copy under the child's own address: what it may read must not depend on who called it.
            return self._world.store.files.put(f"{prefix}/{name}", host.files.path(uri), file_name(uri))

        written = caller.flow.index[parent.task_runs[command.task_run_id].task_id].props.get("inputs")
        intake = Intake(
            declared=flow.inputs,
            given=command.inputs,
            literal=written if isinstance(written, Mapping) else {},
            masks=caller.masks,
            sealer=Sealer(str(self._world.settings.get("encryption.key") or "")),
            put=put,
            variables={"flow": {"id": flow.id, "namespace": flow.namespace}, "vars": flow.variables},
            host=host,
        )
        return intake.take(undeclared=flow.undeclared_inputs, strict=False)
