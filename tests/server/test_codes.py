"""Every code that the server and the views show is explained."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = [
    *(ROOT / "jupyter_gov" / "server").glob("**/*.py"),
    ROOT / "jupyter_gov" / "kernel" / "widgets.py",
    *(ROOT / "labextension" / "src").glob("**/*.ts*"),
]


def test_every_code_has_its_heading() -> None:
    used = {code for path in SOURCES for code in re.findall(r"""["'](GOV4[89]\d)["']""", path.read_text("utf-8"))}
    text = (ROOT / "jupyter_gov" / "docs" / "errors" / "server.md").read_text("utf-8")
    assert used == set(re.findall(r"^## (GOV\d{3}) .+\n.{40,}", text, re.MULTILINE))
