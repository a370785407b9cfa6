"""What is shown of a run: complete, escaped, bounded, without secrets and paths of this machine."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.execution import Label
from jupyter_gov.domain.sealed import sealed
from jupyter_gov.domain.states import State
from jupyter_gov.kernel import screens
from jupyter_gov.kernel.display import boxes, facts, html, text
from jupyter_gov.kernel.display.frames import ShownFrame
from jupyter_gov.kernel.display.scrub import scrubber
from jupyter_gov.kernel.display.snapshot import build
from jupyter_gov.kernel.display.table import Table
from jupyter_gov.kernel.snapshot_types import ApprovalSnapshot, MessageSnapshot, Snapshot
from jupyter_gov.service import words
from tests.kernel import stories

DURATIONS = json.loads((Path(__file__).parents[1] / "data" / "durations.json").read_text("utf-8"))

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


def words_of(markup: str) -> str:
    """Return what is left to read where neither styles nor tags are let through."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())


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
    assert "state at 2026-11-20" in shown
    assert "%gov show mnopqrst" in shown
    assert "2/7 cell 2" in html.run_html(snapshot)


def test_tasks_that_were_not_reached_are_named_while_the_run_goes_on() -> None:
    running = SNAPSHOTS["running"]()
    assert facts.not_reached(running) == ["branch", "train-model", "gate", "deploy"]
    shown = words_of(html.run_html(running))
    for name in ("branch", "train-model", "gate", "deploy"):
        assert f"○ {name} not reached" in shown
    assert "not reached yet: branch, train-model, gate, deploy" in text.run_text(running)
    assert "not reached yet" not in text.run_text(SNAPSHOTS["done"]())


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


@pytest.mark.parametrize(("milliseconds", "told"), DURATIONS)
def test_a_duration_reads_alike_in_cell_terminal_and_browser(milliseconds: float, told: str) -> None:
    assert words.duration(timedelta(milliseconds=milliseconds)) == told


class TestGraph:
    """The drawing of a flow that is left when the widget is gone."""

    def test_the_end_keeps_it_with_the_same_words(self) -> None:
        shown = words_of(html.run_html(SNAPSHOTS["decided"]()))
        assert "✔ check SUCCESS → ✔ branch SUCCESS then: ✔ train-model SUCCESS → ○ gate not reached" in shown

    def test_branches_are_rows_and_what_runs_side_by_side_is_stacked(self) -> None:
        drawn = boxes.lanes(
            graph(
                ("a", "if"),
                ("x:if", "y:if", "z:if", "end"),
                [("a", "if", ""), ("if", "x", "then"), ("x", "y", ""), ("if", "z", "else"), ("y", "end", ""),
                 ("z", "end", "")],
            )
        )  # fmt: skip
        assert sketch(drawn) == "a > if[then: x > y | else: z] > end"

    def test_a_dag_shows_its_order(self) -> None:
        nodes = ("dag", "a:dag", "b:dag", "c:dag", "d:dag")
        edges = [("dag", "a", ""), ("dag", "b", ""), ("a", "c", ""), ("b", "c", ""), ("c", "d", "")]
        assert sketch(boxes.lanes(graph(nodes, (), edges))) == "dag[a+b > c > d]"

    def test_an_unknown_parent_and_a_circle_do_no_harm(self) -> None:
        drawn = boxes.lanes(graph(("a:ghost", "b:c", "c:b", "d"), (), [("a", "d", ""), ("d", "a", "")]))
        assert "d" in sketch(drawn)

    def test_a_flow_of_one_task_or_of_hundreds_is_not_drawn(self) -> None:
        one = graph(("a",), (), [])
        many = graph(tuple(f"t{number}" for number in range(boxes.MOST + 1)), (), [])
        assert boxes.drawing(one) == boxes.drawing(many) == ()

    def test_it_survives_the_sanitizer_of_an_untrusted_notebook(self) -> None:
        # JupyterLab lets no svg through, and of a style only declarations without var() or color-mix().
        drawn = html.run_html(SNAPSHOTS["decided"]())
        assert not parsed(drawn).seen & {"svg", "path", "img", "canvas"}
        box = re.search(r'<span style="([^"]*)" title="train-model[^"]*">', drawn)
        assert box
        kept = [one for one in box[1].split(";") if "(" not in one]
        assert any("border: 1px solid gray" in one for one in kept)


def graph(first: Sequence[str], more: Sequence[str], edges: list[tuple[str, str, str]]) -> Snapshot:
    """Return a snapshot with a graph; ``child:parent`` names a task in a group."""
    names = [name.partition(":") for name in (*first, *more)]
    parents = {parent for _, _, parent in names}
    snapshot = SNAPSHOTS["done"]()
    snapshot["graph"] = {
        "nodes": [
            {
                "id": name,
                "label": name,
                "type": "t",
                "kind": "group" if name in parents else "task",
                "parent": up or None,
            }
            for name, _, up in names
        ],
        "edges": edges,
    }
    return snapshot


def sketch(lanes: Sequence[boxes.Lane]) -> str:
    """Return a drawing as one line: ``>`` after, ``+`` side by side, ``|`` another branch."""

    def box(one: boxes.Box) -> str:
        return one.label + (f"[{sketch(one.lanes)}]" if one.lanes else "")

    return " | ".join(
        (f"{lane.label}: " if lane.label else "")
        + " > ".join("+".join(map(box, column.boxes)) for column in lane.columns)
        for lane in lanes
    )


