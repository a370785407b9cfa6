"""The dates of a cron expression in a time zone, in either direction.

Over a change of the clock they behave as Debian's cron does: what falls into the skipped hour runs right after it, what
falls into the repeated hour runs once, and expressions for every hour or minute go by elapsed time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from jupyter_gov.lang.models.triggers import parse_cron


def dates(cron: str, start: datetime, zone: tzinfo, *, with_seconds: bool = False, back: bool = False) -> Iterator[datetime]:  # noqa: E501
    """Yield the dates strictly after a moment (``back``: strictly before it, latest first), in the zone.

    Ends where there is none for 50 years.

    Raises
    ------
    CronError
        ``GOV122``: the expression is wrong.
    """
    from cronsim import CronSim  # noqa: PLC0415  (loaded late)

    found = CronSim(parse_cron(cron, with_seconds=with_seconds), start.astimezone(zone), reverse=back)
    for moment in found:
        # In the repeated hour cronsim may give a time of the wrong pass.
        if (moment < start) if back else (moment > start):
            yield moment
