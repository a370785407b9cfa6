"""The main job as a person does it: write a flow in a cell, run it, answer its gate by a click, open it again."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from jupyter_gov import __version__
from tests.ui.conftest import READY, Lab, Notebook, over_the_edge
from tests.ui.snapshots import START
from tests.ui.test_widget import LOOKS

Open = Callable[..., Notebook]

LOAD = "%load_ext jupyter_gov"
GATED = """%%govflow {options}
id: {name}
namespace: ui
inputs:
  - {{id: model, type: STRING, defaults: "credit-17"}}
tasks:
  - id: train
    type: io.kestra.plugin.core.debug.Return
    format: "AUC of {{{{ inputs.model }}}} is 0.834"
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
    description: "Release? {{{{ outputs.train.value }}}}"
    onResume:
      - {{id: exposure, type: INT}}
      - {{id: basis, type: SELECT, values: [bias report, full review]}}
  - id: publish
    type: io.kestra.plugin.core.log.Log
    message: "released up to {{{{ outputs.gate.onResume.exposure }}}}"
"""
FAILING = """%%govflow
id: failing
namespace: ui
tasks:
  - id: prepare
    type: io.kestra.plugin.core.log.Log
    message: "8336 rows read"
  - id: train
    type: io.kestra.plugin.scripts.python.Script
    script: |
      print("fitting")
      raise ValueError("Input X contains NaN.")
"""
SLOW = """%%govflow --no-wait
id: slow
namespace: ui
tasks:
  - id: prepare
    type: io.kestra.plugin.core.log.Log
    message: "8336 rows read"
  - id: train
    type: io.kestra.plugin.scripts.python.Script
    script: |
      import pathlib, time
      for epoch in range(600):
          print("epoch", epoch, flush=True)
          if pathlib.Path("{stop}").exists():
              break
          time.sleep(0.2)
"""


def gated(name: str, options: str = "--no-wait") -> str:
    return GATED.format(name=name, options=options)


def ask(lab: Lab, path: str) -> Any:
    """Read from the server as a script does."""
    url = f"{lab.url}/jupyter-gov/api/v1/{path}"
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Authorization": f"token {lab.token}"}), timeout=30
    ) as answer:
        return json.load(answer)


def gate_of(lab: Lab, flow: str) -> Any:
    found = [one for one in ask(lab, "approvals?status=any")["approvals"] if one["flowId"] == flow]
    assert len(found) == 1
    return found[0]


def at_gate(found: Notebook) -> None:
    found.run_all()
    expect(found.run.get_by_test_id("jp-gov-gate")).to_contain_text("Release? AUC of credit-17 is 0.834")


def approve(found: Notebook) -> None:
    gate = found.run.get_by_test_id("jp-gov-gate")
    gate.get_by_label("exposure").fill("25000")
    gate.get_by_label("basis").select_option("full review")
    gate.get_by_label("Reason").fill("The bias report is complete.")
    gate.get_by_role("button", name="Approve", exact=True).click()


@pytest.mark.parametrize("look", ["running", "gate", "approved", "failed", "form", "long"])
def test_looks_in_the_themes_of_lab(notebook: Open, look: str, axe: Path) -> None:
    """What a real run reaches only with luck: shown for the eye, and read by axe in the theme's own colours."""
    found = notebook(
        "import json",
        "from jupyter_gov.kernel.widgets import ExecutionWidget",
        f"ExecutionWidget(json.loads({json.dumps(json.dumps(LOOKS[look]()))}))",
    )
    found.page.clock.set_fixed_time(START + timedelta(seconds=60))
    found.run_all()
    found.run.wait_for()
    target = found.run.get_by_test_id("jp-gov-gate") if look == "form" else found.run
    found.page.add_script_tag(path=axe)
    found.picture(look, target, check=contrast)
    if look == "gate":
        found.run.locator(".jp-gov-subject, .jp-gov-upstream").evaluate_all(
            "all => all.forEach(one => (one.open = true))"
        )
        found.picture("gate-subject", found.run.locator(".jp-gov-subject"))
        found.run.locator(".jp-gov-subject").evaluate("one => (one.open = false)")
    if look in {"gate", "long"}:
        found.page.set_viewport_size({"width": 680, "height": 900})
        found.picture(f"{look}-narrow", target)


def contrast(page: Page) -> None:
    found = page.evaluate("axe.run('.jp-gov-run', {runOnly: ['color-contrast', 'target-size']})")
    told = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]]
    assert told == []
    assert over_the_edge(page.get_by_test_id("jp-gov-run")) == []


