"""Executions that triggers start: their inputs, labels and facts; what expressions of a trigger see."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import SYSTEM
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.execution import Execution, Failure, Label
from jupyter_gov.domain.flow import FlowRevision, LogLine
from jupyter_gov.domain.states import EXECUTION_TRANSITIONS, State, advance
from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.engine import checks
from jupyter_gov.engine import facts as facts_of
from jupyter_gov.engine.inputs import ignored
from jupyter_gov.engine.start import create
from jupyter_gov.engine.triggers import starting
from jupyter_gov.engine.triggers.parse import Parsed
from jupyter_gov.engine.triggers.subject import Subject
from jupyter_gov.errors import GovError
from jupyter_gov.lang import expr
from jupyter_gov.lang.expr.zones import system_zone
from jupyter_gov.lang.models.flow import Dialect, Flow, InputDef
from jupyter_gov.runtime.beginning import insert_new
from jupyter_gov.runtime.files import file_name
from jupyter_gov.runtime.intake import Intake
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.owned import NewExecution
from jupyter_gov.runtime.sealing import Sealer
from jupyter_gov.runtime.world import expression_environment

if TYPE_CHECKING:
    from jupyter_gov.lang.ports import ExpressionHost
    from jupyter_gov.store import Store
    from jupyter_gov.store.database import Tx

MakeHost = Callable[[str, Masks, Dialect], "ExpressionHost"]


@dataclass(frozen=True, slots=True)
class Place:
    """A trigger as its flow writes it, and what its expressions may reach; ``masks`` learns the secrets they read."""

    revision: FlowRevision
    flow: Flow
    parsed: Parsed
    host: ExpressionHost
    masks: Masks

    def subject(self, execution: Execution | None = None) -> Subject:
        """Return what conditions look at: the upstream execution, or a date that is still to be said."""
        context = (
            starting.flow_context(self.flow) if execution is None else starting.upstream_context(self.flow, execution)
        )
        return Subject(context, system_zone(), execution, self.host, country())


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an execution is started.

    Attributes
    ----------
    variables
        What the execution sees as ``trigger.*``.
    about
        What the record says of it: the date, or the execution that led to it.
    upstream
        The execution that led to it: its chain goes on.
    inputs, labels
        Those of a backfill, which win.
    problem, end
        Why it ends before it begins, and in which state.
    lenient
        An input that is missing is null: the flow that led to this one may have nothing for it.
    """

    execution_id: str
    variables: Mapping[str, Any]
    about: Mapping[str, Any]
    upstream: Execution | None = None
    inputs: Mapping[str, Any] | None = None
    labels: Mapping[str, str] | None = None
    problem: GovError | None = None
    end: State = State.FAILED
    lenient: bool = False


