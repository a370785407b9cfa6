"""``papermill … --engine jupyter_gov``: the run is in the history."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_gov.domain.execution import Execution
from jupyter_gov.service import open_gov
from jupyter_gov.service.identity import local_actor
from tests.notebook.conftest import runs, until, write_notebook


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("JUPYTER_GOV_DATA_DIR", str(folder))
    monkeypatch.delenv("JUPYTER_GOV_DB_URL", raising=False)
    return folder


def _papermill(folder: Path, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "--engine", "jupyter_gov", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert code is None or done.returncode == code, done.stderr
    return done


def _recorded() -> list[Execution]:
    gov = open_gov()
    try:
        actor = local_actor()
        return [gov.executions.get(found.id, actor) for found in gov.executions.list(actor)]
    finally:
        gov.close()


def _outputs(execution: Execution) -> Mapping[str, Any]:
    (run,) = execution.task_runs.values()
    assert run.outputs is not None
    return run.outputs


def _sha256(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_a_run_is_on_record(tmp_path: Path, data: Path) -> None:
    write_notebook(tmp_path / "in.ipynb", "# %% title", "import pandas\nrows * 2", parameters="rows: int = 1")
    os.environ["VERY_SECRET"] = "Zebra-123456"
    try:
        _papermill(tmp_path, "-p", "rows", "21")
    finally:
        del os.environ["VERY_SECRET"]
    (execution,) = _recorded()
    assert execution.state.name == "SUCCESS"
    assert execution.inputs == {"rows": 21}
    assert execution.starter == local_actor().id
    outputs = _outputs(execution)
    assert outputs["inputDigest"] == _sha256(tmp_path / "in.ipynb")
    assert outputs["outputDigest"] == _sha256(tmp_path / "out.ipynb")
    assert [(cell["number"], cell["state"]) for cell in outputs["cells"]] == [
        *((1, "SUCCESS"), (None, "SUCCESS"), (3, "SUCCESS"))
    ]
    assert all(cell["seconds"] >= 0 for cell in outputs["cells"])
    assert outputs["environment"]["python"] == sys.version.split()[0]
    assert {"pandas", "papermill", "jupyter_gov", "kernel"} <= set(outputs["environment"])
    written = (tmp_path / "out.ipynb").read_text()
    assert "42" in written
    for text in (json.dumps(dict(outputs)), written):
        assert "Zebra" not in text
        assert str(tmp_path) not in text


def test_a_failure_is_on_record_and_marked_in_the_notebook(tmp_path: Path, data: Path) -> None:
    write_notebook(tmp_path / "in.ipynb", "x = 1", "x / 0", "never = 1")
    done = _papermill(tmp_path, code=1)
    assert "ZeroDivisionError" in done.stderr
    (execution,) = _recorded()
    assert execution.state.name == "FAILED"
    assert execution.failure is not None
    assert execution.failure.message == "Cell 2 (In [2]) failed: ZeroDivisionError: division by zero"
    outputs = _outputs(execution)
    assert outputs["outputDigest"] == _sha256(tmp_path / "out.ipynb")
    assert [cell["state"] for cell in outputs["cells"]] == ["SUCCESS", "FAILED", "NOT_RUN"]
    assert "An Exception was encountered" in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[0].source


def test_an_unknown_parameter_runs_and_records_nothing(tmp_path: Path, data: Path) -> None:
    write_notebook(tmp_path / "in.ipynb", "open('ran', 'w')", parameters="rows = 1")
    done = _papermill(tmp_path, "-p", "row", "2", code=1)
    assert "GOV841" in done.stderr
    assert "Did you mean 'rows'?" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert _recorded() == []


def test_what_cannot_be_recorded_does_not_begin(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no.db").write_text("this is no database, and long enough to be read as one " * 100)
    monkeypatch.setenv("JUPYTER_GOV_DB_URL", f"sqlite:///{tmp_path / 'no.db'}")
    write_notebook(tmp_path / "in.ipynb", "open('ran', 'w')")
    done = _papermill(tmp_path, code=1)
    assert "GOV7" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_a_run_that_is_terminated_is_on_record(tmp_path: Path, data: Path) -> None:
    write_notebook(tmp_path / "in.ipynb", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)")
    command = [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "--engine", "jupyter_gov"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    pid = tmp_path / "pid"
    try:
        until(lambda: pid.exists() and pid.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    until(lambda: not runs(int(pid.read_text())))
    (execution,) = _recorded()
    assert execution.state.name == "KILLED"


def test_the_kernel_of_a_batch_is_the_users_own_and_unattended(tmp_path: Path, data: Path) -> None:
    cell = (
        "import os\nfor name in "
        "['JUPYTER_GOV_HEADLESS', 'JUPYTER_GOV_DATA_DIR', 'JUPYTER_GOV_EXECUTION_ID']: print(os.environ.get(name))"
    )
    write_notebook(tmp_path / "in.ipynb", cell)
    _papermill(tmp_path)
    (output,) = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[0].outputs
    assert output.text.splitlines() == ["1", str(data), "None"]


def test_from_python_the_execution_is_handed_over(tmp_path: Path, data: Path) -> None:
    import papermill

    write_notebook(tmp_path / "in.ipynb", "1 + 1")
    found: list[Execution] = []
    nb = papermill.execute_notebook(
        str(tmp_path / "in.ipynb"), None, engine_name="jupyter_gov", progress_bar=False, on_recorded=found.append
    )
    assert nb.cells[0].outputs[0].data["text/plain"] == "2"
    assert [execution.id for execution in found] == [execution.id for execution in _recorded()]


def test_the_entry_point_is_light_and_cannot_break_papermill() -> None:
    code = textwrap.dedent("""\
        import sys
        before = set(sys.modules)
        from jupyter_gov.kernel import papermill_engine
        loaded = {name.split(".")[0] for name in set(sys.modules) - before}
        print(sorted(loaded - set(sys.stdlib_module_names)))
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['jupyter_gov']"
    code = textwrap.dedent("""\
        import builtins
        real = builtins.__import__
        def broken(name, *rest, **more):
            needed = name.endswith((".kernel", ".errors", ".legible", ".papermill_engine"))
            if name.startswith("jupyter_gov.") and not needed:
                raise RuntimeError(name)
            return real(name, *rest, **more)
        builtins.__import__ = broken
        import papermill
        from papermill.engines import papermill_engines
        print(papermill_engines.get_engine("jupyter_gov").__name__)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "GovEngine"
