"""The widget over snapshots written by hand, in JupyterLab."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui import snapshots
from tests.ui.conftest import Notebook

Open = Callable[..., Notebook]


def harness(snapshot: Any, handler: str = "print") -> str:
    """Return a cell that shows a snapshot and answers requests with ``handler``."""
    return (
        "import json\n"
        "from jupyter_gov.errors import AccessError\n"
        "from jupyter_gov.kernel.widgets import ExecutionWidget\n"
        "seen = []\n"
        f"widget = ExecutionWidget(json.loads({json.dumps(json.dumps(snapshot))}), on_request={handler})\n"
        "widget"
    )


def shown(notebook: Open, snapshot: Any, handler: str = "seen.append") -> Notebook:
    found = notebook(harness(snapshot, handler), "print(json.dumps(seen))")
    # Durations in pictures must not grow from day to day.
    found.page.clock.set_fixed_time(snapshots.START + timedelta(seconds=60))
    found.run_all()
    found.run.wait_for()
    return found


def without_server(page: Page) -> None:
    """Let the page find no server of ours, as in an editor without one."""
    page.route("**/jupyter-gov/api/**", lambda route: route.abort())


def test_running(notebook: Open) -> None:
    found = shown(notebook, snapshots.running())
    expect(found.run.get_by_role("heading", name="credit_release")).to_be_visible()
    expect(found.run.locator(".jp-gov-header [data-state=RUNNING]")).to_have_text("Running")
    expect(found.run.get_by_text("4 of 8 tasks done")).to_be_visible()
    expect(found.run.locator('[data-node="report"]')).to_have_attribute("data-state", "RUNNING")
    expect(found.run.locator('[data-node="publish"]')).to_have_attribute("data-state", "NONE")
    expect(found.run.get_by_role("progressbar", name="Progress of report")).to_have_attribute("value", "7")
    found.picture("running", found.run)


def test_at_the_gate(notebook: Open) -> None:
    found = shown(notebook, snapshots.at_gate())
    card = found.run.get_by_test_id("jp-gov-gate")
    expect(card.get_by_role("heading")).to_have_text("Release credit model v17?")
    expect(card.get_by_role("region", name="bias_report.csv")).to_contain_text("under_30,1204,0.61")
    expect(card.get_by_label("Largest exposure (EUR)")).to_have_value("25000")
    expect(found.run.get_by_role("status")).to_contain_text("Waiting for a decision")
    found.picture("gate", found.run)


def test_approved(notebook: Open) -> None:
    found = shown(notebook, snapshots.approved())
    card = found.run.get_by_test_id("jp-gov-gate")
    for text in ("Approved", "ben", "Reviewed with the model risk team", "14"):
        expect(card).to_contain_text(text)
    expect(card.get_by_role("button")).to_have_count(0)
    found.picture("approved", found.run)


def test_failed(notebook: Open) -> None:
    found = shown(notebook, snapshots.failed())
    expect(found.run.get_by_role("region", name="Details of the failure")).to_contain_text("Input X contains NaN")
    expect(found.run.get_by_role("button", name="Restart")).to_be_enabled()
    found.picture("failed", found.run)


def test_many_tasks(notebook: Open) -> None:
    found = shown(notebook, snapshots.many())
    expect(found.run.locator("tr[data-task]")).to_have_count(201)
    box = found.run.bounding_box()
    assert box
    assert box["height"] < 800
    found.picture("many", found.run)


def test_every_control(notebook: Open) -> None:
    found = shown(notebook, snapshots.all_controls())
    card = found.run.get_by_test_id("jp-gov-gate")
    for control in card.locator("input, select, textarea").all():
        name = control.evaluate("e => e.labels.length")
        assert name == 1
    found.picture("form", card)


def test_markup_stays_text(notebook: Open, page: Page) -> None:
    found = shown(notebook, snapshots.hostile())
    expect(found.run.get_by_role("alert").or_(found.run.locator(".jp-gov-message")).first).to_contain_text("<script>")
    assert page.evaluate("window.hacked") is None
    assert found.run.locator("img, script, iframe").count() == 0


def test_nothing_yet(notebook: Open, page: Page) -> None:
    found = notebook(harness({}))
    found.run_all()
    expect(page.get_by_text("Waiting for the kernel to report…")).to_be_visible()


def test_it_follows_the_kernel(notebook: Open) -> None:
    later = json.dumps(json.dumps(snapshots.failed()))
    found = notebook(harness(snapshots.running()), f"widget.snapshot = json.loads({later})")
    found.run_all()
    expect(found.run.locator(".jp-gov-header [data-state=FAILED]")).to_be_visible()
    expect(found.run.get_by_role("status")).to_contain_text("Failed")


def asked(found: Notebook) -> None:
    """Let the second cell print what reached the kernel."""
    found.editor(1).click()
    found.command("notebook:run-cell")


def fill(found: Notebook) -> None:
    card = found.run.get_by_test_id("jp-gov-gate")
    card.get_by_label("Decided on the basis of").select_option("full review")
    card.get_by_role("radio", name="Yes").check()


def test_what_is_missing_is_said_beside_its_field(notebook: Open, page: Page) -> None:
    without_server(page)
    found = shown(notebook, snapshots.at_gate())
    card = found.run.get_by_test_id("jp-gov-gate")
    card.get_by_role("button", name="Approve").click()
    wrong = card.get_by_label("Decided on the basis of")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(card.locator('[data-field="decision_basis"]')).to_contain_text("A value is required.")
    card.get_by_role("button", name="Reject").click()
    expect(card.get_by_label("Reason")).to_be_focused()


def test_without_a_server_the_kernel_decides(notebook: Open, page: Page) -> None:
    without_server(page)
    found = shown(notebook, snapshots.at_gate())
    fill(found)
    found.run.get_by_role("button", name="Approve", exact=True).click()
    expect(found.run.get_by_role("button", name="Approve", exact=True)).to_be_enabled()
    # Nothing is shown as approved before the kernel says so.
    expect(found.run.get_by_test_id("jp-gov-gate")).to_contain_text("Waiting for a decision")
    asked(found)
    expect(found.output(1)).to_contain_text('"action": "decide"')
    expect(found.output(1)).to_contain_text('"decision_basis": "full review"')
    expect(found.output(1)).to_contain_text(snapshots.gate()["subjectDigest"])


@pytest.mark.parametrize("status", [403, 409, 412, 422])
def test_a_refusal_of_the_server_is_final(notebook: Open, page: Page, status: int) -> None:
    body = {
        "code": f"GOV{status}",
        "message": f"refused with {status}",
        "hint": "ask Ann",
        "problems": [{"field": "max_exposure", "message": "too much"}] if status == 422 else None,
    }
    page.route("**/decision", lambda route: route.fulfill(status=status, json=body))
    found = shown(notebook, snapshots.at_gate())
    fill(found)
    found.run.get_by_role("button", name="Approve", exact=True).click()
    card = found.run.get_by_test_id("jp-gov-gate")
    expect(card.get_by_role("alert")).to_contain_text(f"refused with {status}")
    expect(card.get_by_role("alert")).to_contain_text("ask Ann")
    if status == 422:
        expect(card.locator('[data-field="max_exposure"]')).to_contain_text("too much")
        found.picture("refused", card)
    asked(found)
    expect(found.output(1)).to_contain_text("[]")


def test_buttons_are_off_while_an_answer_is_on_its_way(notebook: Open, page: Page) -> None:
    held: list[Any] = []
    page.route("**/decision", lambda route: held.append(route))
    found = shown(notebook, snapshots.at_gate())
    fill(found)
    found.run.get_by_role("button", name="Approve", exact=True).click()
    expect(found.run.get_by_role("button", name="Approving…")).to_be_disabled()
    expect(found.run.get_by_role("button", name="Reject")).to_be_disabled()
    expect(found.run.get_by_label("Largest exposure (EUR)")).to_be_disabled()
    gate = snapshots.gate()
    answer = {**gate, "status": "APPROVED", "statusBy": "ann", "statusAt": snapshots.at(99), "votes": []}
    held[0].fulfill(status=200, json=answer)
    expect(found.run.get_by_test_id("jp-gov-gate")).to_contain_text("Approved")
    expect(found.run.get_by_test_id("jp-gov-gate")).to_contain_text("ann")


def test_kill_asks_the_kernel_and_shows_its_refusal(notebook: Open, page: Page) -> None:
    cell = "def refuse(request):\n    raise AccessError('not yours to kill', code='GOV403', hint='Ask the owner.')\n"
    found = notebook("from jupyter_gov.errors import AccessError\n" + cell, harness(snapshots.running(), "refuse"))
    found.run_all()
    found.run.wait_for()
    found.run.get_by_role("button", name="Kill").click()
    expect(found.run.get_by_role("alert")).to_contain_text("not yours to kill")


def test_by_keyboard_alone(notebook: Open, page: Page) -> None:
    without_server(page)
    found = shown(notebook, snapshots.at_gate())
    card = found.run.get_by_test_id("jp-gov-gate")
    card.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(card.get_by_text("Subject digest")).to_be_visible()
    page.keyboard.press("Tab")
    expect(card.get_by_label("Decided on the basis of")).to_be_focused()
    page.keyboard.type("full")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("1000")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("seen dd x")
    # Keys typed into a field are text, not commands of the notebook ("d d" deletes a cell, "x" cuts it).
    expect(card.get_by_label("Remarks")).to_have_value("seen dd x")
    expect(page.locator(".jp-CodeCell")).to_have_count(2)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(card.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card.get_by_role("button", name="Approve")).to_be_enabled()
    node = found.run.locator('[data-node="check_data"]')
    node.focus()
    page.keyboard.press("ArrowRight")
    expect(found.run.locator('[data-node="quality"]')).to_be_focused()
    page.keyboard.press("End")
    expect(found.run.locator('[data-node="publish"]')).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    row = found.run.locator('tr[data-task="check_data"]').get_by_role("button")
    expect(row).to_be_focused()
    expect(row).to_have_attribute("aria-expanded", "true")


def test_the_graph_as_a_table(notebook: Open) -> None:
    found = shown(notebook, snapshots.at_gate())
    found.run.get_by_role("button", name="Show as table").click()
    table = found.run.get_by_role("region", name="Graph as a table")
    expect(table.get_by_role("row", name="approve_release Waiting")).to_contain_text("evaluate, report")
    expect(table.get_by_role("row", name="refuse Not started")).to_contain_text("quality (then)")
