"""The widget alone, on a page without JupyterLab's style: what it shows, what it sends, and by which way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.ui import snapshots
from tests.ui.conftest import PACKAGE, over_the_edge

HERE = Path(__file__).parent
STATIC = PACKAGE / "kernel" / "static"
ORIGIN = "http://widget.test"


class Widget:
    """One view and the far ends of its two lines: the server and the kernel."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[Route] = []

    def show(self, snapshot: Any) -> None:
        self.page.evaluate("value => model.set('snapshot', value)", snapshot)

    @property
    def run(self) -> Locator:
        return self.page.get_by_test_id("jp-gov-run")

    @property
    def gate(self) -> Locator:
        return self.page.get_by_test_id("jp-gov-gate")

    def button(self, name: str) -> Locator:
        return self.run.get_by_role("button", name=name, exact=True)

    def sent(self) -> list[dict[str, Any]]:
        """What reached the kernel."""
        found: list[dict[str, Any]] = self.page.evaluate("sent")
        return found

    def request(self) -> dict[str, Any]:
        """The first request that reaches the kernel."""
        self.page.wait_for_function("sent.length > 0")
        return self.sent()[0]

    def reply(self, error: Any = None) -> None:
        """Answer the last request as the kernel does."""
        request = self.request()["requestId"]
        answer = {"kind": "reply", "requestId": request, "ok": error is None, "error": error}
        self.page.evaluate("value => model.reply(value)", answer)

    def serve(self, status: int, body: Any) -> None:
        """Answer decisions as a server does."""
        self.signed_in()
        self.page.route("**/decision", lambda route: route.fulfill(status=status, json=body))

    def signed_in(self, identifier: str = "ann", name: str = "Ann Bold (ann)", assurance: str = "browser") -> None:
        """Let the server say who is there."""
        actor = {"id": identifier, "name": name, "groups": [], "assurance": assurance}
        health = {"version": "1", "apiLevel": 1, "status": "ok", "problem": None, "actor": actor}
        self.page.unroute("**/health")
        self.page.route("**/health", lambda route: route.fulfill(json=health))

    @property
    def identity(self) -> Locator:
        return self.page.get_by_test_id("jp-gov-identity")

    def kill(self, reason: str = "") -> None:
        """Press the button and its second."""
        self.button("Kill…").click()
        self.run.get_by_label("Reason to kill it").fill(reason)
        self.button("Kill the run").click()

    def without_server(self) -> None:
        self.page.route("**/jupyter-gov/**", lambda route: route.abort())

    def fill(self) -> None:
        self.gate.get_by_label("Decided on the basis of").select_option("full review")
        self.gate.get_by_role("radio", name="Yes").check()


