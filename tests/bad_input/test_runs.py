"""Flows that fail where they run: the execution says why, nothing is left running, and the service goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_gov.errors import AccessError, GovError, InputError, InstallationError, StoreError
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest
from tests.bad_input.cases import HEAD, LOG, RUNS
from tests.bad_input.conftest import contents


@pytest.fixture
def strict(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    service = open_gov(data_dir=str(tmp_path / "data"), max_output_bytes=200_000)
    service.start_loop()
    yield service
    service.close()


def children() -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(int(status.parent.name))
    return found


@pytest.mark.parametrize("case", RUNS, ids=lambda case: case.name)
def test_a_failing_run_says_why(case, strict, actor):
    flow = strict.flows.register(f"{HEAD}variables:\n  a: {{}}\ntasks:\n{case.tasks}", actor)
    execution = strict.executions.start(StartRequest(flow.namespace, flow.flow_id), actor)
    execution = strict.executions.wait(execution.id, actor, until=lambda found: found.state.is_terminal, timeout=60)
    assert execution.state == "FAILED"
    failure = execution.failure
    assert failure is not None
    assert failure.code.startswith(case.code), failure
    for name in case.names:
        assert name in failure.message, failure
    assert "Traceback" not in failure.message
    again = strict.flows.register(HEAD.replace("id: f", "id: after") + LOG, actor)
    after = strict.executions.start(StartRequest(again.namespace, again.flow_id), actor)
    after = strict.executions.wait(after.id, actor, until=lambda found: found.state.is_terminal, timeout=30)
    assert after.state == "SUCCESS"
    assert strict.audit.verify(actor).ok


def test_a_script_that_never_ends_leaves_no_process_behind(strict, actor):
    before = children()
    text = HEAD + (
        "tasks:\n  - id: t\n    type: io.kestra.plugin.scripts.shell.Commands\n    timeout: PT1S\n"
        "    commands: ['setsid sleep 987654 & sleep 987654']\n"
    )
    strict.flows.register(text, actor)
    execution = strict.executions.start(StartRequest("n", "f"), actor)
    strict.executions.wait(execution.id, actor, until=lambda found: found.state.is_terminal, timeout=60)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 987654" not in listed
    watchdog = children() - before
    assert len(watchdog) <= 1


def test_a_plugin_that_cannot_be_imported_is_named_and_stops_nobody(tmp_path, monkeypatch):
    (tmp_path / "broken_plugin.py").write_text("raise RuntimeError('no good')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry({"acme.Broken": "broken_plugin:Task"})
    assert registry.find("acme.Broken") is None
    assert "no good" in (registry.problem("acme.Broken") or "")
    assert registry.find("io.kestra.plugin.core.log.Log") is not None
    with pytest.raises(InstallationError) as caught:
        registry.load("acme.Broken")
    assert caught.value.code == "GOV901"


def test_a_corrupt_database_is_named_and_left_alone(tmp_path):
    database = tmp_path / "gov.db"
    database.write_bytes(b"this is no database, " * 500)
    before = database.read_bytes()
    with pytest.raises(StoreError) as caught:
        open_gov(db_url=str(database))
    assert caught.value.code.startswith("GOV7")
    assert caught.value.hint
    assert database.read_bytes() == before


def test_a_locked_database_gives_a_clear_error(strict, actor, tmp_path):
    import sqlite3

    blocker = sqlite3.connect(tmp_path / "data" / "gov.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError) as caught:
            strict.flows.register(HEAD + LOG, actor)
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    assert caught.value.code.startswith("GOV7")
    assert strict.flows.register(HEAD + LOG, actor).revision == 1


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    home = tmp_path / "home"
    home.write_text("a file stands where the folder should be")
    with pytest.raises(StoreError) as caught:
        open_gov(data_dir=str(home / "jupyter_gov"))
    assert caught.value.code.startswith("GOV7")
    assert "home" in str(caught.value)


def test_answers_to_a_gate_that_are_wrong_change_nothing(strict, actor, tmp_path):
    from jupyter_gov.domain.approval import Verdict

    text = HEAD + (
        "tasks:\n  - id: gate\n    type: io.kestra.plugin.core.flow.Pause\n    onResume:\n"
        "      - {id: reason, type: STRING, required: true}\n      - {id: rate, type: FLOAT, max: 1}\n"
    )
    strict.flows.register(text, actor)
    execution = strict.executions.start(StartRequest("n", "f"), actor)
    strict.executions.wait(execution.id, actor, until=lambda found: found.state == "PAUSED", timeout=30)
    gate = strict.approvals.list(actor)[0].approval
    before = contents(tmp_path / "data" / "gov.db")

    def answer(verdict=Verdict.APPROVE, digest=gate.subject_digest, **inputs):
        return strict.approvals.decide(gate.id, verdict, actor, subject_digest=digest, inputs=inputs)

    for wrong, code in (
        (answer, "GOV2"),
        (lambda: answer(reason="x", rate=7), "GOV203"),
        (lambda: answer(reason="x", rate="no number"), "GOV202"),
        (lambda: answer(reason="x", rate=0.5, other=1), "GOV205"),
        (lambda: answer(digest="sha256:0", reason="x", rate=0.5), "GOV412"),
        (lambda: answer(Verdict.REJECT), "GOV221"),
    ):
        with pytest.raises((InputError, AccessError)) as caught:
            wrong()
        assert caught.value.code.startswith(code)
        assert contents(tmp_path / "data" / "gov.db") == before
    assert answer(reason="fine", rate="0.5").status == "APPROVED"
    with pytest.raises(GovError) as caught:
        answer(reason="again", rate=0.5)
    assert caught.value.code == "GOV409"


def test_the_command_line_shows_errors_without_python_frames(tmp_path):
    (tmp_path / "bad.yaml").write_text(HEAD + LOG + "    mesage: hi\n")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "jupyter-gov"), "check", "bad.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    shown = done.stdout + done.stderr
    assert "GOV112" in shown
    assert 'did you mean "message"' in shown
    assert "Traceback" not in shown
