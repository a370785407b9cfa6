"""What is shown of a run: complete, escaped, bounded, without secrets and paths of this machine."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jupyter_gov.domain.execution import Label
from jupyter_gov.domain.states import State
from jupyter_gov.kernel.display import html, text
from jupyter_gov.kernel.display.frames import ShownFrame
from jupyter_gov.kernel.display.scrub import scrubber
from jupyter_gov.kernel.display.snapshot import build
from jupyter_gov.kernel.display.table import Table
from jupyter_gov.kernel.snapshot_types import MessageSnapshot, Snapshot
from tests.kernel import stories

VOID = {"br", "hr", "img", "input"}


class Balanced(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def parsed(markup: str) -> Balanced:
    parser = Balanced()
    parser.feed(markup)
    parser.close()
    assert not parser.open
    return parser


SNAPSHOTS = {
    "done": lambda: build(
        stories.material(stories.done(), logs={"EXEC-0": stories.lines(3)}, log_totals={"EXEC-0": 3})
    ),
    "failed": lambda: build(stories.material(stories.failed())),
    "gate": lambda: build(
        stories.material(
            stories.execution(State.PAUSED),
            approvals=[stories.gate()],
            artefacts={"kestra:///x/draft.txt": "Dear leadership"},
        )
    ),
    "decided": lambda: build(stories.material(stories.done(), approvals=[stories.approved()])),
    "running": lambda: build(
        stories.material(
            stories.execution(State.RUNNING, stories.run(0, "check", State.CREATED, State.RUNNING)),
            progress={"EXEC-0": (2, 7, "cell 2")},
        )
    ),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_html_is_well_formed_and_static(name: str) -> None:
    found = parsed(html.run_html(SNAPSHOTS[name]()))
    assert not found.seen & {"script", "style", "iframe", "object", "link", "button", "form"}
    assert not {attribute for attribute in found.attributes if attribute == "id" or attribute.startswith("on")}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_text_fits_100_columns(name: str) -> None:
    shown = text.run_text(SNAPSHOTS[name]())
    assert max(map(len, shown.splitlines())) <= 100


def test_a_gate_shows_what_is_approved_and_how_to_answer() -> None:
    snapshot = SNAPSHOTS["gate"]()
    for shown in (html.run_html(snapshot), text.run_text(snapshot)):
        for fact in ("Release the model?", "Dear leadership", "group risk", "approve mnopqrst-3-g1", "comment"):
            assert fact in shown
    assert "sha256:" + "cd" * 32 in html.run_html(snapshot)


def test_a_decided_gate_says_who_when_and_why() -> None:
    snapshot = SNAPSHOTS["decided"]()
    for shown in (html.run_html(snapshot), text.run_text(snapshot)):
        assert "bob" in shown
        assert "looks right" in shown
        assert "APPROVED" in shown
        assert "approve mnopqrst" not in shown


def test_a_failure_says_why_and_keeps_its_details() -> None:
    snapshot = SNAPSHOTS["failed"]()
    shown = html.run_html(snapshot)
    assert "the data is bad" in shown
    assert "line 2" in shown
    assert "clean the data" in shown
    assert "GOV800 the data is bad" in text.run_text(snapshot)


def test_hostile_texts_are_escaped_everywhere() -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    made = stories.failed(hostile)
    made = replace(made, inputs={hostile: hostile}, flow_id=hostile, starter=hostile)
    made = made.put(replace(made.task_runs["EXEC-0"], task_id=hostile, outputs={"o": hostile}, value=hostile))
    gate = stories.gate(title=hostile, description=hostile, reason=hostile, task_id=hostile)
    snapshot = build(
        stories.material(
            made,
            approvals=[gate],
            artefacts={"kestra:///x/draft.txt": hostile},
            logs={"EXEC-0": stories.lines(2, message=hostile)},
            messages=[{"level": "warning", "text": hostile, "hint": hostile}],
        )
    )
    for shown in (html.run_html(snapshot), html.line_html(snapshot, details=True)):
        found = parsed(shown)
        assert not found.seen & {"script", "img"}


def test_secret_inputs_are_masked_also_in_the_subject() -> None:
    snapshot = SNAPSHOTS["gate"]()
    assert "hunter2" not in str(snapshot)
    assert "hunter2" not in html.run_html(snapshot)


def test_paths_of_this_machine_are_shortened() -> None:
    folder = str(Path(tempfile.gettempdir()) / "attempt-1" / "script.py")
    made = replace(
        stories.failed(f"see {folder} and {Path.home()}/x.csv and {sys.prefix}/lib/y.py"), workdir="/srv/team/work"
    )
    made = replace(made, inputs={"data": "/srv/team/work/users.parquet", "other": "/srv/team/workshop/x"})
    shown = html.run_html(build(stories.material(made)))
    assert "&lt;tmp&gt;/attempt-1/script.py" in shown
    assert "/srv/team/work/" not in shown
    assert "/srv/team/workshop/x" in shown
    assert str(Path.home()) + "/x.csv" not in shown


def test_scrubber_keeps_uris_and_other_paths() -> None:
    scrub = scrubber("/srv/work")
    assert scrub("kestra:///a/b and https://x/srv/works") == "kestra:///a/b and https://x/srv/works"
    assert scrub("/srv/work") == "."
    assert scrub("open /srv/work/a.csv") == "open a.csv"


@pytest.mark.parametrize("count", [10, 400])
def test_html_stays_below_its_limit(count: int) -> None:
    ended = (State.CREATED, State.RUNNING, State.SUCCESS)
    runs = [stories.run(number, f"task-{number}", *ended, outputs={"text": "<&" * 4_000}) for number in range(count)]
    made = stories.execution(State.SUCCESS, *runs)
    logs = {found.id: stories.lines(50, found.id, "&" * 900) for found in runs}
    shown = html.run_html(build(stories.material(made, logs=logs)))
    assert len(shown.encode()) <= html.MAX_BYTES
    assert "SUCCESS" in shown
    assert "task-0" in shown
    parsed(shown)


def test_the_line_says_where_a_run_stands() -> None:
    snapshot = SNAPSHOTS["running"]()
    assert re.search(r"RUNNING.*training.*0/4.*check", text.line_text(snapshot))
    shown = html.line_html(snapshot)
    assert "<progress" in shown
    assert "as of 2026-11-20" in shown
    assert "%gov show mnopqrst" in shown
    assert "2/7 cell 2" in html.run_html(snapshot)


def test_tasks_that_were_not_reached_are_named_while_the_run_goes_on() -> None:
    assert "not reached yet: branch, train-model, gate, deploy" in html.run_html(SNAPSHOTS["running"]())
    assert "not reached yet" not in html.run_html(SNAPSHOTS["done"]())


def test_nested_tasks_are_indented_and_attempts_counted() -> None:
    shown = text.run_text(SNAPSHOTS["done"]())
    assert re.search(r"^ {4}train-model .*attempt 2$", shown, re.MULTILINE)


def test_a_run_without_its_flow_is_shown_all_the_same() -> None:
    snapshot = build(replace(stories.material(stories.done()), flow=None))
    assert snapshot["graph"] == {"nodes": [], "edges": []}
    assert "train-model" in html.run_html(snapshot)


def test_table_gives_way_in_its_last_columns() -> None:
    table = Table(("Run", "What"), [("id-1", "<b>" + "x" * 300)], empty="nothing")
    assert max(map(len, str(table).splitlines())) <= 100
    bundle = table._repr_mimebundle_()
    assert "&lt;b&gt;" in bundle["text/html"]
    assert str(Table(("Run",), [], empty="Nothing runs.")) == "Nothing runs."


DECEPTIVE = "\x1b[2K\x1b[1APay Alice\r \x9b1m \u202eRUE \ud800 <b>"


def deceptive() -> Snapshot:
    """A run in which everything that a person can choose is an attack on the reader."""
    gate = stories.gate(
        title=DECEPTIVE,
        description=f"Pay Mallory {DECEPTIVE}",
        artefacts=({"name": DECEPTIVE, "uri": "u"},),
        form=({"id": "a", "type": "SELECT", "displayName": DECEPTIVE, "values": [DECEPTIVE], "defaults": DECEPTIVE},),
    )
    run = stories.failed(DECEPTIVE)
    run = replace(
        run, inputs={"note": DECEPTIVE}, outputs={DECEPTIVE: DECEPTIVE}, labels=(Label(DECEPTIVE, DECEPTIVE),)
    )
    logs = {"EXEC-0": stories.lines(3, message=DECEPTIVE)}
    message: MessageSnapshot = {"level": "warning", "text": DECEPTIVE, "hint": DECEPTIVE}
    return build(
        stories.material(
            run, approvals=[gate], logs=logs, log_totals={"EXEC-0": 3}, artefacts={"u": DECEPTIVE}, messages=[message]
        )
    )


def test_no_face_of_a_notebook_can_be_rewritten_by_what_it_shows() -> None:
    snapshot = deceptive()
    shown = [text.run_text(snapshot), text.line_text(snapshot), html.run_html(snapshot), html.line_html(snapshot)]
    table = Table(("A",), ((DECEPTIVE,),), empty="")._repr_mimebundle_()
    for face in [*shown, *table.values()]:
        assert not set(face) & set("\x1b\r\x9b\u202e\ud800")
    assert "Pay Mallory ␛[2K␛[1APay Alice␍" in shown[0]
    assert "Pay Mallory ␛[2K␛[1APay Alice␍" in shown[2]
    assert "\\u202eRUE" in shown[2]


def test_what_a_form_sends_back_is_what_the_flow_says() -> None:
    field = deceptive()["approvals"][0]["form"][0]
    assert field["values"] == [DECEPTIVE]
    assert field["defaults"] == DECEPTIVE
    assert "\x1b" not in field["label"]


def test_frames_show_legibly_and_stay_data() -> None:
    told = DECEPTIVE.replace("\ud800", "")
    frame = ShownFrame({"message": [told]})
    for face in (repr(frame), frame._repr_html_() or ""):
        assert not set(face) & set("\x1b\x9b\u202e\ud800")
    assert frame["message"][0] == told
    assert type(frame.head()).__name__ == "DataFrame"
