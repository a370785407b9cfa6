"""The history: questions in SQL, and whether it can be trusted."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

from jupyter_gov.cli import host, screen, shapes
from jupyter_gov.errors import ExecutionError
from jupyter_gov.service import lookup, views
from jupyter_gov.service.api import VerifyReport
from jupyter_gov.service.outcome import Exit
from jupyter_gov.service.words import stamp

_SHOWN_ROWS = 1_000
_SHOWN_CHARACTERS = 10_000
"""What a table in a terminal shows: laying out more takes minutes, and nobody reads it."""


def sql(query: str, *, as_json: bool) -> None:
    """Answer a question; of a long answer the table shows the beginning, and says so."""
    with host.opened() as (gov, actor), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said below, in the words of a terminal
        frame = views.described(query)
        if frame is None:
            frame = gov.sql(query, actor)
    cut = frame.attrs.get("cut")
    if as_json:
        screen.emit(json.loads(frame.to_json(orient="records", date_format="iso")))
    else:
        shown = frame.head(_SHOWN_ROWS)
        rows = [[_cell(cell) for cell in row] for row in shown.itertuples(index=False)]
        screen.table([str(name) for name in frame.columns], rows, empty="No rows.")
        if len(frame) > len(shown):
            screen.say(f"the first {len(shown)} of {len(frame)} rows; --json prints all", style="dim", stderr=True)
    if cut is not None:
        screen.say(f"{cut}; narrow the question, or add LIMIT", style="yellow", stderr=True)


def _cell(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"


def verify(*, as_json: bool, files: bool = False, verbose: bool = False) -> int:
    """Check the history, and read the files that it refers to if wanted; return the exit code."""
    with host.opened() as (gov, actor), screen.progress("checking the history") as show:
        report = gov.audit.verify(actor, show, files=files)
    if as_json:
        screen.emit(shapes.report(report))
    else:
        print_report(report, verbose=verbose)
    return int(Exit.DONE if report.ok else Exit.UNTRUSTED)


def print_report(report: VerifyReport, *, verbose: bool = False) -> None:
    """Print what was proved, or what was found; ``verbose``: also what cannot be seen, which is the same each time."""
    counted = f"{report.entries} entries in {report.streams} chains"
    if report.ok:
        took = f"{report.seconds:.2f} s"
        screen.line(
            (f"✔ {counted} hold together, and the state tables agree with them ({took})", "green"),
            ("" if verbose else "; what this check cannot see: jupyter gov audit verify -v", "dim"),
        )
    if verbose:
        screen.say("Not seen by this check:", style="dim")
        for limit in report.limits:
            screen.say(f"  - {limit}", style="dim")
    if report.ok:
        return
    rows = [(found.code, found.stream, str(found.seq or ""), found.message) for found in report.findings]
    screen.table(("Code", "Chain", "Entry", "What differs"), rows, empty="")
    screen.say(f"✖ {len(rows)} faults in {counted}", style="bold red", stderr=True)


def show(run_id: str | None, limit: int, *, as_json: bool) -> None:
    """List entries."""
    with host.opened() as (gov, actor):
        entries = gov.audit.entries(actor, lookup.stream(gov, run_id, actor), limit=limit, latest=True)
    if as_json:
        screen.emit([shapes.entry(entry) for entry in entries])
        return
    rows = [(str(entry.seq), stamp(entry.ts_us), entry.actor_ref, entry.action, entry.subject) for entry in entries]
    screen.table(("Entry", "At", "Who", "What", "On what"), rows, empty="No entry.")


def export(target: Path, *, force: bool, as_json: bool) -> None:
    """Write the history to a file.

    Raises
    ------
    ExecutionError
        ``GOV351``: the file exists.
    """
    if target.exists() and not force:
        raise ExecutionError(f"{target} exists already.", code="GOV351", hint="Choose another name, or give --force.")
    with host.opened() as (gov, actor):
        count = gov.audit.export(actor, target)
    if as_json:
        screen.emit({"file": str(target), "entries": count})
    else:
        screen.say(f"✔ {count} entries written to {target}", style="green")
