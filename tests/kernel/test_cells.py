"""``%%govflow`` in a real kernel: with a person in front of it, and in a batch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_gov.domain.approval import ApprovalStatus, Verdict
from jupyter_gov.domain.states import State
from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from tests.faces import Approver, decide, open_gate, until
from tests.kernel.conftest import Kernel
from tests.small_flows import CALLS, FAILS, GATED, HELLO, SLEEPS, SLIP, UNKNOWN

WIDGET = "application/vnd.jupyter.widget-view+json"


def cell(options: str, flow: str) -> str:
    return f"%%govflow {options}\n{flow}"


def test_a_flow_runs_and_is_shown_once(kernel: Kernel) -> None:
    shown = kernel.ok(cell("--as run -i who=Ann", HELLO))
    assert shown.text.count("execution ") == 1
    assert "✔ SUCCESS" in shown.text
    # When it has ended nothing in the saved notebook needs a kernel.
    assert not any(WIDGET in output["data"] for output in shown.outputs)
    assert "'Hello Ann'" in kernel.ok("run.outputs['greet']['value']").text
    assert "'SUCCESS'" in kernel.ok("run.state").text


def test_underscore_is_the_result(kernel: Kernel) -> None:
    kernel.ok(cell("", HELLO))
    assert "<ExecutionView" in kernel.ok("print(repr(_))").text


def test_a_type_that_no_plugin_offers_is_run_up_to_if_asked_for(kernel: Kernel) -> None:
    refused = kernel.run(cell("", UNKNOWN))
    assert "GOV111" in refused.text + str(refused.error)
    shown = kernel.run(cell("--as run --allow-unknown-types", UNKNOWN))
    assert "GOV165" in shown.text
    assert "no installed plugin offers" in shown.text + str(shown.error)
    assert "'FAILED'" in kernel.ok("run.state").text


def test_inputs_come_from_a_dict_too(kernel: Kernel) -> None:
    kernel.ok("given = {'who': 'Dict'}")
    kernel.ok(cell("--as run --inputs-json given", HELLO))
    assert "Hello Dict" in kernel.ok("run.outputs['greet']['value']").text


def test_nothing_in_the_cell_is_expanded(kernel: Kernel) -> None:
    kernel.ok("who = inputs = 'wrong'")
    flow = HELLO.replace('"Hello {{ inputs.who }}"', '"{who} $who {{ inputs.who }}"')
    kernel.ok(cell("--as run", flow))
    assert "'{who} $who World'" in kernel.ok("run.outputs['greet']['value']").text


def test_an_attended_cell_ends_at_the_gate_with_a_live_card(kernel: Kernel, gov: Gov) -> None:
    shown = kernel.ok(cell("--as run", GATED))
    line, card = shown.outputs
    assert WIDGET in card["data"]
    # Without the kernel, line and card still say everything.
    assert "waits for approval at gate" in line["data"]["text/html"]
    assert "Is draft good?" in line["data"]["text/html"]
    assert "Is draft good?" in card["data"]["text/html"]
    assert "<script" not in shown.html

    refused = kernel.run("run.outputs")
    assert refused.error["ename"] == "UndecidedError"
    assert "GOV330" in refused.text
    assert "jupyter gov approve" in refused.text

    decide(gov, open_gate(gov), stage="prod")

    def ended() -> bool:
        kernel.poll()
        return WIDGET not in card["data"]

    until(ended, "the static card")
    assert "Approved by" in card["data"]["text/html"]
    assert "seen by the test" in card["data"]["text/html"]
    assert "✔ SUCCESS" in line["data"]["text/plain"]
    assert "'to prod'" in kernel.ok("run.outputs['after']['value']").text


def test_the_view_answers_its_gate(kernel: Kernel) -> None:
    kernel.ok(cell("--as run", GATED))
    wrong = kernel.run("run.approve(reason='x', stage='moon')")
    assert "moon" in wrong.text
    assert wrong.error is not None
    assert "PAUSED" in kernel.ok("run.state").text
    kernel.ok("run.approve(reason='numbers checked', stage='prod').wait()")
    assert "'to prod'" in kernel.ok("run.outputs['after']['value']").text


def test_a_gate_of_a_subflow_gives_the_cell_back_and_is_answered_there(kernel: Kernel) -> None:
    kernel.ok(cell("--register", GATED))
    shown = kernel.ok(cell("--as run", CALLS))
    assert "waits for approval at gate" in shown.text
    kernel.ok("run.approve(reason='seen', stage='prod').wait()")
    assert "SUCCESS" in kernel.ok("run.state").text


def test_a_batch_says_where_a_gate_of_a_subflow_is_decided(batch: Kernel, gov: Gov) -> None:
    batch.ok(cell("--register", GATED))
    message = batch.begin(cell("--as run", CALLS))
    until(lambda: batch.poll() or "Waiting for approval" in batch.so_far(message).text, "the announcement")
    decide(gov, open_gate(gov), stage="prod")
    assert "✔ SUCCESS" in batch.end(message).text


def test_a_rejected_run_says_who_and_why(kernel: Kernel) -> None:
    kernel.ok(cell("--as run", GATED))
    kernel.ok("run.reject('not good enough')")
    failed = kernel.run("run.wait()")
    assert failed.error["ename"] == "RunRefusedError"
    assert "not good enough" in failed.text
    assert "Traceback" not in failed.text


def test_a_batch_waits_at_the_gate_and_says_where_to_decide(batch: Kernel, gov: Gov) -> None:
    message = batch.begin(cell("--as run", GATED))
    until(lambda: batch.poll() or "Waiting for approval" in batch.so_far(message).text, "the announcement")
    decide(gov, open_gate(gov), stage="prod")
    shown = batch.end(message)
    assert "Waiting for approval at gate" in shown.text
    assert "jupyter gov approve" in shown.text
    assert "✔ SUCCESS" in shown.text
    assert not any(WIDGET in output.get("data", {}) for output in shown.outputs)
    assert "'to prod'" in batch.ok("run.outputs['after']['value']").text


def test_a_batch_fails_clearly_when_the_gate_is_rejected(batch: Kernel, gov: Gov) -> None:
    approver = Approver(gov, Verdict.REJECT)
    failed = batch.run(cell("", GATED))
    approver.join()
    assert failed.error["ename"] == "RunRefusedError"
    assert "GOV332" in failed.text
    assert "File " not in failed.text


def test_a_batch_gives_up_after_its_timeout_and_the_run_goes_on(batch: Kernel, gov: Gov) -> None:
    late = batch.run(cell("--timeout PT0.5S --as run", GATED))
    assert late.error["ename"] == "WaitTimeoutError"
    assert late.seconds < 10
    decide(gov, open_gate(gov))
    batch.ok("run.wait('PT30S')")


def test_wait_can_be_asked_for_with_a_person_there(kernel: Kernel, gov: Gov) -> None:
    message = kernel.begin(cell("--wait --as run", GATED))
    gate = open_gate(gov)

    def live() -> bool:
        kernel.poll()
        return any(comm["type"] == "comm_open" for comm in kernel.comms)

    until(live, "the widget")
    decide(gov, gate)
    shown = kernel.end(message)
    assert shown.error is None, shown.text
    assert "✔ SUCCESS" in shown.text


def test_a_click_reaches_the_cell_that_waits(kernel: Kernel, gov: Gov) -> None:
    """The fallback of the widget where no server answers: the kernel's owner decides."""
    message = kernel.begin(cell("--wait --as run", GATED))
    gate = open_gate(gov).approval

    def opened() -> str | None:
        kernel.poll()
        found = [
            comm["comm_id"]
            for comm in kernel.comms
            if comm["type"] == "comm_open" and "snapshot" in comm["data"].get("state", {})
        ]
        return found[0] if found else None

    comm = until(opened, "the widget")
    request = {
        "action": "decide",
        "requestId": "r1",
        "approvalId": gate.id,
        "verdict": "approve",
        "subjectDigest": gate.subject_digest,
        "inputs": {"stage": "prod"},
        "reason": "clicked",
    }
    data = {"method": "custom", "content": request}
    kernel.client.shell_channel.send(kernel.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))
    shown = kernel.end(message)
    assert shown.error is None, shown.text
    replies = [item["data"]["content"] for item in kernel.comms if item.get("data", {}).get("method") == "custom"]
    assert replies[0]["ok"] is True
    assert gov.approvals.get(gate.id, local_actor()).approval.reason == "clicked"


