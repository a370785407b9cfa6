"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import typer

from jupyter_gov.cli import completion

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Target = Annotated[
    Literal["auto", "1.3", "2.0"],
    typer.Option("--target", help="Version of Kestra to check for: with 2.0 everything that would have to change."),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")]
RunId = Annotated[
    str,
    typer.Argument(metavar="ID", help="Run: the last characters of its id, or `last`.", autocompletion=completion.runs),
]
GateId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Gate, or the run that waits at it: last characters of its id.",
        autocompletion=completion.gates,
    ),
]
TriggerName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Trigger: NAMESPACE.FLOW/ID, or its end where only one has it.",
        autocompletion=completion.triggers,
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=VALUE", help="Value of an input; may be repeated."),
]
Parameter = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Parameter of a notebook; may be repeated."),
]
Label = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Label of the run; may be repeated.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Begin then, such as 2027-01-31T08:00; in the zone of this host."),
]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="DURATION", help="How long to stay, such as PT10M; the run goes on.")
]
Follow = Annotated[
    bool, typer.Option("--follow/--no-follow", help="Carry the run on and stay until it ends or pauses again.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show only the end.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; it goes on record.")]
Unknown = Annotated[bool, typer.Option("--allow-unknown-types", help="Warn of task types that no plugin offers.")]


def pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return ``NAME=VALUE`` texts as a dict.

    Raises
    ------
    typer.BadParameter
        There is no ``=``, no name, or a name is there twice.
    """
    found: dict[str, str] = {}
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"expects NAME=VALUE, got {pair!r}", param_hint=option)
        if name in found:
            raise typer.BadParameter(f"{name} is given twice", param_hint=option)
        found[name] = value
    return found


def seconds(duration: str | None) -> float | None:
    """Return an ISO-8601 duration, or a number of seconds, in seconds.

    Raises
    ------
    DurationError
        ``GOV121``: it is neither.
    """
    if duration is None:
        return None
    from jupyter_gov.lang.models.scalars import parse_duration  # noqa: PLC0415 - pydantic, which --help does not need

    return parse_duration(float(duration) if duration.replace(".", "", 1).isdigit() else duration).total_seconds()


def date(text: str | None, option: str) -> datetime | None:
    """Return a time with its offset; one written without is meant in the zone of this host."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date and time such as 2027-01-31T08:00", param_hint=option) from None
