"""How the results of flow tests and the page of a type look in JupyterLab, in both themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.flowtests.conftest import case, suite
from tests.small_flows import GATED
from tests.ui.conftest import Notebook

Open = Callable[..., Notebook]


def contrast(page: Page) -> None:
    found = page.evaluate("axe.run('.jp-RenderedHTMLCommon', {runOnly: ['color-contrast']})")
    assert [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]] == []


def test_results_and_pages(notebook: Open, axe: Path) -> None:
    answered = [{"id": "gate", "outputs": {"onResume": {"stage": "prod"}}}]
    right = {"value": "{{ outputs.after.value }}", "equalTo": "to prod"}
    tests = suite(
        GATED,
        case(right, {**right, "equalTo": "to dev", "description": "the stage is the default"}, tasks=answered),
        case(right, tasks=answered),
        {**case(), "description": "Nobody answers the gate"},
        {**case(), "disabled": True},
    )
    found = notebook(
        "%load_ext jupyter_gov", f"%%govflow --register\n{GATED}", f"%%govtest\n{tests}", "%gov docs Pause"
    )
    found.run_all()
    # The cell of the tests fails, and Run All stops there: what follows is run by hand.
    expect(found.output(2)).to_contain_text("GOV252 1 passed, 1 failed, 1 error, 1 skipped", timeout=60_000)
    found.page.add_script_tag(path=axe)
    found.picture("flow-tests", found.output(2), check=contrast)
    found.editor(3).click()
    found.command("notebook:run-cell")
    expect(found.output(3)).to_contain_text("pauseDuration")
    found.picture("type-page", found.output(3), check=contrast)
