"""``jupyter gov demo``: the main job from end to end on embedded defaults."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from jupyter_gov import __version__
from jupyter_gov.cli import health
from jupyter_gov.cli.commands import demo
from jupyter_gov.cli.mailsink import MailSink
from tests.cli.conftest import SCRIPT, Cli


def test_unattended(cli: Cli, home: Path) -> None:
    ended = cli("demo", "shown", "--yes")
    assert ended.code == 0, ended.err
    for fact in (
        "✖ FAILED company.team.ai.governed-model-training",
        "✔ SUCCESS company.team.ai.governed-model-training",
        '‖ gate "human-approval-gate" asks',
        "✔ SUCCESS company.team.mlops.model-deployment-with-approval",
        "Dear leadership team",
        "✔ SUCCESS company.team.automation.governed-ai-agent",
        "executed notebook: report-executed.ipynb",
        "hold together",
        "jupyter lab 00_start.ipynb",
    ):
        assert fact in ended.out
    assert (home / "shown" / "report-executed.ipynb").is_file()
    assert "Dear leadership team" in (home / "shown" / "mail" / "1.eml").read_text()
    states = [run["state"] for run in cli("runs", "--json").json]
    assert sorted(states) == ["FAILED", "SUCCESS", "SUCCESS", "SUCCESS", "SUCCESS"]


@pytest.mark.parametrize("on_path", [True, False])
def test_the_next_steps_work_as_they_are_printed(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    on_path: bool,
) -> None:
    folder = home / "my venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "activate").touch()
    for name in ("jupyter", "jupyter-gov"):
        (folder / name).touch(mode=0o755)
    monkeypatch.setattr("sys.argv", ["my venv/bin/jupyter-gov", "demo"])
    monkeypatch.setenv("PATH", str(folder) if on_path else str(home))
    with MailSink(home / "mail") as mail:
        demo.goodbye(home, mail)
    assert (". 'my venv/bin/activate'" in capsys.readouterr().out) is not on_path


@pytest.mark.parametrize("found", [None, "0.0.1", __version__])
def test_the_last_lines_say_if_jupyterlab_lacks_the_extension(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: str | None
) -> None:
    share = home / "share"
    monkeypatch.setattr(health, "jupyter_path", lambda *parts: [str(share.joinpath(*parts))])
    if found is not None:
        extension = share / "labextensions" / "jupyter-gov"
        extension.mkdir(parents=True)
        (extension / "package.json").write_text(json.dumps({"version": found}))
    with MailSink(home / "mail") as mail:
        demo.goodbye(home, mail)
    last = capsys.readouterr().out.partition("In JupyterLab: ")[2]
    assert last
    assert ("! JupyterLab extension: " in last) is (found != __version__)
    assert found == __version__ or "force-reinstall" in last


def test_nobody_to_ask_means_rejected(cli: Cli) -> None:
    ended = cli("demo", "shown")
    assert ended.code == 1
    assert "nobody is at the terminal: rejected" in ended.out
    decided = cli("approvals", "--all", "--json").json
    assert {gate["status"] for gate in decided} == {"REJECTED"}


def test_asks_at_the_terminal(cli: Cli, home: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(SCRIPT), "demo", "shown"],
        cwd=home,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    os.close(theirs)
    os.write(ours, b"maybe\ny\ny\n")
    out, _ = process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == 0
    assert "please answer y or n" in out


def test_keeps_what_was_edited_and_refuses_what_cannot_be_written(cli: Cli, home: Path) -> None:
    (home / "shown").mkdir()
    (home / "shown" / "00_start.ipynb").write_text("mine")
    assert cli("demo", "shown", "--yes").code == 0
    assert (home / "shown" / "00_start.ipynb").read_text() == "mine"
    (home / "file").write_text("")
    refused = cli("demo", "file/shown", "--yes")
    assert (refused.code, "GOV352" in refused.err) == (1, True)
