"""The Loop over a real store: what it stores, reads, and what a replay keeps of it."""

from __future__ import annotations

import json

import pytest

from jupyter_gov.service.api import StartRequest
from tests.unit.service.test_verbs import ANN, BOB, gov, settle  # noqa: F401

FLOW = """\
id: looped
namespace: company.team
inputs:
  - {id: broken, type: STRING, defaults: "none"}
tasks:
  - id: file
    type: io.kestra.plugin.core.storage.Write
    content: "a\\nb\\n\\nc\\n"
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: VALUES
    OPTIONS
    outputs:
      - {id: said, value: "{{ outputs.two.value }}"}
    tasks:
      - {id: one, type: io.kestra.plugin.core.debug.Return, format: "{{ item.index }}{{ item.value }}"}
      - id: two
        type: io.kestra.plugin.core.debug.Return
        format: "{{ outputs.one.value }}{{ inputs.broken == item.value ? missing : '!' }}"
"""


def run(gov, values, options="concurrencyLimit: 1", until="SUCCESS", **inputs):  # noqa: F811
    gov.flows.register(FLOW.replace("VALUES", values).replace("OPTIONS", options), ANN)
    execution = gov.executions.start(StartRequest("company.team", "looped", inputs=inputs), ANN)
    return settle(gov, execution.id, until)


def lines(gov, found):  # noqa: F811
    text = gov.executions.file(found.id, found.find("loop").outputs["uri"], ANN).read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ('"{{ outputs.file.uri }}"', "fetchType: AUTO"),
        ("[a, b, c]", "fetchType: STORE"),
        ('"{{ outputs.file.uri }}"', "concurrencyLimit: 0"),
    ],
)
def test_outputs_are_stored_as_lines(values, options, gov):  # noqa: F811
    found = run(gov, values, options)
    said = [(line["item"]["value"], line["outputs"]["said"]) for line in lines(gov, found)]
    assert said == [("a", "0a!"), ("b", "1b!"), ("c", "2c!")]
    assert "outputs" not in found.find("loop").outputs
    assert gov.audit.verify(ANN).ok


def test_the_lines_of_a_file_may_be_handed_out_as_a_list(gov):  # noqa: F811
    found = run(gov, '"{{ outputs.file.uri }}"', "fetchType: FETCH")
    assert [one["outputs"]["said"] for one in found.find("loop").outputs["outputs"]] == ["0a!", "1b!", "2c!"]


def test_nothing_to_loop_over_stores_an_empty_file(gov):  # noqa: F811
    assert lines(gov, run(gov, "[]", "fetchType: STORE")) == []


@pytest.mark.parametrize(("limit", "again"), [(1, ["b", "c"]), (0, ["b"])])
def test_a_replay_from_inside_keeps_the_other_iterations(limit, again, gov):  # noqa: F811
    old = run(gov, "[a, b, c]", f"{{concurrencyLimit: {limit}, fetchType: STORE}}"[1:-1].replace(", ", "\n    "))
    new = settle(gov, gov.executions.replay(old.id, BOB, old.find("two", ("1",)).id).id, "SUCCESS")
    assert [one["outputs"]["said"] for one in lines(gov, new)] == ["0a!", "1b!", "2c!"]
    place = {"a": "0", "b": "1", "c": "2"}
    ran = [name for name in "abc" if new.find("two", (place[name],)).history != old.find("two", (place[name],)).history]
    assert ran == again
    assert gov.audit.verify(ANN).ok


def test_a_replay_of_an_iteration_or_the_whole_loop(gov):  # noqa: F811
    old = run(gov, "[a, b]")
    for run_id in (old.find("loop", ("0",)).id, old.find("loop").id):
        new = settle(gov, gov.executions.replay(old.id, BOB, run_id).id, "SUCCESS")
        assert [one["outputs"]["said"] for one in new.find("loop").outputs["outputs"]] == ["0a!", "1b!"]


def test_a_file_that_may_not_be_read_fails_the_loop(gov):  # noqa: F811
    found = run(gov, "kestra:///other/team/executions/x/y.txt", until="FAILED")
    assert found.find("loop").failure.code.startswith("GOV86")


def test_a_restart_after_a_failed_iteration_and_its_audit(gov):  # noqa: F811
    found = run(gov, "[a, b, c]", until="FAILED", broken="b")
    assert found.find("loop").outputs["terminatedIterations"] == {"SUCCESS": 1, "FAILED": 1}
    gov.executions.restart(found.id, BOB)
    gov.settle(30)
    again = gov.executions.get(found.id, ANN)
    assert (again.state, len(again.find("two", ("1",)).attempts)) == ("FAILED", 2)
    assert again.find("one", ("0",)) == found.find("one", ("0",))
    assert gov.audit.verify(ANN).ok