class TestGateTitle:
    """A gate without a title of its own is called by its id, once."""

    @pytest.mark.parametrize(
        ("task_id", "title", "told"),
        [
            ("gate", "gate", "gate"),
            ("gate", "", "gate"),
            ("release", "release", "gate release"),
            ("release", "Release v17?", "Release v17? (gate release)"),
            ("review-gate", "review-gate", "review-gate"),
        ],
    )
    def test_named_once(self, task_id: str, title: str, told: str) -> None:
        snapshot = build(stories.material(stories.done(), approvals=[stories.gate(task_id=task_id, title=title)]))
        (gate,) = snapshot["approvals"]
        assert facts.gate_name(gate) == told
        assert f"OPEN {told} " in words_of(html.run_html(snapshot))
        assert f"{told}: OPEN" in text.run_text(snapshot)

    def test_said_once_to_who_cannot_click(self) -> None:
        (gate,) = SNAPSHOTS["gate"]()["approvals"]
        assert screens.announcement(gate, "there") == 'Waiting for approval at gate "gate".\nthere'
        titled: ApprovalSnapshot = {**gate, "title": "Release?"}
        assert screens.announcement(titled, "there") == 'Waiting for approval at gate "gate": Release?\nthere'


class TestSaved:
    """What was saved while something went on says so before anything else."""

    def test_it_gives_its_time_and_the_way_to_the_present(self) -> None:
        for name in ("gate", "running"):
            for face in (words_of(html.run_html(SNAPSHOTS[name]())), text.run_text(SNAPSHOTS[name]())):
                assert re.search(
                    r"State when saved.{0,3}2026-11-20 .*See now: %gov show mnopqrst", face.replace("\n", " ")
                )
        shown = words_of(html.run_html(SNAPSHOTS["gate"]()))
        assert shown.index("State when saved") < shown.index("Release the model?")
        assert "If it is still open, decide it:" in shown

    def test_an_end_needs_no_such_warning(self) -> None:
        for face in (html.run_html(SNAPSHOTS["done"]()), text.run_text(SNAPSHOTS["done"]())):
            assert "when saved" not in face


class TestUpstream:
    """What a gate rests on can be read where its digests stand."""

    DIGEST = "sha256:" + "cd" * 32

    def snapshot(self, **more: object) -> Snapshot:
        ended = (State.CREATED, State.RUNNING, State.SUCCESS)
        outputs = {"rows": 5, "key": sealed("hunter2"), "text": "x" * 9_000, "at": "/srv/team/work/a.csv"}
        run = stories.run(0, "check", *ended, outputs=outputs, outputs_digest=more.get("digest", self.DIGEST))
        made = stories.execution(State.PAUSED, run, workdir="/srv/team/work")
        return build(
            stories.material(
                made,
                approvals=[stories.gate()],
                logs={"EXEC-0": stories.lines(40)},
                log_totals={"EXEC-0": 90},
            )
        )

    def test_outputs_and_the_end_of_the_log_stand_beside_the_digest(self) -> None:
        snapshot = self.snapshot()
        (item,) = snapshot["approvals"][0]["subject"]["upstream"]
        shown = {one["name"]: one for one in item["outputs"] or ()}
        assert (item["digest"], shown["rows"]["text"], shown["key"]["text"]) == (self.DIGEST, "5", "********")
        assert shown["text"]["truncated"]
        assert len(shown["text"]["text"]) <= 1_000
        assert shown["at"]["text"] == "a.csv"
        assert [line["message"] for line in item["logs"]][-1] == "line 40"
        assert (len(item["logs"]), item["logTotal"]) == (10, 90)
        told = words_of(html.run_html(snapshot))
        subject = told[told.index("What exactly is decided") : told.index("Task State")]
        assert "rows 5" in subject
        assert "line 40" in subject
        assert "hunter2" not in html.run_html(snapshot)

    def test_outputs_that_the_digest_is_not_of_are_not_shown(self) -> None:
        snapshot = self.snapshot(digest="sha256:other")
        (item,) = snapshot["approvals"][0]["subject"]["upstream"]
        assert (item["outputs"], item["logs"]) == (None, [])
        assert "cannot be shown" in html.run_html(snapshot)

    def test_it_is_bounded(self) -> None:
        ended = (State.CREATED, State.RUNNING, State.SUCCESS)
        runs = [
            stories.run(number, f"t{number}", *ended, outputs={"o": "y" * 5_000}, outputs_digest=self.DIGEST)
            for number in range(200)
        ]
        upstream = [{"task": one.task_id, "path": [], "outputs": self.DIGEST} for one in runs]
        gate = stories.gate(subject={"upstream": upstream})
        snapshot = build(stories.material(stories.execution(State.PAUSED, *runs), approvals=[gate]))
        assert len(json.dumps(snapshot["approvals"])) < 100_000
        assert len(html.run_html(snapshot).encode()) <= html.MAX_BYTES


def test_the_kernel_says_as_whom_it_answers() -> None:
    actor = Actor("ann", "Ann", assurance=Assurance.OS)
    snapshot = build(stories.material(stories.done(), viewer=actor))
    assert snapshot["viewer"] == {"id": "ann", "name": "Ann", "assurance": "os"}
