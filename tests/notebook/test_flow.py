"""Notebook tasks inside of flows, through the service."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.domain.execution import Execution
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import Gov, StartRequest
from jupyter_gov.service.identity import local_actor
from tests.notebook.conftest import HAND_BACK, runs, until, write_notebook

ACTOR = local_actor()
SECRET = "Zebra-123456"


@pytest.fixture
def gov(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gov]:
    monkeypatch.setenv("SECRET_API", base64.b64encode(SECRET.encode()).decode())
    gov = open_gov(data_dir=str(tmp_path / "data"), db_url="")
    gov.start_loop()
    yield gov
    gov.close()


def _start(gov: Gov, folder: Path, tasks: str, **inputs: Any) -> Execution:
    gov.flows.register(
        f"id: flow\nnamespace: tests\ninputs: [{{id: n, type: INT, defaults: 1}}]\ntasks:\n{tasks}", ACTOR
    )
    return gov.executions.start(StartRequest("tests", "flow", inputs=inputs, workdir=str(folder)), ACTOR)


def _end(gov: Gov, execution: Execution) -> Execution:
    return gov.executions.wait(execution.id, ACTOR, until=lambda found: found.state.is_terminal, timeout=60)


def test_outputs_go_on_to_the_next_task_and_secrets_nowhere(gov: Gov, tmp_path: Path) -> None:
    cell = HAND_BACK + "import os\nprint('key', os.environ['API'])\noutput(double=n * 2, key=os.environ['API'])"
    write_notebook(tmp_path / "work.ipynb", cell, parameters="n: int = 0")
    tasks = """\
  - id: work
    type: jupyter_gov.notebook.Papermill
    notebook: work.ipynb
    parameters: {n: "{{ inputs.n }}"}
    secrets: [API]
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.work.outputs.double }} {{ outputs.work.cells | length }}"
"""
    ended = _end(gov, _start(gov, tmp_path, tasks, n=21))
    assert ended.state.name == "SUCCESS"
    after = ended.find("after")
    assert after is not None
    assert after.outputs == {"value": "42 3"}
    everywhere = [str(ended.ordered()), str(gov.executions.logs(ended.id, ACTOR)), str(gov.audit.entries(ACTOR))]
    assert not any("Zebra" in text for text in everywhere)
    saved = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert any(b"injected-parameters" in path.read_bytes() for path in saved)
    assert not any(b"Zebra" in path.read_bytes() for path in saved)


def test_a_timeout_kills_the_kernel_and_keeps_the_notebook(gov: Gov, tmp_path: Path) -> None:
    write_notebook(tmp_path / "n.ipynb", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)")
    tasks = "  - {id: work, type: jupyter_gov.notebook.Papermill, notebook: n.ipynb, timeout: PT5S}\n"
    ended = _end(gov, _start(gov, tmp_path, tasks))
    assert ended.state.name == "FAILED"
    work = ended.find("work")
    assert work is not None
    assert work.failure is not None
    assert work.failure.code == "GOV812"
    assert work.outputs is not None
    assert gov.executions.file(ended.id, work.outputs["notebook"], ACTOR).is_file()
    until(lambda: not runs(int((tmp_path / "pid").read_text())))


def test_a_kill_kills_the_kernel(gov: Gov, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    write_notebook(tmp_path / "n.ipynb", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)")
    started = _start(gov, tmp_path, "  - {id: work, type: jupyter_gov.notebook.Papermill, notebook: n.ipynb}\n")
    until(lambda: pid.exists() and pid.read_text())
    gov.executions.kill(started.id, ACTOR)
    assert _end(gov, started).state.name == "KILLED"
    until(lambda: not runs(int(pid.read_text())))


def test_a_failing_cell_is_told_and_a_restart_goes_on(gov: Gov, tmp_path: Path) -> None:
    write_notebook(tmp_path / "n.ipynb", "x = 1", "import os\nassert os.path.exists('ready'), 'not yet'")
    started = _start(gov, tmp_path, "  - {id: work, type: jupyter_gov.notebook.Papermill, notebook: n.ipynb}\n")
    failed = _end(gov, started)
    work = failed.find("work")
    assert work is not None
    assert work.failure is not None
    assert work.failure.message == "Cell 2 (In [2]) failed: AssertionError: not yet"
    assert work.failure.details is not None
    assert work.failure.details["cell"] == 2
    assert any("AssertionError" in line.message for line in gov.executions.logs(failed.id, ACTOR))
    (tmp_path / "ready").touch()
    gov.executions.restart(started.id, ACTOR)
    until(lambda: gov.executions.get(started.id, ACTOR).state.name != "FAILED")
    assert _end(gov, started).state.name == "SUCCESS"


def test_notebooks_side_by_side(gov: Gov, tmp_path: Path) -> None:
    cell = HAND_BACK + "import os, time\nopen(f'at-{who}', 'w').close()\n"
    cell += "while not all(os.path.exists(f'at-{name}') for name in 'abc'): time.sleep(.01)\noutput(who=who)"
    write_notebook(tmp_path / "n.ipynb", cell, parameters="who = ''")
    tasks = """\
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    concurrencyLimit: 0
    values: [a, b, c]
    tasks:
      - id: work
        type: jupyter_gov.notebook.Papermill
        notebook: n.ipynb
        parameters: {who: "{{ taskrun.value }}"}
        timeout: PT30S
"""
    ended = _end(gov, _start(gov, tmp_path, tasks))
    assert ended.state.name == "SUCCESS"
    found = [run.outputs["outputs"]["who"] for run in ended.ordered() if run.task_id == "work" and run.outputs]
    assert sorted(found) == ["a", "b", "c"]
