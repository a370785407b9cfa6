"""Static HTML of a snapshot: complete, escaped, without script, small enough to save in a notebook."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from jupyter_gov.kernel.display import boxes, facts
from jupyter_gov.kernel.snapshot_types import Snapshot
from jupyter_gov.service import words

MAX_BYTES = 200_000

_COLOURS = {
    "SUCCESS": "var(--jp-success-color1, green)",
    "WARNING": "var(--jp-warn-color1, darkorange)",
    "FAILED": "var(--jp-error-color1, firebrick)",
    "KILLED": "var(--jp-error-color1, firebrick)",
    "KILLING": "var(--jp-error-color1, firebrick)",
    "PAUSED": "var(--jp-warn-color1, darkorange)",
    "RUNNING": "var(--jp-brand-color1, royalblue)",
    "RETRYING": "var(--jp-brand-color1, royalblue)",
}
# How much of the theme's colour text gets: pure, an orange could not be read on white.
_SHARE = {"SUCCESS": 78, "WARNING": 62, "PAUSED": 62}
# Each step shows less: task rows, characters of a text, log lines of a task.
_DETAIL = ((200, 4_000, 50), (200, 1_000, 20), (100, 300, 5), (50, 120, 0), (10, 60, 0))


def _colour(word: str) -> str:
    return _COLOURS.get(facts.state_of(word), "gray")


def _ink(word: str) -> str:
    """Return the declarations that colour a text: one that sanitizers let through, then the better one."""
    share = _SHARE.get(facts.state_of(word), 84)
    better = f"color-mix(in srgb, {_colour(word)} {share}%, var(--jp-ui-font-color1, CanvasText))"
    return f"color: {_colour(word)}; color: {better}"


@cache
def environment() -> Environment:
    """Return the templates, with the words, signs and colours that all of them share."""
    made = Environment(loader=PackageLoader("jupyter_gov.kernel.display"), autoescape=True, undefined=StrictUndefined)
    made.globals.update(
        symbol=lambda word: words.symbol(facts.state_of(word)),
        colour=_colour,
        ink=_ink,
        moment=facts.when,
        span=facts.span,
        who=facts.who,
        note=facts.note,
        gate_name=facts.gate_name,
        short=words.short_id,
    )
    return made


def _clipper(limit: int) -> Callable[[str], str]:
    return lambda text: text if len(text) <= limit else text[:limit] + "…"


def _draw(template: str, snapshot: Snapshot, limit: int, **more: Any) -> str:
    return (
        environment()
        .get_template(template)
        .render(snapshot=snapshot, run=snapshot["execution"], clip=_clipper(limit), **more)
    )


def run_html(snapshot: Snapshot) -> str:
    """Return everything known about a run; the less important is left out when it would not fit ``MAX_BYTES``."""
    html = ""
    drawing = boxes.drawing(snapshot)
    for rows, limit, lines in _DETAIL:
        html = _draw(
            "run.html.j2",
            snapshot,
            limit,
            clipped=lambda text, limit=limit: len(text) > limit,
            rows=rows,
            lines=lines,
            shown_tasks=[task if lines else {**task, "logs": []} for task in snapshot["tasks"][:rows]],
            waiting=facts.not_reached(snapshot),
            drawing=drawing if lines else (),
        )
        if len(html.encode()) <= MAX_BYTES:
            break
    return html


def line_html(snapshot: Snapshot, *, details: bool = False) -> str:
    """Return one line that says where a run stands; with ``details``, everything else folded below it."""
    done, total = facts.counted(snapshot)
    running = snapshot["execution"]["state"] in {"RUNNING", "CREATED", "QUEUED"}
    return _draw(
        "line.html.j2",
        snapshot,
        200,
        words=facts.sentence(snapshot),
        done=done,
        total=total if running else 0,
        details=Markup(run_html(snapshot)) if details else "",  # noqa: S704 - made by our own escaping template
    )
