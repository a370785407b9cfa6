"""Every command through the real program: what it prints, what it stores, how it exits."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_gov.domain.approval import Verdict
from jupyter_gov.domain.states import State
from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from jupyter_gov.service.words import short_id
from tests.cli.conftest import SCRIPT, Cli
from tests.faces import Approver, decide, open_gate, until
from tests.small_flows import (
    CALLS,
    FAILS,
    GATED,
    HELLO,
    LEAVES,
    ONE_AT_A_TIME,
    SECRET,
    SLEEPS,
    SLIP,
    SLOW,
    TWICE,
    UNKNOWN,
)

Write = Callable[[str, str], str]


def test_help_lists_every_command_and_the_exit_codes(cli: Cli) -> None:
    shown = cli("--help")
    assert shown.code == 0
    for command in [
        "demo",
        "check",
        "register",
        "schema",
        "run",
        "runs",
        "show",
        "logs",
        "approvals",
        "approve",
        "reject",
        "kill",
        "restart",
        "delete",
        "flows",
        "sql",
        "audit",
        "db",
        "doctor",
    ]:
        assert f" {command} " in shown.out
    assert "3 waits for approval" in shown.out


def test_version(cli: Cli) -> None:
    assert cli("--version").out.startswith("jupyter_gov 0.")


def test_completion_of_the_shell_is_offered(cli: Cli) -> None:
    shown = subprocess.run(
        [str(SCRIPT)],
        env={**os.environ, "_JUPYTER_GOV_COMPLETE": "complete_bash", "COMP_WORDS": "jupyter-gov ap", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout.split() == ["approvals", "approve"]


@pytest.mark.parametrize("command", ["show", "approve"])
def test_ids_are_completed_from_the_store(cli: Cli, write: Write, home: Path, command: str) -> None:
    def completed() -> str:
        words = {"COMP_WORDS": f"jupyter-gov {command} ", "COMP_CWORD": "2", "_JUPYTER_GOV_COMPLETE": "complete_bash"}
        ended = subprocess.run([str(SCRIPT)], env={**os.environ, **words}, capture_output=True, text=True, check=False)
        assert not ended.stderr
        return ended.stdout

    before = completed()
    assert before.split() == (["last"] if command == "show" else [])
    assert not (home.parent / "store").exists()
    assert cli("run", write("gated.yaml", GATED), "--no-wait", "-q").code == 3
    found = cli("runs" if command == "show" else "approvals", "--json").json[0]["id"]
    assert short_id(found) in completed().split()


def test_the_spelling_that_is_completed_is_said_at_install(home: Path) -> None:
    shown = subprocess.run(
        [str(SCRIPT), "--install-completion", "bash"],
        env={**os.environ, "HOME": str(home), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "`jupyter-gov …`" in shown.stdout


def test_help_imports_neither_store_nor_language(cli: Cli) -> None:
    code = (
        "import sys; sys.argv = ['jupyter-gov', '--help']\n"
        "from jupyter_gov.cli.app import main\nmain()\n"
        "print([m for m in ('sqlalchemy', 'pydantic', 'jinja2', 'duckdb', 'IPython', 'papermill') if m in sys.modules])"
    )
    python = SCRIPT.with_name("python")
    shown = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip().endswith("[]")


@pytest.mark.parametrize("words", [("nonsense",), ("run",), ("approve",), ("reject", "x"), ("runs", "--state", "odd")])
def test_wrong_usage_exits_2(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli(*words).code == 2


def test_check_shows_all_problems_and_needs_no_store(cli: Cli, write: Write, home: Path) -> None:
    good, bad = write("good.yaml", HELLO), write("bad.yaml", SLIP)
    shown = cli("check", good, bad)
    assert shown.code == 1
    assert "✔ good.yaml" in shown.out
    assert 'GOV112 unknown key "mesage"' in shown.out
    assert "^^^^^^" in shown.out
    assert not (home.parent / "store").exists()

    documents = cli("check", good, bad, "--json").json
    assert [document["ok"] for document in documents] == [True, False]
    assert "GOV112" in {found["code"] for found in documents[1]["diagnostics"]}


def test_check_for_version_2_tells_all_that_has_to_change(cli: Cli, write: Write) -> None:
    each = """\