class Starter:
    """Makes the executions that triggers start; stores nothing but files that their inputs name."""

    def __init__(self, store: Store, settings: Mapping[str, Any], make_host: MakeHost) -> None:
        self._store = store
        self._settings = settings
        self._make_host = make_host

    def place(self, found: tuple[FlowRevision, Flow], parsed: Parsed) -> Place:
        """Return a trigger with what its expressions may reach."""
        masks = Masks()
        return Place(*found, parsed, self._make_host(found[1].namespace, masks, found[1].dialect), masks)

    def make(self, kept: Trigger, place: Place, subject: Subject, cause: Cause, *, now: datetime) -> NewExecution:
        """Return an execution to store.

        Raises
        ------
        GovError
            Its inputs cannot be rendered, or do not fit the flow; a check of the flow lets nothing start.
        """
        inputs: Mapping[str, Any] = {} if cause.problem is not None else self._inputs(place, subject, cause)
        labels = starting.labels_for(place.flow, place.parsed, subject.render, cause.upstream)
        labels.update(cause.labels or {})
        execution, facts = create(
            place.revision,
            place.flow,
            execution_id=cause.execution_id,
            inputs=inputs,
            labels=tuple(Label(key, place.masks.apply(value)) for key, value in labels.items()),
            actor=SYSTEM,
            run_as=kept.run_as,
            now=now,
            trigger=starting.trigger_info(place.parsed, cause.variables),
        )
        about = {"id": kept.id, "type": kept.type, "registeredBy": kept.author, **cause.about}
        facts = tuple(replace(fact, body={**fact.body, "trigger": about}) for fact in facts)
        if cause.problem is not None:
            return _ended(place, execution, facts, cause.problem, cause.end)
        return self._checked(place, execution, facts, inputs_given(place, subject, cause))

    def insert(self, tx: Tx, made: NewExecution) -> None:
        """Store an execution, so that it begins as its flow's limit lets it."""
        insert_new(tx, self._store, made)

    def _checked(
        self, place: Place, execution: Execution, facts: tuple[Fact, ...], given: Mapping[str, Any]
    ) -> NewExecution:
        """Return an execution as the checks of its flow let it begin."""
        envs, globals_ = expression_environment(os.environ), self._settings.get("globals") or {}
        found = checks.unmet(place.flow, execution, place.host, envs=envs, globals_=globals_)
        found = [replace(one, message=place.masks.apply(one.message)) for one in found]
        judged, told = checks.judge(execution, facts, found)
        lines = checks.lines(execution, found, execution.created)
        for text in ignored(place.flow.inputs, given, place.flow.undeclared_inputs):
            lines.append(LogLine(0, execution.id, None, None, None, "WARN", execution.created, text))
        return NewExecution(place.flow, judged, tuple(told), lines=tuple(lines))

    def _inputs(self, place: Place, subject: Subject, cause: Cause) -> Mapping[str, Any]:
        flow = place.flow
        space = flow.namespace.replace(".", "/")
        prefix = f"kestra:///{space}/{flow.id}/executions/{cause.execution_id}/inputs"
        written = {**place.parsed.inputs, **(cause.inputs or {})}
        files = self._store.files

        def put(name: str, uri: str) -> str:
            # Only what is stored already: a path of this machine means nothing to whoever calls a webhook.
            return files.put(f"{prefix}/{name}", files.path(uri), file_name(uri)) if uri.startswith("kestra:") else uri

        intake = Intake(
            declared=declared_for(flow, lenient=cause.lenient),
            given=inputs_given(place, subject, cause),
            literal=written,
            masks=place.masks,
            sealer=Sealer(str(self._settings.get("encryption.key") or "")),
            put=put,
            variables=starting.flow_context(flow),
            host=place.host,
        )
        return intake.take(undeclared=flow.undeclared_inputs, file_ok=_is_stored, strict=False)


def declared_for(flow: Flow, *, lenient: bool) -> Sequence[InputDef]:
    """Return the inputs of a flow; ``lenient``: none has to be there."""
    return [replace(one, required=False) for one in flow.inputs] if lenient else flow.inputs


def inputs_given(place: Place, subject: Subject, cause: Cause) -> dict[str, Any]:
    """Return the inputs that a trigger gives, rendered.

    Raises
    ------
    GovError
        One cannot be rendered.
    """
    return starting.inputs_for(place.parsed, subject, cause.inputs)


def preview_render(place: Place) -> Callable[[Any, Mapping[str, Any]], Any]:
    """Return what renders the declarations of inputs where nothing is stored."""
    own = starting.flow_context(place.flow)

    def render(value: Any, context: Mapping[str, Any]) -> Any:
        how = expr.render_typed if isinstance(value, str) else expr.render_value
        return how(value, {**own, **context}, place.host)

    return render


def _is_stored(value: str) -> bool:
    return value.startswith(("kestra:", "gov:", "nsfile:"))


def _ended(place: Place, execution: Execution, facts: tuple[Fact, ...], problem: GovError, end: State) -> NewExecution:
    """Return an execution that ended before it began, and says why in its log."""
    at, message = execution.created, place.masks.apply(problem.message)
    history = advance(execution.history, end, at, EXECUTION_TRANSITIONS)
    failure = Failure(problem.code, message, {"hint": problem.hint} if problem.hint else None)
    failed = replace(execution, history=history, failure=failure)
    body = {"changes": facts_of.changes(failed), "problem": problem.code}
    told = tuple(replace(fact, body={**fact.body, **body}) for fact in facts)
    line = LogLine(0, failed.id, None, None, None, "ERROR", at, f"{problem.code} {message}")
    return NewExecution(place.flow, failed, told, lines=(line,))


def country() -> str:
    """Return the country of this machine's locale; without one that of Java's default."""
    from babel import Locale, UnknownLocaleError, default_locale  # noqa: PLC0415  (loaded late)

    try:
        found = Locale.parse(default_locale("LC_TIME") or "en_US").territory
    except (ValueError, UnknownLocaleError):
        found = None
    return found or "US"
