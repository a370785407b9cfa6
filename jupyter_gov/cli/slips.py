"""Slips that would pass unnoticed: a variable that is no setting, a database file that is not there."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_gov.cli import screen
from jupyter_gov.config import COMMAND_LINE_PREFIX, ENV_PREFIX, JupyterGov, environment_name
from jupyter_gov.errors import NotFoundError
from jupyter_gov.lang.diagnostics import closest
from jupyter_gov.store.database import parse_url

_OURS = frozenset(
    ENV_PREFIX + name for name in ("TIMEOUT", "NO_WAIT", "HEADLESS", "PROCESS", "EXECUTION_ID", "TASK_RUN_ID", "CORPUS")
)
"""Variables that are no settings: what our own processes tell each other, and the tests of this package."""
_OUR_PREFIXES = (COMMAND_LINE_PREFIX, f"{ENV_PREFIX}TEST_")


def unknown_variables() -> list[tuple[str, str]]:
    """Return the variables that look like settings and are none, each with what to do about it."""
    known = {environment_name(name) for name in JupyterGov.class_own_traits(config=True)}
    found = sorted(
        name
        for name in os.environ
        if name.startswith(ENV_PREFIX) and not name.startswith(_OUR_PREFIXES) and name not in known | _OURS
    )
    return [(name, _meant(name, known)) for name in found]


def _meant(name: str, known: set[str]) -> str:
    # The prefix that all share would make every name like every other.
    meant = closest(name.removeprefix(ENV_PREFIX), [other.removeprefix(ENV_PREFIX) for other in known])
    return f'did you mean "{ENV_PREFIX}{meant}"?' if meant else "`jupyter gov doctor` lists the settings"


def warn_of_variables() -> None:
    """Say which variables have no effect although their names promise one."""
    for name, hint in unknown_variables():
        screen.say(f"! {name} is no setting and has no effect: {hint}", style="yellow", stderr=True)


def require_database() -> None:
    """Refuse to look into a database file that somebody named and that is not there: a slip, not an empty history.

    Raises
    ------
    NotFoundError
        ``GOV353``: there is no such file.
    """
    config = JupyterGov()
    origin = next(setting.origin for setting in config.in_effect() if setting.name == "db_url")
    if origin not in {"command line", environment_name("db_url")}:
        return
    url = parse_url(config.resolved_db_url())
    if url.get_backend_name() != "sqlite" or not url.database or Path(url.database).exists():
        return
    file = Path(url.database)
    given = "--db" if origin == "command line" else origin
    meant = closest(file.name, [other.name for other in file.parent.iterdir()]) if file.parent.is_dir() else None
    near = f'Did you mean "{file.parent / meant}"? ' if meant else ""
    raise NotFoundError(
        f"there is no database {file} (named by {given}), and this command makes none",
        code="GOV353",
        hint=f"{near}`jupyter gov run`, `register`, `demo` and `db upgrade` make a new one.",
    )
