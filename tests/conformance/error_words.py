"""The one table of error words: how Kestra (or Java) says something, and how we say the same.

Left: a regular expression over the text of a case, matched whole. Right: what our message must hold (``\\1`` as usual), in
upper or lower case. A line is here only if our words name the same thing at fault and the same reason.
"""

from __future__ import annotations

import re

from jupyter_gov.errors import AccessError, GovError, NotFoundError

SAME_IN_OUR_WORDS: tuple[tuple[str, str | tuple[str, ...]], ...] = (
    # Starting
    (r"Not Found: Flow not found", "there is no flow"),
    (r"Invalid input for '([^']+)'", r"Invalid input for `\1`"),
    # Checking
    (r"Duplicate input with name \[(.+)\]", r'duplicate input id "\*1"'),
    (r"Duplicate (task|trigger) id with name \[(.+)\]", r'duplicate \1 id "\*2"'),
    (r"Invalid type: null", 'needs the key "type"'),
    (r"missing type id property 'type'.*", 'needs the key "type"'),
    (r"Invalid type: ([\w.$]+)", r'unknown type "\1"'),
    (r"must not be empty", 'needs the key "tasks"'),
    (r"must not be empty", "is empty"),
    (r"([\w.-]+): Not existing task id in dependency: ([\w.-]+)", (r'"\1"', r'"\2"')),
    (r"([\w.-]+): (no `defaults` can be set for inputs of type '\w+')", r'input "\1": \2'),
    (r"([\w.-]+): (`itemType` cannot be `\w+)", r'input "\1": \2'),
    (r"([\w.-]+): No task defined, neither cases or default have any tasks", (r'task "\1"', "no task is defined")),
    (r"([\w.-]+): Only runnable tasks are allowed as children of a (\w+) task", (r'"\1"', "runnable", r"\2")),
    (r"System labels can only be set by Kestra itself, offending label: (.+?)\.?", ("set by the engine only", r"\1")),
    (r"(Time window of type `\w+` (?:must|cannot) have an? [\w ]+)\.", r"\1"),
    (r"(?:[\w.-]+: )?Cyclic dependency detected: (.+)", ("circle of dependencies", r'"\*1"')),
    (r"Recursive call to flow \[(?:.+\.)?([^.\]]+)\]", (r'flow "\1"', "it belongs to")),
    (r"(It must be .*|Invalid input for .*)", r"\1"),
    (r"invalid pattern", "regular expression"),
    (r"invalid cron expression", "cron"),
    (r"is not a valid time-zone ID", "time zone"),
    # Running; the list is printed in Java's form, ours is JSON
    (r"(Found '\d+' null values on Each), with values=.*", r"\1"),
)
r"""Texts of the cases -> our words, all of them; ``\*1`` stands for each item of a list ``a, b`` in turn."""

REFUSED = frozenset({400, 409, 422})
"""Kestra answers what it refuses with one of these; which one says nothing about why, so they are one for us."""


def says(message: str, wanted: str) -> bool:
    """Return whether a message names what a case wants named, in Kestra's words or in ours."""
    if wanted in message:
        return True
    heard = message.lower()
    return any(
        all(one.lower() in heard for one in _ours(found, same))
        for java, same in SAME_IN_OUR_WORDS
        if (found := re.fullmatch(java, wanted, re.DOTALL))
    )


def _ours(found: re.Match[str], same: str | tuple[str, ...]) -> list[str]:
    """Return the texts that must all be there."""
    texts: list[str] = []
    for text in (same,) if isinstance(same, str) else same:
        listed = re.search(r"\\\*(\d)", text)
        items = found[int(listed[1])].split(", ") if listed else [""]
        for item in items:
            whole = text.replace(listed[0], item) if listed else text
            texts.append(re.sub(r"\\(\d)", lambda group: found[int(group[1])], whole))
    return texts


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
