"""``%%govtest`` in a real kernel: what it shows, what it hands back, when the cell fails."""

from __future__ import annotations

from pathlib import Path

from jupyter_gov.kernel.display.html import MAX_BYTES
from jupyter_gov.kernel.display.tests import results_html, results_text
from jupyter_gov.service.api import Gov
from jupyter_gov.service.flowtests.results import AssertionResult, CaseResult, FileResult, Verdict
from jupyter_gov.service.identity import local_actor
from tests.flowtests.conftest import case, suite
from tests.kernel.conftest import Kernel
from tests.small_flows import GATED, HELLO

WORLD = {"value": "{{ outputs.greet.value }}", "equalTo": "Hello World"}


def test_a_cell_shows_its_results_and_hands_them_back(kernel: Kernel, gov: Gov) -> None:
    gov.flows.register(HELLO, local_actor())
    cell = kernel.ok(f"%%govtest --as found\n{suite(HELLO, case(WORLD))}")
    assert "✔ tests: 1 passed, of demo.hello" in cell.text
    assert "1 of 1 tasks" in cell.text
    assert "<script" not in cell.html
    assert "1 passed" in cell.html
    assert "(True, 'passed', 1)" in kernel.ok("(found.ok, str(found.cases[0].verdict), len(found.coverage.tasks))").text
    assert not gov.executions.list(local_actor())


def test_a_failing_case_fails_the_cell_after_it_is_shown(kernel: Kernel, home: Path) -> None:
    (home / "flow.yaml").write_text(GATED)
    tests = suite(
        GATED,
        case(
            {"value": "{{ outputs.before.value }} <b>", "equalTo": "x", "description": "<i>why</i>"},
            tasks=[{"id": "gate"}],
        ),
        case(),
    )
    cell = kernel.run(f"%%govtest --flow flow.yaml\n{tests}")
    assert cell.error is not None
    assert cell.error["ename"] == "TestsFailedError"
    assert "GOV252 0 passed, 1 failed, 1 error." in cell.text
    assert 'expected equalTo "x", got "draft <b>"' in cell.text
    assert "GOV244" in cell.html
    assert "&lt;i&gt;why&lt;/i&gt;" in cell.html
    assert "<b>&#34;" not in cell.html
    assert "3 of 3" in cell.html
    assert "Traceback" not in cell.text


def test_mistakes_name_the_line_of_the_cell(kernel: Kernel) -> None:
    cell = kernel.run("%%govtest\nid: t\nnamespace: demo\nflowId: hello\ntestCase: []\n")
    assert cell.error is not None
    assert "5 | testCase: []" in cell.text
    assert 'did you mean "testCases"?' in cell.text
    assert "--flow FILE" in kernel.ok("%%govtest --help\nid: t").text


def test_other_formats(kernel: Kernel, gov: Gov) -> None:
    gov.flows.register(HELLO, local_actor())
    tests = suite(HELLO, case(WORLD))
    cell = kernel.ok(f"%%govtest --format json\n{tests}")
    [output] = cell.outputs
    assert output["data"]["application/json"]["ok"] is True
    cell = kernel.ok(f"%%govtest --format text\n{tests}")
    assert "✔ passed" in cell.text
    assert not cell.html


def test_pages_of_types(kernel: Kernel) -> None:
    cell = kernel.ok("%gov docs Switch")
    assert "<code>defaults</code>" in cell.html
    assert "<script" not in cell.html
    assert "Switch (task)" in cell.text
    assert "Schedule" in kernel.ok("%gov docs").text
    assert "GOV904" in kernel.run("%gov docs Swich").text


def test_results_stay_small_enough_to_be_saved() -> None:
    wrong = [
        AssertionResult("{{ outputs.x.value }}" * 20, "equalTo", "<a>" * 500, "b" * 5_000, False) for _ in range(20)
    ]
    cases = [
        CaseResult(f"case{n}", Verdict.FAILED if n % 2 else Verdict.PASSED, assertions=tuple(wrong * (n % 2)))
        for n in range(400)
    ]
    found = FileResult("many", "demo", "hello", tuple(cases))
    html = results_html(found)
    assert len(html.encode()) <= MAX_BYTES
    assert "case1<" in html
    assert "more cases" in html
    assert "<a>" not in html
    text = results_text(found)
    assert max(map(len, text.split("\n"))) <= 100
    assert "200 passed, 200 failed" in text
