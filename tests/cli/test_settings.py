"""Where settings come from, and what ``jupyter gov doctor`` tells of them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from traitlets.config import Config

from jupyter_gov.config import JupyterGov
from jupyter_gov.runtime.cancellation import CancelToken
from jupyter_gov.runtime.logs import LogLimits
from jupyter_gov.runtime.process import ProcessRunner
from tests.cli.conftest import Cli
from tests.small_flows import HELLO


@pytest.fixture
def config(home: Path) -> Path:
    """The folder of config files that this test's processes read."""
    folder = home.parent / "config"
    folder.mkdir()
    return folder


def test_doctor_lists_what_is_in_effect_and_where_it_comes_from(
    cli: Cli, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config / "jupyter_gov_config.py").write_text("c.JupyterGov.workers = 7\nc.JupyterGov.mail_host = 'post.example'\n")
    (config / "jupyter_gov_config.json").write_text('{"JupyterGov": {"mail_host": "mail.example"}}')
    monkeypatch.setenv("JUPYTER_GOV_WORKERS", "3")
    monkeypatch.setenv("JUPYTER_GOV_BACKGROUND_LOOP", "no")
    found = {setting["name"]: setting for setting in cli("doctor", "--json").json["settings"]}
    shown = {name: (setting["value"], setting["origin"]) for name, setting in found.items()}
    assert shown["workers"] == ("7", str(config / "jupyter_gov_config.py"))
    assert shown["mail_host"] == ("mail.example", str(config / "jupyter_gov_config.json"))
    assert shown["background_loop"] == ("False", "JUPYTER_GOV_BACKGROUND_LOOP")
    assert shown["lease_seconds"] == ("15.0", "default")
    assert shown["db_url"][1] == "JUPYTER_GOV_DB_URL"
    assert Path(shown["files_root"][0]).is_absolute()
    assert "workers" in cli("doctor").out


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ann:hunter2@127.0.0.1:1/gov",
        "postgresql+psycopg:///gov?user=a&password=hunter2",
        "postgresql+psycopg://ann@127.0.0.1:1/gov?sslpassword=hunter2",
    ],
)
def test_doctor_shows_no_secret(cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("JUPYTER_GOV_DB_URL", url)
    monkeypatch.setenv("JUPYTER_GOV_ENCRYPTION_KEY", "hunter2")
    monkeypatch.setenv("JUPYTER_GOV_AI_PROVIDER", '{"type": "x", "apiKey": "hunter2"}')
    listed = cli("doctor").out.partition("Setting ")[2]
    settings = {setting["name"]: setting["value"] for setting in cli("doctor", "--json").json["settings"]}
    assert settings["encryption_key"] == settings["ai_provider"] == "(set, not shown)"
    for shown in (listed, str(settings)):
        assert "***" in shown
        assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "many"),
        ("WORKERS", "0"),
        ("BACKGROUND_LOOP", "maybe"),
        ("AI_PROVIDER", "{"),
        ("SECRET_NAMESPACES", '{"KEY": "company"}'),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"JUPYTER_GOV_{name}", value)
    refused, doctor = cli("runs"), cli("doctor")
    assert (refused.code, doctor.code) == (1, 1)
    for said in (refused.err, doctor.out):
        assert f"JUPYTER_GOV_{name}" in said
        assert "GOV920" in said
    assert "Traceback" not in refused.err + doctor.err


@pytest.mark.parametrize("text", ["c.JupyterGov.workers = 'many'", "c.JupyterGov.workers = ", "workers = undefined"])
def test_a_config_file_that_cannot_be_used_is_refused(cli: Cli, config: Path, text: str) -> None:
    (config / "jupyter_gov_config.py").write_text(text)
    refused = cli("runs")
    assert refused.code == 1
    assert "GOV920" in refused.err
    assert "Traceback" not in refused.err


def test_the_command_line_names_the_database_whatever_a_config_file_says(
    cli: Cli, config: Path, home: Path, workspace: Path
) -> None:
    (config / "jupyter_gov_config.py").write_text(f"c.JupyterGov.db_url = {str(home / 'config.db')!r}\n")
    assert cli("--db", "chosen.db", "register", "flows/notebook-report.yaml").code == 0
    assert [flow["id"] for flow in cli("--db", "chosen.db", "flows", "--json").json] == ["notebook-report"]
    assert not (home / "config.db").exists()
    settings = cli("--db", f"sqlite:///{home / 'chosen.db'}", "doctor", "--json").json["settings"]
    found = next(setting for setting in settings if setting["name"] == "db_url")
    assert found["value"].endswith("chosen.db")
    assert found["origin"] == "command line"
    assert cli("flows", "--json").json == []


def test_the_kernel_of_a_notebook_uses_the_database_of_the_command(cli: Cli, config: Path, home: Path) -> None:
    (config / "jupyter_gov_config.py").write_text(f"c.JupyterGov.db_url = {str(home / 'config.db')!r}\n")
    cells = ["%load_ext jupyter_gov", f"%%govflow\n{HELLO}"]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    (home / "below").mkdir()
    nbformat.write(notebook, home / "below" / "hello.ipynb")
    ran = cli("--db", "chosen.db", "run", "below/hello.ipynb", "-q")
    assert ran.code == 0, ran.err
    assert {run["flow"] for run in cli("--db", "chosen.db", "runs", "--json").json} >= {"hello"}
    assert len(cli("--db", "chosen.db", "runs", "--json").json) == 2
    assert not (home / "config.db").exists()


def test_a_variable_that_is_no_setting_is_told_of(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "hello.yaml").write_text(HELLO)
    monkeypatch.setenv("JUPYTER_GOV_TEST_ANYTHING", "1")
    monkeypatch.setenv("JUPYTER_GOV_TIMEOUT", "PT1M")
    assert "is no setting" not in cli("run", "hello.yaml").err + cli("doctor").out
    monkeypatch.setenv("JUPYTER_GOV_WORKER", "3")
    warned = cli("run", "hello.yaml", "-q")
    assert warned.code == 0
    assert warned.err.count("JUPYTER_GOV_WORKER is no setting") == 1
    assert 'did you mean "JUPYTER_GOV_WORKERS"?' in warned.err
    assert "JUPYTER_GOV_WORKER is no setting" in cli("doctor").out
    assert "JUPYTER_GOV_WORKER" not in cli("runs").err


def test_what_counts_unless_a_setting_says_otherwise_is_what_the_settings_say() -> None:
    settings = JupyterGov(config=Config()).task_settings()
    assert LogLimits() == LogLimits.of(settings) == LogLimits.of({})
    assert settings["process.max_output_bytes"] == ProcessRunner(CancelToken()).output_limit
