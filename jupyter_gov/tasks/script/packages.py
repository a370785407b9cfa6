"""Which packages a script asks for that the Python of this worker does not have.

Nothing is installed: that would change the Python that all other tasks of the worker run in, and bring code of
strangers in that nobody has approved.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

HINT = "Install it into the Python that the worker runs in, with pip or conda; a script installs nothing by itself."


def missing(dependencies: Sequence[str]) -> list[str]:
    """Return those of the requirements that are not met, each with the version that is there instead, if any."""
    return [said for one in dependencies if one.strip() and (said := _unmet(one.strip())) is not None]


def _unmet(written: str) -> str | None:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - few scripts have any

    try:
        wanted = Requirement(written)
    except InvalidRequirement:
        return f"{written} (not the name of a package)"
    if wanted.marker is not None and not wanted.marker.evaluate():
        return None
    try:
        found = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return written
    return None if wanted.specifier.contains(found, prereleases=True) else f"{written} (there is {found})"
