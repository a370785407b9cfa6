"""Notebook runs that papermill did outside of any flow, put on record as ended executions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.canonical import digest
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Attempt, Execution, Failure, Frame, Label, TaskRun
from jupyter_gov.domain.ids import new_id, task_run_id
from jupyter_gov.domain.states import History, Moment, State
from jupyter_gov.engine import facts

if TYPE_CHECKING:
    from jupyter_gov.service.api import NotebookRecord
    from jupyter_gov.service.wire import Parts

NAMESPACE = "notebooks"
TASK = "notebook"


def record(parts: Parts, record: NotebookRecord, actor: Actor) -> Execution:
    """Store a notebook run: parameters, environment, cells and digests, bound into the history."""
    execution = _execution(parts, record, actor)
    run = next(iter(execution.task_runs.values()))
    body = {
        "notebook": {
            "name": Path(record.input_path).name,
            "input": record.input_digest,
            "output": record.output_digest,
        },
        "parameters": digest(record.parameters),
        "environment": dict(record.environment),
        "state": record.state,
        "changes": facts.changes(execution, [run.id]),
    }
    fact = Fact("notebook.recorded", execution.id, actor.id, str(actor.assurance), body)

    parts.store.retrying(lambda tx: parts.store.executions.insert(tx, execution, (fact,), None))
    return execution


def _execution(parts: Parts, record: NotebookRecord, actor: Actor) -> Execution:
    state = State(record.state)
    execution_id = new_id()
    history = History(
        (Moment(State.CREATED, record.started), Moment(State.RUNNING, record.started), Moment(state, record.ended))
    )
    failure = None
    if record.failure is not None:
        failure = Failure("GOV843", str(record.failure.get("message", "the notebook failed")), dict(record.failure))
    outputs: dict[str, Any] = {
        "input": record.input_path,
        "output": record.output_path,
        "inputDigest": record.input_digest,
        "outputDigest": record.output_digest,
        "environment": dict(record.environment),
        "cells": [dict(cell) for cell in record.cells],
    }
    name = Path(record.input_path).stem
    execution = Execution(
        id=execution_id,
        namespace=NAMESPACE,
        flow_id=name,
        flow_revision=0,
        flow_digest=record.input_digest,
        history=history,
        run_as=parts.run_as,
        starter=actor.id,
        inputs=dict(record.parameters),
        labels=(Label("system.correlationId", execution_id),),
        failure=failure,
        frame=Frame(phase="over"),
        next_seq=1,
    )
    attempt = Attempt(1, replace(history, moments=history.moments[1:]), failure=failure)
    return execution.put(
        TaskRun(
            id=task_run_id(execution_id, 0),
            execution_id=execution_id,
            task_id=TASK,
            seq=0,
            history=history,
            attempts=(attempt,),
            outputs=outputs,
            outputs_digest=digest(outputs),
            failure=failure,
        )
    )