id: old
namespace: company.team
inputs:
  - {id: sure, type: BOOLEAN, defaults: true}
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a]
    tasks:
      - id: say
        type: io.kestra.plugin.core.log.Log
        runIf: "{{ inputs.sure }}"
        message: "{{ json('1') }} {{ taskrun.value }}"
"""
    file = write("old.yaml", each)
    assert cli("check", file).code == 0
    shown = cli("check", "--target", "2.0", file)
    assert shown.code == 1
    for told in ("GOV175", "GOV172", "GOV171", "GOV174", "7 | ", "flow.Loop", "3 errors, 2 warnings"):
        assert told in shown.out
    told = cli("check", "--target", "2.0", "--json", file).json[0]["diagnostics"]
    found = {one["code"]: one for one in told}
    assert found["GOV175"]["replacement"] == "BOOL"
    assert found["GOV174"]["location"]["column"] == 22
    assert cli("check", "--target", "3.0", file).code == 2


def test_a_type_that_no_plugin_offers_is_stored_if_asked_for_and_fails_when_reached(cli: Cli, write: Write) -> None:
    file = write("elsewhere.yaml", UNKNOWN)
    refused = cli("register", file)
    assert refused.code == 1
    for told in (
        "GOV111",
        "core.debug.Retrun",
        'did you mean "io.kestra.plugin.core.debug.Return"?',
        "jupyter_gov.tasks",
    ):
        assert told in refused.out + refused.err
    warned = cli("check", "--allow-unknown-types", file)
    assert (warned.code, "GOV165" in warned.out) == (0, True)
    assert cli("register", "--allow-unknown-types", file).code == 0
    ran = cli("run", "--allow-unknown-types", file, "--json")
    assert ran.code == 1
    assert [(task["taskId"], task["state"]) for task in ran.json["tasks"]] == [
        ("first", "SUCCESS"),
        ("strange", "FAILED"),
    ]
    assert "no installed plugin offers" in ran.out
    assert "GOV901" in ran.out


def test_check_of_a_missing_or_binary_file(cli: Cli, home: Path) -> None:
    missing = cli("check", "nowhere.yaml")
    assert (missing.code, "GOV350" in missing.err) == (1, True)
    assert "*.yaml" in cli("check", ".").err
    (home / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    binary = cli("check", "binary.yaml")
    assert (binary.code, "UTF-8" in binary.err) == (1, True)
    assert "Traceback" not in missing.err + binary.err


def test_run_show_logs_runs_flows(cli: Cli, write: Write) -> None:
    ran = cli("run", write("hello.yaml", HELLO), "-i", "who=Ann", "--label", "team=risk", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["state"] == "SUCCESS"
    assert ran.json["tasks"][0]["outputs"]["value"] == "Hello Ann"
    assert ran.json["labels"]["team"] == "risk"
    found = ran.json["id"]

    again = cli("run", "demo.hello", "-q")
    assert (again.code, "✔ SUCCESS demo.hello" in again.out) == (0, True)
    assert cli("show", found[-6:], "--json").json["id"] == found
    shown = cli("show", "last")
    assert "greet" in shown.out
    listed = cli("runs", "--flow", "demo.hello", "--state", "success", "--json").json
    assert [run["state"] for run in listed] == ["SUCCESS", "SUCCESS"]
    assert cli("flows", "--json").json[0]["id"] == "hello"
    assert "demo.hello" in cli("flows").out
    assert "Nothing waits" in cli("approvals").out


def test_a_flow_comes_from_standard_input_too(cli: Cli) -> None:
    assert cli("run", "-", "-q", stdin=HELLO).code == 0


def test_a_failed_run_exits_1_and_says_why(cli: Cli, write: Write) -> None:
    failed = cli("run", write("fails.yaml", FAILS))
    assert failed.code == 1
    assert "GOV331" in failed.err
    assert 'task "stop": not today' in failed.err
    logs = cli("logs", "last")
    assert "about to fail" in logs.out
    lines = cli("logs", "last", "--task", "say", "--json").json
    assert [line["message"] for line in lines] == ["about to fail"]


def test_wrong_inputs_are_wrong_usage_and_start_nothing(cli: Cli, write: Write, gov: Gov) -> None:
    flow = write("n.yaml", HELLO.replace("type: STRING\n    defaults: World", "type: INT"))
    wrong = cli("run", flow, "-i", "who=abc")
    assert wrong.code == 2
    assert "who" in wrong.err
    assert cli("run", flow, "-i", "novalue").code == 2
    assert cli("run", flow, "-p", "x=1").code == 2
    assert not gov.executions.list(local_actor())


def test_errors_are_json_too(cli: Cli, write: Write) -> None:
    wrong = cli("run", write("bad.yaml", SLIP), "--json")
    assert wrong.code == 1
    assert wrong.json["error"]["diagnostics"]
    unknown = cli("show", "zzzz", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "GOV302")


def test_ids_may_be_abbreviated_only_while_unique(cli: Cli, write: Write, gov: Gov) -> None:
    flow = write("hello.yaml", HELLO)
    first = cli("run", flow, "--json").json["id"]
    second = cli("run", flow, "--json").json["id"]
    assert first[:3] == second[:3]
    both = cli("show", first[:3])
    assert (both.code, "GOV336" in both.err) == (1, True)
    assert cli("show", second[:-1], "--json").json["id"] == second


def test_a_gate_exits_3_and_is_approved_by_the_next_command(cli: Cli, write: Write) -> None:
    paused = cli("run", write("gated.yaml", GATED), "--no-wait")
    assert paused.code == 3
    assert "jupyter gov approve" in paused.err
    waiting = cli("approvals", "--json").json
    assert (waiting[0]["status"], waiting[0]["description"]) == ("OPEN", "Is draft good?")
    assert "Is draft good?" in cli("approvals").out

    assert "jupyter gov approvals" in cli("approve", "nonsense").err
    wrong = cli("approve", "last", "-i", "stage=moon")
    assert wrong.code == 2
    assert "stage" in wrong.err

    done = cli("approve", waiting[0]["id"], "--reason", "checked", "-i", "stage=prod", "--json")
    assert done.code == 0, done.err
    assert done.json["tasks"][-1]["outputs"]["value"] == "to prod"
    decided = cli("approvals", "--all", "--json").json[0]
    assert (decided["status"], decided["reason"]) == ("APPROVED", "checked")

    late = cli("reject", waiting[0]["id"], "--reason", "changed my mind")
    assert late.code == 4
    assert "GOV409" in late.err


def test_a_run_that_pauses_again_exits_3(cli: Cli, write: Write) -> None:
    assert cli("run", write("twice.yaml", TWICE), "--no-wait", "-q").code == 3
    assert cli("approve", "last").code == 3
    assert cli("approve", "last").code == 0


def test_no_follow_returns_at_once_and_another_command_carries_on(cli: Cli, write: Write) -> None:
    waiting = cli("run", write("gated.yaml", GATED), "--no-wait", "-q", "--json").json["id"]
    answered = cli("approve", waiting, "--no-follow", "--json")
    assert (answered.code, answered.json["status"]) == (0, "APPROVED")
    # A command leaves runs of others alone: it would tear them apart when it ends.
    cli("run", write("hello.yaml", HELLO), "-q")
    assert {run["flow"]: run["state"] for run in cli("runs", "--json").json} == {"hello": "SUCCESS", "gated": "PAUSED"}
    assert cli("show", waiting, "--follow").code == 0
    assert {run["flow"]: run["state"] for run in cli("runs", "--json").json} == {"hello": "SUCCESS", "gated": "SUCCESS"}


def test_a_gate_of_a_subflow_is_named_and_its_answer_carries_the_caller_on(cli: Cli, write: Write) -> None:
    cli("register", write("gated.yaml", GATED))
    calls = cli("run", write("calls.yaml", CALLS), "--no-wait")
    assert calls.code == 3
    gate = cli("approvals", "--json").json[0]
    assert gate["flow"] == "gated"
    assert "approve" in calls.err
    assert cli("approve", gate["id"]).code == 0
    assert {run["flow"]: run["state"] for run in cli("runs", "--json").json} == {"calls": "SUCCESS", "gated": "SUCCESS"}


def test_a_decided_gate_is_found_by_its_short_name(cli: Cli, write: Write) -> None:
    assert cli("run", write("gated.yaml", GATED), "--no-wait", "-q").code == 3
    shown = cli("approvals").out.splitlines()[1].split()[0]
    assert cli("approve", shown).code == 0
    assert "GOV409" in cli("reject", shown, "--reason", "too late").err


def test_a_run_whose_turn_has_not_come_is_left_alone(cli: Cli, write: Write) -> None:
    flow = write("single.yaml", ONE_AT_A_TIME)
    first = cli("run", flow, "--no-wait", "--json").json["id"]
    queued = cli("run", flow, "--no-wait")
    assert queued.code == 3
    assert "QUEUED" in queued.err
    assert cli("approve", first).code == 0
    assert [run["flow"] for run in cli("runs", "--state", "QUEUED", "--json").json] == ["single"]


def test_what_was_started_without_waiting_is_not_cut_off(cli: Cli, write: Write) -> None:
    cli("register", write("slow.yaml", SLOW))
    assert cli("run", write("leaves.yaml", LEAVES)).code == 0
    assert {run["flow"]: run["state"] for run in cli("runs", "--json").json} == {"leaves": "SUCCESS", "slow": "SUCCESS"}


def test_files_are_stored_without_running_or_none_of_them_is(cli: Cli, write: Write) -> None:
    good, bad = write("hello.yaml", HELLO), write("bad.yaml", "id: bad\nnamespace: company.team\n")
    assert cli("register", good, bad).code != 0
    assert cli("flows").code == 1
    assert cli("register", good, "--json").json[0]["revision"] == 1
    assert cli("runs", "--json").json == []


def test_the_schema_is_printed(cli: Cli) -> None:
    assert cli("schema").json["$schema"].startswith("https://json-schema.org/")


def test_a_rejected_gate_exits_4_where_it_is_waited_for(cli: Cli, write: Write, gov: Gov) -> None:
    approver = Approver(gov, Verdict.REJECT)
    ended = cli("run", write("gated.yaml", GATED))
    approver.join()
    assert ended.code == 4
    assert "GOV332" in ended.err
    assert "seen by the test" in ended.err


def test_waiting_says_where_and_goes_on_when_somebody_else_decides(cli: Cli, write: Write, gov: Gov) -> None:
    process = cli.start("run", write("gated.yaml", GATED))
    gate = open_gate(gov)
    said = until(lambda: process.stderr.readline() if process.stderr else "", "the first line")
    while "jupyter gov approve" not in said:
        said = process.stderr.readline() if process.stderr else ""
    decide(gov, gate, stage="prod")
    assert cli.end(process).code == 0


def test_timeout_exits_3_and_the_run_can_be_approved_afterwards(cli: Cli, write: Write) -> None:
    began = time.monotonic()
    late = cli("run", write("gated.yaml", GATED), "--timeout", "PT0.5S", "-q")
    assert late.code == 3
    assert time.monotonic() - began < 20
    assert cli("approve", "last", "-q").code == 2
    assert cli("approve", "last").code == 0


def test_reject_needs_a_reason_and_is_no_failure_of_the_command(cli: Cli, write: Write) -> None:
    cli("run", write("gated.yaml", GATED), "--no-wait", "-q")
    assert cli("reject", "last", "--reason", "  ").code == 2
    rejected = cli("reject", "last", "--reason", "not good")
    assert rejected.code == 0
    assert cli("show", "last", "--json").json["state"] == "FAILED"


def test_a_run_may_begin_later(cli: Cli, write: Write, gov: Gov) -> None:
    file = write("sleeps.yaml", SLEEPS)
    assert cli("run", file, "--at", "soon").code == 2
    later = cli("run", file, "--at", "2100-01-31T08:00")
    assert (later.code, "begins 2100-01-31 08:00:00" in later.out) == (0, True)
    (waiting,) = gov.executions.list(local_actor())
    assert waiting.state is State.CREATED
    assert cli("kill", "last").code == 0
    assert cli("runs", "--json").json[0]["state"] == "KILLED"


def test_kill_from_another_process(cli: Cli, write: Write, gov: Gov) -> None:
    process = cli.start("run", write("sleeps.yaml", SLEEPS))
    until(lambda: [run for run in gov.executions.list(local_actor()) if run.state is State.RUNNING], "the run")
    killed = cli("kill", "last", "--reason", "enough")
    assert killed.code == 0
    ended = cli.end(process)
    assert (ended.code, "GOV333" in ended.err) == (1, True)
    again = cli("kill", "last")
    assert (again.code, "ended KILLED already" in again.err) == (1, True)


def test_ctrl_c_kills_the_run(cli: Cli, write: Write, gov: Gov) -> None:
    process = cli.start("run", write("sleeps.yaml", SLEEPS))
    until(lambda: [run for run in gov.executions.list(local_actor()) if run.state is State.RUNNING], "the run")
    process.send_signal(signal.SIGINT)
    ended = cli.end(process)
    assert ended.code == 1
    assert "GOV335" in ended.err
    assert "Traceback" not in ended.err
    assert gov.executions.list(local_actor())[0].state is State.KILLED


def test_ctrl_c_at_a_gate_leaves_it_waiting(cli: Cli, write: Write, gov: Gov) -> None:
    process = cli.start("run", write("gated.yaml", GATED))
    gate = open_gate(gov).approval
    until(lambda: "jupyter gov reject" in (process.stderr.readline() if process.stderr else ""), "the commands")
    process.send_signal(signal.SIGINT)
    left = cli.end(process)
    assert left.code == 3
    assert "still waits" in left.err
    assert "jupyter gov approve" in left.err
    assert gov.executions.get(gate.execution_id, local_actor()).state is State.PAUSED
    assert cli("approve", "last").code == 0


def test_ctrl_c_at_a_gate_of_a_subflow_leaves_both_waiting(cli: Cli, write: Write, gov: Gov) -> None:
    cli("register", write("gated.yaml", GATED))
    process = cli.start("run", write("calls.yaml", CALLS))
    until(lambda: "jupyter gov reject" in (process.stderr.readline() if process.stderr else ""), "the commands")
    process.send_signal(signal.SIGINT)
    left = cli.end(process)
    assert (left.code, "still waits" in left.err) == (3, True)
    assert {run.state for run in gov.executions.list(local_actor())} <= {State.PAUSED, State.RUNNING}


BESIDE = """\
id: beside
namespace: demo
tasks:
  - id: both
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - id: gate
        type: io.kestra.plugin.core.flow.Pause
      - id: nap
        type: io.kestra.plugin.core.flow.Sleep
        duration: PT60S
