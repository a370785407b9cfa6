"""``%gov``: every verb in a real kernel."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from jupyter_gov.domain.states import State
from jupyter_gov.kernel.verbs import VERBS
from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from tests.faces import open_gate, until
from tests.kernel.conftest import Kernel
from tests.small_flows import GATED, HELLO, SLEEPS


def short(kernel: Kernel, expression: str) -> str:
    return kernel.ok(f"print({expression})").text.strip()


def test_help_lists_every_verb(kernel: Kernel) -> None:
    shown = kernel.ok("%gov help").text
    assert all(f"%gov {verb}" in shown for verb in VERBS)
    assert kernel.ok("%gov").text == shown
    assert "usage: %gov approve" in kernel.run("%gov approve --help").text


def test_lists_say_what_to_do_when_they_are_empty(kernel: Kernel) -> None:
    assert "%%govflow" in kernel.ok("%gov flows").text
    assert "%%govflow" in kernel.ok("%gov runs").text
    assert "Nothing waits" in kernel.ok("%gov approvals").text


def test_flows_runs_show_logs(kernel: Kernel) -> None:
    kernel.ok(f"%%govflow --as run -i who=Ann\n{HELLO}")
    assert "demo.hello" in kernel.ok("%gov flows").text
    identifier = short(kernel, "run.id[-8:]")
    assert identifier in kernel.ok("%gov runs --flow demo.hello --state success").text
    assert identifier not in kernel.ok("%gov runs --state failed").text
    shown = kernel.ok(f"%gov show {identifier}")
    assert "✔ SUCCESS" in shown.text
    assert "flowchart" in shown.outputs[0]["data"]["text/vnd.mermaid"]
    assert kernel.ok("%gov show last").text.splitlines()[:2] == shown.text.splitlines()[:2]
    assert "message" in kernel.ok("%gov logs last").text


def test_approve_by_the_end_of_its_id_with_answers(kernel: Kernel, gov: Gov) -> None:
    kernel.ok(f"%%govflow --as run\n{GATED}")
    assert "Is draft good?" in kernel.ok("%gov approvals").text
    gate = open_gate(gov).approval.id
    kernel.ok(f'%gov approve {gate[-8:]} --reason "two words" -i stage=prod')
    kernel.ok("run.wait()")
    assert "'to prod'" in kernel.ok("run.outputs['after']['value']").text
    assert "two words" in kernel.ok("%gov show last").text
    late = kernel.run(f"%gov approve {gate}")
    assert "GOV409" in late.text


def test_reject_needs_a_reason(kernel: Kernel) -> None:
    kernel.ok(f"%%govflow --as run\n{GATED}")
    assert "--reason" in kernel.run("%gov reject last").text
    kernel.ok("%gov reject last --reason no")
    assert "RunRefusedError" in kernel.run("run.wait()").error["ename"]


def test_kill_and_restart(kernel: Kernel, gov: Gov) -> None:
    message = kernel.begin(f"%%govflow --as run --no-wait --timeout PT0.3S\n{SLEEPS}")
    assert kernel.end(message).error["ename"] == "WaitTimeoutError"
    kernel.ok("%gov kill last --reason enough")
    actor = local_actor()
    until(lambda: gov.executions.list(actor)[0].state is State.KILLED, "the kill")
    kernel.ok("%gov restart last")
    until(lambda: gov.executions.list(actor)[0].state is State.RUNNING, "the restart")
    kernel.ok("run.kill()")
    until(lambda: gov.executions.list(actor)[0].state is State.KILLED, "the second kill")
    illegal = kernel.run("run.kill()")
    assert "GOV306" in illegal.text


def test_sql_takes_a_line_or_a_cell_but_not_both(kernel: Kernel) -> None:
    kernel.ok(f"%%govflow\n{HELLO}")
    assert "SUCCESS" in kernel.ok("%gov sql select state from executions where state = 'SUCCESS'").text
    frame = kernel.ok("%%gov sql\nSELECT state,\n  count(*) AS runs\nFROM executions GROUP BY state")
    assert "runs" in frame.text
    assert "flow_id" in kernel.ok("%gov sql show tables").text
    assert "UsageError" in kernel.run("%%gov sql select 1\nselect 2").text
    assert "UsageError" in kernel.run("%gov sql").text
    assert "File " not in kernel.run("%gov sql selec nothing").text
    assert "UsageError" in kernel.run("%%gov runs\nbody").text


def test_the_history_is_shown_and_verified(kernel: Kernel) -> None:
    kernel.ok(f"%%govflow\n{HELLO}")
    assert "execution.created" in kernel.ok("%gov audit --id last").text
    verified = kernel.ok("%gov audit verify").text
    assert "hold together" in verified
    assert "Not seen by this check" not in verified
    assert "<ul>" in kernel.ok("%gov audit verify -v").html


def test_a_changed_history_is_an_error_that_names_the_place(kernel: Kernel, home: Path) -> None:
    kernel.ok(f"%%govflow\n{HELLO}")
    with sqlite3.connect(home.parent / "store" / "gov.db") as connection:
        connection.execute("update gov_executions set state = 'FAILED'")
    connection.close()
    failed = kernel.run("%gov audit verify")
    assert failed.error["ename"] == "AuditError"
    assert "execution/" in failed.text


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("%gov aprove x", 'did you mean "approve"?'),
        ("%gov show", "required: id"),
        ("%gov runs --bad", "unrecognized arguments"),
        ("%gov runs --limitt 3", 'did you mean "--limit"?'),
        ("%gov approve nonsense", "jupyter gov approvals"),
        ("%%govflow --valdate\nid: x", 'did you mean "--validate"?'),
        ("%gov runs --state odd", "--state expects one of"),
        ("%gov show nothing-like-it", "GOV302"),
        ("%gov approve last -i novalue", "GOV302"),
    ],
)
def test_mistakes_are_short(kernel: Kernel, line: str, complaint: str) -> None:
    failed = kernel.run(line)
    assert complaint in failed.text
    assert "File " not in failed.text


def test_settings_are_listed_and_a_config_line_counts(home: Path) -> None:
    own = Kernel(home)  # what %config sets outlives the extension
    try:
        own.ok("%load_ext jupyter_gov")
        assert "JupyterGov" in own.ok("%config").text
        own.ok(f"%config JupyterGov.db_url = {str(home / 'other.db')!r}")
        own.ok(f"%%govflow\n{HELLO}")
        assert (home / "other.db").is_file()
    finally:
        own.close()


def test_a_broken_database_is_a_short_error(kernel: Kernel, home: Path) -> None:
    store = home.parent / "store"
    store.mkdir()
    (store / "gov.db").write_bytes(b"no database" * 1000)
    failed = kernel.run(f"%%govflow\n{HELLO}")
    assert "GOV7" in failed.text
    assert "File " not in failed.text


def test_triggers_are_listed_and_changed(kernel: Kernel) -> None:
    assert "%%govflow" in kernel.ok("%gov triggers").text
    schedule = "triggers: [{id: night, type: io.kestra.plugin.core.trigger.Schedule, cron: '@daily'}]"
    kernel.ok(f"%%govflow --register\n{HELLO}\n{schedule}")
    assert "demo.hello/night" in kernel.ok("%gov triggers").text
    assert "off" in kernel.ok("%gov triggers toggle night --off").text
    assert " on " in kernel.ok("%gov triggers toggle hello/night --on").text
    assert "backfill until" in kernel.ok("%gov triggers backfill night --start 2026-01-01").text
    assert "backfill paused" in kernel.ok("%gov triggers backfill night --change pause").text
    assert "--on or --off" in kernel.run("%gov triggers toggle night").text
    assert "expects a trigger" in kernel.run("%gov triggers toggle --on").text
    assert "GOV302" in kernel.run("%gov triggers toggle nobody --on").text


def test_what_namespaces_keep(kernel: Kernel, gov: Gov, home: Path) -> None:
    (home / "notes.txt").write_text("hello")
    kernel.ok("%gov kv set company.team region north")
    assert "north" in kernel.ok("%gov kv get company.team region").text
    assert "region" in kernel.ok("%gov kv list company.team").text
    kernel.ok("%gov namespace-files put company.team docs/notes.txt notes.txt")
    assert "docs/notes.txt" in kernel.ok("%gov namespace-files list company.team").text
    assert "KEY" in kernel.run("%gov kv get company.team").text
    assert "GOV717" in kernel.run("%gov kv set Not-A-Namespace region north").text
    kernel.ok("%gov kv delete company.team region")
    assert gov.kv.keys("company.team", local_actor()) == []
    assert gov.namespace_files.get("company.team", "docs/notes.txt", local_actor()).read_text() == "hello"
