"""How a case ends early, and where the list of its problems goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from jupyter_gov.errors import GovError


class Unmet(Exception):  # noqa: N818 - it is the outcome of a case, no fault of the runner
    """The case cannot go on: something is not as it says, or the runner does not know what it says."""


class NotBuilt(Unmet):
    """The public service has no such verb yet."""

    def __init__(self, verb: str, reason: str = "") -> None:
        super().__init__(f"not built yet: {verb}" + (f" ({reason})" if reason else ""))


def judge(play: Callable[[], Iterable[str]]) -> None:
    """Play a case, and fail it with everything that was not as expected."""
    try:
        problems = list(play())
    except Unmet as error:
        problems = [str(error)]
    except GovError as error:
        problems = [f"{type(error).__name__}: {error}"]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