class TestHighlighting:
    """The body of a flow is YAML, everything else stays Python."""

    def test_a_flow_is_coloured_as_yaml(self, notebook: Open) -> None:
        found = notebook("x = 1", "%%govflow\nid: hello\ntasks: []", "%%govtest\nflow: hello", "%%bash\nid: x")
        languages = [found.editor(index).get_attribute("data-language") for index in range(4)]
        assert languages[1:3] == ["govflow", "govflow"]
        assert "govflow" not in (languages[0], languages[3])
        # A key of a mapping is a token of its own in YAML, and none in Python.
        key = found.editor(1).locator(".cm-line").nth(1).locator("span").first
        expect(key).to_have_text("id")

    def test_it_follows_the_first_line(self, notebook: Open, page: Page) -> None:
        found = notebook("id: hello")
        expect(found.editor(0)).to_have_attribute("data-language", "python")
        found.editor(0).click()
        page.keyboard.press("Control+Home")
        page.keyboard.type("%%govflow\n")
        expect(found.editor(0)).to_have_attribute("data-language", "govflow")
        page.keyboard.press("Control+Home")
        page.keyboard.type("#")
        expect(found.editor(0)).to_have_attribute("data-language", "python")


def test_a_run_is_watched_and_killed(notebook: Open, page: Page, lab: Lab) -> None:
    found = notebook(LOAD, SLOW.format(stop=lab.home / "stop"))
    found.run_all()
    train = found.run.locator('tr[data-task="train"]')
    expect(train.locator("[data-state=RUNNING]")).to_be_visible()
    train.get_by_role("button").click()
    expect(found.run.get_by_role("log")).to_contain_text("epoch 3")
    found.picture("run-running", found.run)
    found.run.get_by_role("button", name="Kill…", exact=True).click()
    expect(found.run.get_by_test_id("jp-gov-confirm")).to_contain_text("anonymous@lab")
    found.picture("run-kill", found.run.locator(".jp-gov-header"))
    with page.expect_response("**/kill") as answer:
        found.run.get_by_role("button", name="Kill the run", exact=True).click()
    assert answer.value.status == 200
    expect(found.output(1)).to_contain_text("KILLED")
    expect(found.run).to_have_count(0)


def test_approved_by_a_click_through_the_server(notebook: Open, page: Page, lab: Lab) -> None:
    found = notebook(LOAD, gated("click"))
    at_gate(found)
    # The static form beside it would say everything twice.
    expect(found.output(1).get_by_text("What is known without a kernel")).not_to_be_visible()
    # The token of a plain server names nobody, and the card says so before the record does.
    expect(found.run.get_by_test_id("jp-gov-identity")).to_contain_text("You answer as anonymous@lab")
    found.picture("run-gate", found.run)
    with page.expect_response("**/decision") as answer:
        approve(found)
    assert answer.value.status == 200
    # The widget is replaced by a record that needs no kernel.
    expect(found.run).to_have_count(0)
    expect(found.output(1)).to_contain_text("The bias report is complete.")
    expect(found.output(1)).to_contain_text("SUCCESS")
    # The same drawing, the same words.
    expect(found.output(1).get_by_text("train").first).to_be_visible()
    for name in ("train", "gate", "publish"):
        expect(found.output(1).get_by_title(f"{name} ")).to_contain_text("SUCCESS")
    found.picture("run-approved", found.output(1))
    gate = gate_of(lab, "click")
    assert (gate["status"], gate["inputs"]) == ("APPROVED", {"exposure": 25000, "basis": "full review"})
    assert gate["votes"][0]["assurance"] == "anonymous"
    assert gate["statusBy"] == "anonymous@lab"


def test_a_cell_that_waits_is_released_by_a_click(notebook: Open, page: Page) -> None:
    found = notebook(LOAD, gated("waits", "--wait"), "print('the next cell')")
    at_gate(found)
    expect(found.output(2)).to_be_empty()
    approve(found)
    expect(found.output(1)).to_contain_text("SUCCESS")
    expect(found.output(2)).to_contain_text("the next cell")


def test_rejected(notebook: Open, page: Page, lab: Lab) -> None:
    found = notebook(LOAD, gated("rejected"))
    at_gate(found)
    gate = found.run.get_by_test_id("jp-gov-gate")
    gate.get_by_label("Reason").fill("The hold-out set is too small.")
    gate.get_by_role("button", name="Reject", exact=True).click()
    expect(found.output(1)).to_contain_text("The hold-out set is too small.")
    expect(found.run).to_have_count(0)
    found.picture("run-rejected", found.output(1))
    assert gate_of(lab, "rejected")["status"] == "REJECTED"


