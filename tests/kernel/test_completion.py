"""Completion inside ``%%govflow`` cells: where the cursor stands, what is offered there, and through a real kernel."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from jupyter_gov.kernel.completer import suggestions
from jupyter_gov.kernel.inspector import meaning
from jupyter_gov.kernel.yaml_context import place
from tests.kernel.conftest import Kernel

LOG = "io.kestra.plugin.core.log.Log"
FLOW = f"""\
id: a
namespace: b
inputs:
  - id: who
    type: STRING
variables:
  limit: 5
tasks:
  - id: first
    type: io.kestra.plugin.core.debug.Return
    format: x
  - id: choose
    type: io.kestra.plugin.core.flow.If
    condition: "true"
    then:
      - id: deep
        type: {LOG}
        """


@pytest.mark.parametrize(
    ("text", "keys", "key", "fragment", "path"),
    [
        ("", (), None, "", None),
        ("na", (), None, "na", None),
        (FLOW, ("tasks", "then"), None, "", None),
        (FLOW + "mes", ("tasks", "then"), None, "mes", None),
        ("tasks:\n  - id: x\n    type: io.ke", ("tasks",), "type", "io.ke", None),
        ("tasks:\n- id: x\n  type: L\n  ", ("tasks",), None, "", None),
        ("tasks:\n  - ", ("tasks",), None, "", None),
        ("tasks:\n  - id: x\nla", (), None, "la", None),
        ("tasks:\n  - id: x\n    message: '{{ outputs.fi", ("tasks",), None, "fi", "outputs.fi"),
        ("tasks:\n  - id: x\n    message: \"{{ outputs['fi", ("tasks",), None, "fi", "outputs['fi"),
        ("a: '{{ x }} and {{ in", (), None, "in", "in"),
        ("a: '{{ x }} and ", (), "a", "'{{ x }} and", None),
    ],
)
def test_place(text: str, keys: tuple[str, ...], key: str | None, fragment: str, path: str | None) -> None:
    found = place(text)
    assert (found.keys, found.key, found.fragment, found.path) == (keys, key, fragment, path)


def offered(text: str, after: str = "") -> dict[str, str]:
    return {word.text: word.kind for word in suggestions(place(text), text + after)}


@pytest.mark.parametrize(
    ("text", "expected", "unexpected"),
    [
        ("", {"id:", "namespace:", "tasks:", "inputs:", "triggers:", "concurrency:"}, {"message:"}),
        ("id: a\n", {"namespace:"}, {"id:"}),
        (FLOW, {"message:", "level:", "retry:", "runIf:"}, {"format:", "id:", "type:"}),
        (FLOW + "level: ", {"INFO", "ERROR"}, set()),
        ("tasks:\n  - id: x\n    type: ", {LOG, "jupyter_gov.notebook.Papermill"}, set()),
        ("inputs:\n  - id: x\n    type: ", {"STRING", "SELECT", "FILE"}, {LOG}),
        ("inputs:\n  - id: x\n    ", {"type:", "required:", "defaults:"}, {"tasks:"}),
        ("inputs:\n  - id: x\n    type: SELECT\n    ", {"values:", "required:"}, {"validator:"}),
        ("inputs:\n  - id: y\n    type: INT\n  - id: x\n    type: INT\n    dependsOn:\n      inputs: [", {"y"}, set()),
        ("triggers:\n  - id: t\n    type: ", {"io.kestra.plugin.core.trigger.Schedule"}, {LOG}),
        ("triggers:\n  - id: t\n    type: io.kestra.plugin.core.trigger.Schedule\n    ", {"cron:", "conditions:"}, {"runIf:"}),
        ("triggers:\n  - id: t\n    type: x.y\n    conditions:\n      - type: ", {"io.kestra.plugin.core.condition.Weekend"}, {LOG}),
        (
            "triggers:\n  - id: t\n    conditions:\n      - type: io.kestra.plugin.core.condition.DayWeek\n        ",
            {"dayOfWeek:", "date:"},
            {"cron:"},
        ),
        ("tasks:\n  - id: x\n    retry:\n      ", {"type:", "interval:", "maxAttempts:"}, {"message:"}),
        ("tasks:\n  - id: x\n    retry:\n      type: ", {"constant", "random"}, {LOG}),
        ("tasks:\n  - id: x\n    retry:\n      behavior: ", {"RETRY_FAILED_TASK"}, set()),
        ("tasks:\n  - id: x\n    disabled: ", {"true", "false"}, set()),
        ("tasks:\n  - id: x\n    type: unknown.Type\n    ", {"retry:"}, set()),
        ("concurrency:\n  ", {"limit:", "behavior:"}, {"id:"}),
        ("concurrency:\n  behavior: ", {"QUEUE", "CANCEL"}, set()),
        (
            "tasks:\n  - id: u\n    type: io.kestra.plugin.core.flow.LoopUntil\n    checkFrequency:\n      ",
            {"interval:", "maxIterations:"},
            {"condition:", "type:"},
        ),
        (
            "tasks:\n  - id: s\n    type: io.kestra.plugin.scripts.shell.Commands\n    taskRunner:\n      type: ",
            {"io.kestra.plugin.core.runner.Process"},
            {LOG},
        ),
    ],
)  # fmt: skip
def test_suggestions(text: str, expected: set[str], unexpected: set[str]) -> None:
    found = set(offered(text))
    assert expected <= found
    assert not unexpected & found


MORE = f"""\
id: a
namespace: b
labels:
  team: x
  cost.center: y