def test_interrupt_kills_the_run_and_gives_the_cell_back(kernel: Kernel, gov: Gov) -> None:
    message = kernel.begin(cell("--as run", SLEEPS))
    running = until(
        lambda: [run for run in gov.executions.list(local_actor()) if run.state is State.RUNNING], "the run"
    )
    kernel.interrupt()
    stopped = kernel.end(message)
    assert stopped.seconds < 2.5
    assert stopped.error["ename"] == "InterruptedRunError"
    until(lambda: gov.executions.get(running[0].id, local_actor()).state is State.KILLED, "the kill")
    assert "KILLED" in kernel.ok("run.state").text


def test_interrupt_at_a_gate_leaves_it_waiting(batch: Kernel, gov: Gov) -> None:
    message = batch.begin(cell("--as run", GATED))
    gate = open_gate(gov).approval

    def told() -> bool:
        batch.poll()
        return "jupyter gov approve" in batch.so_far(message).text

    until(told, "the announcement")
    batch.interrupt()
    stopped = batch.end(message)
    assert stopped.seconds < 2.5
    assert stopped.error["ename"] == "LeftWaitingError"
    assert "still waits" in stopped.text
    assert gov.approvals.get(gate.id, local_actor()).approval.status is ApprovalStatus.OPEN
    decide(gov, open_gate(gov))
    batch.ok("run.wait('PT30S')")


