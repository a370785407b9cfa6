"""Words, symbols and short forms that every face shares, so that a run looks the same in a cell and in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jupyter_gov.domain.states import SYMBOLS, State
from jupyter_gov.domain.trigger import Trigger

SHORT_ID = 8


def symbol(state: str) -> str:
    """Return the sign that stands beside the name of a state (never alone: colour and sign are no words)."""
    return SYMBOLS.get(State(state), "·") if state in State.__members__ else "·"


def short_id(identifier: str) -> str:
    """Return the end of an id, which every command accepts: ids begin with the time, so their ends differ."""
    head, dash, rest = identifier.partition("-")
    return head[-SHORT_ID:] + dash + rest


def duration(span: timedelta | None) -> str:
    """Return a duration as people read it: ``48 ms``, ``0.3 s``, ``42.0 s``, ``3:07``, ``2:03:07``.

    The browser writes the same (``labextension/src/model/format.ts``): integers only, since the two round differently.
    """
    if span is None:
        return ""
    span = max(span, timedelta())
    milliseconds = (span + timedelta(microseconds=500)) // timedelta(milliseconds=1)
    if milliseconds < 100:
        return f"{milliseconds} ms"
    tenths = (span + timedelta(milliseconds=50)) // timedelta(milliseconds=100)
    if tenths < 600:
        return f"{tenths // 10}.{tenths % 10} s"
    minutes, rest = divmod(max(span // timedelta(seconds=1), 60), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours}:{minutes:02d}:{rest:02d}"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def moment(at: datetime | None) -> str:
    """Return a time in the zone of this host, to the second, with its offset."""
    if at is None:
        return ""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def stamp(microseconds: int) -> str:
    """Return a time of the history, which counts microseconds, as ``moment`` does."""
    return moment(datetime.fromtimestamp(microseconds / 1_000_000, UTC))


def standing(trigger: Trigger) -> str:
    """Return how a trigger stands: ``on``, ``off``, or what its backfill does."""
    if trigger.off:
        return "off (in the text of its flow)"
    if trigger.disabled:
        return "off"
    if trigger.backfill is None:
        return "on"
    return "on, backfill paused" if trigger.backfill.get("paused") else f"backfill until {trigger.backfill['end'][:19]}"


def cut(text: str, width: int) -> str:
    """Return ``text`` on one line, at most ``width`` characters, an ellipsis where something is missing."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"


def decide_commands(approval_id: str) -> tuple[str, str]:
    """Return the two commands that answer a gate from any terminal on the same store."""
    shown = short_id(approval_id)
    return f"jupyter gov approve {shown}", f'jupyter gov reject {shown} --reason "…"'