variables:
  limit: 5
  mail:
    host: h
inputs:
  - id: who
    type: STRING
  - id: db.host
    type: STRING
  - id: db.port
    type: INT
triggers:
  - id: daily
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "@daily"
  - id: hook
    type: io.kestra.plugin.core.trigger.Webhook
    key: k
tasks:
  - id: load-data
    type: io.kestra.plugin.core.http.Request
    uri: |
      - id: no-task
  - id: until
    type: io.kestra.plugin.core.flow.LoopUntil
    tasks:
      - {{id: inline, type: io.kestra.plugin.core.debug.Return, format: x}}
    condition: "{{{{ @loop }}}}"
  - id: now
    type: {LOG}
    message: "{{{{ @now }}}}"
  - id: later
    type: {LOG}
    message: x
outputs:
  - id: o
    type: STRING
    value: "{{{{ @out }}}}"
errors:
  - id: oops
    type: {LOG}
    message: "{{{{ @oops }}}}"
"""


def at_mark(mark: str, written: str) -> dict[str, str]:
    """Return what is offered where ``written`` stands in place of a mark of ``MORE``, text after it included."""
    before, _, after = MORE.partition(f"@{mark}")
    clean = [re.sub(r"@\w+", "1", part) for part in (before, after)]
    return offered(clean[0] + written, clean[1])


@pytest.mark.parametrize(
    ("mark", "written", "expected"),
    [
        ("now", "outputs.", {"load-data", "until", "inline"}),
        ("now", "tasks.", {"load-data", "until", "inline"}),
        ("out", "outputs.", {"load-data", "until", "inline", "now", "later"}),
        ("oops", "outputs.", {"load-data", "until", "inline", "now", "later"}),
        ("loop", "outputs.", {"load-data", "until", "inline"}),
        ("now", "outputs.until.", {"iterationCount"}),
        ("now", "outputs['load-data'].", {"uri", "code", "headers", "body", "encryptedBody", "formData"}),
        ("now", "outputs.nobody.", set()),
        ("now", "tasks.until.", {"state"}),
        ("now", "inputs.", {"who", "db"}),
        ("now", "inputs.db.", {"host", "port"}),
        ("now", "vars.", {"limit", "mail"}),
        ("now", "vars.mail.", {"host"}),
        ("now", "labels.", {"team", "cost", "system"}),
        ("now", "labels.cost.", {"center"}),
        ("now", "trigger.", {"date", "previous", "next", "body", "headers", "parameters"}),
        ("now", "flow.", {"id", "namespace", "revision"}),
        ("now", "unknown.", set()),
    ],
)
def test_what_expressions_can_read(mark: str, written: str, expected: set[str]) -> None:
    assert set(at_mark(mark, written)) == expected


def test_filters_functions_and_tests() -> None:
    assert {"inputs", "outputs", "vars", "trigger", "now(", "secret("} <= set(at_mark("now", ""))
    filters = at_mark("now", "inputs.who | ")
    assert {"upper", "toJson", "default"} <= set(filters)
    assert "inputs" not in filters
    assert set(filters.values()) == {"filter"}
    assert {"defined", "empty"} <= set(at_mark("now", "inputs.who is "))
    assert {"defined", "empty"} <= set(at_mark("now", "inputs.who is not "))
    assert "now(" in offered("a: '{% if ")


DAG = """\
tasks:
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task:
          id: one
          type: io.kestra.plugin.core.log.Log
      - task:
          id: two
          type: io.kestra.plugin.core.log.Log
