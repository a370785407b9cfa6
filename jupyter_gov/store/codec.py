"""Between domain values and columns: JSON text, integer microseconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from json import JSONEncoder
from typing import Any

from jupyter_gov.domain.canonical import plain
from jupyter_gov.domain.execution import Attempt, Failure, Frame, Label, TriggerInfo
from jupyter_gov.domain.states import History, Moment, State

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Return microseconds since 1970; a time without zone counts as local."""
    if at.tzinfo is None:
        at = at.astimezone(UTC)
    return (at - _EPOCH) // _MICROSECOND


def to_us_or_none(at: datetime | None) -> int | None:
    """Return microseconds, or None for None."""
    return None if at is None else to_us(at)


def from_us(us: int) -> datetime:
    """Return the aware time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=us)


def from_us_or_none(us: int | None) -> datetime | None:
    """Return the aware time, or None for None."""
    return None if us is None else from_us(us)


# Escaped to ASCII: survives lone surrogates and NUL, which UTF-8 and PostgreSQL's text refuse.
_encode = JSONEncoder(separators=(",", ":"), default=plain, allow_nan=False).encode
_decode = json.loads


def to_json(value: Any) -> str:
    """Return JSON text; what JSON does not know becomes text as ``domain.canonical.plain`` says."""
    try:
        return _encode(value)
    except (ValueError, TypeError):  # not-a-number, or keys that are no texts
        return _encode(plain(value))


def to_json_or_none(value: Any) -> str | None:
    """Return JSON text, or None for None."""
    return None if value is None else to_json(value)


def from_json(text: str) -> Any:
    """Return the value of JSON text."""
    return _decode(text)


def from_json_or_none(text: str | None) -> Any:
    """Return the value of JSON text, or None for None."""
    return None if text is None else _decode(text)


UNREADABLE = "(unreadable: what is stored is damaged or nested too deeply)"


def from_json_or(text: str, otherwise: Any) -> Any:
    """Return the value of JSON text, or ``otherwise`` if it has none that could be read."""
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return otherwise


def clean(text: str) -> str:
    """Return text that every database takes: without NUL and lone surrogates."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def clean_or_none(text: str | None) -> str | None:
    """Return clean text, or None for None."""
    return None if text is None else clean(text)


def history_data(history: History) -> list[list[Any]]:
    """Return a history as ``[[state, microseconds], ...]``."""
    return [[moment.state.value, to_us(moment.at)] for moment in history.moments]


def history_from(data: list[list[Any]]) -> History:
    """Return the history that ``history_data`` took apart."""
    return History(tuple(Moment(State(state), from_us(us)) for state, us in data))


def failure_data(failure: Failure | None) -> dict[str, Any] | None:
    """Return a failure as data."""
    if failure is None:
        return None
    return {"code": failure.code, "message": failure.message, "details": failure.details}


def failure_from(data: Mapping[str, Any] | None) -> Failure | None:
    """Return the failure of its data."""
    return None if data is None else Failure(data["code"], data["message"], data.get("details"))


def attempts_text(attempts: tuple[Attempt, ...]) -> str:
    """Return attempts as JSON text."""
    if not attempts:
        return "[]"
    return to_json(
        [[a.number, history_data(a.history), a.worker, failure_data(a.failure), a.log_file] for a in attempts]
    )


def attempts_from(text: str) -> tuple[Attempt, ...]:
    """Return the attempts of JSON text."""
    if text == "[]":
        return ()
    return tuple(
        Attempt(number, history_from(history), worker, failure_from(failure), log_file)
        for number, history, worker, failure, log_file in _decode(text)
    )


def frame_text(frame: Frame) -> str:
    """Return a frame as JSON text."""
    return to_json([frame.phase, frame.branch, frame.cursor, frame.open, frame.tally, frame.data])


def frame_from(text: str) -> Frame:
    """Return the frame of JSON text."""
    phase, branch, cursor, count, tally, data = _decode(text)
    return Frame(phase=phase, branch=branch, cursor=cursor, open=count, tally=tally, data=data)


def labels_text(labels: tuple[Label, ...]) -> str:
    """Return labels as JSON text, pairs in order."""
    return to_json([[label.key, label.value] for label in labels])


def labels_from(text: str) -> tuple[Label, ...]:
    """Return the labels of JSON text."""
    return tuple(Label(key, value) for key, value in _decode(text))


def trigger_data(trigger: TriggerInfo | None) -> dict[str, Any] | None:
    """Return a trigger as data."""
    return None if trigger is None else {"id": trigger.id, "type": trigger.type, "variables": trigger.variables}


def trigger_from(data: Mapping[str, Any] | None) -> TriggerInfo | None:
    """Return the trigger of its data."""
    return None if data is None else TriggerInfo(data["id"], data["type"], data["variables"])
