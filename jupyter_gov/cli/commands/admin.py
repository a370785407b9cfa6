"""Look after an installation: bring the database up to date, find out what is broken and how to mend it."""

from __future__ import annotations

from dataclasses import asdict

from jupyter_gov.cli import health, screen
from jupyter_gov.service import maintenance

_SIGNS = {"ok": ("✔", "green"), "info": ("·", "dim"), "warning": ("!", "yellow"), "broken": ("✖", "red")}


def upgrade(*, as_json: bool) -> None:
    """Bring the database to the layout of this version."""
    before, after = maintenance.upgrade()
    if as_json:
        screen.emit({"database": after.name, "before": before.found, "after": after.found})
    elif before.found == after.found:
        screen.say(f"✔ {after.name} has the layout of this version already ({after.found})", style="green")
    else:
        screen.say(f"✔ {after.name}: {before.found or 'empty'} → {after.found}", style="green")


def doctor(*, as_json: bool) -> int:
    """Print what works, what does not with its cure, and the settings in effect; return 1 if something is broken."""
    checks, settings = health.examine(), health.settings()
    broken = [check for check in checks if check.status == "broken"]
    if as_json:
        screen.emit(
            {
                "ok": not broken,
                "checks": [
                    {"name": check.name, "status": check.status, "detail": check.detail, "cure": check.cure}
                    for check in checks
                ],
                "settings": [asdict(setting) for setting in settings],
            }
        )
        return 1 if broken else 0
    for check in checks:
        sign, style = _SIGNS[check.status]
        screen.say(f"{sign} {check.name}: {check.detail}", style=style)
        if check.cure:
            screen.say(f"    {check.cure}")
    if settings:
        screen.say()
        screen.table(
            ["Setting", "Value", "From"],
            [(setting.name, setting.value, setting.origin) for setting in settings],
            empty="",
        )
    return 1 if broken else 0
