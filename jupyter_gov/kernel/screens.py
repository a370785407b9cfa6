"""Where a run is shown while it goes on: a notebook with a live widget, a saved notebook, or plain lines."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Protocol

from jupyter_gov.kernel.display import html, text
from jupyter_gov.kernel.ipy import DisplayHandle, display, display_object, display_replaceable
from jupyter_gov.kernel.snapshot_types import ApprovalSnapshot, Snapshot
from jupyter_gov.kernel.widgets import ExecutionWidget, RequestHandler, available

_WRITTEN = ("text/html", "text/plain")


def bundle(snapshot: Snapshot, graph: str | None = None) -> dict[str, str]:
    """Return the static MIME bundle of a run: HTML, text and, if given, its mermaid graph."""
    found = {"text/html": html.run_html(snapshot), "text/plain": text.run_text(snapshot)}
    return found | ({"text/vnd.mermaid": graph} if graph else {})


class Screen(Protocol):
    """Shows snapshots as they come; called from the thread that watches the execution."""

    def show(self, snapshot: Snapshot) -> None:
        """Show where the run stands."""
        ...

    def end(self, snapshot: Snapshot) -> None:
        """Show for good how it ended (or where it was left)."""
        ...


class NotebookScreen:
    """A line that is always static, and below it the card: the live widget, replaced by HTML at the end.

    A notebook that is saved at any moment, and opened without this kernel, still says in the line where the run stood
    and when that was; once nothing moves without a person, everything else is folded below the line.

    Parameters
    ----------
    live
        Whether somebody can click; otherwise the card is static from the start.
    """

    def __init__(self, *, live: bool, on_request: RequestHandler | None = None) -> None:
        self._live = live and available()
        self._on_request = on_request
        self._line: DisplayHandle | None = None
        self._card: DisplayHandle | None = None
        self._widget: ExecutionWidget | None = None
        self._latest: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Update the line, and the widget if there is one."""
        was = self._latest["execution"]["state"] if self._latest else ""
        self._latest = snapshot
        self._line = _put(self._line, self._line_bundle(snapshot))
        if self._widget is not None:
            self._widget.snapshot = dict(snapshot)
            if self._card is not None and was != snapshot["execution"]["state"] == "PAUSED":
                # What stands beside the widget in the saved notebook must know the gate that the widget shows.
                self._card.update(self._widget)
        elif self._live:
            self._widget = ExecutionWidget(snapshot, on_request=self._on_request, fallback=self._static)
            self._card = display_object(self._widget)
        else:
            self._card = _put(self._card, bundle(snapshot))

    def end(self, snapshot: Snapshot) -> None:
        """Replace the widget by the static card."""
        self._latest = snapshot
        self._line = _put(self._line, {"text/html": html.line_html(snapshot), "text/plain": text.line_text(snapshot)})
        self._card = _put(self._card, bundle(snapshot))
        if self._widget is not None:
            self._widget.close()
            self._widget = None
            self._live = False

    def _line_bundle(self, snapshot: Snapshot) -> dict[str, str]:
        # Without the details the saved notebook of a lost kernel would know less than the widget showed.
        folded = self._live and snapshot["execution"]["state"] == "PAUSED"
        plain = text.run_text(snapshot) if folded else text.line_text(snapshot)
        return {"text/html": html.line_html(snapshot, details=folded), "text/plain": plain}

    def _static(self) -> Mapping[str, str]:
        return bundle(self._latest) if self._latest else {}


def _put(handle: DisplayHandle | None, data: Mapping[str, str]) -> DisplayHandle:
    if handle is None:
        return display_replaceable(dict(data))
    handle.update(dict(data), raw=True)
    return handle


class LineScreen:
    """One line for each change of state, everything at the end: consoles, and ``--format text``."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, snapshot: Snapshot) -> None:
        """Print a line if the state of the run or of a task changed."""
        states = str([(task["id"], task["state"]) for task in snapshot["tasks"]]) + snapshot["execution"]["state"]
        if states != self._last:
            self._last = states
            _say(text.line_text(snapshot))

    def end(self, snapshot: Snapshot) -> None:
        """Print everything."""
        _say(text.run_text(snapshot))


class QuietScreen:
    """Shows only the end."""

    def __init__(self, inner: Screen) -> None:
        self._inner = inner

    def show(self, snapshot: Snapshot) -> None:
        """Do nothing."""

    def end(self, snapshot: Snapshot) -> None:
        """Show the end."""
        self._inner.end(snapshot)


class JsonScreen:
    """Shows the snapshot of the end as JSON."""

    def show(self, snapshot: Snapshot) -> None:
        """Do nothing: half-finished documents help no program."""

    def end(self, snapshot: Snapshot) -> None:
        """Show the document."""
        shown = {"application/json": snapshot, "text/plain": json.dumps(snapshot, indent=2, ensure_ascii=False)}
        display(shown)


def announcement(gate: ApprovalSnapshot, where: str) -> str:
    """Return what to tell a reader who has no buttons; a title only if the gate has one besides its id."""
    title = "." if gate["title"] in {"", gate["taskId"]} else f": {gate['title']}"
    return f'Waiting for approval at gate "{gate["taskId"]}"{title}\n{where}'


def announce(gate: ApprovalSnapshot, where: str) -> None:
    """Say in a run without a reader where a gate can be decided: in the notebook, and at the terminal behind it."""
    told = announcement(gate, where)
    _say(told)
    if sys.stderr is not sys.__stderr__:
        # The kernel's standard error goes into the notebook; the person who can pass the word on sits at papermill's.
        with contextlib.suppress(OSError):
            os.write(_terminal(), f"{told}\n".encode())


def _terminal() -> int:
    """Return the descriptor of what the standard error of this process was before the kernel replaced it."""
    try:
        return sys.stderr.fileno()  # ipykernel's stream hands out the original, which it keeps
    except OSError:
        return 2  # this kernel does not watch its descriptors, so that the original is in its place


def _say(line: str) -> None:
    # A display and no print: it keeps its place in the cell whichever thread says it.
    display({"text/plain": line})