def test_failure_stops_run_all_and_names_the_task(kernel: Kernel) -> None:
    failed = kernel.run(cell("--as run", FAILS))
    assert failed.error["ename"] == "RunFailedError"
    assert 'task "stop"' in failed.text
    assert "not today" in failed.text
    assert "✖ FAILED" in failed.text
    assert "FAILED" in kernel.ok("run.state").text


def test_problems_of_a_flow_have_a_caret_and_the_line_of_the_cell(kernel: Kernel, gov: Gov) -> None:
    failed = kernel.run(cell("", SLIP))
    assert failed.error["ename"] == "FlowError"
    assert "GOV112" in failed.text
    assert "  7 |     mesage: hi" in failed.text
    assert "^^^^^^" in failed.text
    assert 'did you mean "message"?' in failed.text
    assert "File " not in failed.text
    assert not gov.flows.list(local_actor())
    assert "lang/check" in kernel.ok("%gov debug").text.replace("\\", "/")


def test_wrong_input_starts_nothing(kernel: Kernel, gov: Gov) -> None:
    failed = kernel.run(
        cell("-i number=abc", HELLO.replace("type: STRING\n    defaults: World", "type: INT").replace("who", "number"))
    )
    assert failed.error["ename"].startswith("Input")
    assert "number" in failed.text
    assert not gov.executions.list(local_actor())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--runn", "unrecognized arguments"),
        ("some text", "unrecognized arguments"),
        ("--run --validate", "only one of"),
        ("-i novalue", "NAME=VALUE"),
        ("-i a=1 -i a=2", "given twice"),
        ("--inputs-json missing", "no variable"),
        ("--as 1x", "Python name"),
        ('-i a="open', "closing quotation"),
        ("--format pdf", "invalid choice"),
    ],
)
def test_wrong_options_are_a_short_usage_error(kernel: Kernel, options: str, complaint: str) -> None:
    failed = kernel.run(cell(options, HELLO))
    assert "UsageError" in failed.text
    assert complaint.lower() in failed.text.lower()
    assert "File " not in failed.text


def test_validate_writes_nothing_and_draws_the_graph(kernel: Kernel, gov: Gov) -> None:
    shown = kernel.ok(cell("--validate", GATED))
    assert "is valid; nothing was stored" in shown.text
    assert "text/vnd.mermaid" in shown.outputs[0]["data"]
    assert not gov.flows.list(local_actor())


