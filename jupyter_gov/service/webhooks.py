"""Webhooks: whoever knows the key of one starts its flow, and learns nothing otherwise."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import SYSTEM
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.ids import new_id
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.engine.triggers.conditions import judge
from jupyter_gov.engine.triggers.parse import parse
from jupyter_gov.errors import GovError, NotFoundError
from jupyter_gov.lang.models.triggers import Webhook
from jupyter_gov.runtime.owned import NewExecution
from jupyter_gov.runtime.triggered import Cause, Place, Starter

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts
    from jupyter_gov.store.database import Tx

_LOG = logging.getLogger(__name__)
_NEVER_KEPT = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that identify whoever calls somewhere: they are none of the flow's business."""
_DEEPEST = 100


class Webhooks:
    """Answers calls of webhooks; the key is compared in constant time and kept nowhere."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._starter = Starter(parts.store, parts.settings, parts.host)

    def call(
        self,
        namespace: str,
        flow_id: str,
        key: str,
        *,
        method: str,
        parameters: Mapping[str, Sequence[str]],
        headers: Mapping[str, Sequence[str] | str],
        body: str | None,
    ) -> Execution | None:
        """Start what the webhook of this key starts; None if its conditions do not hold.

        Raises
        ------
        NotFoundError
            ``GOV492``: no such flow, or none of its webhooks has this key; which of the two is not said.
        InputError
            What the call brings does not fit the inputs of the flow.
        """
        found = self._found(namespace, flow_id, key)
        if found is None:
            raise NotFoundError(
                "there is no flow with such a webhook", code="GOV492", hint="Check namespace, flow and key."
            )
        kept, place = found
        variables = _variables(key, parameters, headers, body)
        subject = place.subject()
        subject = replace(subject, context={**subject.context, "trigger": variables})
        if not judge(place.parsed.conditions, place.parsed.common.when, subject).holds:
            return None
        cause = Cause(new_id(), place.masks.apply_deep(variables), {"method": method})
        made = self._starter.make(kept, place, subject, cause, now=self._parts.now())
        store = self._parts.store
        store.retrying(lambda tx: self._write(tx, kept, made, method))
        self._parts.wake()
        with store.read() as tx:
            return store.executions.load(tx, made.execution.id)

    def _write(self, tx: Tx, kept: Trigger, made: NewExecution, method: str) -> None:
        about = {"trigger": kept.id, "execution": made.execution.id, "method": method}
        fact = Fact("trigger.fired", "/".join(kept.key), SYSTEM.id, str(SYSTEM.assurance), about)
        self._starter.insert(tx, made)
        self._parts.store.triggers.note(tx, kept, [fact])

    def _found(self, namespace: str, flow_id: str, key: str) -> tuple[Trigger, Place] | None:
        """Return the webhook that has the key; all are compared, so that time tells nothing of their number."""
        given = _digest(key)
        found: tuple[Trigger, Place] | None = None
        for kept, place in self._webhooks(namespace, flow_id):
            own = place.parsed.own
            assert isinstance(own, Webhook)  # noqa: S101 - by the method that gave it
            try:
                expected = place.subject().render(own.key)
            except GovError as error:
                _LOG.warning("the key of webhook %s cannot be read: %s", kept.name, error.code)
                continue
            if hmac.compare_digest(_digest(expected), given) and expected:
                found = (kept, place)
        return found

    def _webhooks(self, namespace: str, flow_id: str) -> list[tuple[Trigger, Place]]:
        parts = self._parts
        with parts.store.read() as tx:
            kept = [one for one in parts.store.triggers.of_flow(tx, namespace, flow_id) if one.is_active]
        found = []
        for one in kept:
            revision = parts.cache.find(namespace, flow_id, one.revision)
            written = next(written for written in revision[1].triggers if written.id == one.id)
            parsed = parse(written)
            if isinstance(parsed.own, Webhook):
                found.append((one, self._starter.place(revision, parsed)))
        return found


def _digest(key: str) -> bytes:
    # Of equal length whatever the keys are, as comparing in constant time needs.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _variables(
    key: str, parameters: Mapping[str, Sequence[str]], headers: Mapping[str, Sequence[str] | str], body: str | None
) -> dict[str, Any]:
    """Return what the execution sees as ``trigger.*``; headers that hold the key (addresses, say) are left out."""
    listed = {name: [text] if isinstance(text, str) else list(text) for name, text in headers.items()}
    shown = {
        name: texts
        for name, texts in listed.items()
        if name.lower() not in _NEVER_KEPT and not any(key in text for text in texts)
    }
    variables: dict[str, Any] = {
        "headers": shown,
        "parameters": {name: list(texts) for name, texts in parameters.items()},
    }
    if body:
        variables["body"] = _parsed(body)
    return variables


def _parsed(body: str) -> Any:
    """Return what JSON says; the text itself if it is none, or nested deeper than expressions can go."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return body if _is_deep(found) else found


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
