"""Creating an execution: the value and the fact, before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution, Label, TriggerInfo
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.domain.states import State, begin
from jupyter_gov.engine import facts
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.models.storable import cleaned

CORRELATION = "system.correlationId"


def storable_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels that any database takes: what is no character in them is written out, or replaced."""
    return {_storable(key): _storable(value) for key, value in labels.items()}


def _storable(text: str) -> str:
    return cleaned(text).replace("\0", "\ufffd")


def create(
    revision: FlowRevision,
    flow: Flow,
    *,
    execution_id: str,
    inputs: Mapping[str, Any],
    actor: Actor,
    run_as: str,
    now: datetime,
    labels: Sequence[Label] = (),
    trigger: TriggerInfo | None = None,
    parent_id: str | None = None,
    parent_task_run_id: str | None = None,
    workdir: str | None = None,
    supersedes: str | None = None,
    schedule_date: datetime | None = None,
) -> tuple[Execution, tuple[Fact, ...]]:
    """Return a created execution and the fact of its creation.

    Parameters
    ----------
    inputs
        Already typed and checked by ``engine.inputs.resolve``.
    labels
        Added to the flow's own; a later key wins.
    schedule_date
        When it begins, if not at once; goes into the fact only.

    Raises
    ------
    ExecutionError
        ``GOV305``: the flow is disabled.
    """
    if flow.disabled:
        raise ExecutionError(
            f"flow {flow.namespace}.{flow.id} is disabled", code="GOV305", hint="Remove `disabled: true`."
        )
    merged = {key: str(value) for key, value in flow.labels.items()}
    merged.update({label.key: label.value for label in labels})
    merged = storable_labels(merged)
    merged.setdefault(CORRELATION, execution_id)
    execution = Execution(
        id=execution_id,
        namespace=revision.namespace,
        flow_id=revision.flow_id,
        flow_revision=revision.revision,
        flow_digest=revision.digest,
        history=begin(State.CREATED, now),
        run_as=run_as,
        starter=actor.id,
        inputs=inputs,
        labels=tuple(Label(key, value) for key, value in merged.items()),
        trigger=trigger,
        parent_id=parent_id,
        parent_task_run_id=parent_task_run_id,
        workdir=workdir,
        supersedes=supersedes,
    )
    body = {
        "flow": {
            "namespace": revision.namespace,
            "id": revision.flow_id,
            "revision": revision.revision,
            "digest": revision.digest,
        },
        "inputs": digest(inputs),
        "runAs": run_as,
        "parent": parent_id,
        "supersedes": supersedes,
        **({} if schedule_date is None else {"scheduleDate": schedule_date.isoformat()}),
        "changes": facts.changes(execution),
    }
    fact = Fact("execution.created", execution_id, actor.id, str(actor.assurance), body)
    return execution, (fact,)