"""


def test_ctrl_c_stops_what_runs_beside_a_gate(cli: Cli, write: Write, gov: Gov) -> None:
    process = cli.start("run", write("beside.yaml", BESIDE))
    open_gate(gov)
    until(lambda: "jupyter gov reject" in (process.stderr.readline() if process.stderr else ""), "the commands")
    process.send_signal(signal.SIGINT)
    assert cli.end(process).code == 1
    assert gov.executions.list(local_actor())[0].state is State.KILLED


STUBBORN = """\
id: stubborn
namespace: demo
tasks:
  - id: nap
    type: io.kestra.plugin.scripts.shell.Commands
    commands:
      - trap '' INT TERM; echo deaf; sleep 60; sleep 60
"""


def test_ctrl_c_outlasts_a_script_that_ignores_signals(cli: Cli, write: Write, gov: Gov) -> None:
    process = cli.start("run", write("stubborn.yaml", STUBBORN))
    actor = local_actor()

    def deaf() -> bool:
        found = gov.executions.list(actor)
        return bool(found) and any(line.message == "deaf" for line in gov.executions.logs(found[0].id, actor))

    until(deaf, "the script")
    process.send_signal(signal.SIGINT)
    ended = cli.end(process)
    assert ended.code == 1
    assert "KILLED" in ended.err
    assert "restart" in ended.err
    assert gov.executions.list(actor)[0].state is State.KILLED


def test_after_a_second_ctrl_c_the_hint_is_true(cli: Cli, write: Write, gov: Gov) -> None:
    process = cli.start("run", write("stubborn.yaml", STUBBORN))
    actor = local_actor()
    until(lambda: [run for run in gov.executions.list(actor) if run.state is State.RUNNING], "the run")
    process.send_signal(signal.SIGINT)
    until(lambda: gov.executions.list(actor)[0].state is not State.RUNNING, "the request to stop")
    process.send_signal(signal.SIGINT)
    ended = cli.end(process)
    assert ended.code == 1
    command = ended.err.partition("jupyter gov ")[2].splitlines()[0].partition(" stays")[0].partition(" continues")[0]
    again = cli(*command.split())
    assert "GOV303" not in again.err
    assert gov.executions.list(actor)[0].state.is_terminal


def test_restart_goes_on_from_the_failed_task(cli: Cli, write: Write, home: Path) -> None:
    flow = HELLO.replace("io.kestra.plugin.core.debug.Return", "io.kestra.plugin.scripts.shell.Commands").replace(
        'format: "Hello {{ inputs.who }}"', f"commands:\n      - test -e {home}/there"
    )
    assert cli("run", write("test.yaml", flow), "-q").code == 1
    (home / "there").touch()
    again = cli("restart", "last")
    assert again.code == 0, again.err
    assert cli("restart", "last").code == 1


def test_the_history_is_verified_shown_exported_and_asked(cli: Cli, write: Write, home: Path) -> None:
    cli("run", write("hello.yaml", HELLO), "-q")
    verified = cli("audit", "verify")
    assert verified.code == 0
    assert "hold together" in verified.out
    assert len(verified.out.splitlines()) == 1
    assert "audit verify -v" in verified.out
    assert "Not seen by this check" in cli("audit", "verify", "-v", "--files").out
    assert cli("audit", "verify", "--json").json["limits"]
    assert cli("audit", "verify", "--json").json["ok"] is True
    entries = cli("audit", "show", "last", "--json").json
    assert entries[0]["action"] == "execution.created"
    assert "execution.created" in cli("audit", "show", "last").out
    assert cli("audit", "show", "last", "-n", "2", "--json").json == entries[-2:]
    everything = cli("audit", "show", "-n", "1000", "--json").json
    assert cli("audit", "show", "-n", "2", "--json").json == everything[-2:]
    assert cli("audit", "export", "history.jsonl").code == 0
    assert len((home / "history.jsonl").read_text().splitlines()) >= len(entries)
    assert "GOV351" in cli("audit", "export", "history.jsonl").err
    asked = cli("sql", "select state, count(*) as n from executions group by state", "--json")
    assert asked.json == [{"state": "SUCCESS", "n": 1}]
    assert "SUCCESS" in cli("sql", "select state from executions").out
    views = {row["view"]: row["columns"] for row in cli("sql", "SHOW TABLES", "--json").json}
    assert "state" in views["executions"]
    assert "flow_id" in cli("sql", "describe executions;").out
    assert "executions" in cli("sql", "describe runs").err
    assert "executions" in cli("sql", "select * from runs").err
    again = cli("restart", "last")
    assert (again.code, "nothing in it failed" in again.err) == (1, True)


def test_a_changed_history_exits_5_and_names_the_place(cli: Cli, write: Write, home: Path) -> None:
    import sqlite3

    cli("run", write("hello.yaml", HELLO), "-q")
    with sqlite3.connect(home.parent / "store" / "gov.db") as connection:
        connection.execute("update gov_executions set state = 'FAILED'")
    connection.close()
    found = cli("audit", "verify")
    assert found.code == 5
    assert "execution/" in found.out


def test_secret_inputs_never_appear(cli: Cli, write: Write) -> None:
    ran = cli("run", write("secretive.yaml", SECRET), "-i", "key=hunter2", "--json")
    shown = cli("show", "last")
    history = cli("audit", "show", "last", "--json")
    assert "hunter2" not in ran.out + ran.err + shown.out + history.out


def test_doctor_names_a_cure_for_each_fault(cli: Cli) -> None:
    checks = {check["name"]: check for check in cli("doctor", "--json").json["checks"]}
    assert {"package", "server extension", "JupyterLab extension", "database", "papermill", "identity"} <= set(checks)
    assert all(check["cure"] for check in checks.values() if check["status"] == "broken")
    assert checks["task types"]["status"] == "ok"


def test_doctor_and_others_survive_a_broken_database(cli: Cli, home: Path) -> None:
    store = home.parent / "store"
    store.mkdir()
    (store / "gov.db").write_bytes(b"this is no database at all, but it is long enough to look like a file of one" * 50)
    doctor = cli("doctor")
    assert doctor.code == 1
    assert "✖ database" in doctor.out
    listed = cli("runs")
    assert listed.code == 1
    assert "GOV7" in listed.err
    assert "Traceback" not in listed.err + doctor.err


def test_db_upgrade_is_idempotent_and_the_database_can_be_named(cli: Cli, home: Path) -> None:
    other = str(home / "other.db")
    first = cli("--db", other, "db", "upgrade", "--json").json
    assert (first["before"], first["after"]) == (None, cli("--db", other, "db", "upgrade", "--json").json["after"])
    assert cli("--db", other, "runs", "--json").json == []
    assert Path(other).exists()


@pytest.mark.parametrize(
    "words",
    [
        ("runs",),
        ("show", "last"),
        ("logs", "last"),
        ("approvals",),
        ("flows",),
        ("sql", "select 1"),
        ("audit", "verify"),
    ],
)
def test_a_named_database_that_is_missing_is_refused_and_not_made(cli: Cli, home: Path, words: tuple[str, ...]) -> None:
    refused = cli("--db", "nowhere/x.db", *words)
    assert (refused.code, "GOV353" in refused.err) == (1, True)
    assert str(home / "nowhere" / "x.db") in refused.err
    assert "jupyter gov run" in refused.err
    assert not (home / "nowhere").exists()


def test_a_misspelt_database_is_asked_for(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("--db", "records.db", "db", "upgrade").code == 0
    assert f'Did you mean "{home / "records.db"}"?' in cli("--db", "record.db", "runs").err
    monkeypatch.delenv("JUPYTER_GOV_DB_URL")
    monkeypatch.setenv("JUPYTER_GOV_DATA_DIR", str(home / "data"))
    assert "No run matches." in cli("runs").out


def test_output_to_a_closed_pipe_is_no_error(cli: Cli, write: Write) -> None:
    cli("run", write("hello.yaml", HELLO), "-q")
    process = cli.start("audit", "show", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert "Traceback" not in (process.stderr.read() if process.stderr else "")
    process.wait(60)
    if process.stderr:
        process.stderr.close()
