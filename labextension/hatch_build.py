"""Builds the front-end when a wheel, an sdist or an editable install is made from a clone.

An sdist carries the built files, so that nobody who installs a release needs Node. A clone without Node installs
without the front-end: the flows run, notebooks show static views, and JupyterLab has no extension.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatch_jupyter_builder import npm_builder
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LEAST_NODE = 20
EXTENSION = Path("jupyter_gov", "labextension")
WIDGET = Path("jupyter_gov", "kernel", "static")
SHARE = "share/jupyter/labextensions/jupyter-gov"
BUILT = (EXTENSION / "package.json", EXTENSION / "static" / "style.js", WIDGET / "widget.js", WIDGET / "widget.css")
SOURCES = ("src", "style", "schema", "scripts", "package.json", "yarn.lock")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class FrontEndHook(BuildHookInterface[Any]):
    """Makes ``jupyter_gov/labextension`` and ``jupyter_gov/kernel/static`` if they are missing or old."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is needed, then ship it where JupyterLab looks for extensions."""
        root = Path(self.root)
        editable = version == "editable"
        if self._is_needed(root, editable=editable):
            reason = _why_not()
            if reason is None:
                self._build(root)
            else:
                self.app.display_warning(
                    f"jupyter_gov: {reason}: installing without the JupyterLab extension and the live notebook view. "
                    f"Install Node {LEAST_NODE} or newer and repeat the installation to get them."
                )
        if self.target_name == "wheel" and all((root / path).is_file() for path in BUILT):
            # Only with the files behind it, else JupyterLab would list an extension that is not there.
            build_data["shared_data"].update(
                {str(EXTENSION): SHARE, str(Path("labextension", "install.json")): f"{SHARE}/install.json"}
            )

    def _is_needed(self, root: Path, *, editable: bool) -> bool:
        if not all((root / path).is_file() for path in BUILT):
            return True
        if (root / "PKG-INFO").is_file():
            return False
        built = min((root / path).stat().st_mtime for path in BUILT)
        development = any((root / EXTENSION / "static").glob("*.map"))
        return _newest(root / "labextension") > built or (development and not editable)

    def _build(self, root: Path) -> None:
        shutil.rmtree(root / EXTENSION, ignore_errors=True)
        shutil.rmtree(root / WIDGET, ignore_errors=True)
        if CERTIFICATES.is_file():
            # Node brings its own list of authorities; behind a company's proxy only the system's list is complete.
            os.environ.setdefault("NODE_EXTRA_CA_CERTS", str(CERTIFICATES))
        npm_builder(self.target_name, "standard", path="labextension", build_cmd="build:prod", npm=["jlpm"])


def _newest(folder: Path) -> float:
    found = [folder / name for name in SOURCES]
    found += [path for name in SOURCES for path in (folder / name).glob("**/*")]
    return max((path.stat().st_mtime for path in found if path.is_file()), default=0.0)


def _why_not() -> str | None:
    """Return why the front-end cannot be built here, or None."""
    if os.environ.get("SKIP_JUPYTER_BUILDER"):
        return "SKIP_JUPYTER_BUILDER is set"
    node = shutil.which("node")
    if node is None:
        return "Node was not found"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - found by name
    major = re.match(r"v(\d+)\.", said)
    if major is None or int(major.group(1)) < LEAST_NODE:
        return f"Node {LEAST_NODE} or newer is needed, {said.strip() or 'none'} was found"
    return None
