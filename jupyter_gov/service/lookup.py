"""Finds an execution or a gate by the part of its id that a person types."""

from __future__ import annotations

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.errors import NotFoundError
from jupyter_gov.service.api import ApprovalDetail, Gov

_SEARCHED = 500
_FULL = 22


def execution_id(gov: Gov, text: str, actor: Actor) -> str:
    """Return the full id that ``text`` begins or ends; ``last`` is the newest execution.

    Raises
    ------
    NotFoundError
        ``GOV302`` nothing matches; ``GOV336`` several do.
    """
    if len(text) == _FULL:
        return gov.executions.get(text, actor).id
    if text == "last":
        newest = gov.executions.list(actor, limit=1)
        if newest:
            return newest[0].id
        raise NotFoundError("there is no execution yet", hint="Start one: jupyter gov run FILE")
    known = [found.id for found in gov.executions.list(actor, limit=_SEARCHED)]
    return _single(text, known, "execution", "jupyter gov runs")


def approval(gov: Gov, text: str, actor: Actor) -> ApprovalDetail:
    """Return the gate whose id ``text`` begins or ends, or the only open gate of the execution so named.

    Raises
    ------
    NotFoundError
        ``GOV302`` nothing matches; ``GOV336`` several do.
    """
    gates = gov.approvals.list(actor, status=ApprovalStatus.OPEN, limit=_SEARCHED)
    ids = {gate.approval.id: gate for gate in gates}
    if text == "last":
        text = execution_id(gov, text, actor)
    matching = _matches(text, list(ids))
    if not matching:
        of_run = {gate.approval.execution_id for gate in gates}
        runs = _matches(text, list(of_run))
        matching = [key for key, gate in ids.items() if gate.approval.execution_id in runs]
    if matching:
        return ids[_single(text, matching, "open gate", "jupyter gov approvals", exact=True)]
    if "-" in text:
        return gov.approvals.get(text, actor)
    run = gov.executions.get(execution_id(gov, text, actor), actor)
    raise NotFoundError(f"no gate of execution {run.id} is open", hint=f"It is {run.state}.")


def _matches(text: str, known: list[str]) -> list[str]:
    if text in known:
        return [text]
    return [item for item in known if item.endswith(text) or item.startswith(text)]


def _single(text: str, known: list[str], what: str, listing: str, *, exact: bool = False) -> str:
    matching = known if exact else _matches(text, known)
    if not matching:
        raise NotFoundError(f"no {what} begins or ends with {text!r}", hint=f"List them: {listing}")
    if len(matching) > 1:
        shown = ", ".join(matching[:5])
        raise NotFoundError(
            f"{text!r} is no unique {what}: {len(matching)} match ({shown})",
            code="GOV336",
            hint="Give more characters.",
        )
    return matching[0]
