"""The task as a flow meets it."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import nbformat
import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.context import Metric
from jupyter_gov.plugins.testing import check
from jupyter_gov.runtime.notebook_engine import NotebookRunner
from jupyter_gov.tasks.notebook import Papermill
from tests.notebook.conftest import HAND_BACK, Bench, runs, until


def test_outputs_metrics_and_the_executed_notebook_come_back(bench: Bench) -> None:
    result = bench.run(
        HAND_BACK + 'output("auc", 0.93)\noutput(rows=3, names=["a", "b"])\nmetric("rows", 3, tags={"set": "train"})',
        "1 + 1",
    )
    assert result.outputs["outputs"] == {"auc": 0.93, "rows": 3, "names": ["a", "b"]}
    assert result.outputs["metrics"] == {"rows": 3}
    assert result.metrics == [Metric("rows", "counter", 3, {"set": "train"})]
    saved = bench.saved(result.outputs["notebook"])
    assert saved.cells[1].outputs[0]["data"]["text/plain"] == "2"
    assert [cell["state"] for cell in result.outputs["cells"]] == ["SUCCESS", "SUCCESS"]
    assert result.outputs["notebook"].endswith("/work.ipynb")


def test_logs_and_progress_are_live(bench: Bench) -> None:
    go_on = bench.folder / "go_on"
    context = bench.context()
    wait = f"while not os.path.exists({str(go_on)!r}): time.sleep(.01)"
    cell = f"import os, time\nprint('first', flush=True)\n{wait}\nprint('second')"
    name = bench.notebook(cell, "# %% a heading", "import sys\nprint('oops', file=sys.stderr)")
    thread = threading.Thread(target=bench.run, kwargs={"notebook": name, "context": context})
    thread.start()
    try:
        until(lambda: "first" in [line for _, line in context.logger.lines])
        assert "second" not in [line for _, line in context.logger.lines]
        assert context.progresses[-1][:2] == (0, 2)
    finally:
        go_on.touch()
        thread.join(30)
    assert ("INFO", "second") in context.logger.lines
    assert ("WARN", "oops") in context.logger.lines
    assert context.progresses[-1][:2] == (2, 2)


def test_a_failing_cell_is_named_and_the_notebook_kept(bench: Bench) -> None:
    with pytest.raises(TaskError) as caught:
        bench.run("# %% title", "x = 1", HAND_BACK + "output(x=x)", "def f(y):\n    return 1 / y\nf(0)", "never = 1")
    error = caught.value
    assert error.code == "GOV843"
    assert error.message == "Cell 4 (In [3]) failed: ZeroDivisionError: division by zero"
    assert error.details is not None
    assert error.details["cell"] == 4
    assert error.details["source"].startswith("def f(y)")
    assert "return 1 / y" in error.details["traceback"]
    assert "\x1b" not in error.details["traceback"]
    assert error.outputs is not None
    assert error.outputs["outputs"] == {"x": 1}
    assert [cell["state"] for cell in error.outputs["cells"]] == ["SUCCESS", "SUCCESS", "FAILED", "NOT_RUN"]
    saved = bench.saved(error.outputs["notebook"])
    assert "An Exception was encountered" in saved.cells[0].source
    assert saved.metadata.papermill.exception is True


def test_leaving_early_by_sys_exit_is_no_failure(bench: Bench) -> None:
    result = bench.run("import sys\nsys.exit(0)", "raise RuntimeError")
    assert [cell["state"] for cell in result.outputs["cells"]] == ["SUCCESS", "NOT_RUN"]
    with pytest.raises(TaskError, match=r"Cell 1 .*SystemExit: 3"):
        bench.run("import sys\nsys.exit(3)")


def test_tags_that_allow_errors_or_skip_cells_hold(bench: Bench) -> None:
    name = bench.notebook("1 / 0", "raise SystemError", "ok = 1")
    path = bench.folder / "start" / name
    nb = nbformat.read(path, as_version=4)
    nb.cells[0].metadata["tags"] = ["raises-exception"]
    nb.cells[1].metadata["tags"] = ["skip-execution"]
    nbformat.write(nb, path)
    result = bench.run(notebook=name)
    assert [cell["number"] for cell in result.outputs["cells"]] == [1, 3]


@pytest.mark.parametrize("reason", ["killed", "timeout", "lease"])
def test_cancelling_stops_a_cell_that_never_ends(bench: Bench, reason: str) -> None:
    context = bench.context()
    stubborn = "import signal, time, os\nprint('pid', os.getpid(), flush=True)\n"
    if reason == "timeout":
        stubborn += "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    name = bench.notebook(stubborn + "while True: time.sleep(.05)", "after = 1")

    def stop() -> None:
        until(lambda: any(line.startswith("pid") for _, line in context.logger.lines))
        context.cancellation.request(reason)

    thread = threading.Thread(target=stop)
    thread.start()
    started = time.monotonic()
    with pytest.raises(TaskError) as caught:
        bench.run(notebook=name, context=context)
    thread.join()
    assert time.monotonic() - started < 10
    assert caught.value.code == {"killed": "GOV811", "timeout": "GOV812", "lease": "GOV814"}[reason]
    assert caught.value.outputs is not None
    states = [cell["state"] for cell in caught.value.outputs["cells"]]
    assert states == ["FAILED", "NOT_RUN"]
    assert bench.saved(caught.value.outputs["notebook"]).cells
    pid = int(next(line for _, line in context.logger.lines if line.startswith("pid")).split()[1])
    until(lambda: not runs(pid))


def test_killing_takes_along_what_the_notebook_started(bench: Bench) -> None:
    context = bench.context()
    cell = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "print('pid', child.pid, flush=True)\nchild.wait()"
    )
    threading.Thread(
        target=lambda: (
            until(lambda: any(line.startswith("pid") for _, line in context.logger.lines)),
            context.cancellation.request("killed"),
        )
    ).start()
    with pytest.raises(TaskError, match="killed"):
        bench.run(cell, context=context)
    pid = int(next(line for _, line in context.logger.lines if line.startswith("pid")).split()[1])
    until(lambda: not runs(pid))


def test_a_run_that_is_cancelled_before_it_begins_starts_nothing(bench: Bench) -> None:
    context = bench.context()
    context.cancellation.request("killed")
    with pytest.raises(TaskError) as caught:
        bench.run("open('started', 'w')", context=context)
    assert caught.value.code == "GOV811"
    assert not (bench.folder / "start" / "started").exists()


def test_a_kernel_that_dies_is_told(bench: Bench) -> None:
    with pytest.raises(TaskError) as caught:
        bench.run("x = 1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    assert caught.value.code == "GOV846"
    assert "cell 2" in caught.value.message
    assert "SIGKILL" in caught.value.message
    assert caught.value.outputs is not None
    assert bench.saved(caught.value.outputs["notebook"]).cells[-1].outputs[-1].ename == "DeadKernelError"


def test_a_notebook_that_writes_without_end_is_stopped(tmp_path: Path) -> None:
    runner = NotebookRunner(identity="tester", output_limit=200_000)
    try:
        bench = Bench(tmp_path, runner)
        with pytest.raises(TaskError) as caught:
            bench.run("while True: print('x' * 1000)")
        assert caught.value.code == "GOV849"
    finally:
        runner.close()


def test_secrets_reach_the_notebook_and_nothing_else(bench: Bench) -> None:
    secret = 'k9-Zebra\n"quoted" Łódź'
    context = bench.context(secrets={"API_KEY": secret, "OTHER": "o" * 12}, variables={"v": "plain"})
    cell = (
        "import os, sys\nkey = os.environ['API_KEY']\nprint(key, flush=True)\nprint(key[:4], end='', flush=True)\n"
        "print(key[4:])\n" + HAND_BACK + "output(length=len(key), key=key, mine=os.environ['MINE'])\n"
        "display({'text/html': '<b>' + key + '</b>', 'text/plain': key}, raw=True)\nkey"
    )
    result = bench.run(cell, "raise_later = None", secrets=["API_KEY"], env={"MINE": "{{ v }}"}, context=context)
    assert result.outputs["outputs"]["length"] == len(secret)
    assert result.outputs["outputs"]["mine"] == "plain"
    text = context.files.get(result.outputs["notebook"]).read_text()
    for part in (secret, "Zebra", json.dumps(secret)[1:-1]):
        assert part not in text
    assert "environment_variables" not in text
    assert str(bench.folder) not in text


def test_a_secret_in_a_traceback_is_masked(bench: Bench) -> None:
    context = bench.context(secrets={"API_KEY": "Zebra-123456"})
    with pytest.raises(TaskError) as caught:
        bench.run("import os\nraise ValueError(os.environ['API_KEY'])", secrets=["API_KEY"], context=context)
    assert "Zebra" not in json.dumps([caught.value.message, caught.value.details])
    assert "Zebra" not in json.dumps(context.logger.lines)
    assert caught.value.outputs is not None
    assert "Zebra" not in context.files.get(caught.value.outputs["notebook"]).read_text()


def test_a_secret_is_refused_as_a_parameter(bench: Bench) -> None:
    context = bench.context(secrets={"K": "Zebra-123456"}, variables={"key": "Zebra-123456"})
    context.secret("K")
    with pytest.raises(TaskError) as caught:
        bench.run("x = 1", parameters="key = ''", given={"key": "bearer {{ key }}"}, context=context)
    assert caught.value.code == "GOV847"
    assert "Zebra" not in str(caught.value)


def test_unknown_kernel_folder_and_file_are_told(bench: Bench) -> None:
    name = bench.notebook("x = 1")
    with pytest.raises(TaskError, match=r"no kernel named 'julia-9'.*python3") as caught:
        bench.run(notebook=name, kernelName="julia-9")
    assert caught.value.code == "GOV844"
    with pytest.raises(TaskError) as caught:
        bench.run(notebook=name, cwd="missing")
    assert caught.value.code == "GOV845"
    (bench.folder / "start" / "broken.ipynb").write_text("{ no json")
    with pytest.raises(TaskError) as caught:
        bench.run(notebook="broken.ipynb")
    assert caught.value.code == "GOV840"
    (bench.folder / "start" / "list.ipynb").write_text("[1, 2]")
    with pytest.raises(TaskError) as caught:
        bench.run(notebook="list.ipynb")
    assert caught.value.code == "GOV840"


def test_the_kernel_works_in_the_folder_of_its_notebook(bench: Bench) -> None:
    folder = bench.folder / "start" / "sub"
    folder.mkdir(parents=True)
    (folder / "helper.py").write_text("VALUE = 42\n")
    before = Path.cwd()
    cell = HAND_BACK + "import os, helper\noutput(cwd=os.getcwd(), value=helper.VALUE)"
    name = bench.notebook(cell, name="sub/n.ipynb")
    assert bench.run(notebook=name).outputs["outputs"] == {"cwd": str(folder.resolve()), "value": 42}
    assert Path.cwd() == before
    cell = HAND_BACK + "import os\noutput(cwd=os.getcwd())"
    name = bench.notebook(cell, name="sub/n.ipynb")
    found = bench.run(notebook=name, cwd=".").outputs["outputs"]["cwd"]
    assert found == str((bench.folder / "start").resolve())


def test_a_notebook_without_metadata_and_of_an_older_formatruns(bench: Bench) -> None:
    path = bench.folder / "start"
    path.mkdir()
    cell = {"cell_type": "code", "source": "2 + 2", "metadata": {}, "outputs": [], "execution_count": None}
    document = {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [cell]}
    (path / "old {x}.ipynb").write_text(json.dumps(document))
    result = bench.run(notebook="old {x}.ipynb", outputName="new.ipynb")
    assert result.outputs["notebook"].endswith("/new.ipynb")
    saved = bench.saved(result.outputs["notebook"])
    assert saved.cells[0].outputs[0].data["text/plain"] == "4"
    assert saved.metadata.papermill.input_path == "old {x}.ipynb"


def test_what_a_flow_may_write_is_checked() -> None:
    check(Papermill, {"notebook": "{{ inputs.nb }}", "env": {"A": "{{ x }}"}, "parameters": {"a": "{{ b }}"}})
    for wrong in ({"secrets": ["a b"]}, {"env": {"a=b": "c"}}, {"outputName": "../x.ipynb"}, {"notebok": "x"}):
        with pytest.raises(TaskError):
            check(Papermill, {"notebook": "n.ipynb", **wrong})


def test_the_environment_is_the_allowed_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_GOV_DB_URL", "postgresql://secret")
    cell = HAND_BACK + "from os import environ as env\n"
    cell += "output(db=env.get('JUPYTER_GOV_DB_URL'), run=env['JUPYTER_GOV_EXECUTION_ID'])"
    context = bench.context()
    found = bench.run(cell, context=context).outputs["outputs"]
    assert found == {"db": None, "run": context.execution.id}


def test_a_notebook_that_cannot_be_saved_is_told(bench: Bench) -> None:
    context = bench.context()
    (context.working_dir / "work.ipynb").mkdir()
    with pytest.raises(TaskError) as caught:
        bench.run("x = 1", context=context)
    assert caught.value.code == "GOV850"


def test_what_a_notebook_fakes_is_no_value(bench: Bench) -> None:
    cell = (
        "for data in ([1], {'outputs': 3}, {'name': 1}, None):\n"
        "    for kind in ('output', 'metric'):\n"
        "        display({f'application/vnd.jupyter-gov.{kind}+json': data, 'text/plain': ''}, raw=True)"
    )
    result = bench.run(cell)
    assert result.outputs["outputs"] == {}
    assert result.metrics == []
