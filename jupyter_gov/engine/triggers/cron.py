"""The dates of a cron expression in a time zone, in either direction.

Over a change of the clock they behave as Debian's cron does: what falls into the skipped hour runs right after it, what
falls into the repeated hour runs once, and expressions for every hour or minute go by elapsed time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from jupyter_gov.lang.models.triggers import parse_cron


def dates(
    cron: str, start: datetime, zone: tzinfo, *, with_seconds: bool = False, back: bool = False
) -> Iterator[datetime]:
    """Yield the dates strictly after a moment (``back``: strictly before it, latest first), in the zone.

    Ends where there is none for 50 years.

    Raises
    ------
    CronError
        ``GOV122``: the expression is wrong.
    """
    from cronsim import CronSim  # noqa: PLC0415  (loaded late)

    # Two times of one zone are compared by the clock on the wall, which is wrong in the repeated hour.
    limit = start.astimezone(UTC)
    found = CronSim(parse_cron(cron, with_seconds=with_seconds), start.astimezone(zone), reverse=back)
    try:
        for moment in found:
            if (moment < limit) if back else (moment > limit):
                yield moment
    except OverflowError:
        return  # at the end of what a calendar can tell
