"""Time zones by the names that Java takes, and the zone of this machine."""

from __future__ import annotations

import os
import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from jupyter_gov.lang.expr.faults import ArgumentFault

_OFFSET: Final = re.compile(r"(?:UTC|GMT|UT)?([-+])(\d{1,2})(?::?(\d\d))?(?::?(\d\d))?", re.ASCII)


@lru_cache(256)
def zone(name: str) -> tzinfo:
    """Return the zone of a name such as ``Europe/Paris``, ``UTC``, ``+02:00`` or ``GMT+2``.

    Raises
    ------
    ArgumentFault
        There is none.
    """
    if name in ("Z", "UTC", "GMT", "UT"):
        return ZoneInfo("UTC")
    offset = _OFFSET.fullmatch(name)
    if offset:
        sign, hours, minutes, seconds = offset.groups()
        length = timedelta(hours=int(hours), minutes=int(minutes or 0), seconds=int(seconds or 0))
        if length <= timedelta(hours=18):
            return timezone(-length if sign == "-" else length)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ArgumentFault(f"there is no time zone `{name}`", hint="Write it as `Europe/Paris` or `+02:00`.") from None


def system_zone() -> tzinfo:
    """Return the zone of this machine."""
    return _system_zone(os.environ.get("TZ"))


@lru_cache(8)
def _system_zone(setting: str | None) -> tzinfo:
    from babel.localtime import get_localzone  # noqa: PLC0415  (loaded late)

    try:
        found = get_localzone()
    except (LookupError, ValueError, OSError):
        return UTC
    return zone("UTC") if found.utcoffset(None) == timedelta(0) and str(found) in ("UTC", "Etc/UTC", "GMT") else found
