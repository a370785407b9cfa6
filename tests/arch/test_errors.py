"""Every code that a user can meet is explained once, and nothing is explained that does not exist."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "jupyter_gov"


def explained() -> Counter[str]:
    headings: Counter[str] = Counter()
    for page in (PACKAGE / "docs" / "errors").glob("*.md"):
        headings.update(re.findall(r"^## (GOV\d{3}) \S", page.read_text(), re.MULTILINE))
    return headings


def used() -> set[str]:
    front = PACKAGE.parent / "labextension" / "src"
    sources = [*PACKAGE.rglob("*.py"), *front.rglob("*.ts"), *front.rglob("*.tsx")]
    return {code for path in sources for code in re.findall(r"GOV\d{3}", path.read_text())}


def test_every_code_is_explained_exactly_once():
    twice = sorted(code for code, count in explained().items() if count > 1)
    assert not twice
    assert not sorted(used() - set(explained()) - {"GOV000"})


def test_no_explanation_is_left_over():
    assert not sorted(set(explained()) - used())
