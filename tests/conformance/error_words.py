"""The one table of error words: how Kestra (or Java) says something, and how we say the same.

Left: a regular expression over the text of a case, matched whole. Right: what our message must hold (``\\1`` as usual),
in any case. A line is here only if our words name the same thing at fault and the same reason.
"""

from __future__ import annotations

import re

from jupyter_gov.errors import AccessError, GovError, NotFoundError

SAME_IN_OUR_WORDS: tuple[tuple[str, str], ...] = (
    # Starting and validating
    (r"Not Found: Flow not found", "there is no flow"),
    (r"Invalid type: (.+)", r"\1"),
    (r"invalid pattern", "regular expression"),
    (r"(\w+): Not existing task id in dependency: (\w+)", r"\2"),
    (r"invalid cron expression", "cron"),
    (r"is not a valid time-zone ID", "time zone"),
    # The list is printed in Java's form; ours is JSON.
    (r"(Found '\d+' null values on Each), with values=.*", r"\1"),
    (r"(The key '[^']+' does not exist in the namespace '[^']+'\.).*", r"\1"),
)
"""Texts of the cases -> our words."""

REFUSED = frozenset({400, 409, 422})
"""Kestra answers what it refuses with one of these; which one says nothing about why, so they are one for us."""


def says(message: str, wanted: str) -> bool:
    """Return whether a message names what a case wants named, in Kestra's words or in ours."""
    if wanted in message:
        return True
    ours = {re.sub(java, same, wanted) for java, same in SAME_IN_OUR_WORDS if re.fullmatch(java, wanted, re.DOTALL)}
    return any(one.lower() in message.lower() for one in ours)


def has_status(error: GovError, wanted: int) -> bool:
    """Return whether an error is what the given HTTP status says: not there (404), or refused."""
    missing = isinstance(error, NotFoundError) or (isinstance(error, AccessError) and error.code == "GOV404")
    return missing if wanted == 404 else wanted in REFUSED and not missing


def status_in(text: object) -> int | None:
    """Return the number in ``HTTP 422``, None for anything else."""
    found = re.fullmatch(r"HTTP (\d{3})", str(text))
    return int(found[1]) if found else None


def refusal(error: GovError | None, wanted: object) -> list[str]:
    """Return what is wrong when ``wanted`` (``true``, or a status) says how a call must be refused."""
    status = status_in(wanted)
    if wanted is not True and status is None:
        return [f"the runner does not know the refusal {wanted!r}"]
    if error is None:
        return [f"expected a refusal ({wanted}), got none"]
    if status is not None and not has_status(error, status):
        return [f"expected {wanted}, got {type(error).__name__} {error}"]
    return []
