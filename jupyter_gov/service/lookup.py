"""Finds an execution, a gate or a trigger by the part of its name that a person types."""

from __future__ import annotations

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.errors import NotFoundError
from jupyter_gov.lang.diagnostics import did_you_mean
from jupyter_gov.service.api import ApprovalDetail, Gov

_SEARCHED = 500
_FULL = 22


def execution_id(gov: Gov, text: str, actor: Actor) -> str:
    """Return the full id that ``text`` begins or ends; ``last`` is the newest that a person or a trigger started.

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
            return _starter(gov, newest[0].id, actor)
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
    matching = _matches(text, list(ids))
    if not matching and "-" not in text:
        run = _run_of_gate(gov, text, actor)
        ids = {gate.approval.id: gate for gate in gov.approvals.list(actor, execution_id=run)}
        matching = list(ids)
        if not matching:
            state = gov.executions.get(run, actor).state
            raise NotFoundError(f"no gate of execution {run} is open", hint=f"It is {state}.")
    if matching:
        return ids[_single(text, matching, "open gate", "jupyter gov approvals", exact=True)]
    return gov.approvals.get(_decided(gov, text, actor), actor)


def trigger(gov: Gov, text: str, actor: Actor) -> Trigger:
    """Return the trigger that is named ``namespace.flow/id``, or whose name ends so after a dot or a slash.

    Raises
    ------
    NotFoundError
        ``GOV302`` nothing matches; ``GOV336`` several do.
    """
    known = {one.name: one for one in gov.triggers.list(actor)}
    matching = [name for name in known if name == text or name.endswith((f".{text}", f"/{text}"))]
    if text in known:
        return known[text]
    if not matching:
        hint = did_you_mean(text, known) or "List them: jupyter gov triggers"
        raise NotFoundError(f"no trigger is called {text!r}", hint=hint)
    return known[_single(text, matching, "trigger", "jupyter gov triggers", exact=True)]


def stream(gov: Gov, text: str | None, actor: Actor) -> str | None:
    """Return the stream of a run's history, or None for all; a deleted run is found by its whole id.

    Raises
    ------
    NotFoundError
        ``GOV302`` nothing matches; ``GOV336`` several do.
    """
    if not text:
        return None
    try:
        return f"execution/{execution_id(gov, text, actor)}"
    except NotFoundError:
        # The rows of a deleted run are gone; its history is not.
        if not gov.audit.entries(actor, f"execution/{text}", limit=1):
            raise
        return f"execution/{text}"


def _run_of_gate(gov: Gov, text: str, actor: Actor) -> str:
    try:
        return execution_id(gov, text, actor)
    except NotFoundError as error:
        if error.code != NotFoundError.default_code or text == "last":
            raise
        raise NotFoundError(
            f"no gate, and no run, begins or ends with {text!r}", hint="List them: jupyter gov approvals"
        ) from None


def _decided(gov: Gov, text: str, actor: Actor) -> str:
    """Return the full id of a gate that is named by its run and its number: ``TV2nn7-1-g1``."""
    run, _, number = text.partition("-")
    return text if len(run) >= _FULL else f"{_run_of_gate(gov, run, actor)}-{number}"


def _starter(gov: Gov, execution: str, actor: Actor) -> str:
    found = gov.executions.get(execution, actor)
    while found.parent_id is not None:
        found = gov.executions.get(found.parent_id, actor)
    return found.id


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
