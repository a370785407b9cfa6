"""What the texts of a corpus stand for: contents, durations, moments worked out at run time, typed values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.conformance.failure import Unmet

# --- contents ---------------------------------------------------------------------------------------------------


def numbered_lines(text: str, count: int | None = None) -> str:
    """Return the content that a sentence such as ``numbers 0..9, one a line, … to 20 characters`` describes."""
    rule = re.search(r"(?:numbers|lines) (\d+)\.\.(\d+|N-1).*left-padded with spaces to (\d+) characters", text)
    if rule is None:
        raise Unmet(f"the runner does not know the content {text!r}")
    if rule[2] == "N-1" and count is None:
        raise Unmet(f"the content {text!r} needs its N")
    stop = int(count or 0) if rule[2] == "N-1" else int(rule[2]) + 1
    return "".join(f"{number:>{int(rule[3])}}\n" for number in range(int(rule[1]), stop))


def file_content(spec: Mapping[str, Any]) -> str:
    """Return the content of a file of ``files``; every key of its description is honoured."""
    unknown = set(spec) - {"name", "content", "content_lines", "lines"}
    if unknown:
        raise Unmet(f"the runner does not know {sorted(unknown)} of a file")
    text = spec["content"] if "content" in spec else numbered_lines(spec["content_lines"], spec.get("lines"))
    lines = spec.get("lines")
    if lines is not None and text.count("\n") != lines:
        raise Unmet(f"the content {spec['content_lines']!r} has {text.count(chr(10))} lines, not {lines}")
    return str(text)


def secret_value(text: str) -> str:
    """Return the secret that a case names, spelled out if it is described."""
    repeated = re.match(r"(\S+) repeated (\d+) times without a separator", text)
    return repeated[1] * int(repeated[2]) if repeated else text


# --- durations and moments --------------------------------------------------------------------------------------

_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def duration(text: str) -> timedelta:
    """Return an ISO duration, or one such as ``1s`` or ``2 s``."""
    short = re.fullmatch(r"(\d+(?:\.\d+)?) ?(ms|s|m|h)", text)
    if short:
        unit = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours"}[short[2]]
        return timedelta(**{unit: float(short[1])})
    iso = _ISO.fullmatch(text)
    if iso is None or text in {"P", "PT"}:
        raise Unmet(f"the runner does not know the duration {text!r}")
    days, hours, minutes, seconds = (float(part or 0) for part in iso.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def zoned(text: str) -> datetime:
    """Return a moment with offset, also one that ends in ``[Zone/Name]``; without either it is UTC."""
    plain, _, zone = text.partition("[")
    moment = datetime.fromisoformat(plain)
    if zone:
        return moment.astimezone(ZoneInfo(zone.rstrip("]")))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _month(moment: datetime, count: int) -> datetime:
    months = moment.year * 12 + moment.month - 1 + count
    return moment.replace(year=months // 12, month=months % 12 + 1)


def _named(now: datetime) -> Mapping[str, datetime]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "now": now,
        "this minute": now.replace(second=0, microsecond=0),
        "tomorrow": midnight + timedelta(days=1),
        "today": midnight,
        "first of last month": _month(midnight.replace(day=1), -1),
        "first of this month": midnight.replace(day=1),
    }


def moment(text: str, now: datetime, names: Mapping[str, datetime] | None = None) -> datetime:
    """Return what ``<now - PT4M, on the minute>``, ``<today 00:00>`` or ``<trigger_date + 1 month>`` means.

    Parameters
    ----------
    names
        Other moments that the text may build on, such as ``trigger_date``.
    """
    inner = text.strip("<>").strip()
    inner, _, whole = inner.partition(", on the minute")
    known = {**_named(now), **(names or {})}
    name = max((one for one in known if inner.startswith(one)), key=len, default=None)
    if name is None:
        raise Unmet(f"the runner does not know the moment {text!r}")
    found, rest = known[name], inner[len(name) :].strip()
    clock = re.match(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?", rest)
    if clock:
        micro = int((clock[4] or "0").ljust(6, "0")[:6])
        found = found.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0), microsecond=micro)
        rest = rest[clock.end() :].strip()
    if rest:
        found = _moved(found, rest, text)
    return found.replace(second=0, microsecond=0) if whole or text.endswith("on the minute>") else found


def _moved(start: datetime, rest: str, text: str) -> datetime:
    step = re.fullmatch(r"([+-]) ?(\S+)(?: (month|months|day|days|s|min))?", rest)
    if step is None:
        raise Unmet(f"the runner does not know the moment {text!r}")
    sign = 1 if step[1] == "+" else -1
    if step[3] and step[3].startswith("month"):
        return _month(start, sign * int(step[2]))
    if step[3]:
        seconds = {"day": 86400, "days": 86400, "s": 1, "min": 60}[step[3]]
        return start + sign * timedelta(seconds=seconds * float(step[2]))
    return start + sign * duration(step[2])


def between(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the two ends of ``<between now+PT4M and now+PT6M>``."""
    found = re.fullmatch(r"<between (\S+) and (\S+)>", text)
    if found is None:
        raise Unmet(f"the runner does not know the span {text!r}")
    first, last = (moment(f"<{one}>", now) for one in found.groups())
    return first, last


# --- typed values -----------------------------------------------------------------------------------------------


def _time(value: Any) -> time:
    return value if isinstance(value, time) else time.fromisoformat(str(value))


_TYPED: Mapping[str, Callable[[Any], Any]] = {
    "instant": lambda value: value if isinstance(value, datetime) else zoned(str(value)),
    "zoned_datetime": lambda value: value if isinstance(value, datetime) else zoned(str(value)),
    "local_datetime": lambda value: value if isinstance(value, datetime) else datetime.fromisoformat(str(value)),
    "local_date": lambda value: value if isinstance(value, date) else date.fromisoformat(str(value)),
    "local_time": _time,
    "duration": lambda value: value if isinstance(value, timedelta) else duration(str(value)),
    "uri": str,
}


def typed(kind: str, value: Any) -> Any:
    """Return the value that a text of a case, or of ours, means as ``$type``."""
    if kind not in _TYPED:
        raise Unmet(f"the runner does not know the $type {kind!r}")
    try:
        return _TYPED[kind](value)
    except ValueError as error:
        raise Unmet(f"{value!r} is no {kind}: {error}") from error