def test_wrong_answers_stay_at_the_gate(notebook: Open, page: Page, lab: Lab) -> None:
    found = notebook(LOAD, gated("wrong"))
    at_gate(found)

    def tampered(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        body["inputs"]["exposure"] = "a lot"
        route.continue_(post_data=json.dumps(body))

    page.route("**/decision", tampered)
    approve(found)
    field = found.run.locator('[data-field="exposure"]')
    expect(field.locator(".jp-gov-problem")).to_be_visible()
    expect(found.run.get_by_label("exposure")).to_be_focused()
    page.unroute("**/decision")

    def stale(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        route.continue_(post_data=json.dumps({**body, "subjectDigest": "sha256:seen-yesterday"}))

    page.route("**/decision", stale)
    approve(found)
    expect(found.run.get_by_role("alert")).to_contain_text("GOV412")
    assert gate_of(lab, "wrong")["status"] == "OPEN"


def test_failed(notebook: Open) -> None:
    found = notebook(LOAD, FAILING)
    found.run_all()
    expect(found.output(1)).to_contain_text("Input X contains NaN.")
    expect(found.run).to_have_count(0)
    found.picture("run-failed", found.output(1))


def test_opened_again_without_a_kernel(notebook: Open, page: Page, lab: Lab) -> None:
    found = notebook(LOAD, gated("reopened"))
    at_gate(found)
    found.command("docmanager:save")
    name = page.evaluate("jupyterapp.shell.currentWidget.context.path")
    found.command("kernelmenu:shutdown")
    page.goto(f"{lab.url}/lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Cell")
    page.evaluate("async () => { await jupyterapp.shell.currentWidget.context.ready }")
    again = Notebook(page)
    expect(again.output(1)).to_contain_text("PAUSED")
    expect(again.output(1).get_by_text("Release? AUC of credit-17 is 0.834")).to_be_visible()
    expect(again.output(1).get_by_text("Loading widget")).not_to_be_visible()
    expect(again.run).to_have_count(0)
    told = again.output(1).inner_text()
    assert told.index("State when saved") < told.index("Release? AUC")
    assert "See now: %gov show" in told
    again.picture("run-reopened-at-gate", again.output(1))


def test_the_ended_run_is_in_the_file(notebook: Open, page: Page, lab: Lab) -> None:
    found = notebook(LOAD, gated("saved"))
    at_gate(found)
    approve(found)
    expect(found.run).to_have_count(0)
    expect(found.output(1)).to_contain_text("SUCCESS")
    found.command("docmanager:save")
    name = page.evaluate("jupyterapp.shell.currentWidget.context.path")
    saved = json.loads((lab.root / name).read_text())
    outputs = saved["cells"][1]["outputs"]
    assert not any("application/vnd.jupyter.widget-view+json" in one.get("data", {}) for one in outputs)
    page.goto(f"{lab.url}/lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Cell")
    again = Notebook(page)
    expect(again.output(1)).to_contain_text("The bias report is complete.")
    again.picture("run-reopened", again.output(1))


class TestNotebook7:
    """The same bundle in Notebook 7."""

    def test_the_main_job(self, page: Page, lab: Lab) -> None:
        name = lab.write("classic.ipynb", LOAD, gated("classic"))
        page.goto(f"{lab.url}/notebooks/{name}")
        page.wait_for_selector(".jp-Cell")
        page.evaluate(READY)
        found = Notebook(page)
        expect(found.editor(1)).to_have_attribute("data-language", "govflow")
        at_gate(found)
        with page.expect_response("**/decision") as answer:
            approve(found)
        assert answer.value.status == 200
        expect(found.output(1)).to_contain_text("The bias report is complete.")


class TestHandshake:
    """Two halves that do not fit say so, and what to do."""

    @staticmethod
    def serve(page: Page, **change: Any) -> None:
        body = {"version": __version__, "apiLevel": 1, "status": "ok", "problem": None, "actor": {}, **change}
        page.route("**/jupyter-gov/api/v1/health*", lambda route: route.fulfill(json=body))

    def test_all_is_well_and_nothing_is_said(self, notebook: Open, page: Page) -> None:
        with page.expect_response("**/jupyter-gov/api/v1/health*") as answer:
            notebook("1")
        assert answer.value.json()["version"] == __version__
        expect(page.get_by_text("jupyter_gov")).to_have_count(0)

    def test_a_newer_server(self, notebook: Open, page: Page) -> None:
        self.serve(page, version="99.0.0")
        notebook("1")
        note = page.get_by_text(f"This page runs jupyter_gov {__version__}, but the server runs 99.0.0.")
        expect(note).to_be_visible()
        expect(page.get_by_role("button", name="Reload the page")).to_be_visible()

    def test_no_server_extension(self, notebook: Open, page: Page) -> None:
        page.route("**/jupyter-gov/api/v1/health*", lambda route: route.fulfill(status=404, body="<html></html>"))
        notebook("1")
        expect(page.get_by_text("jupyter server extension enable jupyter_gov")).to_be_visible()

    def test_a_broken_database(self, notebook: Open, page: Page) -> None:
        problem = {"code": "GOV702", "message": "the database is damaged.", "hint": "Restore the backup."}
        self.serve(page, status="broken", problem=problem)
        notebook("1")
        expect(page.get_by_text("GOV702 the database is damaged. Restore the backup.")).to_be_visible()
