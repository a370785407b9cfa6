"""How many executions of a flow may run at once, decided when one is created (KESTRA.md §7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.events import Event, Start
from jupyter_gov.domain.execution import Execution, Failure
from jupyter_gov.domain.states import EXECUTION_TRANSITIONS, State, advance
from jupyter_gov.engine import facts as facts_of
from jupyter_gov.lang.models.flow import Flow

HOLDING = frozenset({State.CREATED, State.RUNNING, State.PAUSED, State.RESTARTED, State.RETRYING, State.KILLING})
"""States in which an execution holds one of its flow's slots; a paused one still does."""

_OVER = {"QUEUE": State.QUEUED, "CANCEL": State.CANCELLED, "FAIL": State.FAILED}


def admit(
    flow: Flow, execution: Execution, facts: Sequence[Fact], *, running: int
) -> tuple[Execution, Sequence[Fact], Event | None]:
    """Return a created execution as its flow's limit lets it begin: started, queued, cancelled or failed.

    Parameters
    ----------
    running
        How many executions of the flow hold a slot already.
    """
    limit = flow.concurrency
    if limit is None or running < limit.limit:
        return execution, facts, Start()
    state = _OVER[limit.behavior]
    history = advance(execution.history, state, execution.created, EXECUTION_TRANSITIONS)
    failure = None
    if state is not State.QUEUED:
        message = f"{running} executions of this flow run already; its limit is {limit.limit}"
        failure = Failure("GOV360", message)
    execution = replace(execution, history=history, failure=failure)
    changes = facts_of.changes(execution)
    told = [replace(fact, body={**fact.body, "changes": changes, "limit": limit.limit}) for fact in facts]
    return execution, told, None
