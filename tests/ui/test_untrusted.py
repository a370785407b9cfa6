"""What JupyterLab's sanitizer leaves of a run in a notebook that it does not trust."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import expect

from tests.small_flows import GATED
from tests.ui.conftest import Lab, Notebook

Opened = Callable[..., Notebook]


def cells(flow: str, *more: str) -> tuple[str, ...]:
    return ("%load_ext jupyter_gov", f"%%govflow --as run\n{flow}", *more)


def saved(lab: Lab, page: Notebook) -> str:
    """Save the notebook and return its text."""
    page.command("docmanager:save")
    name = page.page.evaluate("jupyterapp.shell.currentWidget.context.path")
    return (lab.root / name).read_text()


def test_an_untrusted_notebook_shows_the_same_facts(lab: Lab, notebook: Opened) -> None:
    opened = notebook(*cells(GATED, "run.approve(reason='ok', stage='prod').wait()"))
    opened.run_all()
    expect(opened.output(2)).to_contain_text("SUCCESS", timeout=60_000)
    document = json.loads(saved(lab, opened))
    for cell in document["cells"]:
        cell["id"] = cell["id"][::-1]
        cell["metadata"].pop("trusted", None)
    # A changed text has no signature: Lab's sanitizer now decides what is left of the outputs.
    document["cells"][0]["source"] += "\n# changed by somebody"
    document["metadata"].pop("signature", None)
    (lab.root / "untrusted.ipynb").write_text(json.dumps(document))
    again = notebook(name="untrusted.ipynb")
    output = again.output(2)
    for fact in ("SUCCESS", "gated", "Is draft good?", "Approved by", "ok", "before", "after"):
        expect(output).to_contain_text(fact)
    # The drawing is left too, in boxes: borders without a theme's colour pass the sanitizer.
    box = output.get_by_title("before ").first
    expect(box).to_contain_text("SUCCESS")
    assert box.evaluate("box => [getComputedStyle(box).borderTopWidth, getComputedStyle(box).display]") == [
        "1px",
        "inline-block",
    ]
    again.picture("run-untrusted", output)
