"""The layers hold, and the architecture page names every package with its layer."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def layers() -> list[list[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contract = next(found for found in settings["tool"]["importlinter"]["contracts"] if found["id"] == "layers")
    return [[name.strip().removeprefix("jupyter_gov.") for name in row.split("|")] for row in contract["layers"]]


def packages() -> set[str]:
    found = {path.parent.name for path in (ROOT / "jupyter_gov").glob("*/__init__.py")}
    return found | {path.stem for path in (ROOT / "jupyter_gov").glob("*.py") if path.stem != "__init__"}


def test_every_package_has_a_layer():
    named = {name for row in layers() for name in row}
    assert packages() - named <= {"notebook"}  # a leaf for authors of notebooks; it imports nothing of ours


def test_the_architecture_page_draws_the_same_layers():
    page = (ROOT / "ARCHITECTURE.md").read_text()
    drawn = re.search(r"```layers\n(.*?)```", page, re.DOTALL)
    assert drawn is not None
    rows = [re.sub(r"^\s*\d+\s+", "", line).split("  ")[0] for line in drawn.group(1).splitlines()]
    assert [[name.strip() for name in row.split("|")] for row in rows] == layers()


def test_every_module_that_the_page_names_exists():
    page = (ROOT / "ARCHITECTURE.md").read_text()
    names = set(re.findall(r"`(jupyter_gov/[\w/.]+|tests/[\w/.]+|labextension/[\w/.]+)`", page))
    assert names
    missing = sorted(name for name in names if not (ROOT / name).exists())
    assert not missing