def test_register_stores_and_a_change_is_shown(kernel: Kernel) -> None:
    assert "is revision 1" in kernel.ok(cell("--register", HELLO)).text
    assert "is revision 1" in kernel.ok(cell("--register", HELLO)).text
    changed = kernel.ok(cell("", HELLO.replace("Hello", "Good day")))
    assert "revision 2" in changed.text
    assert "+1 -1 lines" in changed.text


def test_text_json_and_quiet(kernel: Kernel) -> None:
    as_text = kernel.ok(cell("--format text", HELLO))
    assert not as_text.html.strip()
    assert "✔ SUCCESS" in as_text.text
    as_json = kernel.ok(cell("--format json", HELLO)).outputs[-1]["data"]["application/json"]
    assert as_json["execution"]["state"] == "SUCCESS"
    quiet = kernel.ok(cell("--quiet", HELLO))
    assert "✔ SUCCESS" in quiet.text
    json.dumps(as_json)


def test_labels_and_a_sync_cell(kernel: Kernel, gov: Gov) -> None:
    """Below another cell magic nothing can be awaited; the cell then blocks, and works all the same."""
    shown = kernel.ok(f"%%time\nget_ipython().run_cell_magic('govflow', '--label team=risk --as run', {HELLO!r})")
    assert "✔ SUCCESS" in shown.text
    assert gov.executions.list(local_actor())[0].labels["team"] == "risk"


def test_help_names_the_cell_magic(kernel: Kernel) -> None:
    reply = kernel.client.inspect("%%govflow", 10, reply=True, timeout=30)
    text = reply["content"]["data"]["text/plain"]
    assert "%%govflow [--run]" in text
    assert "--inputs-json" in text
    assert "Examples" in text


def test_the_help_of_the_cell_magic_is_printed(kernel: Kernel, gov: Gov) -> None:
    assert "--validate" in kernel.ok("%%govflow --help\n").text
    assert "--validate" in kernel.ok(cell("-h", HELLO)).text
    assert not gov.flows.list(local_actor())


def test_unload_leaves_nothing(kernel: Kernel) -> None:
    kernel.ok(cell("", HELLO))
    kernel.ok("%unload_ext jupyter_gov")
    assert "not found" in kernel.run(cell("", HELLO)).text
    kernel.ok("%load_ext jupyter_gov")
    kernel.ok(cell("", HELLO))


def test_loading_the_extension_imports_nothing_heavy(home: Path) -> None:
    heavy = ("sqlalchemy", "duckdb", "papermill", "pandas", "anywidget")
    kernel = Kernel(home)
    try:
        kernel.ok("import sys\n%load_ext jupyter_gov")
        assert kernel.ok(f"print([name for name in {heavy} if name in sys.modules])").text.strip() == "[]"
    finally:
        kernel.close()


STUBBORN = """\
id: stubborn
namespace: demo
tasks:
  - id: nap
    type: io.kestra.plugin.scripts.shell.Commands
    commands:
      - trap '' TERM INT; for i in $(seq 600); do sleep 0.1; done
"""


def test_a_second_interrupt_detaches_and_says_how_to_come_back(kernel: Kernel, gov: Gov) -> None:
    message = kernel.begin(cell("--as run", STUBBORN))
    actor = local_actor()

    def deep_in() -> bool:
        return any(run.state is State.RUNNING for run in gov.executions.list(actor))

    until(deep_in, "the run")
    kernel.interrupt()
    until(lambda: gov.executions.list(actor)[0].state in {State.KILLING, State.KILLED}, "the request to stop")
    kernel.interrupt()
    left = kernel.end(message)
    assert left.error["ename"] == "InterruptedRunError"
    assert "%gov show" in left.text or "KILLED" in left.text
    until(lambda: gov.executions.list(actor)[0].state is State.KILLED, "the kill")


def test_an_interrupt_outlasts_a_script_that_ignores_signals(kernel: Kernel, gov: Gov) -> None:
    message = kernel.begin(cell("--as run", STUBBORN))
    until(lambda: any(run.state is State.RUNNING for run in gov.executions.list(local_actor())), "the run")
    kernel.interrupt()
    stopped = kernel.end(message)
    assert stopped.error["ename"] == "InterruptedRunError"
    assert "is KILLED" in stopped.text
    assert "%gov restart" in stopped.text