@pytest.fixture
def widget(chromium: Browser) -> Iterator[Widget]:
    context = chromium.new_context(
        viewport={"width": 1000, "height": 900}, locale="en-GB", timezone_id="UTC", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))

    def deliver(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/").partition("?")[0]
        files = {"": HERE / "bare.html", "widget.js": STATIC / "widget.js", "widget.css": STATIC / "widget.css"}
        if name in files:
            route.fulfill(path=files[name])
        else:
            route.fulfill(status=404, body="nothing here")

    page.route(f"{ORIGIN}/**", deliver)
    page.clock.set_fixed_time(snapshots.START + timedelta(seconds=60))
    page.goto(f"{ORIGIN}/")
    page.wait_for_function("window.ready")
    yield Widget(page)
    context.close()
    assert troubles == []


LOOKS = {
    "running": snapshots.running,
    "gate": snapshots.at_gate,
    "approved": snapshots.approved,
    "failed": snapshots.failed,
    "many": snapshots.many,
    "form": snapshots.all_controls,
    "hostile": snapshots.hostile,
    "long": snapshots.long_names,
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_reach_it(widget: Widget, look: str, scheme: Any, axe: Path) -> None:
    widget.page.emulate_media(color_scheme=scheme)
    widget.page.add_style_tag(content=":root { color-scheme: light dark; }")
    widget.show(LOOKS[look]())
    widget.run.wait_for()
    if widget.button("Kill…").count():
        widget.button("Kill…").click()
    widget.run.locator("details").evaluate_all("all => all.forEach(one => (one.open = true))")
    widget.page.add_script_tag(path=axe)
    # axe joins the two texts of a node of the graph without a space between; a label that is cut is read whole.
    rules = {"label-content-name-mismatch": {"enabled": False}}
    found = widget.page.evaluate(
        "rules => axe.run('#view', {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules})",
        rules,
    )
    told = [(one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]]
    assert told == [], "\n".join(map(str, told))


def test_running(widget: Widget) -> None:
    widget.show(snapshots.running())
    expect(widget.run.get_by_role("heading", name="credit_release")).to_be_visible()
    expect(widget.run.locator(".jp-gov-header [data-state=RUNNING]")).to_have_text("RUNNING")
    expect(widget.run.get_by_text("4 of 8 tasks done")).to_be_visible()
    expect(widget.run.locator('[data-node="report"]')).to_have_attribute("data-state", "RUNNING")
    expect(widget.run.locator('[data-node="publish"]')).to_have_attribute("data-state", "NONE")
    expect(widget.run.get_by_role("progressbar", name="Progress of report")).to_have_attribute("value", "7")


def test_at_the_gate(widget: Widget) -> None:
    widget.show(snapshots.at_gate())
    expect(widget.gate.get_by_role("heading").first).to_have_text("Release credit model v17?")
    expect(widget.gate.get_by_role("group", name="bias_report.csv")).to_contain_text("under_30,1204,0.61")
    expect(widget.gate.get_by_label("Largest exposure (EUR)")).to_have_value("25000")
    expect(widget.run.get_by_role("status")).to_contain_text("Waiting for a decision")
    widget.gate.get_by_text("What exactly is approved").click()
    widget.gate.locator('[data-upstream="train"] summary').click()
    expect(widget.gate.locator('[data-upstream="train"]')).to_contain_text("0.834")
    expect(widget.gate.get_by_role("log", name="Log of train")).to_contain_text("epoch 3 auc 0.834")
    expect(widget.gate).to_contain_text(snapshots.gate()["subjectDigest"])
    expect(widget.gate).to_contain_text("s3://models/credit/2026-10.parquet")


def test_approved(widget: Widget) -> None:
    widget.show(snapshots.approved())
    for text in ("APPROVED", "ben", "Reviewed with the model risk team", "14"):
        expect(widget.gate).to_contain_text(text)
    expect(widget.gate.get_by_role("button")).to_have_count(0)


def test_failed(widget: Widget) -> None:
    widget.show(snapshots.failed())
    expect(widget.run.get_by_role("group", name="Details of the failure")).to_contain_text("Input X contains NaN")
    expect(widget.button("Restart")).to_be_enabled()


def test_who_may_not_decide_reads_why(widget: Widget) -> None:
    widget.show(snapshots.at_gate(canDecide=False, whyNot="this gate is assigned to group risk"))
    expect(widget.gate).to_contain_text("You cannot decide this: this gate is assigned to group risk")
    expect(widget.gate.get_by_role("button")).to_have_count(0)


def test_many_tasks_keep_their_place(widget: Widget) -> None:
    widget.show(snapshots.many())
    expect(widget.run.locator("tr[data-task]")).to_have_count(201)
    expect(widget.run).to_contain_text("1 failed")
    box = widget.run.bounding_box()
    assert box
    assert box["height"] < 800


def test_every_field_has_one_label(widget: Widget) -> None:
    widget.show(snapshots.all_controls())
    widget.gate.wait_for()
    controls = widget.gate.locator("input, select, textarea")
    assert controls.count() > 18
    assert controls.evaluate_all("all => all.every(one => one.labels.length === 1)")


def test_markup_stays_text(widget: Widget) -> None:
    widget.show(snapshots.hostile())
    expect(widget.run.locator(".jp-gov-message").first).to_contain_text("<script>")
    assert widget.page.evaluate("window.hacked") is None
    assert widget.run.locator("img, script, iframe").count() == 0


def test_nothing_yet(widget: Widget) -> None:
    expect(widget.page.get_by_text("Waiting for the kernel to report…")).to_be_visible()
    widget.page.evaluate("model.set('error', {code: 'GOV701', message: 'the store is closed', hint: null})")
    expect(widget.page.get_by_role("alert")).to_contain_text("the store is closed")


def test_it_follows_the_kernel_and_leaves_nothing_behind(widget: Widget) -> None:
    widget.show(snapshots.running())
    expect(widget.run.locator(".jp-gov-header [data-state=RUNNING]")).to_be_visible()
    widget.show(snapshots.failed())
    expect(widget.run.locator(".jp-gov-header [data-state=FAILED]")).to_be_visible()
    expect(widget.run.get_by_role("status")).to_contain_text("FAILED")
    widget.page.evaluate("end()")
    expect(widget.page.locator("#view > *")).to_have_count(0)
    assert widget.page.evaluate("model.count()") == 0


def test_what_was_typed_survives_news_from_the_kernel(widget: Widget) -> None:
    widget.show(snapshots.at_gate())
    widget.gate.get_by_label("Remarks").fill("half a sent")
    widget.show({**snapshots.at_gate(), "updatedAt": snapshots.at(61)})
    expect(widget.gate.get_by_label("Remarks")).to_have_value("half a sent")


def test_what_is_missing_is_said_beside_its_field(widget: Widget) -> None:
    widget.show(snapshots.at_gate())
    widget.button("Approve").click()
    wrong = widget.gate.get_by_label("Decided on the basis of")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(widget.gate.locator('[data-field="decision_basis"]')).to_contain_text("A value is required.")
    widget.button("Reject").click()
    expect(widget.gate.get_by_label("Reason")).to_be_focused()
    assert widget.sent() == []


def test_a_decision_carries_the_proof_of_the_page(widget: Widget) -> None:
    widget.page.context.add_cookies([{"name": "_xsrf", "value": "2|secret", "url": ORIGIN}])
    answer = {**snapshots.gate(), "status": "APPROVED", "statusBy": "ann", "statusAt": snapshots.at(99)}

    widget.signed_in()
    widget.page.route("**/decision", lambda route: route.fulfill(status=200, json=answer))
    widget.show(snapshots.at_gate())
    widget.fill()
    widget.gate.get_by_label("Reason").fill("looks right")
    with widget.page.expect_request("**/decision") as sent:
        widget.button("Approve").click()
    expect(widget.gate).to_contain_text("ann")
    request = sent.value
    gate = snapshots.gate()
    assert request.url == f"{ORIGIN}/base/jupyter-gov/api/v1/approvals/{gate['id']}/decision"
    assert request.headers["x-xsrftoken"] == "2|secret"
    assert json.loads(request.post_data) == {
        "verdict": "approve",
        "reason": "looks right",
        "subjectDigest": gate["subjectDigest"],
        "inputs": {"decision_basis": "full review", "max_exposure": 25000, "monitor": True},
    }
    assert widget.sent() == []


def test_without_a_server_the_kernel_decides(widget: Widget) -> None:
    widget.without_server()
    widget.show(snapshots.at_gate())
    widget.fill()
    widget.button("Approve").click()
    expect(widget.run.get_by_role("button", name="Approving…")).to_be_disabled()
    request = widget.request()
    assert (request["action"], request["verdict"]) == ("decide", "approve")
    assert request["subjectDigest"] == snapshots.gate()["subjectDigest"]
    assert request["inputs"]["decision_basis"] == "full review"
    widget.reply()
    expect(widget.button("Approve")).to_be_enabled()
    # Nothing is shown as approved before the kernel says so.
    expect(widget.gate.locator("[data-state=OPEN]")).to_be_visible()


@pytest.mark.parametrize("status", [403, 409, 412, 422, 503])
def test_a_refusal_of_the_server_is_final(widget: Widget, status: int) -> None:
    problems = [{"field": "max_exposure", "message": "too much"}] if status == 422 else None
    body = {"code": f"GOV{status}", "message": f"refused: {status}", "hint": "ask Ann", "problems": problems}
    widget.serve(status, body)
    widget.show(snapshots.at_gate())
    widget.fill()
    widget.button("Approve").click()
    expect(widget.gate.get_by_role("alert")).to_contain_text(f"refused: {status}")
    expect(widget.gate.get_by_role("alert")).to_contain_text("ask Ann")
    if status == 422:
        expect(widget.gate.locator('[data-field="max_exposure"]')).to_contain_text("too much")
        expect(widget.gate.get_by_label("Largest exposure (EUR)")).to_be_focused()
    # The kernel asks nobody to sign in: it must not be a way around.
    assert widget.sent() == []
    expect(widget.button("Approve")).to_be_enabled()


def test_buttons_are_off_while_an_answer_is_on_its_way(widget: Widget) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    widget.signed_in()
    widget.page.route("**/decision", hold)
    widget.show(snapshots.at_gate())
    widget.fill()
    widget.button("Approve").click()
    expect(widget.button("Approving…")).to_be_disabled()
    expect(widget.button("Reject")).to_be_disabled()
    expect(widget.run.get_by_label("Largest exposure (EUR)")).to_be_disabled()
    expect(widget.gate.locator("[data-state=OPEN]")).to_be_visible()
    held[0].fulfill(status=200, json={**snapshots.gate(), "status": "APPROVED", "statusBy": "ann"})
    expect(widget.gate).to_contain_text("APPROVED")


def test_asking_for_changes_leaves_the_gate_open(widget: Widget) -> None:
    vote = {"actorId": "ann", "actorName": "Ann", "assurance": "browser", "verdict": "ask_for_changes"}
    answer = {**snapshots.gate(), "votes": [{**vote, "at": snapshots.at(50), "reason": "Add the hold-out size."}]}
    widget.serve(200, answer)
    widget.show(snapshots.at_gate())
    widget.gate.get_by_label("Reason").fill("Add the hold-out size.")
    widget.button("Ask for changes").click()
    expect(widget.gate.get_by_role("list", name="Answers so far")).to_contain_text("Ann: Ask for changes")
    expect(widget.gate.get_by_label("Reason")).to_have_value("")
    expect(widget.gate.locator("[data-state=OPEN]")).to_be_visible()


def test_one_reads_as_whom_one_answers(widget: Widget) -> None:
    widget.signed_in()
    widget.show(snapshots.at_gate())
    expect(widget.identity).to_have_text("You answer as Ann Bold (ann).")
    expect(widget.button("Approve")).to_have_accessible_description("You answer as Ann Bold (ann).")


def test_a_server_that_knows_nobody_by_name_says_so(widget: Widget) -> None:
    widget.signed_in("anonymous@lab", "anonymous user of this Jupyter server", "anonymous")
    widget.show(snapshots.at_gate())
    expect(widget.identity).to_have_text("You answer as anonymous@lab: this server cannot tell its users apart.")


def test_without_a_server_one_answers_as_the_account_of_the_kernel(widget: Widget) -> None:
    widget.without_server()
    widget.show(snapshots.at_gate())
    expect(widget.identity).to_have_text("You answer as ann, the account that runs this kernel.")


def test_where_nobody_can_say_who_one_is_nothing_is_sent(widget: Widget) -> None:
    refusal = {"code": "GOV483", "message": "sign in again", "hint": None}
    widget.page.route("**/health", lambda route: route.fulfill(status=403, json=refusal))
    widget.show(snapshots.at_gate())
    expect(widget.run.get_by_role("alert")).to_contain_text("sign in again")
    expect(widget.button("Approve")).to_be_disabled()


@pytest.mark.parametrize("after", ["another user", "no server"])
def test_nothing_goes_on_record_under_a_name_that_was_not_shown(widget: Widget, after: str) -> None:
    asked: list[Any] = []
    widget.serve(200, {**snapshots.gate(), "status": "APPROVED", "statusBy": "?"})
    widget.page.on("request", lambda request: asked.append(request.url) if "/decision" in request.url else None)
    widget.show(snapshots.at_gate())
    expect(widget.identity).to_contain_text("Ann Bold")
    widget.fill()
    if after == "no server":
        widget.without_server()
    else:
        widget.signed_in("ben", "Ben (ben)")
    widget.button("Approve").click()
    expect(widget.gate.get_by_role("alert")).to_contain_text("Nothing was sent")
    expect(widget.identity).to_contain_text("You answer as Ben (ben)." if after == "another user" else "as ann, the")
    assert (asked, widget.sent()) == ([], [])
    widget.button("Approve").click()
    if after == "no server":
        assert widget.request()["action"] == "decide"
    else:
        expect(widget.gate).to_contain_text("APPROVED")


def test_what_one_may_is_what_the_server_says_of_this_person(widget: Widget) -> None:
    widget.signed_in()
    gate = {**snapshots.gate(), "canDecide": False, "whyNot": "it is for group risk"}
    body = {"id": "x", "state": "PAUSED", "taskRuns": [], "approvals": [gate], "updatedAt": snapshots.at(1)}
    widget.page.route("**/executions/*", lambda route: route.fulfill(json=body))
    widget.show(snapshots.at_gate())
    expect(widget.gate).to_contain_text("You cannot decide this: it is for group risk You act as Ann Bold (ann).")
    expect(widget.gate.get_by_role("button")).to_have_count(0)


def test_a_kill_takes_two_steps_and_gives_the_reason(widget: Widget) -> None:
    widget.signed_in()
    asked: list[Any] = []
    now: dict[str, Any] = {
        "id": snapshots.running()["execution"]["id"],
        "state": "KILLING",
        "ended": None,
        "failure": None,
    }
    now |= {"taskRuns": [], "approvals": [], "updatedAt": snapshots.at(70)}

    def serve(route: Route) -> None:
        asked.append(route.request)
        route.fulfill(json=now)

    widget.page.route("**/executions/*/kill", serve)
    widget.show(snapshots.running())
    widget.button("Kill…").click()
    confirm = widget.page.get_by_test_id("jp-gov-confirm")
    expect(confirm).to_contain_text("It goes on record as done by Ann Bold (ann).")
    assert asked == []
    widget.button("Keep it").click()
    expect(confirm).to_have_count(0)
    widget.kill("wrong data")
    expect(widget.run.locator(".jp-gov-header [data-state=KILLING]")).to_be_visible()
    assert [json.loads(one.post_data) for one in asked] == [{"reason": "wrong data"}]
    assert widget.sent() == []


def test_a_kill_by_keyboard(widget: Widget) -> None:
    widget.without_server()
    widget.show(snapshots.running())
    page = widget.page
    widget.button("Kill…").focus()
    page.keyboard.press("Enter")
    expect(widget.run.get_by_label("Reason to kill it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(widget.button("Kill…")).to_be_focused()
    expect(page.get_by_test_id("jp-gov-confirm")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(widget.run.get_by_label("Reason to kill it")).to_be_focused()
    page.keyboard.type("stale")
    # Enter in a field must not kill.
    page.keyboard.press("Enter")
    assert widget.sent() == []
    page.keyboard.press("Tab")
    expect(widget.button("Kill the run")).to_be_focused()
    page.keyboard.press("Enter")
    assert {"action": "kill", "reason": "stale"}.items() <= widget.request().items()


def test_without_a_server_kill_asks_the_kernel_and_shows_its_refusal(widget: Widget) -> None:
    widget.show(snapshots.running())
    widget.kill()
    expect(widget.button("Killing…")).to_be_disabled()
    widget.reply({"code": "GOV403", "message": "not yours to kill", "hint": "Ask the owner."})
    expect(widget.run.get_by_role("alert")).to_contain_text("not yours to kill")
    expect(widget.button("Kill the run")).to_be_enabled()


@pytest.mark.parametrize("width", [560, 600, 1000])
@pytest.mark.parametrize("look", ["gate", "long"])
def test_names_stay_in_their_boxes_and_a_cut_graph_shows_that_it_goes_on(widget: Widget, look: str, width: int) -> None:
    widget.page.set_viewport_size({"width": width, "height": 900})
    widget.show(LOOKS[look]())
    widget.run.wait_for()
    assert over_the_edge(widget.run) == []
    canvas = widget.run.locator(".jp-gov-canvas")
    hidden = canvas.evaluate("box => box.scrollWidth - box.clientWidth - box.scrollLeft > 2")
    more = widget.run.get_by_role("button", name="Show what is right of this")
    expect(more).to_have_count(1 if hidden else 0)
    for _ in range(9):
        if not more.count():
            break
        more.click()
        # The scroll event comes with the next frame, what it changes with the one after.
        canvas.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    last = widget.run.locator(".jp-gov-node").last.bounding_box()
    box = canvas.bounding_box()
    assert last
    assert box
    assert last["x"] + last["width"] <= box["x"] + box["width"] + 1
    expect(widget.run.locator(".jp-gov-node title").last).to_contain_text("publish")


@pytest.mark.parametrize("width", [560, 1000])
def test_long_names_leave_time_and_kill_at_the_right(widget: Widget, width: int) -> None:
    widget.page.set_viewport_size({"width": width, "height": 900})
    widget.show(snapshots.long_names())
    run, kill = widget.run.bounding_box(), widget.button("Kill…").bounding_box()
    assert run
    assert kill
    assert run["x"] + run["width"] - kill["x"] - kill["width"] < 20
    assert kill["y"] - run["y"] < 20
    # Its title is its id: said once.
    assert "gate human-approval-gate" not in widget.gate.inner_text()


def test_by_keyboard_alone(widget: Widget) -> None:
    widget.without_server()
    widget.show(snapshots.at_gate())
    page, gate = widget.page, widget.gate
    gate.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(gate.get_by_text("Subject digest")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(gate.get_by_label("Decided on the basis of")).to_be_focused()
    page.keyboard.type("full")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("1000")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("seen")
    # Enter in a field must not decide.
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert widget.sent() == []
    expect(widget.button("Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(widget.button("Approving…")).to_be_visible()
    values = {"decision_basis": "full review", "max_exposure": 1000, "monitor": True, "remarks": "seen"}
    assert widget.request()["inputs"] == values
    widget.button("Show as table").focus()
    page.keyboard.press("Shift+Tab")
    expect(widget.run.locator('[data-node="check_data"]')).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(widget.run.locator('[data-node="quality"]')).to_be_focused()
    page.keyboard.press("End")
    expect(widget.run.locator('[data-node="publish"]')).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    row = widget.run.locator('tr[data-task="check_data"]').get_by_role("button")
    expect(row).to_be_focused()
    expect(row).to_have_attribute("aria-expanded", "true")


def test_the_graph_as_a_table(widget: Widget) -> None:
    widget.show(snapshots.at_gate())
    widget.button("Show as table").click()
    table = widget.run.get_by_role("group", name="Graph as a table")
    expect(table.get_by_role("row", name="approve_release PAUSED")).to_contain_text("evaluate, report")
    expect(table.get_by_role("row", name="refuse not reached")).to_contain_text("quality (then)")


def test_when_the_kernel_is_silent_the_server_is_asked(widget: Widget) -> None:
    done = {
        "id": snapshots.running()["execution"]["id"],
        "state": "SUCCESS",
        "ended": snapshots.at(90),
        "failure": None,
        "taskRuns": [],
        "approvals": [],
        "updatedAt": snapshots.at(95),
    }
    widget.page.route("**/executions/*", lambda route: route.fulfill(status=200, json=done))
    widget.show(snapshots.running())
    expect(widget.run.locator(".jp-gov-header [data-state=SUCCESS]")).to_be_visible(timeout=10_000)
