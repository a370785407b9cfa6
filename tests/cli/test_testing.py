"""``jupyter gov test``: where it looks, what it prints, how it exits; the examples are tested by it too."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from tests.cli.conftest import Cli
from tests.flowtests.conftest import case, suite
from tests.small_flows import GATED, HELLO

Write = Callable[[str, str], str]
GOOD = suite(HELLO, case({"value": "{{ outputs.greet.value }}", "equalTo": "Hello World"}))
BAD = suite(
    GATED,
    case(),
    case(tasks=[{"id": "gate"}]),
    {**case(), "disabled": True},
    case({"value": "a\x1b[2J", "equalTo": "b"}, tasks=[{"id": "gate"}]),
)


def test_the_examples_pass(cli: Cli, workspace: Path) -> None:
    ended = cli("test", "tests")
    assert ended.code == 0, ended.out + ended.err
    assert "✔ 4 passed" in ended.out
    assert "4 of 4 tasks, 2 of 2 branches" in ended.out
    assert "never reached" not in ended.out


def test_a_flow_is_found_beside_the_test_without_any_database(cli: Cli, write: Write, home: Path) -> None:
    write("hello.yaml", HELLO)
    write("hello_test.yaml", GOOD)
    ended = cli("test")
    assert (ended.code, ended.err) == (0, "")
    assert "hello_test.yaml, with hello.yaml" in ended.out
    assert not Path(os.environ["JUPYTER_GOV_DB_URL"]).exists()


def test_hidden_folders_and_those_of_others_are_left_out(cli: Cli, home: Path) -> None:
    for name in (".venv", "node_modules", "mine"):
        (home / name).mkdir()
        (home / name / "hello.yaml").write_text(HELLO)
        (home / name / "t.yaml").write_text(GOOD)
    found = cli("test", "--json").json["files"]
    assert [one["file"] for one in found] == ["mine/t.yaml"]


def test_the_stored_flow_is_tested_where_no_file_is(cli: Cli, write: Write, gov: Gov) -> None:
    gov.flows.register(HELLO, local_actor())
    write("t.yml", GOOD)
    ended = cli("test", "t.yml")
    assert ended.code == 0, ended.err
    assert "with the stored flow" in ended.out


def test_failures_are_told_and_written_for_ci(cli: Cli, write: Write, home: Path) -> None:
    write("flow.yaml", GATED)
    write("t.yaml", BAD)
    ended = cli("test", "t.yaml", "--flow", "flow.yaml", "--junit", "out.xml")
    assert ended.code == 1
    assert "✖ case0 error" in ended.out
    assert "GOV244" in ended.out
    assert "✔ case1" in ended.out
    assert "✖ 1 passed, 1 failed, 1 error, 1 skipped" in ended.out
    assert "\x1b[2J" not in ended.out
    suites = ET.parse(home / "out.xml").getroot()
    [found] = suites
    assert {name: found.get(name) for name in ("tests", "failures", "errors", "skipped", "file")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1", "file": "t.yaml",
    }  # fmt: skip
    assert [[child.tag for child in one] for one in found] == [["error"], [], ["skipped"], ["failure"]]


def test_json_and_single_cases(cli: Cli, write: Write) -> None:
    write("flow.yaml", GATED)
    write("t.yaml", BAD)
    write("hello.yaml", HELLO)
    write("other.yaml", GOOD)
    ended = cli("test", "--case", "case1", "--json")
    assert ended.code == 0
    [only] = ended.json["files"]
    assert [one["id"] for one in only["cases"]] == ["case1"]
    assert ended.json["coverage"]["demo.gated"]["tasks"] == {"reached": 3, "total": 3}
    ended = cli("test", "--case", "cas1")
    assert ended.code == 2
    assert 'did you mean "case1"?' in ended.err


def test_a_broken_file_does_not_stop_the_others(cli: Cli, write: Write, home: Path) -> None:
    write("hello.yaml", HELLO)
    write("a.yaml", GOOD.replace("assertions", "assertion"))
    write("b.yaml", GOOD)
    ended = cli("test", "--junit", "out.xml")
    assert ended.code == 1
    assert "did you mean" in ended.out
    assert "✖ 1 passed, 1 file cannot be run" in ended.out
    assert [one.get("errors") for one in ET.parse(home / "out.xml").getroot()] == ["0", "1"]
    document = cli("test", "--json").json
    assert (document["ok"], len(document["files"])) == (False, 2)


@pytest.mark.parametrize(("words", "code"), [(["test"], "GOV247"), (["test", "nowhere.yaml"], "GOV350")])
def test_nothing_to_test_is_said(cli: Cli, words: list[str], code: str) -> None:
    ended = cli(*words)
    assert ended.code in (1, 2)
    assert code in ended.err


def test_without_a_flow(cli: Cli, write: Write, gov: Gov) -> None:
    gov.flows.register(GATED, local_actor())
    write("t.yaml", GOOD)
    ended = cli("test")
    assert ended.code == 1
    assert "GOV243" in ended.out


def test_check_knows_test_files(cli: Cli, write: Write) -> None:
    write("good.yaml", GOOD)
    write("bad.yaml", GOOD.replace("assertions", "assertion"))
    assert "good.yaml: 0 errors" in cli("check", "good.yaml").out
    wrong = cli("check", "bad.yaml")
    assert wrong.code == 1
    assert 'did you mean "assertions"?' in wrong.out


def test_the_schema_of_tests(cli: Cli) -> None:
    schema = cli("schema", "tests").json
    assert "testCases" in schema["properties"]
    assert "tasks" in cli("schema").json["properties"]


def test_pages_of_types(cli: Cli) -> None:
    shown = cli("docs", "Pause")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("Pause (task)\nio.kestra.plugin.core.flow.Pause\n")
    assert "pauseDuration (text)" in shown.out
    assert "onResume: Values of the form" in shown.out
    assert cli("docs", "Pause", "--json").json["commonProperties"][0]["name"] == "description"
    every = cli("docs")
    assert "Triggers io.kestra.plugin.core.trigger" in every.out
    assert {"kind": "input", "name": "SELECT"}.items() <= next(
        one for one in cli("docs", "--json").json if one["name"] == "SELECT"
    ).items()
    wrong = cli("docs", "Puase")
    assert wrong.code == 1
    assert 'did you mean "io.kestra.plugin.core.flow.Pause"?' in wrong.err
