"""Every code that the language uses is explained, and no explained code is unused."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Codes of a message, not the prose of a docstring or the ranges of DESIGN.
CODE = re.compile(r'"(GOV\d{3})"')


def test_codes_and_headings_agree() -> None:
    lang = ROOT / "jupyter_gov" / "lang"
    files = [
        *lang.glob("*.py"),
        *lang.glob("check/*.py"),
        *lang.glob("models/*.py"),
        *lang.glob("flowtest/*.py"),
        ROOT / "jupyter_gov/engine/inputs.py",
        ROOT / "jupyter_gov/engine/outputs.py",
    ]
    used = {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))} | {"GOV100", "GOV200"}
    text = (ROOT / "jupyter_gov" / "docs" / "errors" / "lang.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (GOV\d{3}) .", text, flags=re.MULTILINE)
    assert headings == sorted(set(headings))
    assert set(headings) == used
