"""Every setting is in the README, as the code has it; ``python -m tests.arch.test_settings`` writes it there."""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_gov.config import JupyterGov, settings_table

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TABLE = re.compile(r"(?<=<!-- settings, written by tests/arch/test_settings\.py -->\n).*?(?=<!-- end -->)", re.DOTALL)


def table() -> str:
    rows = "\n".join(
        f"| `{name}` | {f'`{default}`' if default else ''} | {text.replace('<', '&lt;')} |"
        for name, default, text in settings_table()
    )
    return f"\n| setting | default | what it is |\n|---|---|---|\n{rows}\n\n"


def test_the_readme_has_every_setting():
    found = TABLE.search(README.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == table(), "run: python -m tests.arch.test_settings"


def test_what_tasks_may_read_is_what_the_settings_give():
    """A name that code reads but no setting provides is a promise that nobody can use."""
    given = set(JupyterGov().task_settings())
    read = set()
    for path in (ROOT / "jupyter_gov").rglob("*.py"):
        read |= set(re.findall(r"settings(?:\.get\(|\[)\"(\w+\.[\w.]+|globals|secrets)\"", path.read_text()))
    assert not sorted(read - given)


def _write() -> None:
    README.write_text(TABLE.sub(lambda _found: table(), README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    _write()
