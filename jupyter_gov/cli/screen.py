"""What a command prints: tables for people, JSON for programs, one line per change where nobody looks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from jupyter_gov.errors import GovError
from jupyter_gov.lang.diagnostics import FlowError
from jupyter_gov.service.words import symbol

_STYLES = {
    "SUCCESS": "green",
    "WARNING": "yellow",
    "FAILED": "red",
    "KILLED": "red",
    "KILLING": "red",
    "PAUSED": "yellow",
    "RUNNING": "blue",
    "RETRYING": "blue",
}
_PIPE_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    """Return the terminal; where it is a pipe, wide enough that no id is cut."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=None if stream.isatty() else _PIPE_WIDTH)


def emit(document: Any) -> None:
    """Print a JSON document."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")


def say(text: str = "", *, style: str | None = None, stderr: bool = False) -> None:
    """Print a line as it is: square brackets in it are no markup."""
    console(stderr=stderr).print(text, style=style, markup=False)


def state_text(state: str) -> Text:
    """Return a state as a coloured word with its sign."""
    return Text(f"{symbol(state)} {state}", style=_STYLES.get(state, ""))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows under headings, or ``empty`` if there are none."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, no_wrap=column in {"Run", "Gate", "State"})
    count = 0
    for row in rows:
        count += 1
        shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    if count:
        console().print(shown, soft_wrap=False)
    else:
        say(empty)


def fields(values: Mapping[str, Any]) -> None:
    """Print names and values, one per line, empty ones left out."""
    known = {name: value for name, value in values.items() if value not in (None, "", {}, [])}
    width = max(map(len, known), default=0)
    for name, value in known.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        say(f"  {name:<{width}}  {text}")


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what takes ``(done, total)`` and shows a bar at a terminal; elsewhere nothing is shown."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def fail(error: GovError, *, as_json: bool) -> None:
    """Print an error: what is wrong, where, how to fix it; no Python frames."""
    if as_json:
        emit({"error": error.to_json()})
    elif isinstance(error, FlowError):
        say(str(error), stderr=True)
    else:
        say(f"{error.code} {error.message}", style="bold red", stderr=True)
        if error.location:
            say(f"  at {error.location}", stderr=True)
        if error.hint:
            say(f"  {error.hint}", stderr=True)
