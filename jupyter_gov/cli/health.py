"""What ``doctor`` examines: what each check found and, if something is broken, the one command that mends it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from jupyter_core.paths import jupyter_config_path, jupyter_path

from jupyter_gov import __version__
from jupyter_gov.cli import slips
from jupyter_gov.config import JupyterGov, Setting
from jupyter_gov.errors import GovError, InstallationError
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.service import maintenance
from jupyter_gov.service.identity import local_actor

_REINSTALL = "pip install --force-reinstall --no-deps jupyter_gov"
_BUILD = "install Node 20 or newer, then in the clone: pip install --force-reinstall --no-deps ."
_EXTRAS = {
    "postgres": ("psycopg", "a shared PostgreSQL database"),
    "agent": ("pydantic_ai", "AI agents"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: ``ok``, ``info`` (absent, and not needed by everybody), ``warning`` or ``broken``, with its cure."""

    name: str
    status: Literal["ok", "info", "warning", "broken"]
    detail: str
    cure: str | None = None


def examine() -> list[Check]:
    """Return all findings."""
    checks = [_package(), _server_extension(), lab_extension(), widget(), _papermill(), *_plugins(), *_extras()]
    checks += [Check("variable", "warning", f"{name} is no setting", cure) for name, cure in slips.unknown_variables()]
    try:
        config = JupyterGov()
    except InstallationError as error:
        return [*checks, Check("settings", "broken", f"{error.code} {error.message}", error.hint)]
    return [*checks, _database(config), _identity(config)]


def settings() -> list[Setting]:
    """Return the settings in effect, none if they cannot be used: a check says why."""
    try:
        return JupyterGov().in_effect()
    except InstallationError:
        return []


def _package() -> Check:
    try:
        installed = version("jupyter_gov")
    except PackageNotFoundError:
        return Check("package", "broken", "jupyter_gov is imported from a folder, but not installed", "pip install .")
    if installed != __version__:
        return Check(
            "package", "broken", f"the installed version is {installed}, the code says {__version__}", _REINSTALL
        )
    return Check("package", "ok", f"jupyter_gov {__version__}, Python {sys.version.split()[0]}")


def _server_extension() -> Check:
    name, enable = "server extension", "jupyter server extension enable jupyter_gov"
    if find_spec("jupyter_gov.server.extension") is None:
        return Check(name, "broken", "its code is missing", _REINSTALL)
    for folder in jupyter_config_path():
        files = [
            *sorted(Path(folder).glob("jupyter_server_config.d/*.json")),
            Path(folder, "jupyter_server_config.json"),
        ]
        for file in files:
            enabled = _json(file).get("ServerApp", {}).get("jpserver_extensions", {}).get("jupyter_gov")
            if enabled is not None:
                return Check(name, "ok", "enabled") if enabled else Check(name, "broken", "switched off", enable)
    return Check(name, "broken", "not enabled", enable)


def lab_extension() -> Check:
    """Return whether JupyterLab finds the front-end of this version."""
    name = "JupyterLab extension"
    for folder in jupyter_path("labextensions"):
        package = Path(folder, "jupyter-gov", "package.json")
        if package.is_file():
            found = str(_json(package).get("version"))
            if found.replace("-", "") == __version__.replace("-", ""):
                return Check(name, "ok", f"jupyter-gov {found}")
            detail = f"its version is {found}, the package's {__version__}"
            return Check(name, "broken", detail, f"{_REINSTALL}, then reload the browser page")
    return Check(name, "broken", "not installed (a clone without Node builds none)", _BUILD)


def widget() -> Check:
    """Return whether notebooks can show the live view."""
    script = Path(__file__).parent.parent / "kernel" / "static" / "widget.js"
    if script.is_file():
        return Check("notebook widget", "ok", "installed")
    return Check("notebook widget", "broken", "not built: runs are shown as static HTML only", _BUILD)


def _database(config: JupyterGov) -> Check:
    try:
        state = maintenance.inspect()
    except GovError as error:
        return Check("database", "broken", f"{error.code} {error.message}", error.hint)
    if state.found is None and not config.resolved_db_url().startswith("postgresql"):
        return Check("database", "ok", f"{state.name} will be made when it is first needed")
    if state.is_current:
        return Check("database", "ok", f"{state.name}, layout {state.found}")
    return Check(
        "database", "broken", f"{state.name} has layout {state.found}, not {state.wanted}", "jupyter gov db upgrade"
    )


def _papermill() -> Check:
    points = [point for point in entry_points(group="papermill.engine") if point.name == "jupyter_gov"]
    if find_spec("papermill") is None:
        return Check("papermill", "broken", "not installed", "pip install papermill")
    if not points:
        return Check("papermill", "broken", "its engine jupyter_gov is not registered", _REINSTALL)
    return Check("papermill", "ok", f"papermill {version('papermill')}, engine jupyter_gov")


def _plugins() -> Iterator[Check]:
    registry = Registry()
    names = registry.names()
    for type_name in names:
        registry.find(type_name)
    problems = registry.problems()
    for plugin, problem in problems.items():
        yield Check(f"plugin {plugin}", "broken", problem, f"reinstall or remove the package that offers {plugin}")
    if not problems:
        yield Check("task types", "ok", f"{len(names)} types, all can be loaded")


def _extras() -> Iterator[Check]:
    for extra, (module, purpose) in _EXTRAS.items():
        if find_spec(module) is not None:
            yield Check(f"extra {extra}", "ok", f"installed, for {purpose}")
        else:
            yield Check(
                f"extra {extra}", "info", f"not installed; only for {purpose}", f'pip install "jupyter_gov[{extra}]"'
            )


def _identity(config: JupyterGov) -> Check:
    actor = local_actor()
    return Check(
        "identity", "ok", f"{actor.id} (assurance {actor.assurance}); carries on runs of {config.resolved_run_as()}"
    )


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
