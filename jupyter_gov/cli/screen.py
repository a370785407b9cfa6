"""What a command prints: tables for people, JSON for programs, one line per change where nobody looks.

Whatever reaches the terminal goes through here, where texts that somebody else wrote lose their power over it.
"""

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

from jupyter_gov.cli import leaving
from jupyter_gov.errors import GovError
from jupyter_gov.lang.diagnostics import FlowError
from jupyter_gov.legible import visible, visible_json
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
    return Console(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        width=None if stream.isatty() else _PIPE_WIDTH,
    )


def emit(document: Any) -> None:
    """Print a JSON document."""
    sys.stdout.write(visible_json(document) + "\n")


def say(text: str = "", *, style: str | None = None, stderr: bool = False) -> None:
    """Print a line as it is: square brackets in it are no markup, control characters in it are signs."""
    console(stderr=stderr).print(styled((text, style or "")))


def line(*parts: str | tuple[str, str] | Text, stderr: bool = False) -> None:
    """Print a line of differently styled parts."""
    console(stderr=stderr).print(styled(*parts))


def block(text: str, *, style: str | None = None, stderr: bool = False) -> None:
    """Print a text of several lines, indented."""
    for row in visible(text).strip().splitlines():
        say(f"    {row}", style=style, stderr=stderr)


def styled(*parts: str | tuple[str, str] | Text) -> Text:
    """Return parts, alone or with their style, as one legible line."""
    made = Text()
    for part in parts:
        if isinstance(part, Text):
            made.append_text(part)
        else:
            text, style = (part, "") if isinstance(part, str) else part
            made.append(visible(text), style=style)
    return made


def state_text(state: str) -> Text:
    """Return a state as a coloured word with its sign."""
    return styled((f"{symbol(state)} {state}", _STYLES.get(state, "")))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows under headings, or ``empty`` if there are none."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(styled(column), no_wrap=column in {"Run", "Gate", "State"})
    count = 0
    for row in rows:
        count += 1
        shown.add_row(*(cell if isinstance(cell, Text) else styled(str(cell)) for cell in row))
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
    # It hides the cursor, and must get the chance to show it again.
    leaving.properly()
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
