"""The verbs of ``%gov``: each translates its words, calls one function of the service, and returns what to show."""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from jupyter_gov.domain.approval import Verdict
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.errors import AuditError
from jupyter_gov.kernel import ipy, keeping, trigger_verb
from jupyter_gov.kernel import options as opts
from jupyter_gov.kernel.display.table import Table
from jupyter_gov.kernel.view import ExecutionView
from jupyter_gov.lang.diagnostics import closest
from jupyter_gov.service import lookup, outcome, views, words

if TYPE_CHECKING:
    from jupyter_gov.kernel.session import Session

Act = Callable[["Session", Namespace], Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: a sentence for the help, its arguments, what it does.

    ``takes_text``: everything after the verb (or the cell) is one text, and there are no options.
    """

    summary: str
    act: Act
    arguments: tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...] = ()
    takes_text: bool = False


def _argument(*names: str, **how: Any) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    return names, how


def run_verb(session: Session, line: str, cell: str | None) -> Any:
    """Do what a ``%gov`` line asks for.

    Raises
    ------
    UsageError
        The verb or an option is unknown, or an argument is missing.
    """
    name, _, rest = line.strip().partition(" ")
    if name in {"", "help", "--help", "-h"}:
        return _help()
    verb = VERBS.get(name)
    if verb is None:
        meant = closest(name, VERBS)
        hint = f'did you mean "{meant}"?' if meant else "%gov help lists them"
        raise UsageError(f"%gov has no verb {name!r}: {hint}")
    if verb.takes_text:
        return verb.act(session, Namespace(text=_text(name, rest, cell)))
    if cell is not None:
        raise UsageError(f"%gov {name} takes no cell; write it with one %")
    parser = _parser(name, verb)
    if opts.wants_help(rest):
        ipy.display({"text/plain": parser.format_help()})
        return None
    return verb.act(session, opts.parse(parser, rest))


def _text(name: str, rest: str, cell: str | None) -> str:
    if rest.strip() and cell is not None and cell.strip():
        raise UsageError(f"%%gov {name}: write the text into the cell, not on the magic line too")
    text = rest if cell is None else cell
    if not text.strip():
        raise UsageError(f"%gov {name} expects a text, such as: {EXAMPLE_QUERY}")
    return text


def _parser(name: str, verb: Verb) -> ArgumentParser:
    parser = ipy.parser(f"%gov {name}", verb.summary)
    for names, how in verb.arguments:
        parser.add_argument(*names, **how)
    return parser


def _help() -> Table:
    rows = [(f"%gov {name}", verb.summary) for name, verb in sorted(VERBS.items())]
    return Table(("Verb", "What it does"), rows, empty="")


def _flows(session: Session, options: Namespace) -> Table:
    found = session.gov.flows.list(session.actor, options.namespace, options.limit)
    rows = [
        (f"{flow.namespace}.{flow.flow_id}", str(flow.revision), words.moment(flow.created_at), flow.author)
        for flow in found
    ]
    return Table(("Flow", "Revision", "Since", "Author"), rows, empty="No flow is registered yet. Write one: %%govflow")


def _runs(session: Session, options: Namespace) -> Table:
    namespace, _, flow_id = (options.flow or "").rpartition(".")
    states = frozenset(_state(name) for name in options.state or ())
    where = ExecutionFilter(namespace=namespace or None, flow_id=flow_id or None, states=states)
    now = datetime.now(UTC)
    rows = [
        (
            words.short_id(run.id),
            f"{run.namespace}.{run.flow_id}",
            f"{words.symbol(run.state)} {run.state}",
            words.moment(run.created),
            words.duration(run.duration(now)),
            run.starter,
        )
        for run in session.gov.executions.list(session.actor, where, limit=options.limit)
    ]
    return Table(("Run", "Flow", "State", "Started", "Time", "By"), rows, empty="No run matches. Start one: %%govflow")


def _state(name: str) -> State:
    if name.upper() not in State.__members__:
        raise UsageError(f"--state expects one of {', '.join(State.__members__)}, got {name!r}")
    return State(name.upper())


def view_of(session: Session, identifier: str) -> ExecutionView:
    """Return the view of the execution that ``identifier`` begins or ends."""
    found = lookup.execution_id(session.gov, identifier, session.actor)
    return ExecutionView(session, session.gov.executions.get(found, session.actor))


def _show(session: Session, options: Namespace) -> Any:
    return view_of(session, options.id)


def _logs(session: Session, options: Namespace) -> Any:
    from jupyter_gov.kernel.display.frames import ShownFrame  # noqa: PLC0415 - half a second

    return ShownFrame(view_of(session, options.id).logs(options.task))


def _approvals(session: Session, _options: Namespace) -> Table:
    rows = [
        (
            words.short_id(detail.approval.id),
            f"{detail.approval.flow_id}/{detail.approval.task_id}",
            words.moment(detail.approval.opened_at),
            "you" if detail.can_decide else detail.why_not or "not you",
            words.cut(detail.approval.description or detail.approval.title, 60),
        )
        for detail in session.gov.approvals.list(session.actor)
    ]
    return Table(("Gate", "Flow/task", "Since", "Who", "What"), rows, empty="Nothing waits for approval.")


def _decide(verdict: Verdict) -> Act:
    def act(session: Session, options: Namespace) -> Any:
        detail = lookup.approval(session.gov, options.id, session.actor)
        session.gov.approvals.decide(
            detail.approval.id,
            verdict,
            session.actor,
            subject_digest=detail.approval.subject_digest,
            reason=options.reason,
            inputs=opts.pairs(getattr(options, "input", None), "-i/--input"),
        )
        return view_of(session, detail.approval.execution_id)

    return act


def _kill(session: Session, options: Namespace) -> Any:
    return view_of(session, options.id).kill(options.reason)


def _restart(session: Session, options: Namespace) -> Any:
    view = view_of(session, options.id)
    outcome.require_restartable(view.execution)
    return view.restart()


def _audit(session: Session, options: Namespace) -> Table | None:
    if options.what == "verify":
        _verify(session, files=options.files, verbose=options.verbose)
        return None
    stream = lookup.stream(session.gov, options.id, session.actor)
    rows = [
        (str(entry.seq), words.stamp(entry.ts_us), entry.actor_ref, entry.action, entry.subject)
        for entry in session.gov.audit.entries(session.actor, stream, limit=options.limit, latest=True)
    ]
    return Table(("Entry", "At", "Who", "What", "On what"), rows, empty="No entry.")


def _verify(session: Session, *, files: bool, verbose: bool) -> None:
    report = session.gov.audit.verify(session.actor, files=files)
    counted = f"{report.entries} entries in {report.streams} chains"
    if report.ok:
        said = f"✔ {counted} hold together, and the state tables agree with them"
        _say(said if verbose else f"{said}; what this check cannot see: %gov audit verify -v")
    if verbose:
        _say("Not seen by this check:", *report.limits)
    if report.ok:
        return
    rows = [(found.code, found.stream, str(found.seq or ""), found.message) for found in report.findings]
    ipy.display_object(Table(("Code", "Chain", "Entry", "What differs"), rows, empty=""))
    hint = "Look at the first one: later ones may follow from it."
    raise AuditError(f"{len(rows)} faults in {counted}.", hint=hint)


def _say(line: str, *points: str) -> None:
    """Show a line, and points below it."""
    plain = "\n".join([line, *(f"  - {point}" for point in points)])
    listed = "".join(f"<li>{escape(point)}</li>" for point in points)
    ipy.display(
        {"text/plain": plain, "text/html": f"<div>{escape(line)}{f'<ul>{listed}</ul>' if points else ''}</div>"}
    )


def _sql(session: Session, options: Namespace) -> Any:
    from jupyter_gov.kernel.display.frames import ShownFrame  # noqa: PLC0415 - half a second

    frame = views.described(options.text)
    return ShownFrame(session.gov.sql(options.text, session.actor) if frame is None else frame)


def _docs(_session: Session, options: Namespace) -> Any:
    from jupyter_gov.kernel.display.docs import ShownPage  # noqa: PLC0415 - loads every task type
    from jupyter_gov.lang.docs import entries, page  # noqa: PLC0415
    from jupyter_gov.plugins.registry import Registry  # noqa: PLC0415

    if options.type is not None:
        return ShownPage(page(Registry(), options.type))
    rows = [(one.name.rpartition(".")[2], one.group, one.summary) for one in entries(Registry())]
    return Table(("Type", "Group", "What it is for"), rows, empty="")


def _debug(_session: Session, _options: Namespace) -> None:
    error = getattr(sys, "last_value", None)
    if error is None:
        raise UsageError("%gov debug: there was no error in this kernel yet")
    sys.stderr.write("".join(traceback.format_exception(error)))


EXAMPLE_QUERY = "SELECT state, count(*) FROM executions GROUP BY state"
_ID = _argument("id", help="last (or first) characters of its id; `last` is the newest run")
_LIMIT = _argument("-n", "--limit", type=int, default=50, metavar="N", help="how many rows at most")
_REASON = _argument("--reason", metavar="TEXT", help="why; it goes on record")

VERBS: Mapping[str, Verb] = {
    "flows": Verb("list the stored flows", _flows, (_argument("--namespace", metavar="NS"), _LIMIT)),
    "runs": Verb(
        "list the latest runs",
        _runs,
        (_argument("--flow", metavar="NAMESPACE.FLOW"), _argument("--state", action="append", metavar="STATE"), _LIMIT),
    ),
    "show": Verb("show a run: live while it goes on", _show, (_ID,)),
    "logs": Verb("return the log lines of a run as a DataFrame", _logs, (_ID, _argument("--task", metavar="TASK"))),
    "approvals": Verb("list the gates that wait", _approvals),
    "approve": Verb(
        "approve a gate",
        _decide(Verdict.APPROVE),
        (
            _ID,
            _REASON,
            _argument("-i", "--input", action="append", metavar="NAME=VALUE", help="answer of the gate's form"),
        ),
    ),
    "reject": Verb(
        "reject a gate", _decide(Verdict.REJECT), (_ID, _argument("--reason", metavar="TEXT", required=True))
    ),
    "triggers": Verb("list what starts by itself, turn it off and on", trigger_verb.act, trigger_verb.ARGUMENTS),
    "kill": Verb("stop a run", _kill, (_ID, _REASON)),
    "restart": Verb("continue an ended run from its failed tasks", _restart, (_ID,)),
    "audit": Verb(
        "list the history, or verify it: %gov audit verify",
        _audit,
        (
            _argument("what", nargs="?", choices=("verify", "show"), default="show"),
            _argument("--id", metavar="RUN", help="only the history of this run"),
            _argument("--files", action="store_true", help="verify: read the stored files too"),
            _argument("-v", "--verbose", action="store_true", help="verify: say also what it cannot see"),
            _LIMIT,
        ),
    ),
    "sql": Verb("ask the history a question in SQL; returns a DataFrame", _sql, takes_text=True),
    "docs": Verb(
        "show the page of a task, trigger, condition or input type; without one list them",
        _docs,
        (_argument("type", nargs="?", help="such as io.kestra.plugin.core.log.Log, Log, Schedule or SELECT"),),
    ),
    "kv": Verb(
        "values that a namespace keeps: %gov kv list|get|set|delete NAMESPACE …",
        keeping.values,
        (
            _argument("what", choices=keeping.ACTS),
            _argument("namespace"),
            _argument("key", nargs="?"),
            _argument("value", nargs="?"),
        ),
    ),
    "namespace-files": Verb(
        "files that a namespace keeps: %gov namespace-files list|get|put|delete NAMESPACE …",
        keeping.files,
        (
            _argument("what", choices=keeping.FILE_ACTS),
            _argument("namespace"),
            _argument("path", nargs="?"),
            _argument("file", nargs="?", help="put: the file to store"),
        ),
    ),
    "debug": Verb("print the Python traceback of the last error", _debug),
    "help": Verb("list the verbs", lambda _session, _options: _help()),
}
