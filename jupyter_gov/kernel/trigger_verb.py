"""``%gov triggers``: what starts by itself, turned off and on, past dates."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from jupyter_gov.domain.trigger import Trigger
from jupyter_gov.kernel import options as opts
from jupyter_gov.kernel.display.table import Table
from jupyter_gov.service import lookup, words

if TYPE_CHECKING:
    from jupyter_gov.kernel.session import Session

_EMPTY = "No stored flow has triggers. Write one: %%govflow"


def act(session: Session, options: Namespace) -> Table:
    """List the triggers, or change one and show how it then stands.

    Raises
    ------
    UsageError
        No trigger is named, or an option is missing.
    """
    if options.what == "list":
        return _table(session.gov.triggers.list(session.actor, options.namespace))
    if options.name is None:
        raise UsageError(f"%gov triggers {options.what} expects a trigger, such as company.team.flow/daily")
    found = lookup.trigger(session.gov, options.name, session.actor)
    place = (found.namespace, found.flow_id, found.id)
    if options.what == "toggle":
        if options.on == options.off:
            raise UsageError("%gov triggers toggle expects --on or --off")
        return _table([session.gov.triggers.toggle(*place, options.off, session.actor)])
    return _table([_backfill(session, place, options)])


def _backfill(session: Session, place: tuple[str, str, str], options: Namespace) -> Trigger:
    if (options.start is None) is (options.change is None):
        raise UsageError("%gov triggers backfill expects --start, or --change for the one that is under way")
    if options.start is None:
        return session.gov.triggers.change_backfill(*place, options.change, session.actor)
    return session.gov.triggers.backfill(
        *place,
        session.actor,
        start=_date(options.start, "--start"),
        end=None if options.end is None else _date(options.end, "--end"),
        inputs=opts.pairs(options.input, "-i/--input"),
        labels=opts.pairs(options.label, "--label"),
    )


def _date(text: str, option: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise UsageError(f"{option} expects a date and time such as 2026-01-31T08:00, got {text!r}") from None


def _table(found: Any) -> Table:
    rows = [
        (one.name, one.type.rpartition(".")[2], words.standing(one), words.moment(one.next), one.run_as)
        for one in found
    ]
    return Table(("Trigger", "Type", "State", "Next", "Runs as"), rows, empty=_EMPTY)


Argument = tuple[tuple[str, ...], Mapping[str, Any]]
ARGUMENTS: tuple[Argument, ...] = (
    (("what",), {"nargs": "?", "choices": ("list", "toggle", "backfill"), "default": "list"}),
    (("name",), {"nargs": "?", "help": "NAMESPACE.FLOW/ID, or its end where only one has it"}),
    (("--namespace",), {"metavar": "NS", "help": "list: only this namespace"}),
    (("--on",), {"action": "store_true", "help": "toggle: from now on; nothing is caught up on"}),
    (("--off",), {"action": "store_true", "help": "toggle: until it is turned on"}),
    (("--start",), {"metavar": "TIME", "help": "backfill: fire for the dates from this time on, one after the other"}),
    (("--end",), {"metavar": "TIME", "help": "backfill: until this time; now if left out"}),
    (("-i", "--input"), {"action": "append", "metavar": "NAME=VALUE", "help": "backfill: input of its runs"}),
    (("--label",), {"action": "append", "metavar": "KEY=VALUE", "help": "backfill: label of its runs"}),
    (
        ("--change",),
        {"choices": ("pause", "resume", "cancel"), "help": "backfill: change the one under way"},
    ),
)