"""


@pytest.mark.parametrize(
    ("written", "expected", "unexpected"),
    [
        ("        dependsOn:\n          - ", {"one"}, {"two", "dag"}),
        ("        dependsOn: [", {"one"}, {"two"}),
        ("        ", {"dependsOn:"}, set()),
        ("      - ", {"task:"}, set()),
        ("      - task:\n          ", {"id:", "type:", "retry:"}, {"dependsOn:"}),
        ("          mes", {"message:"}, {"dependsOn:"}),
    ],
)
def test_a_dag(written: str, expected: set[str], unexpected: set[str]) -> None:
    found = set(offered(DAG + written))
    assert expected <= found
    assert not unexpected & found


def test_keys_say_what_they_are() -> None:
    found = offered(FLOW)
    assert found["message:"] == "text or list of text or expression, required"
    assert found["level:"] == "choice or expression, default INFO"


TESTS = """\
%%govtest
id: t
namespace: b
flowId: a
testCases:
  - id: one
    type: io.kestra.core.tests.flow.UnitTest
    """


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", {"fixtures:", "assertions:", "disabled:"}),
        ("fixtures:\n      ", {"inputs:", "tasks:", "files:", "trigger:"}),
        ("fixtures:\n      tasks:\n        - id: a\n          ", {"outputs:", "state:", "description:"}),
        ("fixtures:\n      tasks:\n        - id: a\n          state: ", {"FAILED", "SKIPPED"}),
        ("assertions:\n      - ", {"value:", "equalTo:", "isNotNull:"}),
        ("assertions:\n      - value: '{{ ", {"outputs", "files", "execution"}),
    ],
)
def test_test_files(written: str, expected: set[str]) -> None:
    body = (TESTS + written).partition("\n")[2]
    assert expected <= {word.text for word in suggestions(place(body), TESTS + written)}


def test_it_is_quick_in_a_flow_of_a_thousand_tasks() -> None:
    """The bound is 50 ms; a busy machine may take more once, so the best of some tries counts."""
    tasks = "".join(
        f'  - id: t{n}\n    type: {LOG}\n    message: "{{{{ outputs.t{n}.value }}}}"\n    retry:\n      type: constant\n'
        for n in range(1000)
    )
    took = []
    for n in range(10):
        text = f"id: f{n}\nnamespace: b\ntasks:\n{tasks}  - id: last\n    type: {LOG}\n    message: '{{{{ outputs.t9"
        began = time.perf_counter()
        found = [word for word in suggestions(place(text), text) if word.text.startswith("t99")]
        took.append(time.perf_counter() - began)
        assert len(found) == 11
    assert min(took) <= 0.05


def complete(kernel: Kernel, code: str) -> list[str]:
    reply = kernel.client.complete(code, len(code), reply=True, timeout=30)
    return reply["content"]["matches"]


def test_the_kernel_completes_in_a_flow_cell_and_python_elsewhere(kernel: Kernel) -> None:
    flow = f"%%govflow --wait\nid: a\nnamespace: b\ntasks:\n  - id: x\n    type: {LOG}\n    mes"
    assert complete(kernel, flow) == ["message:"]
    assert complete(kernel, flow.replace(LOG + "\n    mes", "io.kestra.plugin.core.log.L")) == [LOG]
    assert complete(kernel, flow + "sage: hi\n    zzz") == []
    assert "print(" in " ".join(complete(kernel, "prin")) or "print" in complete(kernel, "prin")


def test_a_name_with_a_dash_is_put_in_brackets(kernel: Kernel) -> None:
    flow = f"%%govflow\nid: a\nnamespace: b\ntasks:\n  - id: load-data\n    type: {LOG}\n  - id: lo\n    type: {LOG}\n"
    asked = "  - id: y\n    message: '{{ outputs.lo"
    assert complete(kernel, flow + asked) == ["['load-data']"]
    assert complete(kernel, flow + asked.removesuffix("lo")) == [".lo", "['load-data']"]
    assert complete(kernel, flow + asked.replace(".lo", "['lo")) == ["load-data"]


def test_the_kernel_completes_in_test_cells(kernel: Kernel) -> None:
    assert complete(kernel, TESTS + "fix") == ["fixtures:"]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%govflow\nid: a\nnames¦pace: b", ["namespace (text, required)", "Namespace"]),
        (
            f"%%govflow\ntasks:\n  - id: x\n    type: {LOG}\n    lev¦el: INFO",
            ["level (choice or expression, default INFO)", "one of"],
        ),
        (f"%%govflow\ntasks:\n  - id: x\n    type: {LOG[:9]}¦{LOG[9:]}", ["Log (task)", "message (text"]),
        ("%%govflow\ntasks:\n  - id: x\n    message: '{{ inputs.a | upp¦er }}'", ["upper() (filter)"]),
        ("%%govflow\ntasks:\n  - id: x\n    message: '{{ no¦w() }}'", ["now(", "(function)"]),
        ("%%govflow\ntasks:\n  - id: x\n    runIf¦: a", ["runIf (text)"]),
        ("%%govtest\nid: t\ntestCases:\n  - id: x\n    asser¦tions:", ["assertions (list of maps, required)"]),
    ],
)
def test_what_a_word_means(cell: str, words: list[str]) -> None:
    found = meaning(cell.replace("¦", ""), cell.index("¦"))
    assert found is not None
    for word in words:
        assert word in found["text/plain"]
    assert "<script" not in found["text/html"]


@pytest.mark.parametrize(
    "cell",
    ["x = 1¦", "%%gov¦flow\nid: a", "%%govflow\nid: a\nno such ¦text", "%%govflow\nunknown_key¦: 1", "%%govflow\ntype: no.su¦ch",
     "%%govflow\na: '{{ inputs¦.x }}'", "%%govflow\n¦"],
)  # fmt: skip
def test_of_other_words_nothing_is_said(cell: str) -> None:
    assert meaning(cell.replace("¦", ""), cell.index("¦")) is None


def test_the_kernel_tells_what_a_word_means(kernel: Kernel) -> None:
    def told(code: str) -> dict[str, Any]:
        return kernel.client.inspect(code, len(code), reply=True, timeout=30)["content"]

    # As a list of completions asks for the one that is chosen.
    assert told("%%govflow\ntasks:\n  - id: x\n    runIf:")["data"]["text/plain"].startswith("runIf (text)")
    assert told("print")["found"]
